"""Whether each part that the service needs is there."""

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

PATIENCE_S: Final = 4.0
KEPT_S: Final = 1.0


@dataclass(frozen=True, slots=True)
class DependencyStatus:
    """One part; ``why`` says what is wrong with it, without addresses, paths or secrets."""

    ok: bool
    why: str | None = None


class Readiness:
    """Asks all parts at once, and once a second at most, however many ask.

    Parameters
    ----------
    checks : mapping of str to callable
        By part, what returns if it is there and raises if it is not.
    patience_s : float
        Seconds after which a part that is silent counts as away.
    optional : collection of str
        Parts without which the service takes requests: named where they are away, and it is ready still.
    """

    def __init__(
        self,
        checks: Mapping[str, Callable[[], object]],
        patience_s: float = PATIENCE_S,
        optional: Collection[str] = (),
    ) -> None:
        self._checks = checks
        self.optional = optional
        self._patience_s = patience_s
        self._lanes = CapacityLimiter(4 * len(checks))
        self._lock = asyncio.Lock()
        self._found: dict[str, DependencyStatus] = {}
        self._found_at = 0.0

    async def check_all(self) -> dict[str, DependencyStatus]:
        """Return how each part is."""
        async with self._lock:
            if not self._found or time.monotonic() - self._found_at > KEPT_S:
                found = await asyncio.gather(*(self._check(name) for name in self._checks))
                self._found = dict(zip(self._checks, found, strict=True))
                self._found_at = time.monotonic()
            return self._found

    async def _check(self, name: str) -> DependencyStatus:
        if self._lanes.available_tokens < 1:
            return DependencyStatus(ok=False, why="it has not answered for a while")
        asked = to_thread.run_sync(self._checks[name], abandon_on_cancel=True, limiter=self._lanes)
        try:
            await asyncio.wait_for(asked, self._patience_s)
        except TimeoutError:
            log.warning("the %s did not answer within %g s", name, self._patience_s)
            return DependencyStatus(ok=False, why=f"it did not answer within {self._patience_s:g} s")
        except ServiceError as error:
            log.warning("the %s is not ready: %s", name, error.message)
            return DependencyStatus(
                ok=False, why=f"{error.public_message.partition(': ')[0]} ({error.error_code})"
            )
        except Exception:
            log.exception("the %s is not ready", name)
            return DependencyStatus(ok=False, why="it failed; the service's log says how")
        return DependencyStatus(ok=True)
