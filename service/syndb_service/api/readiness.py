"""Readiness: whether each dependency of the service responds."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Final

from anyio import CapacityLimiter, to_thread

from syndb_service.errors import ServiceError

log = logging.getLogger(__name__)

TIMEOUT_S: Final = 4.0
CACHE_S: Final = 1.0


@dataclass(frozen=True, slots=True)
class DependencyStatus:
    """The state of a dependency; ``why`` is its error, without addresses, paths or secrets."""

    ok: bool
    why: str | None = None


class Readiness:
    """Checks all dependencies concurrently; a result is cached for one second.

    Parameters
    ----------
    checks : mapping of str to callable
        The check of each dependency, by its name; it raises if the dependency is unavailable.
    timeout_s : float
        Seconds after which a dependency that does not respond counts as unavailable.
    optional : collection of str
        Dependencies without which the service is still ready; their outages are reported.
    """

    def __init__(
        self,
        checks: Mapping[str, Callable[[], object]],
        timeout_s: float = TIMEOUT_S,
        optional: Collection[str] = (),
    ) -> None:
        self._checks = checks
        self.optional = optional
        self._timeout_s = timeout_s
        self._limiter = CapacityLimiter(4 * len(checks))
        self._lock = asyncio.Lock()
        self._found: dict[str, DependencyStatus] = {}
        self._found_at = 0.0

    async def check_all(self) -> dict[str, DependencyStatus]:
        """Return the status of each dependency by its name."""
        async with self._lock:
            if not self._found or time.monotonic() - self._found_at > CACHE_S:
                found = await asyncio.gather(*(self._check(name) for name in self._checks))
                self._found = dict(zip(self._checks, found, strict=True))
                self._found_at = time.monotonic()
            return self._found

    async def _check(self, name: str) -> DependencyStatus:
        if self._limiter.available_tokens < 1:
            return DependencyStatus(ok=False, why="it has not answered for a while")
        check = to_thread.run_sync(self._checks[name], abandon_on_cancel=True, limiter=self._limiter)
        try:
            await asyncio.wait_for(check, self._timeout_s)
        except TimeoutError:
            log.warning("%s: no response within %g s", name, self._timeout_s)
            return DependencyStatus(ok=False, why=f"it did not answer within {self._timeout_s:g} s")
        except ServiceError as error:
            log.warning("%s: not ready: %s", name, error.message)
            return DependencyStatus(
                ok=False, why=f"{error.public_message.partition(': ')[0]} ({error.error_code})"
            )
        except Exception:
            log.exception("%s: the check of readiness failed", name)
            return DependencyStatus(ok=False, why="it failed; the service's log says how")
        return DependencyStatus(ok=True)
