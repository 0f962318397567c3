"""The import pipeline: turns files into a dataset to add, or into a list of issues."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final
from uuid import uuid4

import duckdb

from syndb_service.domain.datasets import Dataset, PreparedDataset, Sizes, TableInfo
from syndb_service.errors import TransientError
from syndb_service.ingest.ambiguous_ids import check_spellings
from syndb_service.ingest.dataset_input import (
    FOLDER,
    DatasetInput,
    RecognizedInput,
    Report,
    load_tables,
    recognize_input,
)
from syndb_service.ingest.issues import IssueList
from syndb_service.ingest.load_progress import Progress, watch_statement
from syndb_service.ingest.metadata import Metadata
from syndb_service.ingest.neuron_ids import find_names, number_neurons
from syndb_service.ingest.parquet_output import count_connections, count_views, plan_outputs, write
from syndb_service.ingest.raw_tables import RawTable
from syndb_service.ingest.row_checks import check_edges, check_ranges, check_rows, check_weights
from syndb_service.ingest.table_files import EDGES
from syndb_service.ingest.type_conversion import TypedTable, type_table
from syndb_service.warehouse import DatasetStore

_MEMORY: Final = "1GB"


def add_folder(
    warehouse: DatasetStore,
    folder: Path,
    *,
    replace: bool = False,
    restrict_to: Sequence[str] = (),
    progress: Progress | None = None,
) -> Dataset:
    """Check a dataset folder and add all of it, or nothing.

    Parameters
    ----------
    warehouse : DatasetStore
        The warehouse to add it to.
    folder : Path
        The folder; ``describe_format()`` describes its format.
    replace : bool
        Replace the dataset with the same id, or with the same name if the folder states no id.
    restrict_to : sequence of str
        The only readers, whatever the metadata says: ``user:NAME`` and ``group:NAME``.
    progress : callable, optional
        Receives each stage and the fraction done of it: 0 to 1, or None while it is unknown.

    Raises
    ------
    DatasetInvalid
        With every issue, by file, row and column.
    Conflict
        With the code ``dataset_exists``.
    BadSetting
        If the warehouse can't be written.
    TransientError
        If the disk is full.

    Examples
    --------
    >>> dataset = add_folder(warehouse, Path("my_connectome"))  # doctest: +SKIP
    >>> dataset.name, dataset.tables["synapses"].rows  # doctest: +SKIP
    ('my_connectome_2026', 6394)
    """
    dataset_input = DatasetInput((folder,), FOLDER, readers=tuple(restrict_to))
    return add_dataset(warehouse, dataset_input, replace=replace, progress=progress)


def add_dataset(
    warehouse: DatasetStore,
    dataset_input: DatasetInput,
    *,
    replace: bool = False,
    progress: Progress | None = None,
    report: Report | None = None,
) -> Dataset:
    """Check an input and add all of it, or nothing.

    Parameters
    ----------
    warehouse : DatasetStore
        The warehouse to add it to.
    dataset_input : DatasetInput
        A dataset folder, or the files of an export, with the options that describe them.
    replace : bool
        Replace the dataset with the same id, or with the same name if the input states no id.
    progress : callable, optional
        Receives each stage and the fraction done of it: 0 to 1, or None while it is unknown.
    report : callable, optional
        Receives once how an export was recognized: a text of several lines.

    Raises
    ------
    DatasetInvalid, Conflict, BadSetting, TransientError
        As in ``add_folder``.

    Examples
    --------
    >>> dataset_input = DatasetInput((Path("codex"),), facts={"name": "flywire_783"})
    >>> add_dataset(warehouse, dataset_input, report=print).name  # doctest: +SKIP
    Recognised FlyWire Codex (--format flywire).
    ...
    'flywire_783'
    """
    with warehouse.staging() as work:
        prepared = prepare_dataset(dataset_input, work, progress, report)
        if dataset_input.readers:
            dataset = dataclasses.replace(
                prepared.dataset, visibility="restricted", readers=tuple(dataset_input.readers)
            )
            prepared = dataclasses.replace(prepared, dataset=dataset, states_access=True)
        return warehouse.add(prepared, replace=replace)


def prepare_dataset(
    dataset_input: DatasetInput, work: Path, progress: Progress | None = None, report: Report | None = None
) -> PreparedDataset:
    """Check an input and write its tables as canonical Parquet to ``work``.

    Raises
    ------
    DatasetInvalid
        With every issue, by file, row and column.
    """
    on_progress = progress or _ignore_progress
    issues = IssueList()
    on_progress("looking at the files", None)
    with TemporaryDirectory(dir=work, prefix="made-") as made:
        recognized = recognize_input(dataset_input, Path(made), issues)
        if recognized is None:
            issues.refuse()
            raise AssertionError("an unrecognized input has an issue")
        metadata = recognized.metadata
        with _database(work) as con:
            tables = _read_tables(con, recognized, issues, on_progress, report or _ignore_report)
            _check_tables(con, tables, issues, on_progress)
            issues.refuse()
            if metadata is None:
                raise AssertionError("missing metadata has an issue")
            infos = _write_tables(con, tables, metadata, work, on_progress)
            with watch_statement(con, on_progress, "counting connections"):
                views, sizes = count_views(con, work, infos), count_connections(con, work, infos)
    return PreparedDataset(
        _dataset(metadata, infos, views, sizes),
        work,
        states_id=metadata.id is not None,
        states_access=metadata.visibility is not None,
    )


def _ignore_progress(stage: str, fraction: float | None) -> None:
    """Discard the progress."""


def _ignore_report(text: str) -> None:
    """Discard the report."""


@contextmanager
def _database(work: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    config: dict[str, str | bool | int | float | list[str]] = {
        "memory_limit": _MEMORY,
        "temp_directory": str(work / "spill"),
        "threads": min(4, os.cpu_count() or 1),
        "autoinstall_known_extensions": False,
    }
    try:
        with duckdb.connect(str(work / "work.duckdb"), config=config) as con:
            con.execute("SET enable_progress_bar = true")
            con.execute("SET enable_progress_bar_print = false")
            yield con
    except (duckdb.IOException, duckdb.OutOfMemoryException) as error:
        raise TransientError(
            "The dataset could not be written beside the warehouse; nothing was added.",
            hint="Is its disk full? Several times the size of the tables is needed while they are checked.",
        ) from error
    except (RuntimeError, duckdb.InterruptException) as error:  # Ctrl-C during a statement of DuckDB
        if "interrupted" not in str(error).lower():
            raise
        raise KeyboardInterrupt from error


def _read_tables(
    con: duckdb.DuckDBPyConnection,
    recognized: RecognizedInput,
    issues: IssueList,
    on_progress: Progress,
    report: Report,
) -> dict[str, TypedTable]:
    raws = load_tables(con, recognized, issues, on_progress, report)
    _check_neurons(raws, issues)
    named = find_names(con, raws)
    check_spellings(con, raws, named, issues)
    typed = {}
    for table, raw in raws.items():
        with watch_statement(con, on_progress, f"typing {raw.source.label}"):
            typed[table] = type_table(con, raw, named[table], issues)
    return typed


def _check_neurons(raws: Mapping[str, RawTable], issues: IssueList) -> None:
    """Record issues if the input has no neurons; otherwise other tables may be empty."""
    neurons = raws.get("neurons")
    if neurons is not None and neurons.rows == 0 and not issues.concern(neurons.source.labels):
        issues.add(
            neurons.source.label,
            "holds no neurons; list them, or leave the file out where other tables name them",
        )
    elif not issues and not any(raw.rows for raw in raws.values()):
        for raw in raws.values():
            issues.add(raw.source.label, "holds no rows, and no neurons are given; add a neurons.csv")


def _check_tables(
    con: duckdb.DuckDBPyConnection, tables: Mapping[str, TypedTable], issues: IssueList, on_progress: Progress
) -> None:
    complete = {name: table for name, table in tables.items() if table.is_complete}
    with watch_statement(con, on_progress, "checking"):
        number_neurons(con, complete)
        check_rows(con, complete, issues)
        for table in complete.values():
            check_ranges(con, table, issues)
        if EDGES in complete:
            check_edges(con, complete[EDGES], issues)
        relations = complete.get("neuron_relations")
        if relations is not None and "weight" in relations.columns:
            check_weights(con, relations, "weight", "true", issues)


def _write_tables(
    con: duckdb.DuckDBPyConnection,
    tables: Mapping[str, TypedTable],
    metadata: Metadata,
    work: Path,
    on_progress: Progress,
) -> dict[str, TableInfo]:
    infos = {}
    for table, output in plan_outputs(tables, metadata.species).items():
        with watch_statement(con, on_progress, f"writing {table}"):
            info = write(con, table, output, work, metadata.units[table])
        if info is not None:
            infos[table] = info
    return infos


def _dataset(
    metadata: Metadata, tables: dict[str, TableInfo], views: dict[str, int], sizes: dict[str, Sizes]
) -> Dataset:
    return Dataset(
        id=metadata.id or str(uuid4()),
        name=metadata.name,
        title=metadata.title,
        species=metadata.species,
        version=metadata.version,
        licence=metadata.licence,
        citation=metadata.citation,
        doi=metadata.doi,
        visibility=metadata.visibility or "public",
        readers=metadata.readers,
        description=metadata.description,
        tables=tables,
        views=views,
        connection_sizes=sizes,
        added_at=datetime.now(UTC),
    )
