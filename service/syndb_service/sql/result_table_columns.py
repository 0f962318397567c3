"""The columns of a stored result in SQL: with their original types and distinct names."""

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
"""Names of the columns that Arrow's datasets add."""
WORD: Final = re.compile(
    r"""'(?:[^']|'')*+'|--[^\n]*+|/\*.*?\*/|"(?P<quoted>(?:[^"]|"")*+)"|(?P<plain>[^\W\d][\w$]*+)""",
    re.DOTALL,
)


def sql_names(names: Sequence[str], sql: str) -> list[str]:
    """Give the columns of a result names that differ in SQL, where "A" and "a" are the same name.

    The column that the query names keeps its name, so that ``"a"`` never means the column "A".

    Raises
    ------
    InvalidQuery
        If the query names several of them.

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
    """Return the SELECT that restores a result's table: each column with its name and original type.

    Parameters
    ----------
    schema : pyarrow.Schema
        The schema of the file.
    names : sequence of str
        The names of the columns in SQL.
    source : str
        The table with the columns, named as in the file, or ``c0``, ``c1``, … if ``by_number``.
    """
    parts = []
    for number, (field, name) in enumerate(zip(schema, names, strict=True)):
        column = f"c{number}" if by_number else quote_name(field.name)
        kind = restored_type(field)
        written = f"CAST({column} AS {kind})" if kind else column
        parts.append(f"{written} AS {quote_name(name)}")
    return f"SELECT {', '.join(parts)} FROM {quote_name(source)}"  # noqa: S608 - names are quoted


def restored_type(field: pa.Field) -> str | None:
    """Return the engine's type to cast a column to; None if it is already read in that type."""
    mark = (field.metadata or {}).get(MARK, b"").decode()
    return mark if mark and not mark.endswith("…") else None


def is_misread(schema: pa.Schema) -> bool:
    """Whether the engine would read wrong columns, or none, through an Arrow dataset."""
    names = schema.names
    if any(_holds_union(field.type) for field in schema):
        return True
    return len({fold(name) for name in names}) < len(names) or not OF_ARROW.isdisjoint(map(fold, names))


def _holds_union(kind: pa.DataType) -> bool:
    if pa.types.is_union(kind):
        return True
    return any(_holds_union(kind.field(number).type) for number in range(kind.num_fields))


def _choose_by_case(alike: Sequence[str], sql: str) -> int:
    """Return the index of the name that a query contains, among names that differ only in case."""
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
