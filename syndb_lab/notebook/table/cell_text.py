"""Cells as texts, formatted by the engine that also filters them, so that both see the same text."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import zip_longest
from typing import TYPE_CHECKING, Any, Final

from syndb_lab.display.table_preview import column_texts
from syndb_lab.text.terminal_text import escape_control_characters

if TYPE_CHECKING:
    import pyarrow

Cell = str | None | list[str | int]
Kinds = Sequence[str | None]
"""For nested columns, the engine's types to format them in, if Arrow stores other types."""
MAX_CHARACTERS: Final = 300


class CellFormatter:
    """Formats tables as texts: ids with all digits, timestamps in ISO 8601, NULL as None."""

    def __init__(self) -> None:
        import duckdb

        self._engine = duckdb.connect(config={"threads": 1})
        self._engine.execute("SET TimeZone = 'UTC'")

    def short_texts(self, table: pyarrow.Table, kinds: Kinds = ()) -> list[list[Cell]]:
        """Format rows for the screen, on one line; a long cell becomes its beginning and its length."""
        long = [f"left({{0}}, {MAX_CHARACTERS})", "length({0})"]
        columns = self._columns(table, long, kinds)
        cells = [
            [cut(text, length) for text, length in zip(*columns[index : index + 2], strict=True)]
            for index in range(0, len(columns), 2)
        ]
        return [list(row) for row in zip(*cells, strict=True)]

    def full_texts(self, table: pyarrow.Table, kinds: Kinds = ()) -> list[list[str | None]]:
        """Format rows as complete texts."""
        return [list(row) for row in zip(*self._columns(table, ["{0}"], kinds), strict=True)]

    def close(self) -> None:
        """Close the engine."""
        self._engine.close()

    def _columns(self, table: pyarrow.Table, forms: Sequence[str], kinds: Kinds) -> list[list[Any]]:
        import duckdb

        try:
            return self._format(table, forms, kinds)
        except duckdb.Error:
            if table.num_columns > 1:
                parts = [
                    self._columns(table.select([index]), forms, kinds[index : index + 1])
                    for index in range(table.num_columns)
                ]
                return [column for part in parts for column in part]
        texts = column_texts(table.column(0))  # a type that the engine does not support
        if len(forms) == 1:
            return [texts]
        return [
            [text and text[:MAX_CHARACTERS] for text in texts],
            [None if text is None else len(text) for text in texts],
        ]

    def _format(self, table: pyarrow.Table, forms: Sequence[str], kinds: Kinds) -> list[list[Any]]:
        names = [f"c{index}" for index in range(table.num_columns)]
        self._engine.register("page", table.rename_columns(names))
        try:
            cells = [
                f"CAST({f'CAST({name} AS {kind})' if kind else name} AS VARCHAR)"
                for name, kind in zip_longest(names, kinds)
            ]
            expressions = ", ".join(form.replace("{0}", cell) for cell in cells for form in forms)
            found = self._engine.sql(f"SELECT {expressions} FROM page").to_arrow_table()  # noqa: S608 - names of ours
        finally:
            self._engine.unregister("page")
        return [column.to_pylist() for column in found.columns]


def cut(text: str | None, length: int | None) -> Cell:
    r"""Put a text on one line; a truncated text becomes a pair with its full length.

    Examples
    --------
    >>> cut("a\nb", 3), cut("abc", 1000000), cut(None, None)
    ('a↵b', ['abc', 1000000], None)
    """
    if text is None or length is None:
        return None
    line = escape_control_characters(text.replace("\r\n", "↵").replace("\n", "↵").replace("\t", "⇥"))
    return line if length <= len(text) else [line, length]
