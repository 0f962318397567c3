"""Files become a dataset that is ready to be added, or a list of what is wrong with them."""

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
from syndb_service.ingest.dataset_input import DatasetInput
from syndb_service.ingest.edge_checks import check_edges, check_weights
from syndb_service.ingest.input_loader import FOLDER, RecognizedInput, Report, load_tables, recognize_input
from syndb_service.ingest.issues import IssueList
from syndb_service.ingest.load_progress import Progress, watch_statement
from syndb_service.ingest.metadata import Metadata
from syndb_service.ingest.neuron_ids import find_names, number_neurons
from syndb_service.ingest.parquet_output import count_connections, count_views, plan_outputs, write
from syndb_service.ingest.raw_tables import RawTable
from syndb_service.ingest.row_checks import check_rows
from syndb_service.ingest.table_files import EDGES
from syndb_service.ingest.type_conversion import TypedTable, type_table
from syndb_service.ingest.value_checks import check_ranges
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
    """Check a dataset folder and add it, whole or not at all.

    Parameters
    ----------
    warehouse : DatasetStore
        Where it goes.
    folder : Path
        The folder; ``describe_format()`` says what it looks like.
    replace : bool
        Put it in the place of the dataset with the same id, or with the same name where it states no id.
    restrict_to : sequence of str
        Who alone may see it, whatever its metadata says: ``user:NAME`` and ``group:NAME``.
    progress : callable, optional
        Told each stage, and how much of that stage is behind it: 0 to 1, or None while nobody knows.

    Raises
    ------
    DatasetInvalid
        With every finding, by file, row and column.
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
    offer = DatasetInput((folder,), FOLDER, readers=tuple(restrict_to))
    return add_dataset(warehouse, offer, replace=replace, progress=progress)


def add_dataset(
    warehouse: DatasetStore,
    offer: DatasetInput,
    *,
    replace: bool = False,
    progress: Progress | None = None,
    report: Report | None = None,
) -> Dataset:
    """Check what is offered and add it, whole or not at all.

    Parameters
    ----------
    warehouse : DatasetStore
        Where it goes.
    offer : Offer
        A dataset folder, or the files of an export, and what is said about them.
    replace : bool
        Put it in the place of the dataset with the same id, or with the same name where it states no id.
    progress : callable, optional
        Told each stage, and how much of that stage is behind it: 0 to 1, or None while nobody knows.
    report : callable, optional
        Told once what an export was taken for: a text of several lines.

    Raises
    ------
    DatasetInvalid, Conflict, BadSetting, TransientError
        As ``add_folder``.

    Examples
    --------
    >>> offer = DatasetInput((Path("codex"),), facts={"name": "flywire_783"})
    >>> add_dataset(warehouse, offer, report=print).name  # doctest: +SKIP
    Recognised FlyWire Codex (--format flywire).
    ...
    'flywire_783'
    """
    with warehouse.staging() as work:
        prepared = prepare_dataset(offer, work, progress, report)
        if offer.readers:
            dataset = dataclasses.replace(
                prepared.dataset, visibility="restricted", readers=tuple(offer.readers)
            )
            prepared = dataclasses.replace(prepared, dataset=dataset, states_access=True)
        return warehouse.add(prepared, replace=replace)


def prepare_dataset(
    offer: DatasetInput, work: Path, progress: Progress | None = None, report: Report | None = None
) -> PreparedDataset:
    """Check what is offered and write its tables as canonical Parquet into ``work``.

    Raises
    ------
    DatasetInvalid
        With every finding, by file, row and column.
    """
    tell = progress or _ignore_progress
    findings = IssueList()
    tell("looking at the files", None)
    with TemporaryDirectory(dir=work, prefix="made-") as made:
        origin = recognize_input(offer, Path(made), findings)
        if origin is None:
            findings.refuse()
            raise AssertionError("what is not recognised is a finding")
        metadata = origin.metadata
        with _database(work) as con:
            tables = _read_tables(con, origin, findings, tell, report or _ignore_report)
            _check_tables(con, tables, findings, tell)
            findings.refuse()
            if metadata is None:
                raise AssertionError("metadata that is missing is a finding")
            infos = _write_tables(con, tables, metadata, work, tell)
            with watch_statement(con, tell, "counting connections"):
                views, sizes = count_views(con, work, infos), count_connections(con, work, infos)
    return PreparedDataset(
        _dataset(metadata, infos, views, sizes),
        work,
        states_id=metadata.id is not None,
        states_access=metadata.visibility is not None,
    )


def _ignore_progress(stage: str, fraction: float | None) -> None:
    """Tell nobody."""


def _ignore_report(text: str) -> None:
    """Tell nobody."""


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
    except (RuntimeError, duckdb.InterruptException) as error:  # a Ctrl-C while DuckDB worked
        if "interrupted" not in str(error).lower():
            raise
        raise KeyboardInterrupt from error


def _read_tables(
    con: duckdb.DuckDBPyConnection,
    origin: RecognizedInput,
    findings: IssueList,
    tell: Progress,
    report: Report,
) -> dict[str, TypedTable]:
    raws = load_tables(con, origin, findings, tell, report)
    _check_neurons(raws, findings)
    named = find_names(con, raws)
    check_spellings(con, raws, named, findings)
    typed = {}
    for table, raw in raws.items():
        with watch_statement(con, tell, f"typing {raw.source.label}"):
            typed[table] = type_table(con, raw, named[table], findings)
    return typed


def _check_neurons(raws: Mapping[str, RawTable], findings: IssueList) -> None:
    """Note that there are no neurons: tables without rows are sound where there are some."""
    neurons = raws.get("neurons")
    if neurons is not None and neurons.rows == 0 and not findings.concern(neurons.source.labels):
        findings.add(
            neurons.source.label,
            "holds no neurons; list them, or leave the file out where other tables name them",
        )
    elif not findings and not any(raw.rows for raw in raws.values()):
        for raw in raws.values():
            findings.add(raw.source.label, "holds no rows, and no neurons are given; add a neurons.csv")


def _check_tables(
    con: duckdb.DuckDBPyConnection, tables: Mapping[str, TypedTable], findings: IssueList, tell: Progress
) -> None:
    whole = {name: table for name, table in tables.items() if table.is_complete}
    with watch_statement(con, tell, "checking"):
        number_neurons(con, whole)
        check_rows(con, whole, findings)
        for table in whole.values():
            check_ranges(con, table, findings)
        if EDGES in whole:
            check_edges(con, whole[EDGES], findings)
        relations = whole.get("neuron_relations")
        if relations is not None and "weight" in relations.columns:
            check_weights(con, relations, "weight", "true", findings)


def _write_tables(
    con: duckdb.DuckDBPyConnection,
    tables: Mapping[str, TypedTable],
    metadata: Metadata,
    work: Path,
    tell: Progress,
) -> dict[str, TableInfo]:
    infos = {}
    for table, output in plan_outputs(tables, metadata.species).items():
        with watch_statement(con, tell, f"writing {table}"):
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
