"""Where the time of an attempt went, by stage; it stands in the log record of the attempt's end."""

from __future__ import annotations

import time


class StageTimer:
    """A stopwatch with a lap for each stage: claim, prepare, fork, engine, beat, result, commit.

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
        """End a stage: what passed since the one before is its time, in seconds."""
        now = time.perf_counter()
        self.seconds[stage] = round(self.seconds.get(stage, 0.0) + now - self._last, 6)
        self._last = now
