"""The engine's type of a column that Arrow stores as another type: from the schema, and for display."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from syndb_lab.text.terminal_text import shorten

if TYPE_CHECKING:
    import pyarrow

MARK: Final = b"syndb.type"
"""The key in a field's metadata for the engine's type, set where Arrow's type differs from it."""
NUMBERS: Final = frozenset({"UHUGEINT", "BIGNUM"})
CHARACTERS: Final = 60
CUT: Final = re.compile(r"…(?: \[[\d,]+ characters\])?$")


def engine_type(field: pyarrow.Field) -> str | None:
    """Return the engine's type of a column that Arrow stores as another type; None for other columns.

    Examples
    --------
    >>> engine_type(pa.field("t", pa.string(), metadata={"syndb.type": "INTERVAL"}))
    'INTERVAL'
    """
    mark = (field.metadata or {}).get(MARK, b"").decode()
    return mark or None


def restored_type(field: pyarrow.Field) -> str | None:
    """Return the type to which the engine can cast a column back; None without one or if its name is cut."""
    mark = engine_type(field)
    return None if mark is None or CUT.search(mark) else mark


def shown_type(field: pyarrow.Field) -> str:
    """Return the name of a column's type for display: the engine's type if it differs from Arrow's."""
    name = engine_type(field) or str(field.type)
    return shorten(name, CHARACTERS)


def is_number(field: pyarrow.Field) -> bool:
    """Whether a column holds numbers, which a table aligns to the right."""
    from pyarrow import types

    kind = field.type
    plain = types.is_integer(kind) or types.is_floating(kind) or types.is_decimal(kind)
    return bool(plain or engine_type(field) in NUMBERS)


def ordered_type(field: pyarrow.Field) -> str | None:
    """Return the type by which a column is sorted and compared; None for Arrow's own."""
    mark = restored_type(field)
    return None if mark is None or mark == "JSON" or is_nested(mark) else mark


def written_type(field: pyarrow.Field) -> str | None:
    """Return the type in which the engine writes the text of a nested column; None for Arrow's own."""
    return restored_type(field) if field.type.num_fields else None


def is_nested(name: str) -> bool:
    """Whether a type of the engine is nested: a list, a struct, a map, a tuple or a union.

    Examples
    --------
    >>> is_nested("INTEGER[3]"), is_nested("MAP(UUID, INTEGER)"), is_nested("ENUM('a[]')")
    (True, True, False)
    """
    return bool(re.search(r"\[\d*\]$", name) or re.match(r"(?:STRUCT|MAP|TUPLE|UNION)\b", name))
