"""The columns of a stored result as SQL sees them: their types as they were, their names told apart."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from typing import Final

import pyarrow as pa

from syndb_service.domain.table_schema import quote_name
from syndb_service.errors import InvalidQuery
from syndb_service.sql.result_columns import MARK
from syndb_service.sql.source_position import fold

OF_ARROW: Final = frozenset({"__filename", "__fragment_index", "__batch_index", "__last_in_fragment"})
"""Names that Arrow's datasets give to columns of their own."""
WORD: Final = re.compile(
    r"""'(?:[^']|'')*+'|--[^\n]*+|/\*.*?\*/|"(?P<quoted>(?:[^"]|"")*+)"|(?P<plain>[^\W\d][\w$]*+)""",
    re.DOTALL,
)


def sql_names(names: Sequence[str], sql: str) -> list[str]:
    """Name the columns of a result so that SQL tells them apart, which takes "A" and "a" for one name.

    The one that the query writes keeps its name, so that ``"a"`` is never the column "A".

    Raises
    ------
    InvalidQuery
        If the query writes several of them.

    Examples
    --------
    >>> sql_names(["A", "a", "b"], 'SELECT "a", b FROM r'), sql_names(["A", "a"], "SELECT * FROM r")
    (['A_1', 'a', 'b'], ['A', 'a_1'])
    """
    alike = defaultdict(list)
    for number, name in enumerate(names):
        alike[fold(name)].append(number)
    found = list(names)
    for numbers in alike.values():
        if len(numbers) > 1:
            first = _choose_by_case([names[number] for number in numbers], sql)
            for number in numbers:
                if number != numbers[first]:
                    found[number] = _free(names[number], alike.keys() | {fold(name) for name in found})
    return found


def view_sql(schema: pa.Schema, names: Sequence[str], source: str, *, by_number: bool) -> str:
    """Write a result's table as it was: each column under its name, and in its type again.

    Parameters
    ----------
    schema : pyarrow.Schema
        Of the file.
    names : sequence of str
        What the columns are called in SQL.
    source : str
        The table that has them, by their names in the file, or as ``c0``, ``c1``, … if ``by_number``.
    """
    parts = []
    for number, (field, name) in enumerate(zip(schema, names, strict=True)):
        column = f"c{number}" if by_number else quote_name(field.name)
        kind = restored_type(field)
        written = f"CAST({column} AS {kind})" if kind else column
        parts.append(f"{written} AS {quote_name(name)}")
    return f"SELECT {', '.join(parts)} FROM {quote_name(source)}"  # noqa: S608 - names are quoted


def restored_type(field: pa.Field) -> str | None:
    """Name the engine's type that a column gets back; None where it is read as it was."""
    mark = (field.metadata or {}).get(MARK, b"").decode()
    return mark if mark and not mark.endswith("…") else None


def is_misread(schema: pa.Schema) -> bool:
    """Whether the engine would read other columns than these, or none, through a dataset of Arrow."""
    names = schema.names
    if any(_holds_union(field.type) for field in schema):
        return True
    return len({fold(name) for name in names}) < len(names) or not OF_ARROW.isdisjoint(map(fold, names))


def _holds_union(kind: pa.DataType) -> bool:
    if pa.types.is_union(kind):
        return True
    return any(_holds_union(kind.field(number).type) for number in range(kind.num_fields))


def _choose_by_case(alike: Sequence[str], sql: str) -> int:
    """Find which of the names that differ in case alone a query writes."""
    words = list(WORD.finditer(sql))
    quoted = {word["quoted"].replace('""', '"') for word in words if word["quoted"] is not None}
    for written in (quoted, quoted | {word["plain"] for word in words if word["plain"]}):
        found = [number for number, name in enumerate(alike) if name in written]
        if len(found) == 1:
            return found[0]
        if len(found) > 1:
            raise InvalidQuery(
                f"SQL does not tell apart the columns {' and '.join(map(quote_name, alike))} of the result",
                hint="Use one of them in a query, or name them apart in the query that makes the result.",
            )
    return 0


def _free(name: str, taken: set[str]) -> str:
    count = 1
    while fold(f"{name}_{count}") in taken:
        count += 1
    return f"{name}_{count}"
