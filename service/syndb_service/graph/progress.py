"""Progress of an analysis: its stages as one fraction that never decreases."""

from __future__ import annotations

from collections.abc import Callable, Mapping

Progress = Callable[[str, float | None], None]


class StageProgress:
    """Reporter of the current stage and the fraction done of the whole analysis.

    Parameters
    ----------
    progress : callable
        Receives the name of the stage and the fraction of the analysis.
    weights : mapping of str to float
        Every stage in the order of execution, with its share of the work in any unit.

    Examples
    --------
    >>> stages = StageProgress(lambda name, fraction: print(name, fraction), {"reading": 1, "counting": 3})
    >>> stages.begin("reading")
    reading 0.0
    >>> stages.begin("counting")
    counting 0.25
    >>> stages.within(0.5)
    counting 0.625
    """

    def __init__(self, progress: Progress, weights: Mapping[str, float]) -> None:
        self._progress = progress
        self._weights = weights
        self._total = sum(weights.values())
        self._name = ""
        self._before = 0.0

    def begin(self, name: str) -> None:
        """Begin a stage; all stages before it are done."""
        self._before += self._weights.get(self._name, 0.0)
        self._name = name
        self._progress(name, self._before / self._total)

    def within(self, fraction: float) -> None:
        """Report the fraction of the stage that is done, from 0 to 1."""
        self._progress(self._name, (self._before + fraction * self._weights[self._name]) / self._total)
