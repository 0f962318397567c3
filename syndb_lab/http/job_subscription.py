"""One who waits for a job: what was heard for him, and its end."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Self

FINAL: Final = frozenset({"completed", "failed", "cancelled"})
KEPT: Final = 100


@dataclass(frozen=True, slots=True)
class JobUpdate:
    """What was heard: a record, or (``away_s`` not None) why there is none at present, and since when."""

    record: dict[str, Any]
    away_s: float | None = None
    trouble: str = ""


def is_newer(found: dict[str, Any], record: dict[str, Any]) -> bool:
    """Whether a record is of a later version; a final one counts in any case."""
    return bool(found["version"] > record["version"] or found["status"] in FINAL)


class Following:
    """Takes what is heard of one job, for one who waits in another thread.

    Parameters
    ----------
    record : dict
        What he knows.
    leave : callable
        Told that he waits no more.
    patience_s : float, optional
        How long the service may be away before that is an error.
    told : callable, optional
        Called at each change, in the thread that heard of it.
    """

    def __init__(
        self,
        record: dict[str, Any],
        leave: Callable[[Following], None],
        patience_s: float | None = None,
        told: Callable[[], None] | None = None,
    ) -> None:
        self.job_id: str = record["job_id"]
        self.record = record
        self.patience_s = patience_s
        self.trouble = ""
        self.error: Exception | None = None
        self.is_answered = False
        self._leave = leave
        self._told = told
        self._news: deque[JobUpdate] = deque(maxlen=KEPT)
        self._changed = threading.Condition()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def is_over(self) -> bool:
        """Whether the job is final, or there is no way to follow it."""
        return self.error is not None or self.record["status"] in FINAL

    def close(self) -> None:
        """Wait no more."""
        self._leave(self)

    def news(self, within_s: float) -> list[JobUpdate]:
        """Return what was heard since the last call; wait for it so long."""
        with self._changed:
            self._changed.wait_for(lambda: self._news or self.is_over, within_s)
            news = list(self._news)
            self._news.clear()
        return news

    def wait(self, within_s: float) -> bool:
        """Wait so long for the end; say whether it is there."""
        with self._changed:
            return self._changed.wait_for(lambda: self.is_over, within_s)

    def on_update(self, heard: JobUpdate) -> None:
        """Take what was heard."""
        with self._changed:
            self.record, self.trouble = heard.record, heard.trouble
            self.is_answered = self.is_answered or heard.away_s is None
            self._news.append(heard)
        self._notify()

    def on_heartbeat(self) -> None:
        """Take a sign of life: nothing is new, and nothing is wrong any more."""
        if self.trouble:
            self.on_update(JobUpdate(self.record))
        self.is_answered = True

    def fail(self, error: Exception) -> None:
        """Take the end of all waiting."""
        with self._changed:
            self.error = error
        self._notify()

    def _notify(self) -> None:
        with self._changed:
            self._changed.notify_all()
        if self._told is not None:
            self._told()
