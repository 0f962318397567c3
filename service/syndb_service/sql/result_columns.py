"""The columns of a result: the file type of each engine type, chosen before the query runs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import duckdb
import pyarrow as pa
from duckdb.sqltypes import DuckDBPyType

from syndb_service.domain.table_schema import quote_name
from syndb_service.errors import InvalidQuery

MARK: Final = b"syndb.type"
"""The key in a field's metadata for the engine's type, set if the type of the file differs."""
MAX_MARK: Final = 16_384
"""Characters of a type's name that a file keeps; the name of an ENUM type can be longer."""
MAX_LEVELS: Final = 60
"""Nested levels of lists, structs and maps; Arrow allows 64, and a map counts as two."""
MAX_NAMED: Final = 500
"""Characters of a type's name that a record keeps."""

AS_TEXT: Final = frozenset(
    {
        *("UHUGEINT", "BIGNUM", "BIT", "INTERVAL", "GEOMETRY"),
        *("TIME", "TIME_NS", "TIME WITH TIME ZONE"),
    }
)
"""Types with values that Arrow can't represent or its readers change; written as the engine's text."""
RENAMED: Final = frozenset({"UUID", "JSON"})
"""Types that Arrow stores as text in any case."""
READ_FROM_CSV: Final = {
    "DATE": pa.date32(),
    "TIMESTAMP_S": pa.timestamp("s"),
    "TIMESTAMP_MS": pa.timestamp("ms"),
    "TIMESTAMP": pa.timestamp("us"),
    "TIMESTAMP_NS": pa.timestamp("ns"),
    "TIMESTAMP WITH TIME ZONE": pa.timestamp("us", tz="UTC"),
    "TIMESTAMPTZ_NS": pa.timestamp("ns", tz="UTC"),
    "BLOB": pa.binary(),
}
"""Types that CSV stores as the engine's text, and the type that a reader converts it to."""
INSTEAD: Final = {
    "union": "Write union_tag({0}) and a column for each member, or CAST({0} AS VARCHAR).",
    "variant": "Write CAST({0} AS JSON), or CAST({0} AS VARCHAR).",
    "type": "Write CAST({0} AS VARCHAR).",
}


@dataclass(frozen=True, slots=True)
class ResultColumn:
    """A column of a result, and its types in the engine and in the file.

    Parameters
    ----------
    name : str
        Its name in the query.
    type : str
        The engine's type.
    written : str
        The engine's type that it is cast to for the file.
    read : str
        The engine's type of what a reader gets; differs from ``written`` only in CSV.
    mark : str or None
        The engine's type as the file records it, if a reader would get another type.
    """

    name: str
    type: str
    written: str
    read: str
    mark: str | None

    def expression(self, number: int) -> str:
        """Format the ``number``-th column (from 1) as an expression over the query."""
        if self.written == self.type:
            return f"#{number}"
        # formatting a UHUGEINT takes the engine 150 times as long as a BIGNUM
        column = f"CAST(#{number} AS BIGNUM)" if self.type == "UHUGEINT" else f"#{number}"
        return f"CAST({column} AS {self.written})"

    @property
    def record_entry(self) -> list[str]:
        """The engine's type for the record of a job; empty if a reader gets it from the file."""
        return [] if self.mark is None else [shorten_type_name(self.mark)]

    def field(self, kind: pa.DataType) -> pa.Field:
        """Return the Arrow field of the column, with the engine's type as metadata."""
        return pa.field(self.name, kind, metadata=None if self.mark is None else {MARK: self.mark})


def result_columns(relation: duckdb.DuckDBPyRelation, file_format: str) -> list[ResultColumn]:
    """Choose the file type of each column of a query.

    Parameters
    ----------
    relation : duckdb.DuckDBPyRelation
        The query, bound.
    file_format : str
        ``arrow``, ``parquet`` or ``csv``.

    Raises
    ------
    InvalidQuery
        If no file type represents the values of a column exactly; names the column and what to write instead.

    Examples
    --------
    >>> query = duckdb.sql("SELECT 1 AS n, TIMETZ '12:00:00+05:30' AS t")
    >>> [(column.name, column.written) for column in result_columns(query, "arrow")]
    [('n', 'INTEGER'), ('t', 'VARCHAR')]
    """
    return [
        _column(name, kind, file_format) for name, kind in zip(relation.columns, relation.types, strict=True)
    ]


def convert_columns(
    relation: duckdb.DuckDBPyRelation, columns: Sequence[ResultColumn]
) -> duckdb.DuckDBPyRelation:
    """Cast columns that files store as text; return the relation itself if there are none."""
    if not needs_conversion(columns):
        return relation
    return relation.project(", ".join(column.expression(number) for number, column in enumerate(columns, 1)))


def needs_conversion(columns: Sequence[ResultColumn]) -> bool:
    """Whether any column is written in a type other than the engine's."""
    return any(column.written != column.type for column in columns)


def shorten_type_name(kind: str, limit: int = MAX_NAMED) -> str:
    """Truncate a type's name, with an ellipsis.

    Examples
    --------
    >>> shorten_type_name("INTEGER"), shorten_type_name("ENUM('a', 'b')", 6)
    ('INTEGER', 'ENUM(…')
    """
    return kind if len(kind) <= limit else f"{kind[: limit - 1]}…"


def _reject_deep(name: str, kind: DuckDBPyType) -> None:
    found = [(kind, 1)]
    while found:
        part, level = found.pop()
        if level > MAX_LEVELS:
            raise InvalidQuery(
                f"the column {name!r} is nested more than {MAX_LEVELS} levels deep",
                hint="A result takes no more: unnest it, or write CAST(… AS VARCHAR) or to_json(…).",
            )
        found += [(child, level + 1 + (part.id == "map")) for _, child in _children(part)]


def _column(name: str, kind: DuckDBPyType, file_format: str) -> ResultColumn:
    _reject_deep(name, kind)
    for part in _parts(kind):
        if part.id in INSTEAD and not _is_exact_union(part, file_format):
            raise InvalidQuery(
                f"no result holds the column {name!r} of type {shorten_type_name(str(kind), 100)} exactly",
                hint=INSTEAD[part.id].format(name if name.isidentifier() else "…"),
            )
        if file_format == "parquet" and part.id == "struct" and not part.children:
            raise InvalidQuery(
                f"parquet can't hold the column {name!r}: a struct without fields",
                hint="Leave it out, or ask for another format.",
            )
    type_name = str(kind)
    written = read = (
        type_name if type_name == "HUGEINT" or kind.id == "enum" else _file_type(kind, file_format)
    )
    if file_format == "csv" and type_name in READ_FROM_CSV:
        written = "VARCHAR"
    elif file_format == "csv" and (kind.id == "enum" or _is_nested(kind)):
        written = read = "VARCHAR"
    marked = read != type_name or any(
        part.id in ("enum", "tuple") or str(part) in RENAMED for part in _parts(kind)
    )
    return ResultColumn(
        name, type_name, written, read, shorten_type_name(type_name, MAX_MARK) if marked else None
    )


def _file_type(kind: DuckDBPyType, file_format: str) -> str:
    """Return the file type of an engine type, including its nested types."""
    type_name = str(kind)
    if type_name == "HUGEINT":
        return "BIGINT"
    if type_name == "TIMESTAMP_S" and file_format == "parquet":  # Parquet has no seconds
        return "TIMESTAMP"
    if type_name in AS_TEXT or kind.id in ("enum", "geometry"):
        return "VARCHAR"
    if not _is_nested(kind):
        return type_name
    inner = [(name, _file_type(child, file_format), str(child)) for name, child in _children(kind)]
    if all(stored == engine for _, stored, engine in inner):
        return type_name
    if kind.id in ("list", "array"):
        return inner[0][1] + type_name[type_name.rindex("[") :]
    if kind.id in ("map", "tuple"):
        return f"{kind.id.upper()}({', '.join(stored for _, stored, _ in inner)})"
    return f"STRUCT({', '.join(f'{quote_name(name)} {stored}' for name, stored, _ in inner)})"


def _is_nested(kind: DuckDBPyType) -> bool:
    return kind.id in ("list", "array", "struct", "map", "tuple", "union")


def _is_exact_union(kind: DuckDBPyType, file_format: str) -> bool:
    """Whether a type is a union that Arrow stores unchanged, with all its members."""
    if kind.id != "union" or file_format != "arrow":
        return False
    return all(
        _file_type(child, file_format) == str(child) and child.id != "enum" for _, child in _children(kind)
    )


def _children(kind: DuckDBPyType) -> list[tuple[str, DuckDBPyType]]:
    found = kind.children if _is_nested(kind) else []
    return [(name, child) for name, child in found if isinstance(child, DuckDBPyType)]


def _parts(kind: DuckDBPyType) -> Iterator[DuckDBPyType]:
    """Yield a type and all types nested in it."""
    yield kind
    for _, child in _children(kind):
        yield from _parts(child)
