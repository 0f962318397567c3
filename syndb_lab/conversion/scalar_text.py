"""Text of Arrow values as the engine writes it, exact to each digit and byte."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from syndb_lab.conversion.date_times import DAY_S, PER_SECOND, timestamp_text

if TYPE_CHECKING:
    import pyarrow


SPECIAL: Final = re.compile(r"""[][{}(),:='"\\]|^\s|\s$""")
"""Texts that are quoted inside a list, a struct or a map."""


def scalar_text(scalar: pyarrow.Scalar) -> str | None:
    r"""Format a value; NULL is None.

    Examples
    --------
    >>> scalar_text(pa.scalar(b"a\x00")), scalar_text(pa.scalar([1, None])), scalar_text(pa.scalar(True))
    ('a\\x00', '[1, NULL]', 'true')
    >>> scalar_text(pa.scalar({"name": "AVAL", "ids": [720575940600000001]}))
    "{'name': AVAL, 'ids': [720575940600000001]}"
    """
    from pyarrow import types

    if not scalar.is_valid:
        return None
    kind = scalar.type
    if types.is_dictionary(kind):
        return scalar_text(scalar.dictionary[scalar.index.as_py()])
    if types.is_date32(kind) or types.is_timestamp(kind):
        return timestamp_text(kind, scalar.value)
    if types.is_time(kind):
        return time_text(kind, scalar.value)
    if types.is_float32(kind):
        import numpy as np

        return str(np.float32(scalar.as_py()))  # the shortest text; Python's float has more digits
    if types.is_map(kind):
        pairs = ((inner(pair[0]), inner(pair[1])) for pair in entries(scalar))
        return f"{{{', '.join(f'{key}={value}' for key, value in pairs)}}}"
    if types.is_nested(kind) and hasattr(scalar, "values") and not types.is_struct(kind):
        return f"[{', '.join(inner(value) for value in scalar.values)}]"
    if types.is_struct(kind):
        fields = (
            f"'{kind.field(number).name}': {inner(scalar[number])}" for number in range(kind.num_fields)
        )
        return f"{{{', '.join(fields)}}}"
    return plain_text(scalar.as_py())


def plain_text(value: Any) -> str:
    r"""Format a value that Python holds exactly.

    Examples
    --------
    >>> plain_text(b"\xff'"), plain_text(Decimal("1E-10")), plain_text(False)
    ('\\xFF\\x27', '0.0000000001', 'false')
    """
    if isinstance(value, bytes):
        return "".join(
            chr(byte) if 32 <= byte < 127 and byte not in b"\\'\"" else f"\\x{byte:02X}" for byte in value
        )
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:f}" if isinstance(value, Decimal) else str(value)


def time_text(kind: pyarrow.DataType, value: int) -> str:
    """Format a time of day; the last one is 24:00:00."""
    per_second = PER_SECOND[kind.unit]
    if value == DAY_S * per_second:
        return "24:00:00"
    seconds, fraction = divmod(value, per_second)
    digits = f".{fraction:0{len(str(per_second)) - 1}}".rstrip("0") if fraction else ""
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}{digits}"


def inner(scalar: pyarrow.Scalar) -> str:
    """Format a value inside another one, with quotes where it would be ambiguous."""
    text = scalar_text(scalar)
    if text is None:
        return "NULL"
    if scalar.type.num_fields or (text and text.upper() != "NULL" and not SPECIAL.search(text)):
        return text
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def entries(scalar: pyarrow.Scalar) -> list[tuple[pyarrow.Scalar, pyarrow.Scalar]]:
    """Return the keys and values of a map."""
    return [(entry[0], entry[1]) for entry in scalar.values]
