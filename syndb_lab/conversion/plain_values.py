"""Conversion of scalars, arrays and columns of Python, NumPy, pandas, polars and Arrow to plain values."""

from __future__ import annotations

import datetime
import decimal
import math
import sys
import uuid
from collections.abc import Iterable, Sequence, Set
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any, Final

from syndb_lab.errors import ParameterError

MAX_VALUES: Final = 1_000_000
DEEPEST: Final = 20
NAMED: Final = "Bind numbers, text, dates, times, true or false, None, or a list of these."
OPTION: Final = (
    "Give a number, a text, true or false, or a list of these: help(lab.graph) says what each takes."
)
NO_NUMBER: Final = "Give None for NULL, or leave such rows out: WHERE isfinite(x) in SQL, dropna() in pandas."
PLAIN: Final = (bool, int, str, type(None))
MOMENTS: Final = (datetime.date, datetime.time)
DATE_UNITS: Final = frozenset({"Y", "M", "W", "D"})
FINE_UNITS: Final = frozenset({"ps", "fs", "as"})


@dataclass(frozen=True, slots=True)
class Written:
    """A value without an exact type in Python: its text, and its SQL type."""

    text: str
    type: str

    def __str__(self) -> str:
        return self.text


def plain_value(name: str, value: Any, depth: int = 0) -> Any:
    """Convert a value exactly to a plain one of Python, or a list of these.

    Parameters
    ----------
    name : str
        The value's name in an error, such as ``:ids`` or ``seed``.
    value : object
        Any value.
    depth : int
        How many lists the value is nested in.

    Raises
    ------
    ParameterError
        The value can't be sent; the message has its name.

    Examples
    --------
    >>> plain_value(":ids", (720575940600000001, None)), plain_value(":day", datetime.date(2011, 2, 3))
    ([720575940600000001, None], datetime.date(2011, 2, 3))
    """
    if depth > DEEPEST:
        raise ParameterError(
            f"{name} holds itself, or lists within lists {DEEPEST} deep", hint=next_step(name)
        )
    try:
        plain = read_value(name, value)
        if isinstance(plain, Values):
            return [plain_value(name, item, depth + 1) for item in plain.items]
    except ParameterError:
        raise
    except Exception as error:  # the value's own code failed while it was read
        raise ParameterError(
            f"{name} is {article(value)} that can't be read: {type(error).__name__}", hint=next_step(name)
        ) from error
    return plain


@dataclass(frozen=True, slots=True)
class Values:
    """The values of a collection."""

    items: Iterable[Any]


def read_value(name: str, value: Any) -> Any:
    """Convert one value, or return the values of a collection unconverted."""
    if is_missing(value):
        return None
    if isinstance(value, str):
        return require_valid_text(name, str(value))
    if isinstance(value, bool | int):
        return value if type(value) in (bool, int) else int(value)
    if isinstance(value, float | decimal.Decimal):
        return finite(name, value)
    if getattr(value, "nanosecond", 0):
        return nanoseconds(name, value.isoformat(sep=" "), value.tzinfo)
    if isinstance(value, datetime.datetime):
        return value.to_pydatetime() if hasattr(value, "to_pydatetime") else value
    if isinstance(value, (*MOMENTS, uuid.UUID)):
        return value
    if isinstance(value, PurePath):
        return require_valid_text(name, str(value))
    if isinstance(value, list | tuple | range | Set) or is_view(value):
        return Values(require_countable(name, value))
    if (plain := read_foreign(name, value)) is not value:
        return plain
    raise ParameterError(f"{name} is {article(value)}, {unfit(name)}", hint=next_step(name))


def is_bound(name: str) -> bool:
    """Whether a name in an error is that of a query's value, and not of an option."""
    return name.startswith((":", "parameters"))


def unfit(name: str) -> str:
    """Return the end of a message about a value of an unsupported type."""
    return "which can't be bound" if is_bound(name) else "which no option takes"


def next_step(name: str) -> str:
    """Return the hint about supported values."""
    return NAMED if is_bound(name) else OPTION


def read_foreign(name: str, value: Any) -> Any:
    """Convert a scalar, an array or a column of NumPy, pandas, polars or Arrow; return others unchanged."""
    dtype = getattr(value, "dtype", None)
    kind = getattr(dtype, "kind", "")
    if kind in ("m", "V", "c"):
        raise ParameterError(f"{name} holds {dtype} values, {unfit(name)}", hint=next_step(name))
    if getattr(value, "ndim", None) == 0:
        return parse_numpy_timestamp(name, value) if kind == "M" else read_value(name, value.item())
    if str(dtype).startswith(("Datetime", "Time")) and hasattr(value, "dt"):
        return polars_moments(name, value)
    if kind == "M" and not hasattr(value, "to_list"):
        return Values(require_countable(name, value))  # item by item, because tolist() would return integers
    if str(getattr(value, "type", "")) == "time64[ns]":
        return arrow_times(name, value)
    if hasattr(value, "as_py"):
        return read_value(name, value.as_py())
    for convert in ("to_list", "to_pylist", "tolist"):
        if callable(getattr(value, convert, None)) and not isinstance(value, memoryview):
            require_countable(name, value)
            return Values(getattr(value, convert)())
    return value


def is_missing(value: Any) -> bool:
    """Whether a value means that there is none: None, NaT, pandas's NA, a masked cell."""
    if value is None or type(value).__name__ in {"NAType", "MaskedConstant"}:
        return True
    return isinstance(value, MOMENTS) and bool(value != value)


def finite(name: str, value: float | decimal.Decimal) -> float | decimal.Decimal:
    """Return a finite number; raise for an infinite one or NaN."""
    is_finite = value.is_finite() if isinstance(value, decimal.Decimal) else math.isfinite(value)
    if not is_finite:
        if is_bound(name):
            raise ParameterError(f"{name} is {value}, which has no place in a query", hint=NO_NUMBER)
        raise ParameterError(
            f"{name} is {value}, {unfit(name)}", hint=f"Leave {name} out, or give a finite number."
        )
    return value if isinstance(value, decimal.Decimal) else float(value)


def require_valid_text(name: str, text: str) -> str:
    """Return a text; raise if it has half of a surrogate pair, which no encoding can write."""
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise ParameterError(
            f"{name} holds a broken character (half of a surrogate pair) at position {error.start}",
            hint=r"Read the text again with its right encoding, or repair it: "
            r"text.encode('utf-16', 'surrogatepass').decode('utf-16', 'replace').",
        ) from None
    return text


def parse_numpy_timestamp(name: str, value: Any) -> Any:
    """Convert a ``datetime64`` of NumPy without losing digits."""
    text = str(value)
    unit = str(value.dtype)[len("datetime64[") : -1]
    if text == "NaT":
        return None
    if unit in DATE_UNITS:
        return Written(str(value.astype("datetime64[D]")), "DATE")
    if unit in FINE_UNITS:
        raise ParameterError(
            f"{name} is a moment to the {unit}; SQL has nanoseconds at the finest",
            hint='Cut it: value.astype("datetime64[ns]").',
        )
    text = text.replace("T", " ")
    if unit == "ns" and not text.endswith("000"):
        return nanoseconds(name, text, None)
    start, _, fraction = text.partition(".")
    to_seconds = start if start.count(":") == 2 else f"{start}:00" if ":" in start else f"{start}:00:00"
    return Written(to_seconds + (f".{fraction[:6]}" if fraction.strip("0") else ""), "TIMESTAMP")


def nanoseconds(name: str, text: str, zone: Any) -> Written:
    """Return a timestamp in nanoseconds with its SQL type, which has a time zone if ``zone`` is set."""
    if zone is not None:
        return Written(text, "TIMESTAMPTZ_NS")
    return Written(text, "TIMESTAMP_NS")


def polars_moments(name: str, column: Any) -> Values:
    """Convert a column of timestamps or times of polars, whose ``to_list`` would cut nanoseconds."""
    polars: Any = sys.modules["polars"]
    require_countable(name, column)
    numbers = column.cast(polars.Int64)
    is_time = column.dtype == polars.Time
    if (is_time or column.dtype.time_unit == "ns") and (numbers % 1000 != 0).any():
        if is_time or column.dtype.time_zone is not None:
            raise ParameterError(
                f"{name} holds {column.dtype} values with nanoseconds, which would be cut",
                hint='Cut them yourself: column.cast(pl.Datetime("us", …)), or text and a cast in SQL.',
            )
        return Values(column.to_numpy())
    return Values(column.to_list())


def arrow_times(name: str, value: Any) -> Any:
    """Convert a time of Arrow, or a column of times, with nanoseconds."""
    if not hasattr(value, "as_py"):
        return Values(require_countable(name, value))
    from syndb_lab.conversion.scalar_text import scalar_text

    text = scalar_text(value)
    return None if text is None else Written(text, "TIME_NS")


def is_view(value: Any) -> bool:
    """Whether a value is another collection of Python: a view of a dictionary, a deque, an array."""
    return type(value).__name__ in {"dict_keys", "dict_values", "deque", "array"} or (
        isinstance(value, Sequence) and not isinstance(value, str | bytes | bytearray | memoryview)
    )


def require_countable(name: str, values: Any) -> Any:
    """Return a collection; raise if it has more values than a request can hold."""
    count = len(values)
    if count > MAX_VALUES:
        raise ParameterError(
            f"{name} holds {count:,} values; at most {MAX_VALUES:,} can be sent",
            hint="Ask for them in SQL, or read them from a result: FROM {{job}}.",
        )
    return values


def article(value: Any) -> str:
    """Return the name of a value's type with its article.

    Examples
    --------
    >>> article(None), article(3), article({})
    ('None', 'an int', 'a dict')
    """
    if value is None:
        return "None"
    kind = type(value).__name__
    return f"{'an' if kind[0] in 'aeio' else 'a'} {kind}"
