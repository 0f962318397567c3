"""Translation of errors of S3 and boto3 to errors of the service.

The messages name the dependency, the bucket and the next action. They contain neither an access key nor the
store's own text about one.
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
    """The object or the upload does not exist."""


class S3Unavailable(TransientError):
    """The store does not respond, or responds that it is overloaded: a retry may succeed."""


class RangeNotSatisfiableInS3(Exception):
    """A range starts after the end of the object."""


class PreconditionFailed(Exception):
    """The object of a conditional write is not the expected one."""


def code_of(error: exceptions.ClientError) -> str:
    """Return the error code of S3: ``NoSuchKey``, or the status if the response had no body."""
    return str(error.response.get("Error", {}).get("Code", ""))


def status_of(error: exceptions.ClientError) -> int:
    """Return the HTTP status of an error of S3; 0 if it has none."""
    metadata: dict[str, Any] = error.response.get("ResponseMetadata", {})
    return int(metadata.get("HTTPStatusCode", 0))


@contextmanager
def translate_s3_errors(dependency: str) -> Iterator[None]:
    """Translate errors of S3 to the exceptions above, or to a ``TransientError`` with the dependency."""
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
        raise s3_unavailable(dependency, error) from error
    except (exceptions.BotoCoreError, HTTPError, OSError) as error:
        raise s3_unavailable(dependency, error) from error


def s3_unavailable(dependency: str, error: Exception) -> TransientError:
    """Return the error of a dependency that S3 does not serve, with the cause as far as it is known."""
    if isinstance(error, _NO_CREDENTIALS):
        message = f"the {dependency} can't be used: the service has no credentials for it"
        hint = "An operator has to look at the service's S3 credentials."
    elif isinstance(error, exceptions.ClientError):
        status, code = status_of(error), code_of(error)
        if code in _SKEWED:
            return _clock_skew_error(dependency, error)
        if status in (401, 403):
            message = f"the {dependency} refuses the service ({code})"
            hint = "An operator has to look at the service's S3 credentials and rights."
        elif code == "NoSuchBucket":
            message = f"the bucket of the {dependency} is gone"
            hint = "An operator has to look at the bucket."
        else:
            message = f"the {dependency} can't do it now ({code or status})"
            hint = "It is tried again; if that does not help, an operator has to check the store."
            return S3Unavailable(message, hint=hint, code="store_unavailable")
    else:
        message = f"the {dependency} does not answer ({type(error).__name__})"
        hint = "It is tried again; if that does not help, an operator has to check the store and the network."
        return S3Unavailable(message, hint=hint, code="store_unavailable")
    return TransientError(message, hint=hint, code="store_unavailable")


def _clock_skew_error(dependency: str, error: exceptions.ClientError) -> TransientError:
    """Return the error of a store that rejects signatures because the clocks differ, with the difference."""
    headers = error.response.get("ResponseMetadata", {}).get("HTTPHeaders", {})
    difference = "differs from"
    with suppress(TypeError, ValueError):
        ahead_s = (datetime.now(UTC) - parsedate_to_datetime(headers.get("date"))).total_seconds()
        if abs(ahead_s) > 1:
            difference = f"is {format_span(abs(ahead_s))} {'ahead of' if ahead_s > 0 else 'behind'}"
    return TransientError(
        f"the clock of this machine {difference} that of the {dependency}, which refuses what is signed so",
        code=CLOCK_OFF,
        hint="Set the clock of whichever is wrong; both should follow a time server (NTP).",
    )


def at_start(dependency: str, bucket: str, error: Exception) -> ServiceError:
    """Return the error that stops the start: ``BadSetting``, or ``TransientError`` for an outage."""
    names = "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (or the role that the service runs as)"
    if isinstance(error, _NO_CREDENTIALS):
        return BadSetting(f"there are no credentials for the {dependency}", hint=f"Set {names}.")
    if isinstance(error, exceptions.ParamValidationError):
        return BadSetting(f"the {dependency} has a bucket or prefix that S3 does not take: {bucket}")
    if not isinstance(error, exceptions.ClientError):
        return s3_unavailable(dependency, error)
    status, code = status_of(error), code_of(error)
    if code in _SKEWED:
        skew = _clock_skew_error(dependency, error)
        return BadSetting(skew.message, code=CLOCK_OFF, hint=skew.hint)
    if code in _OTHER_REGION or (status in (301, 307, 400) and "region" in (code + str(error)).lower()):
        return BadSetting(
            f"the bucket {bucket!r} of the {dependency} is in another region", hint="Set AWS_REGION."
        )
    if code in ("SignatureDoesNotMatch", "InvalidAccessKeyId", "InvalidToken", "ExpiredToken"):
        return BadSetting(
            f"the {dependency} answers 403 ({code}): the credentials are wrong",
            hint=f"Check {names}, and that the endpoint is the one they belong to.",
        )
    if status in (401, 403):
        return BadSetting(
            f"the {dependency} answers 403 ({code}): the credentials may not use the bucket {bucket!r}",
            hint="They need to list the bucket, and to read, write and delete its objects.",
        )
    if code in ("NoSuchBucket", "404"):
        return BadSetting(
            f"the {dependency} has no bucket {bucket!r}", hint="Make it, or correct the URL or the endpoint."
        )
    return s3_unavailable(dependency, error)
