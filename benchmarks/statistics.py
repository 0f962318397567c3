"""Statistics of the measurements: rows of samples, their references and their targets."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal

Statistic = Literal["median", "p95", "worst", "ratio"]
NAMES: Final[dict[Statistic, str]] = {"median": "median", "p95": "95th", "worst": "worst", "ratio": "ratio"}


@dataclass(frozen=True, slots=True)
class Target:
    """A target of a row: one of its statistics stays at or below (or above) a limit."""

    of: Statistic
    limit: float
    better: Literal["lower", "higher"] = "lower"

    def held(self, value: float) -> bool:
        """Return whether a value meets the target."""
        return value <= self.limit if self.better == "lower" else value >= self.limit


@dataclass(frozen=True, slots=True)
class Row:
    """One quantity and its samples.

    Parameters
    ----------
    what : str
        Description of the quantity.
    samples : sequence of float
        The samples, in ``unit``.
    against : str, optional
        The row (by its ``what``) that its median is divided by.
    targets : sequence of Target
        The targets of this row.
    """

    what: str
    samples: Sequence[float]
    unit: str = "ms"
    against: str | None = None
    targets: Sequence[Target] = ()

    def statistic(self, of: Statistic, ratio: float | None) -> float:
        """Return one statistic of the samples."""
        if of == "ratio":
            return float("nan") if ratio is None else ratio
        if of == "median":
            return statistics.median(self.samples)
        return percentile(self.samples, 95) if of == "p95" else max(self.samples)


@dataclass(slots=True)
class Answer:
    """The answer to a question.

    ``rows`` are the measurements; ``notes`` describe their conditions and what limits missed targets;
    ``missing`` lists what could not be measured, with the reason.
    """

    title: str
    rows: list[Row] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        """Return the answer as it is saved in JSON."""
        medians = {row.what: row.statistic("median", None) for row in self.rows}
        return {
            "title": self.title,
            "rows": [_row(row, medians) for row in self.rows],
            "notes": self.notes,
            "missing": self.missing,
        }


def percentile(samples: Sequence[float], percent: float) -> float:
    """Return a percentile, interpolated between two samples.

    Examples
    --------
    >>> percentile([1.0, 2.0, 3.0], 50)
    2.0
    """
    ordered = sorted(samples)
    position = (len(ordered) - 1) * percent / 100
    below = int(position)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (position - below)


def _row(row: Row, medians: dict[str, float]) -> dict[str, Any]:
    ratio = medians[row.what] / medians[row.against] if row.against else None
    return {
        "what": row.what,
        "unit": row.unit,
        "samples": len(row.samples),
        "median": medians[row.what],
        "p25": percentile(row.samples, 25),
        "p75": percentile(row.samples, 75),
        "p95": percentile(row.samples, 95),
        "worst": max(row.samples),
        "against": row.against,
        "ratio": ratio,
        "targets": [
            {
                "of": target.of,
                "limit": target.limit,
                "better": target.better,
                "held": target.held(row.statistic(target.of, ratio)),
            }
            for target in row.targets
        ],
    }
