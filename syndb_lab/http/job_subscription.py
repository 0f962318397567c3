"""A subscription to one job: its updates, and how following it ended."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Self

FINAL: Final = frozenset({"completed", "failed", "cancelled"})
MAX_UPDATES: Final = 100


@dataclass(frozen=True, slots=True)
class JobUpdate:
    """An update: a newer record, or an outage.

    In an outage ``unavailable_s`` is its duration in seconds, ``trouble`` what went wrong, and ``record`` the
    last known record.
    """

    record: dict[str, Any]
    unavailable_s: float | None = None
    trouble: str = ""


def is_newer(candidate: dict[str, Any], record: dict[str, Any]) -> bool:
    """Whether a record has a later version than another one; a final record always counts as newer."""
    return bool(candidate["version"] > record["version"] or candidate["status"] in FINAL)


class Following:
    """A subscription to one job, held by a caller that waits in another thread.

    Parameters
    ----------
    record : dict
        The caller's latest known record.
    leave : callable
        Called with the subscription when it is closed.
    timeout_s : float, optional
        Seconds for which the service may be unavailable before the subscription fails.
    on_change : callable, optional
        Called at each change, in the follower's thread.
    """

    def __init__(
        self,
        record: dict[str, Any],
        leave: Callable[[Following], None],
        timeout_s: float | None = None,
        on_change: Callable[[], None] | None = None,
    ) -> None:
        self.job_id: str = record["job_id"]
        self.record = record
        self.timeout_s = timeout_s
        self.trouble = ""
        self.error: Exception | None = None
        self.is_answered = False
        self._leave = leave
        self._on_change = on_change
        self._updates: deque[JobUpdate] = deque(maxlen=MAX_UPDATES)
        self._changed = threading.Condition()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def is_over(self) -> bool:
        """Whether the job is final, or following it has failed."""
        return self.error is not None or self.record["status"] in FINAL

    def close(self) -> None:
        """End the subscription."""
        self._leave(self)

    def take_updates(self, within_s: float) -> list[JobUpdate]:
        """Return the updates since the last call; wait up to ``within_s`` seconds for the first one."""
        with self._changed:
            self._changed.wait_for(lambda: self._updates or self.is_over, within_s)
            updates = list(self._updates)
            self._updates.clear()
        return updates

    def wait(self, within_s: float) -> bool:
        """Wait up to ``within_s`` seconds for the end; return whether it was reached."""
        with self._changed:
            return self._changed.wait_for(lambda: self.is_over, within_s)

    def on_update(self, update: JobUpdate) -> None:
        """Store an update and wake the caller."""
        with self._changed:
            self.record, self.trouble = update.record, update.trouble
            self.is_answered = self.is_answered or update.unavailable_s is None
            self._updates.append(update)
        self._notify()

    def on_heartbeat(self) -> None:
        """Note that the service responds and has no newer record; this ends an outage."""
        if self.trouble:
            self.on_update(JobUpdate(self.record))
        self.is_answered = True

    def fail(self, error: Exception) -> None:
        """End the subscription with an error, which the caller raises."""
        with self._changed:
            self.error = error
        self._notify()

    def _notify(self) -> None:
        with self._changed:
            self._changed.notify_all()
        if self._on_change is not None:
            self._on_change()
