"""What was measured: rows of samples, what each is held against, and what it should keep."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal

Figure = Literal["median", "p95", "worst", "ratio"]
NAMES: Final[dict[Figure, str]] = {"median": "median", "p95": "95th", "worst": "worst", "ratio": "ratio"}


@dataclass(frozen=True, slots=True)
class Target:
    """A promise of a row: one of its figures stays at or below (or above) a limit."""

    of: Figure
    limit: float
    better: Literal["lower", "higher"] = "lower"

    def held(self, value: float) -> bool:
        """Whether a value keeps it."""
        return value <= self.limit if self.better == "lower" else value >= self.limit


@dataclass(frozen=True, slots=True)
class Row:
    """One thing that was measured a number of times.

    Parameters
    ----------
    what : str
        What it is.
    samples : sequence of float
        In ``unit``.
    against : str, optional
        The row (by its ``what``) that its median is divided by.
    targets : sequence of Target
        What it should keep.
    """

    what: str
    samples: Sequence[float]
    unit: str = "ms"
    against: str | None = None
    targets: Sequence[Target] = ()

    def figure(self, of: Figure, ratio: float | None) -> float:
        """Return one of its figures."""
        if of == "ratio":
            return float("nan") if ratio is None else ratio
        if of == "median":
            return statistics.median(self.samples)
        return percentile(self.samples, 95) if of == "p95" else max(self.samples)


@dataclass(slots=True)
class Answer:
    """What a question came to.

    ``rows`` are what was measured; ``notes`` say under what conditions, and what bounds what was missed;
    ``missing`` says what could not be measured here, and why.
    """

    title: str
    rows: list[Row] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        """Return it as it is saved."""
        medians = {row.what: row.figure("median", None) for row in self.rows}
        return {
            "title": self.title,
            "rows": [_row(row, medians) for row in self.rows],
            "notes": self.notes,
            "missing": self.missing,
        }


def percentile(samples: Sequence[float], percent: float) -> float:
    """Return a percentile, between two samples where it falls between them.

    Examples
    --------
    >>> percentile([1.0, 2.0, 3.0], 50)
    2.0
    """
    ordered = sorted(samples)
    place = (len(ordered) - 1) * percent / 100
    below = int(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (place - below)


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
                "held": target.held(row.figure(target.of, ratio)),
            }
            for target in row.targets
        ],
    }
