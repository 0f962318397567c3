"""The stage timer: seconds per stage of an attempt, for the log record of the attempt's end."""

from __future__ import annotations

import time


class StageTimer:
    """Seconds of each stage of an attempt: claim, prepare, fork, engine, beat, result, commit.

    Examples
    --------
    >>> stages = StageTimer()
    >>> stages.record("claim")
    >>> list(stages.seconds)
    ['claim']
    """

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._last = time.perf_counter()

    def record(self, stage: str) -> None:
        """End a stage: add the seconds since the previous stage ended."""
        now = time.perf_counter()
        self.seconds[stage] = round(self.seconds.get(stage, 0.0) + now - self._last, 6)
        self._last = now
