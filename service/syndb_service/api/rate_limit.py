"""The rate limit: the requests of a user in a sliding window, counted before any other work is done for them.

Until a token has been verified, its requests count for the client's address. Rejected tokens, requests
without a token and unverified tokens are counted separately, so that none of them blocks a user with a valid
token at the same address.
"""

from __future__ import annotations

import hashlib
import logging
import math
import time
from typing import Any, Final

from cachetools import LRUCache
from limits import RateLimitItemPerSecond
from limits.aio.storage import MemoryStorage, RedisStorage
from limits.aio.strategies import SlidingWindowCounterRateLimiter
from starlette.types import ASGIApp, Receive, Scope, Send

from syndb_service.api import problem_details
from syndb_service.domain.access import Principal
from syndb_service.errors import TooManyRequests, Unauthenticated

log = logging.getLogger(__name__)

MAX_TOKENS: Final = 10_000
UNLIMITED: Final = frozenset({"/health", "/health/identity", "/health/ready"})
PRINCIPAL: Final = "syndb.principal"
USER: Final = "syndb.user"
TIMEOUT_S: Final = 0.5


class RateLimit:
    """Middleware that answers 429 to users above the rate limit.

    Parameters
    ----------
    app : ASGIApp
        The application.
    requests : int
        Requests that one user may make in ``window_s`` seconds; 0 sets no limit.
    window_s : int
        Length of the sliding window, in seconds.
    redis_url : str, optional
        Redis in which all processes count together. Without it, or while Redis is unavailable, each process
        counts alone.
    """

    def __init__(self, app: ASGIApp, *, requests: int, window_s: int, redis_url: str | None = None) -> None:
        self._app = app
        self._item = RateLimitItemPerSecond(requests, window_s) if requests else None
        self._local = SlidingWindowCounterRateLimiter(MemoryStorage())
        self._shared = None if redis_url is None else SlidingWindowCounterRateLimiter(_redis(redis_url))
        self._users: LRUCache[bytes, str] = LRUCache(MAX_TOKENS)
        self._rejected: LRUCache[bytes, None] = LRUCache(MAX_TOKENS)
        self._unverified: LRUCache[bytes, None] = LRUCache(MAX_TOKENS)
        self._local_until = 0.0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer 429."""
        if self._item is None or scope["type"] != "http" or scope["path"] in UNLIMITED:
            await self._app(scope, receive, send)
            return
        digest = _digest(scope)
        wait = await self._wait(self._key(scope, digest))
        if wait is None:
            await self._app(scope, receive, send)
            self._remember_valid_token(scope, digest)
            return
        error = TooManyRequests(
            f"more than {self._item.amount:,} requests in {self._item.get_expiry()} s",
            hint=f"Wait {wait} s. To follow a job, let the service hold the answer: ?wait=30&version=N.",
            code="rate_limited",
            retry_after=wait,
        )
        scope[problem_details.ERROR_CODE] = error.error_code
        scope[USER] = None if digest is None else self._users.get(digest)
        await problem_details.problem(error)(scope, receive, send)

    async def _wait(self, key: str) -> int | None:
        """Count a request; return None if it is within the limit, else the seconds until the next one is."""
        if self._item is None:
            return None
        if self._shared is not None and time.monotonic() >= self._local_until:
            try:
                return await _count_request(self._shared, self._item, key)
            except Exception as error:
                log.warning(
                    "Redis unavailable (%s): each process counts requests alone", type(error).__name__
                )
                self._local_until = time.monotonic() + self._item.get_expiry()
        return await _count_request(self._local, self._item, key)

    def _key(self, scope: Scope, digest: bytes | None) -> str:
        user = None if digest is None else self._users.get(digest)
        if user is not None:
            return f"user:{user}"
        if digest is not None and digest in self._unverified:
            return f"unproven:{digest.hex()}"
        group = "nobody" if digest is None else "refused" if digest in self._rejected else "address"
        client = scope.get("client")
        return f"{group}:{client[0] if client else ''}"

    def _remember_valid_token(self, scope: Scope, digest: bytes | None) -> None:
        """Remember the user of a verified token; else whether the token was rejected or not checked."""
        principal: Principal | None = scope.get(PRINCIPAL)
        if digest is None:
            return
        if principal is not None:
            self._rejected.pop(digest, None)
            self._unverified.pop(digest, None)
            self._users[digest] = principal.user
        elif scope.get(problem_details.ERROR_CODE) == Unauthenticated.code:
            self._users.pop(digest, None)
            self._unverified.pop(digest, None)
            self._rejected[digest] = None
        elif digest not in self._users and digest not in self._rejected:
            self._unverified[digest] = None


async def _count_request(
    limiter: SlidingWindowCounterRateLimiter, item: RateLimitItemPerSecond, key: str
) -> int | None:
    if await limiter.hit(item, key):
        return None
    stats = await limiter.get_window_stats(item, key)
    return min(max(1, math.ceil(stats.reset_time - time.time())), item.get_expiry())


def _redis(url: str) -> RedisStorage:
    options: dict[str, Any] = {"socket_timeout": TIMEOUT_S, "socket_connect_timeout": TIMEOUT_S}
    return RedisStorage(f"async+{url}", implementation="redispy", key_prefix="syndb-rate", **options)


def _digest(scope: Scope) -> bytes | None:
    """Return a digest of the token in the first ``Authorization`` header, as authentication reads it."""
    header = next((value for name, value in scope["headers"] if name == b"authorization"), None)
    if header is None:
        return None
    scheme, _, token = header.partition(b" ")
    return hashlib.sha256(scheme.lower() + b" " + token.strip()).digest()
