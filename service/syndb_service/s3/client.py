"""The client of S3: endpoint, timeouts and retries."""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import urlsplit

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError

from syndb_service.errors import BadSetting

ENDPOINT_SETTING: Final = "SYNDB_S3_ENDPOINT_URL"
CONNECT_S: Final = 3
READ_S: Final = 15
PROBE_S: Final = 1.5
TRIES: Final = 2
CONNECTIONS: Final = 32


def connect(endpoint_url: str | None, *, is_probe: bool = False) -> Any:
    """Return a boto3 client, which threads may share; nothing is sent yet.

    Parameters
    ----------
    endpoint_url : str, optional
        URL of an S3 that is not Amazon's.
    is_probe : bool
        Use a timeout of 1.5 s and no retry, instead of 15 s and one retry.

    Raises
    ------
    BadSetting
        If the endpoint or the environment's AWS settings are invalid.
    """
    _check(endpoint_url)
    config = Config(
        signature_version="s3v4",
        connect_timeout=PROBE_S if is_probe else CONNECT_S,
        read_timeout=PROBE_S if is_probe else READ_S,
        retries={"mode": "standard", "total_max_attempts": 1 if is_probe else TRIES},
        max_pool_connections=CONNECTIONS,
        # Stores behind one host name rarely serve bucket.host; older ones reject trailing checksums.
        s3={"addressing_style": "path" if endpoint_url else "auto"},
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
        tcp_keepalive=True,
    )
    try:
        session = boto3.session.Session()
        region = session.region_name or ("us-east-1" if endpoint_url else None)
        return session.client("s3", endpoint_url=endpoint_url, region_name=region, config=config)
    except (BotoCoreError, ValueError) as error:
        raise BadSetting(
            f"S3 can't be set up from the environment's AWS settings ({type(error).__name__})",
            hint=f"Check AWS_PROFILE, AWS_REGION and {ENDPOINT_SETTING}.",
        ) from error


def _check(endpoint_url: str | None) -> None:
    if endpoint_url is None:
        return
    hint = "It looks like https://s3.example.org or http://127.0.0.1:8333."
    parts = urlsplit(endpoint_url)
    if "@" in parts.netloc:
        raise BadSetting(f"{ENDPOINT_SETTING} holds credentials", hint=hint)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query:
        raise BadSetting(f"{ENDPOINT_SETTING} = {endpoint_url!r} is no endpoint", hint=hint)
