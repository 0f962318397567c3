"""A watcher of one job: its record stays current in the background until the job is final."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from syndb_lab.errors import SyndbError
from syndb_lab.http.job_events import follower_of
from syndb_lab.http.transport import Transport

TIMEOUT_S: Final = 60.0


class JobWatcher:
    """Keeps the record of one job current until it is final.

    It waits through outages of the service of up to ``timeout_s`` seconds.

    Parameters
    ----------
    transport : Transport
        The connection to the job's service.
    record : dict
        The record to start from.
    timeout_s : float
        Seconds for which the service may be unavailable.
    on_change : callable, optional
        Called at each change, in another thread; with it, no method blocks.
    """

    def __init__(
        self,
        transport: Transport,
        record: dict[str, Any],
        *,
        timeout_s: float,
        on_change: Callable[[], None] | None = None,
    ) -> None:
        self._follower = follower_of(transport)
        self._following = self._follower.join(record, timeout_s, on_change)
        self._blocks = on_change is None

    def __enter__(self) -> JobWatcher:
        return self

    def __exit__(self, *_: object) -> None:
        self._following.close()
        if self._blocks:
            self._follower.settle()

    @property
    def record(self) -> dict[str, Any]:
        """The newest record."""
        return self._following.record

    @property
    def unavailable(self) -> str:
        """What is wrong with the service now; empty if it responds."""
        return self._following.trouble

    @property
    def error(self) -> Exception | None:
        """The error that ended the wait before the job was final; None without one."""
        error = self._following.error
        return (
            error.with_traceback(None) if isinstance(error, SyndbError) else error
        )  # other callers raise it

    @property
    def is_answered(self) -> bool:
        """Whether the service has responded since the watcher was made."""
        return self._following.is_answered

    @property
    def is_over(self) -> bool:
        """Whether the job is final or following it has failed."""
        return self._following.is_over

    def wait_final(self, within_s: float) -> bool:
        """Wait up to ``within_s`` seconds; return whether the job is final or following it has failed."""
        return self._following.wait(within_s)
