"""The metadata and the present keys of an OpenID provider."""

from __future__ import annotations

import json
import logging
import threading
import time
from typing import Any, Final
from urllib.parse import urlsplit

import httpx
from joserfc.jwk import Key, KeySet

from syndb_service.errors import TransientError
from syndb_service.settings import LOOPBACK

log = logging.getLogger(__name__)

FETCH_S: Final = 5.0
FRESH_S: Final = 300.0
MAX_AGE_S: Final = 3600.0
MAX_BYTES: Final = 1024**2


class Issuer:
    """Fetches the keys of an OpenID provider, and again when a token names an unknown key.

    Parameters
    ----------
    url : str
        The issuer, as in the claim ``iss`` of its tokens.
    refetch_s : float
        Minimum seconds between two fetches.
    """

    def __init__(self, url: str, refetch_s: float) -> None:
        self.url = url
        self._refetch_s = refetch_s
        self._lock = threading.Lock()
        self._keys: KeySet | None = None
        self._fetched_at = self._tried_at = float("-inf")

    def key(self, kid: str | None) -> Key | None:
        """Return the signing key with this id, or the only key if ``kid`` is None; None if there is none.

        Raises
        ------
        TransientError
            If the issuer is unavailable, and the cached keys are older than an hour.
        """
        found = _find(self._current(), kid)
        return found if found is not None else _find(self._refetch(), kid)

    def _current(self) -> KeySet:
        """Return the keys, fetched again after ``FRESH_S`` seconds to drop rotated ones."""
        with self._lock:
            age = time.monotonic() - self._fetched_at
            if self._keys is None or (age > FRESH_S and self._can_fetch()):
                self._fetch(age)
            if self._keys is None:
                raise _issuer_unavailable()
            return self._keys

    def _refetch(self) -> KeySet:
        with self._lock:
            if self._can_fetch():
                self._fetch(time.monotonic() - self._fetched_at)
            if self._keys is None:
                raise _issuer_unavailable()
            return self._keys

    def _can_fetch(self) -> bool:
        return time.monotonic() - self._tried_at >= self._refetch_s

    def _fetch(self, age: float) -> None:
        """Fetch the keys; while the issuer is unavailable, keys fetched within ``MAX_AGE_S`` stay valid."""
        self._tried_at = time.monotonic()
        try:
            self._keys = KeySet.import_key_set(_json(self._keys_url()))  # type: ignore[arg-type]
            self._fetched_at = time.monotonic()
        except Exception as error:
            log.warning("the keys of the issuer %s can't be fetched: %s", self.url, error)
            if age > MAX_AGE_S:
                self._keys = None
                raise _issuer_unavailable() from error

    def _keys_url(self) -> str:
        metadata = _json(f"{self.url.rstrip('/')}/.well-known/openid-configuration")
        if metadata.get("issuer") != self.url:
            raise ValueError(f"its metadata name the issuer {metadata.get('issuer')!r}")
        keys_url = str(metadata["jwks_uri"])
        if not is_safe(keys_url):
            raise ValueError(f"its jwks_uri {keys_url!r} is not https")
        return keys_url


def is_safe(url: str) -> bool:
    """Return whether responses of a URL can't be changed in transit: https, or http on this computer."""
    parts = urlsplit(url)
    return parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOOPBACK)


def _json(url: str) -> dict[str, Any]:
    with httpx.stream("GET", url, timeout=FETCH_S, headers={"Accept": "application/json"}) as response:
        response.raise_for_status()
        body = b""
        for chunk in response.iter_bytes():
            body += chunk
            if len(body) > MAX_BYTES:
                raise ValueError(f"{url} returns more than {MAX_BYTES:,} bytes")
    document = json.loads(body)
    if not isinstance(document, dict):
        raise ValueError(f"{url} returns no JSON object")
    return document


def _find(keys: KeySet, kid: str | None) -> Key | None:
    signing = [key for key in keys if key.get("use") in (None, "sig")]
    if kid is None:
        return signing[0] if len(signing) == 1 else None
    return next((key for key in signing if key.kid == kid), None)


def _issuer_unavailable() -> TransientError:
    return TransientError(
        "the identity provider does not answer",
        hint="Try again in a moment; a token of this service works meanwhile.",
        code="issuer_unavailable",
    )
