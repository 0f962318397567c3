"""So many requests of one user in a while, and no more: whoever floods the service is turned away early.

Before a token was ever found good, its requests count for the address that they come from: those of tokens
that were refused and those without any apart from those of tokens that were never seen, so that none of them
keeps out somebody of the same address who comes with a good one.
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

REMEMBERED: Final = 10_000
OPEN: Final = frozenset({"/health", "/health/identity", "/health/ready"})
PRINCIPAL: Final = "syndb.principal"
USER: Final = "syndb.user"
TIMEOUT_S: Final = 0.5


class RateLimit:
    """Answers 429 to whoever asks too often.

    Parameters
    ----------
    app : ASGIApp
        What answers the others.
    requests : int
        Requests that one user may make in ``window_s`` seconds; 0 sets no limit.
    window_s : int
        Length of the sliding window, in seconds.
    redis_url : str, optional
        Where all processes count together; each for itself, if None, or while Redis is away.
    """

    def __init__(self, app: ASGIApp, *, requests: int, window_s: int, redis_url: str | None = None) -> None:
        self._app = app
        self._item = RateLimitItemPerSecond(requests, window_s) if requests else None
        self._here = SlidingWindowCounterRateLimiter(MemoryStorage())
        self._shared = None if redis_url is None else SlidingWindowCounterRateLimiter(_redis(redis_url))
        self._users: LRUCache[bytes, str] = LRUCache(REMEMBERED)
        self._refused: LRUCache[bytes, None] = LRUCache(REMEMBERED)
        self._unproven: LRUCache[bytes, None] = LRUCache(REMEMBERED)
        self._alone_until = 0.0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or turn it away."""
        if self._item is None or scope["type"] != "http" or scope["path"] in OPEN:
            await self._app(scope, receive, send)
            return
        digest = _digest(scope)
        wait = await self._wait(self._key(scope, digest))
        if wait is None:
            await self._app(scope, receive, send)
            self._remember_valid_token(scope, digest)
            return
        refusal = TooManyRequests(
            f"more than {self._item.amount:,} requests in {self._item.get_expiry()} s",
            hint=f"Wait {wait} s. To follow a job, let the service hold the answer: ?wait=30&version=N.",
            code="rate_limited",
            retry_after=wait,
        )
        scope[problem_details.REFUSAL] = refusal.error_code
        scope[USER] = None if digest is None else self._users.get(digest)
        await problem_details.problem(refusal)(scope, receive, send)

    async def _wait(self, key: str) -> int | None:
        """Count a request; return after how many seconds the next one may come if this one may not."""
        if self._item is None:
            return None
        if self._shared is not None and time.monotonic() >= self._alone_until:
            try:
                return await _count_request(self._shared, self._item, key)
            except Exception as error:
                log.warning("requests are counted by each process alone: %s", type(error).__name__)
                self._alone_until = time.monotonic() + self._item.get_expiry()
        return await _count_request(self._here, self._item, key)

    def _key(self, scope: Scope, digest: bytes | None) -> str:
        user = None if digest is None else self._users.get(digest)
        if user is not None:
            return f"user:{user}"
        if digest is not None and digest in self._unproven:
            return f"unproven:{digest.hex()}"
        what = "nobody" if digest is None else "refused" if digest in self._refused else "address"
        client = scope.get("client")
        return f"{what}:{client[0] if client else ''}"

    def _remember_valid_token(self, scope: Scope, digest: bytes | None) -> None:
        """Remember whose token that was, that it was refused, or that nobody has looked at it yet."""
        principal: Principal | None = scope.get(PRINCIPAL)
        if digest is None:
            return
        if principal is not None:
            self._refused.pop(digest, None)
            self._unproven.pop(digest, None)
            self._users[digest] = principal.user
        elif scope.get(problem_details.REFUSAL) == Unauthenticated.code:
            self._users.pop(digest, None)
            self._unproven.pop(digest, None)
            self._refused[digest] = None
        elif digest not in self._users and digest not in self._refused:
            self._unproven[digest] = None


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
    """Tell tokens apart as authentication does: by the first header, whatever stands around the token."""
    given = next((value for name, value in scope["headers"] if name == b"authorization"), None)
    if given is None:
        return None
    scheme, _, token = given.partition(b" ")
    return hashlib.sha256(scheme.lower() + b" " + token.strip()).digest()
