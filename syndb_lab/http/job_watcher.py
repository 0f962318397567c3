"""Waiting for one job, so that whoever waits stays free."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from syndb_lab.errors import SyndbError
from syndb_lab.http.job_events import follower_of
from syndb_lab.http.transport import Transport

PATIENCE_S: Final = 60.0


class JobWatcher:
    """Knows how a job is until it is final, without asking.

    A service that is away for less than ``patience_s`` seconds is waited for.

    Parameters
    ----------
    transport : Transport
        The connection to the job's service.
    record : dict
        The record to start from.
    patience_s : float
        How long the service may be away, in seconds.
    told : callable, optional
        Called at each change, in another thread; with it nothing here blocks.
    """

    def __init__(
        self,
        transport: Transport,
        record: dict[str, Any],
        *,
        patience_s: float,
        told: Callable[[], None] | None = None,
    ) -> None:
        self._follower = follower_of(transport)
        self._following = self._follower.join(record, patience_s, told)
        self._blocks = told is None

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
        """What is wrong with the service at present; nothing, if empty."""
        return self._following.trouble

    @property
    def error(self) -> Exception | None:
        """What ended the waiting, where the job has not ended."""
        error = self._following.error
        return error.with_traceback(None) if isinstance(error, SyndbError) else error  # others raise it, too

    @property
    def is_answered(self) -> bool:
        """Whether the service has said how the job is since this began."""
        return self._following.is_answered

    @property
    def is_over(self) -> bool:
        """Whether the job is final or following it has failed."""
        return self._following.is_over

    def wait_final(self, within_s: float) -> bool:
        """Wait a moment; say whether the job is final or following it has failed."""
        return self._following.wait(within_s)
