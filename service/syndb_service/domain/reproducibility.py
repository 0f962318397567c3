"""Whether each run of a query gives the same result, and what is done so that it does."""

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
"""Tables of so many rows are read by one thread about as soon as by several."""
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
    """What is known of two runs on the same data (None: not known), and whether one thread computes them."""

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
    """Say what may differ between runs; what is small runs on one thread: only what is volatile differs then.

    Parameters
    ----------
    request : Request
        What is asked for.
    planned : Reproducibility
        What the plan says of several threads.
    linear : bool
        Whether the work grows as the tables do.
    volatile : sequence of (name, line, column)
        What gives another value at each run on one thread, too.
    tables, datasets, reach
        What it reads; ``reach`` are the ids of the datasets, None for all.
    """
    if request.reproducible:
        return Reproducibility(True, (), one_thread=True)
    read = [dataset for dataset in datasets if reach is None or dataset.id in reach]
    rows = sum(_rows(dataset, table) for dataset in read for table in tables)
    if planned.deterministic or not linear or rows > SMALL_ROWS:
        return planned
    names = {name for name, _, _ in volatile} | {"age", "sample"}
    left = tuple(name for name in planned.not_deterministic if name in names)
    return Reproducibility(not left, left, one_thread=True)


def is_graph_deterministic(options: GraphOptions) -> bool | None:
    """Say whether a graph job gives the same figures each time; None where that is not known.

    Samples have a seed, and no number of threads changes a figure. Weights of gap junctions may be fractions,
    whose sums are rounded.
    """
    return True if options.selection.include == "chemical" else None


def is_volatile(found: Reproducibility, volatile: Volatile) -> bool:
    """Say whether a query asks for something else at each run, so that no earlier result stands for it.

    Examples
    --------
    >>> is_volatile(Reproducibility(False, ("random",)), [("random", 1, 8)])
    True
    >>> is_volatile(Reproducibility(False, ("sum", "row order")), [])
    False
    """
    return bool(volatile) or "age" in found.not_deterministic


def refuse_volatile(request: JobRequest, volatile: Volatile) -> None:
    """Refuse a query whose result is asked to be the same at each run, and can't be.

    Raises
    ------
    InvalidQuery
        Naming the first function that gives another value each time.
    """
    if not request.reproducible or not volatile:
        return
    name, line, column = volatile[0]
    called = "a sample without a seed" if name == "sample" else f"{name}()"
    hint = "Write USING SAMPLE … REPEATABLE (1)." if name == "sample" else "Send its value as a parameter."
    raise InvalidQuery(
        f"{called} gives another result at each run, so the job can't be reproducible",
        hint=f"{hint} Or leave out `reproducible`.",
        line=line,
        column=column,
    )


def check_notes(request: JobRequest, *, complete: bool) -> Iterator[str]:
    """Say what was not checked, and what a reproducible result costs."""
    if not complete:
        yield UNCHECKED
    if request.reproducible:
        yield REPRODUCIBLE


def _rows(dataset: Dataset, table: str) -> int:
    source = VIEWS[table].source if table in VIEWS else table
    stored = dataset.tables.get(source)
    return (stored.rows if stored is not None else 0) + dataset.views.get(table, 0)
