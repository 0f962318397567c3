"""Reproducibility: whether each run of a query gives the same result, and the threads that ensure it."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from syndb_service.domain.datasets import Dataset
from syndb_service.domain.graph.analysis_options import GraphOptions
from syndb_service.domain.jobs import JobRequest
from syndb_service.domain.table_schema import VIEWS
from syndb_service.errors import InvalidQuery

SMALL_ROWS: Final = 1_000_000
"""Number of rows up to which one thread is about as fast as several."""
UNCHECKED: Final = (
    "The query was not checked: that takes too long, since it computes with constants. "
    "The job finds out whether its names and types are right."
)
REPRODUCIBLE: Final = (
    "The result is the same at each run: it is computed on one thread, "
    "which may take as many times as long as a job has threads."
)

Volatile = Sequence[tuple[str, int | None, int | None]]


@dataclass(frozen=True, slots=True)
class Reproducibility:
    """The reproducibility of a result: whether runs differ (None: unknown), and whether to use one thread."""

    deterministic: bool | None
    not_deterministic: tuple[str, ...] = ()
    one_thread: bool = False


def settle_threads(
    request: JobRequest,
    planned: Reproducibility,
    linear: bool,
    volatile: Volatile,
    tables: Collection[str],
    datasets: Sequence[Dataset],
    reach: Collection[str] | None,
) -> Reproducibility:
    """Choose one or several threads, and return what may differ between runs then.

    Small queries run on one thread, where only volatile functions differ between runs.

    Parameters
    ----------
    request : JobRequest
        The request.
    planned : Reproducibility
        The reproducibility on several threads, from the plan.
    linear : bool
        Whether the work grows linearly with the tables.
    volatile : sequence of (name, line, column)
        Functions that give another value at each run, even on one thread.
    tables, datasets, reach
        The tables that it reads, the datasets, and the ids of those that it can read (None for all).
    """
    if request.reproducible:
        return Reproducibility(True, (), one_thread=True)
    read = [dataset for dataset in datasets if reach is None or dataset.id in reach]
    rows = sum(_rows(dataset, table) for dataset in read for table in tables)
    if planned.deterministic or not linear or rows > SMALL_ROWS:
        return planned
    names = {name for name, _, _ in volatile} | {"age", "sample"}
    remaining = tuple(name for name in planned.not_deterministic if name in names)
    return Reproducibility(not remaining, remaining, one_thread=True)


def is_graph_deterministic(options: GraphOptions) -> bool | None:
    """Return whether each run of a graph job gives the same answer; None if that is unknown.

    Samples have a seed, and the answer does not depend on the number of threads. Weights of gap junctions may
    be fractions, whose sums are rounded.
    """
    return True if options.selection.include == "chemical" else None


def is_volatile(found: Reproducibility, volatile: Volatile) -> bool:
    """Return whether a query has volatile functions, so that no earlier result may be reused for it.

    Examples
    --------
    >>> is_volatile(Reproducibility(False, ("random",)), [("random", 1, 8)])
    True
    >>> is_volatile(Reproducibility(False, ("sum", "row order")), [])
    False
    """
    return bool(volatile) or "age" in found.not_deterministic


def refuse_volatile(request: JobRequest, volatile: Volatile) -> None:
    """Require that a reproducible query has no volatile function.

    Raises
    ------
    InvalidQuery
        If it has one; the message names the first.
    """
    if not request.reproducible or not volatile:
        return
    name, line, column = volatile[0]
    subject = "a sample without a seed" if name == "sample" else f"{name}()"
    hint = "Write USING SAMPLE … REPEATABLE (1)." if name == "sample" else "Send its value as a parameter."
    raise InvalidQuery(
        f"{subject} gives another result at each run, so the job can't be reproducible",
        hint=f"{hint} Or leave out `reproducible`.",
        line=line,
        column=column,
    )


def check_notes(request: JobRequest, *, complete: bool) -> Iterator[str]:
    """Yield notes: that the check was incomplete, and what a reproducible result costs."""
    if not complete:
        yield UNCHECKED
    if request.reproducible:
        yield REPRODUCIBLE


def _rows(dataset: Dataset, table: str) -> int:
    source = VIEWS[table].source if table in VIEWS else table
    stored = dataset.tables.get(source)
    return (stored.rows if stored is not None else 0) + dataset.views.get(table, 0)
