"""Advice on a valid query, from its summary and the row counts of the datasets."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Final

from syndb_service.domain.datasets import Dataset, nearest_datasets
from syndb_service.domain.query_check import QuerySummary
from syndb_service.domain.table_schema import TABLES, VIEWS

BIG_ROWS: Final = 1_000_000


def referenced_datasets(
    outline: QuerySummary,
    tables: Collection[str],
    datasets: Sequence[Dataset],
    unscoped: Collection[str] = (),
) -> list[Dataset]:
    """Return the datasets that a query names, or those that have rows for the tables that it reads.

    Parameters
    ----------
    outline : QuerySummary
        The shape of the query.
    tables : collection of str
        The tables and views that it reads.
    datasets : sequence of Dataset
        The datasets that its owner may read.
    unscoped : collection of str
        Tables of unscoped joins: they contribute the rows of every dataset.
    """
    named = set() if unscoped else {text.lower() for text in outline.texts}
    return [dataset for dataset in datasets if dataset.id in named] or _with_rows(datasets, tables)


def estimated_rows(outline: QuerySummary, datasets: Sequence[Dataset]) -> int | None:
    """Estimate the number of rows of a query from its text and the row counts; None if it is unknown."""
    if outline.one_row:
        rows = 1
    elif outline.whole_table:
        rows = _estimate_rows(outline, outline.from_tables[0], datasets)
    else:
        return None
    return rows if outline.limit is None else min(rows, outline.limit)


def query_advice(outline: QuerySummary, tables: Collection[str], datasets: Sequence[Dataset]) -> list[str]:
    """Return advice to the author before the query runs, one or two sentences each."""
    found = [_unknown(text, datasets) for text in _unknown_ids(outline, datasets)]
    several = _with_rows(datasets, tables)
    if len(several) > 1 and not outline.chooses_datasets:
        found.append(
            f"The query reads {len(several)} datasets, and neuron ids are unique only within one: "
            "add WHERE dataset_id = '…' to read one connectome."
        )
    for table in outline.from_tables:
        rows = _estimate_rows(outline, table, datasets)
        if rows < BIG_ROWS or outline.limit is not None:
            continue
        if outline.takes_all_columns:
            found.append(
                f"SELECT * takes all {_width(table)} columns of {table} ({rows:,} rows): "
                "name the columns that you need, or add LIMIT."
            )
        if outline.sorted:
            found.append(f"ORDER BY sorts {rows:,} rows of {table}: add LIMIT if the first ones are enough.")
    return found


def join_advice(unscoped: Sequence[str], tables: Collection[str], datasets: Sequence[Dataset]) -> list[str]:
    """Return a warning if tables of several datasets are joined by ids that are unique only within one.

    Parameters
    ----------
    unscoped : sequence of str
        Tables of unscoped joins, as the query names them.
    tables : collection of str
        The tables and views that it reads.
    datasets : sequence of Dataset
        The datasets that its owner may read.

    Examples
    --------
    >>> join_advice(["c"], ["neurons"], [])
    []
    """
    several = _with_rows(datasets, tables)
    if not unscoped or len(several) < 2:
        return []
    are = "is" if len(unscoped) == 1 else "are"
    return [
        f"{' and '.join(unscoped)} {are} joined without dataset_id: the rows of {len(several)} datasets meet"
        ", and neuron ids are unique only within one. Join on it, too: "
        f"… AND {unscoped[0]}.dataset_id = ….dataset_id, or USING (dataset_id, …)."
    ]


def _unknown_ids(outline: QuerySummary, datasets: Sequence[Dataset]) -> list[str]:
    known = {dataset.id for dataset in datasets}
    return [text for text in dict.fromkeys(outline.compared) if text not in known]


def _unknown(text: str, datasets: Sequence[Dataset]) -> str:
    shown = text if len(text) <= 60 else f"{text[:59]}…"
    nearest = nearest_datasets(text[:200], datasets)
    return f"dataset_id is compared with {shown!r}, which is no dataset's id. {nearest}"


def _with_rows(datasets: Sequence[Dataset], tables: Collection[str]) -> list[Dataset]:
    return [dataset for dataset in datasets if any(_rows(dataset, table) for table in tables)]


def _estimate_rows(outline: QuerySummary, table: str, datasets: Sequence[Dataset]) -> int:
    read = [dataset for dataset in datasets if not outline.compared or dataset.id in outline.compared]
    return sum(_rows(dataset, table) for dataset in read)


def _rows(dataset: Dataset, table: str) -> int:
    info = dataset.tables.get(table)
    return info.rows if info is not None else dataset.views.get(table, 0)


def _width(table: str) -> int:
    return len(TABLES[table] if table in TABLES else VIEWS[table].columns)
