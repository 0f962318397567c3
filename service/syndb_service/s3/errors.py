"""What S3 and boto3 raise, as this service's errors.

The messages are made here: they name the part, the bucket and what to do; never an access key, nor what the
store said of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from botocore import exceptions
from urllib3.exceptions import HTTPError

from syndb_service.errors import CLOCK_OFF, BadSetting, ServiceError, TransientError, format_span

_MISSING = {"NoSuchKey", "NoSuchUpload", "404"}
_TAKEN = {"PreconditionFailed", "ConditionalRequestConflict", "412"}
_SKEWED = {"RequestTimeTooSkewed", "RequestExpired"}
_OTHER_REGION = {"AuthorizationHeaderMalformed", "PermanentRedirect", "IllegalLocationConstraintException"}
_BEYOND = {"InvalidRange", "416"}
_NO_CREDENTIALS = (
    exceptions.NoCredentialsError,
    exceptions.PartialCredentialsError,
    exceptions.CredentialRetrievalError,
    exceptions.TokenRetrievalError,
)


class ObjectNotFound(Exception):
    """There is no such object or upload."""


class S3Unavailable(TransientError):
    """The store does not answer, or says that it can't now: the same call may succeed in a moment."""


class RangeNotSatisfiableInS3(Exception):
    """A range begins where the object has ended."""


class PreconditionFailed(Exception):
    """A conditional write found another object than it was made for."""


def code_of(error: exceptions.ClientError) -> str:
    """Return the code of a refusal: ``NoSuchKey``, or the status where the answer had no body."""
    return str(error.response.get("Error", {}).get("Code", ""))


def status_of(error: exceptions.ClientError) -> int:
    """Return the HTTP status of a refusal; 0 where it has none."""
    metadata: dict[str, Any] = error.response.get("ResponseMetadata", {})
    return int(metadata.get("HTTPStatusCode", 0))


@contextmanager
def translate_s3_errors(part: str) -> Iterator[None]:
    """Turn what S3 raises into one of the three answers above, or a ``TransientError`` naming the part."""
    try:
        yield
    except exceptions.ClientError as error:
        code = code_of(error)
        if code in _MISSING:
            raise ObjectNotFound(code) from error
        if code in _TAKEN:
            raise PreconditionFailed(code) from error
        if code in _BEYOND:
            raise RangeNotSatisfiableInS3(code) from error
        raise s3_unavailable(part, error) from error
    except (exceptions.BotoCoreError, HTTPError, OSError) as error:
        raise s3_unavailable(part, error) from error


def s3_unavailable(part: str, error: Exception) -> TransientError:
    """Say that a part does not do its work, and why as far as that is known."""
    if isinstance(error, _NO_CREDENTIALS):
        what, hint = "has no credentials for it", "An operator has to look at the service's S3 credentials."
        message = f"the {part} can't be used: the service {what}"
    elif isinstance(error, exceptions.ClientError):
        status, code = status_of(error), code_of(error)
        if code in _SKEWED:
            return _clock_skew_error(part, error)
        if status in (401, 403):
            message = f"the {part} refuses the service ({code})"
            hint = "An operator has to look at the service's S3 credentials and rights."
        elif code == "NoSuchBucket":
            message = f"the bucket of the {part} is gone"
            hint = "An operator has to look at the bucket."
        else:
            message = f"the {part} can't do it now ({code or status})"
            hint = "It is tried again; if it stays so, an operator has to look at the store."
            return S3Unavailable(message, hint=hint, code="store_unavailable")
    else:
        message = f"the {part} does not answer ({type(error).__name__})"
        hint = "It is tried again; if it stays so, an operator has to look at the store and the network."
        return S3Unavailable(message, hint=hint, code="store_unavailable")
    return TransientError(message, hint=hint, code="store_unavailable")


def _clock_skew_error(part: str, error: exceptions.ClientError) -> TransientError:
    """Say that the store does not take what is signed at this time, and how far apart the clocks are."""
    headers = error.response.get("ResponseMetadata", {}).get("HTTPHeaders", {})
    apart = "differs from"
    with suppress(TypeError, ValueError):
        ahead_s = (datetime.now(UTC) - parsedate_to_datetime(headers.get("date"))).total_seconds()
        if abs(ahead_s) > 1:
            apart = f"is {format_span(abs(ahead_s))} {'ahead of' if ahead_s > 0 else 'behind'}"
    return TransientError(
        f"the clock of this machine {apart} that of the {part}, which refuses what is signed so",
        code=CLOCK_OFF,
        hint="Set the clock of whichever is wrong; both should follow a time server (NTP).",
    )


def at_start(part: str, bucket: str, error: Exception) -> ServiceError:
    """Say why the service can't start with a part: a setting to mend, or a store that is away."""
    names = "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (or the role that the service runs as)"
    if isinstance(error, _NO_CREDENTIALS):
        return BadSetting(f"there are no credentials for the {part}", hint=f"Set {names}.")
    if isinstance(error, exceptions.ParamValidationError):
        return BadSetting(f"the {part} has a bucket or prefix that S3 does not take: {bucket}")
    if not isinstance(error, exceptions.ClientError):
        return s3_unavailable(part, error)
    status, code = status_of(error), code_of(error)
    if code in _SKEWED:
        told = _clock_skew_error(part, error)
        return BadSetting(told.message, code=CLOCK_OFF, hint=told.hint)
    if code in _OTHER_REGION or (status in (301, 307, 400) and "region" in (code + str(error)).lower()):
        return BadSetting(
            f"the bucket {bucket!r} of the {part} lies in another region", hint="Set AWS_REGION."
        )
    if code in ("SignatureDoesNotMatch", "InvalidAccessKeyId", "InvalidToken", "ExpiredToken"):
        return BadSetting(
            f"the {part} answers 403 ({code}): the credentials are wrong",
            hint=f"Check {names}, and that the endpoint is the one they belong to.",
        )
    if status in (401, 403):
        return BadSetting(
            f"the {part} answers 403 ({code}): the credentials may not use the bucket {bucket!r}",
            hint="They need to list the bucket, and to read, write and delete its objects.",
        )
    if code in ("NoSuchBucket", "404"):
        return BadSetting(
            f"the {part} has no bucket {bucket!r}", hint="Make it, or correct the URL or the endpoint."
        )
    return s3_unavailable(part, error)
