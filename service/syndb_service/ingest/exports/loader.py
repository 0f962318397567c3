"""Loads the parts of an export as raw tables, and counts what is left out."""

# ruff: noqa: S608 - names are quoted, and the SQL is the readers'

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

import duckdb

from syndb_service.domain.table_schema import quote_name
from syndb_service.ingest.exports.import_plan import ImportPart
from syndb_service.ingest.file_reader import count_rows, describe_parquet, load_text, open_text, view_parquet
from syndb_service.ingest.issues import IssueList
from syndb_service.ingest.raw_tables import RawTable
from syndb_service.ingest.row_locations import LineRowLocator, RowLocator
from syndb_service.ingest.table_files import TableFile

_ENDS: Final = ("pre_neuron_id", "post_neuron_id")


@dataclass(slots=True)
class Loaded:
    """One part in the work database.

    Parameters
    ----------
    part : ImportPart
        The plan of the part.
    source : TableFile
        Its file.
    relation : str
        A view of the schema's columns, with ``_at``.
    below : str
        The relation below the view, in the form of a DROP statement.
    types : dict of str to str
        DuckDB's types of its columns.
    locator : RowLocator
        Finds a row in the file.
    rows : int
        Number of imported rows.
    cut : dict of str to int
        Number of rows left out, by reason.
    """

    part: ImportPart
    source: TableFile
    relation: str
    below: tuple[str, ...]
    types: dict[str, str]
    locator: RowLocator
    rows: int = 0
    cut: dict[str, int] = field(default_factory=dict)


def load_part(
    con: duckdb.DuckDBPyConnection,
    part: ImportPart,
    number: int,
    issues: IssueList,
    on_fraction: Callable[[float], None] | None = None,
) -> Loaded | None:
    """Load one part; return None and record issues if its file can't be read."""
    source = TableFile(part.table, part.probe.paths, tuple(_labels(part)))
    file = f"file_{number}"
    opened = _open(con, part, source, file, issues, on_fraction)
    if opened is None:
        return None
    locator, at, below = opened
    picked = [f"{at} AS _at"] + [
        f"{cell.sql.format(*map(_quote_column, cell.given))} AS {name}" for name, cell in part.cells.items()
    ]
    conditions = [cut.sql.format(*map(_quote_column, cut.given)) for cut in part.cuts]
    origin = part.origin.replace("{file}", file) or file
    kept = " AND ".join(f"({condition}) IS NOT TRUE" for condition in conditions) or "true"
    relation = f"part_{number}"
    con.execute(f"CREATE VIEW {relation} AS SELECT {', '.join(picked)} FROM {origin} WHERE {kept}")
    described = con.execute(f"DESCRIBE {relation}").fetchall()
    types = {str(row[0]): str(row[1]) for row in described if row[0] != "_at"}
    loaded = Loaded(part, source, relation, (f"VIEW {relation}", below), types, locator)
    loaded.rows = count_rows(con, relation)
    for cut, condition in zip(part.cuts, conditions, strict=True):
        loaded.cut[cut.reason] = count_rows(con, f"{origin} WHERE {condition}")
    return loaded


def _labels(part: ImportPart) -> list[str]:
    if len(part.probe.paths) == 1:
        return [part.probe.label]
    return [f"{part.probe.label}{path.name}" for path in part.probe.paths]


def _quote_column(name: str) -> str:
    return quote_name(name.lower())


def _open(
    con: duckdb.DuckDBPyConnection,
    part: ImportPart,
    source: TableFile,
    file: str,
    issues: IssueList,
    on_fraction: Callable[[float], None] | None,
) -> tuple[RowLocator, str, str] | None:
    """Create a relation of the file's rows; return its locator, the SQL of ``_at``, and what to drop."""
    needed = _required_columns(part)
    if part.made is not None:
        con.execute(f"CREATE VIEW {file} AS SELECT * FROM read_parquet('{_quote_literal(str(part.made))}')")
        return LineRowLocator(source.label, part.made), "_at", f"VIEW {file}"
    if part.probe.is_parquet:
        if describe_parquet(con, source, issues) is None:
            return None
        columns = {given.lower(): given for given in needed}
        locations = view_parquet(con, source, file, columns, issues)
        return None if locations is None else (locations, "_at", f"VIEW {file}")
    text = open_text(source, issues, on_fraction, header=part.named)
    if text is None:
        return None
    header = part.probe.header if part.named else tuple(str(n) for n in range(1, len(text.header) + 1))
    positions = {given.lower(): header.index(given) for given in needed}
    rows = load_text(con, source, text, file, positions, issues)
    at = "_at" if part.origin else "rowid + 1"
    return None if rows is None else (rows, at, f"TABLE {file}")


def _required_columns(part: ImportPart) -> list[str]:
    """Return the columns of the file to read."""
    if part.origin:
        return list(part.probe.header)
    given = [name for cell in part.cells.values() for name in cell.given]
    return list(dict.fromkeys([*given, *(name for cut in part.cuts for name in cut.given)]))


def _quote_literal(text: str) -> str:
    return text.replace("'", "''")


@dataclass(slots=True)
class LoadedExport:
    """The raw tables of an export, and the counts for its report."""

    raws: dict[str, RawTable] = field(default_factory=dict)
    unlisted: int = 0
    strangers: dict[str, int] = field(default_factory=dict)


def merge_parts(con: duckdb.DuckDBPyConnection, loaded: Sequence[Loaded]) -> LoadedExport:
    """Merge the loaded parts into raw tables: neurons of all their files, then synapses or edges."""
    export = LoadedExport()
    neurons = [loaded_part for loaded_part in loaded if loaded_part.part.table == "neurons"]
    links = [loaded_part for loaded_part in loaded if loaded_part.part.table != "neurons"]
    if neurons:
        export.raws["neurons"] = _neurons(con, neurons, links, export)
    for loaded_part in links:
        export.raws[loaded_part.part.table] = _raw(
            loaded_part, loaded_part.relation, loaded_part.types, loaded_part.rows, loaded_part.below
        )
    return export


def _neurons(
    con: duckdb.DuckDBPyConnection,
    neurons: Sequence[Loaded],
    links: Sequence[Loaded],
    export: LoadedExport,
) -> RawTable:
    """Join the attributes of a neuron by its id, and add the neurons that only connections contain."""
    first, *others = neurons
    columns = {name: f"n.{name}" for name in first.types}
    joins = []
    for number, other in enumerate(others):
        alias = f"o{number}"
        added = [name for name in other.types if name not in columns]
        columns |= {name: f"{alias}.{name}" for name in added}
        picked = "".join(f", any_value({name}) AS {name}" for name in added)
        joins.append(
            f" LEFT JOIN (SELECT {_key('neuron_id')} AS key{picked} FROM {other.relation} GROUP BY 1) "
            f"{alias} ON {_key('n.neuron_id')} = {alias}.key"
        )
        same = f"{_key('t.neuron_id')} = {_key('n.neuron_id')}"
        missing = f"{other.relation} t ANTI JOIN {first.relation} n ON {same}"
        export.strangers[other.source.label] = count_rows(con, missing)
    chosen = ", ".join(f"{sql} AS {name}" for name, sql in columns.items())
    rows = f"SELECT n._at, {chosen} FROM {first.relation} n{''.join(joins)}"
    con.execute(f"CREATE TABLE raw_neurons AS {rows}")
    for link in links:
        export.unlisted += _list_unlisted(con, link)
    for loaded_part in neurons:
        for below in loaded_part.below:
            con.execute(f"DROP {below}")
    types = {
        name: kind for loaded_part in reversed(neurons) for name, kind in loaded_part.types.items()
    } | first.types
    given = {
        name: cell.given[0]
        for loaded_part in reversed(neurons)
        for name, cell in loaded_part.part.cells.items()
    }
    return RawTable(
        first.source,
        "raw_neurons",
        types,
        given,
        count_rows(con, "raw_neurons"),
        first.locator,
        scratch=("TABLE raw_neurons",),
    )


def _key(name: str) -> str:
    return f"trim(CAST({name} AS VARCHAR))"


def _list_unlisted(con: duckdb.DuckDBPyConnection, link: Loaded) -> int:
    """Add the ids of neurons that only this part contains; their ``_at`` of 1 is never used."""
    ends = " UNION ".join(f"SELECT {_key(end)} AS key FROM {link.relation}" for end in _ENDS)
    done = con.execute(
        f"INSERT INTO raw_neurons (_at, neuron_id) SELECT 1, e.key FROM ({ends}) e "
        f"ANTI JOIN raw_neurons n ON e.key = {_key('n.neuron_id')} "
        "WHERE TRY_CAST(e.key AS BIGINT) IS NOT NULL"
    ).fetchone()
    return int(done[0]) if done else 0


def _raw(
    loaded_part: Loaded, relation: str, types: dict[str, str], rows: int, scratch: tuple[str, ...]
) -> RawTable:
    given = {name: cell.given[0] for name, cell in loaded_part.part.cells.items()}
    scales = {name: cell.scale for name, cell in loaded_part.part.cells.items() if cell.scale is not None}
    text = not loaded_part.part.probe.is_parquet and loaded_part.part.made is None
    return RawTable(
        loaded_part.source,
        relation,
        types,
        given,
        rows,
        loaded_part.locator,
        scratch=scratch if text else (),
        scales=scales,
    )
