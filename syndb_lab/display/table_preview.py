"""The first rows of a result as text: every id exact, every cell short enough for a card."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from syndb_lab.conversion.column_types import is_number, shown_type
from syndb_lab.conversion.scalar_text import scalar_text
from syndb_lab.text.terminal_text import escape_control_characters, shorten

if TYPE_CHECKING:
    import pyarrow

ROWS: Final = 20
COLUMNS: Final = 30
WIDEST: Final = 120


def table_preview(table: pyarrow.Table, total: int | None) -> dict[str, Any]:
    """Format a table's first rows for a card.

    Parameters
    ----------
    table : pyarrow.Table
        The rows, such as a job's preview.
    total : int or None
        Number of rows of the result; None while it is unknown.

    Returns
    -------
    dict
        ``columns`` (``name``, ``type``, ``numeric``), ``rows`` (texts; None for NULL), ``note``.

    Examples
    --------
    >>> table_preview(pa.table({"neuron_id": [720575940600000001, None]}), 2)["rows"]
    [['720575940600000001'], [None]]
    """
    shown = table.slice(0, ROWS).select(range(min(COLUMNS, table.num_columns)))
    columns = [
        {
            "name": escape_control_characters(field.name),
            "type": shown_type(field),
            "numeric": is_number(field),
        }
        for field in shown.schema
    ]
    cells = [column_texts(column) for column in shown.columns]
    return {
        "columns": columns,
        "rows": [list(row) for row in zip(*cells, strict=True)],
        "note": omission_note(shown.num_rows, total, table.num_columns),
    }


def column_texts(column: pyarrow.ChunkedArray) -> list[str | None]:
    """Format the values of a column, each on one line; None for NULL."""
    return [None if text is None else cell(text) for text in map(scalar_text, column)]


def cell(value: Any) -> str:
    r"""Format a value on one line; a long one ends in an ellipsis.

    Examples
    --------
    >>> cell(720575940600000001), cell("a\nb"), cell(0.1)
    ('720575940600000001', 'a b', '0.1')
    """
    text = escape_control_characters(" ".join(value.split()) if isinstance(value, str) else str(value))
    return shorten(text, WIDEST)


def omission_note(shown: int, total: int | None, columns: int) -> str:
    """Describe the rows and columns that the card leaves out.

    Examples
    --------
    >>> omission_note(20, 2194, 4), omission_note(20, None, 4), omission_note(3, 3, 40)
    ('the first 20 of 2,194 rows', 'the first 20 rows so far', '30 of 40 columns')
    """
    parts = []
    if total is None:
        parts.append(f"the first {shown:,} rows so far")
    elif total > shown:
        parts.append(f"the first {shown:,} of {total:,} rows")
    if columns > COLUMNS:
        parts.append(f"{COLUMNS} of {columns} columns")
    return " · ".join(parts)
