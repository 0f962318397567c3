"""The engine's type of a column that Arrow holds as another: what the schema says, and how it is shown."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from syndb_lab.text.terminal_text import shorten

if TYPE_CHECKING:
    import pyarrow

MARK: Final = b"syndb.type"
"""The key in a field's metadata: the engine's type, where a reader would take the column for another."""
NUMBERS: Final = frozenset({"UHUGEINT", "BIGNUM"})
CHARACTERS: Final = 60
CUT: Final = re.compile(r"…(?: \[[\d,]+ characters\])?$")


def engine_type(field: pyarrow.Field) -> str | None:
    """Return the type that the engine had for a column which Arrow holds as another one.

    Examples
    --------
    >>> engine_type(pa.field("t", pa.string(), metadata={"syndb.type": "INTERVAL"}))
    'INTERVAL'
    """
    mark = (field.metadata or {}).get(MARK, b"").decode()
    return mark or None


def restored_type(field: pyarrow.Field) -> str | None:
    """Return the type that the engine can give a column back; of a very long ENUM the names are not known."""
    mark = engine_type(field)
    return None if mark is None or CUT.search(mark) else mark


def shown_type(field: pyarrow.Field) -> str:
    """Name a column's type for people: the engine's, where Arrow holds it as another."""
    name = engine_type(field) or str(field.type)
    return shorten(name, CHARACTERS)


def is_number(field: pyarrow.Field) -> bool:
    """Whether a column holds numbers, which a table puts to the right."""
    from pyarrow import types

    kind = field.type
    plain = types.is_integer(kind) or types.is_floating(kind) or types.is_decimal(kind)
    return bool(plain or engine_type(field) in NUMBERS)


def ordered_type(field: pyarrow.Field) -> str | None:
    """Return the type by which a column is sorted and compared, where that is not Arrow's."""
    mark = restored_type(field)
    return None if mark is None or mark == "JSON" or is_nested(mark) else mark


def written_type(field: pyarrow.Field) -> str | None:
    """Return the type in which the engine writes a nested column's text, where that is not Arrow's."""
    return restored_type(field) if field.type.num_fields else None


def is_nested(name: str) -> bool:
    """Whether a type of the engine is made of others.

    Examples
    --------
    >>> is_nested("INTEGER[3]"), is_nested("MAP(UUID, INTEGER)"), is_nested("ENUM('a[]')")
    (True, True, False)
    """
    return bool(re.search(r"\[\d*\]$", name) or re.match(r"(?:STRUCT|MAP|TUPLE|UNION)\b", name))
