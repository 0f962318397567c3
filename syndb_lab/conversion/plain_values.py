"""What Python users hold as plain values: scalars, arrays and columns of NumPy, pandas, polars, Arrow."""

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

MOST_VALUES: Final = 1_000_000
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
    """A value that Python has no exact type for: its text, and its type in SQL."""

    text: str
    type: str

    def __str__(self) -> str:
        return self.text


def plain_value(name: str, value: Any, depth: int = 0) -> Any:
    """Make one value a plain one, exactly; whatever can't be is refused by its name.

    Parameters
    ----------
    name : str
        What to call it in an error: ``:ids``, ``seed``.
    value : object
        Anything.

    Raises
    ------
    ParameterError
        It is none of what can be sent.

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
        found = read_value(name, value)
        if isinstance(found, Values):
            return [plain_value(name, item, depth + 1) for item in found.items]
    except ParameterError:
        raise
    except Exception as error:  # its own code failed while it was read: it is named, whatever went wrong
        raise ParameterError(
            f"{name} is {article(value)} that can't be read: {type(error).__name__}", hint=next_step(name)
        ) from error
    return found


@dataclass(frozen=True, slots=True)
class Values:
    """The values that a collection holds."""

    items: Iterable[Any]


def read_value(name: str, value: Any) -> Any:
    """Read one value, or the values of a collection."""
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
    if (found := read_foreign(name, value)) is not value:
        return found
    raise ParameterError(f"{name} is {article(value)}, {unfit(name)}", hint=next_step(name))


def is_bound(name: str) -> bool:
    """Whether what has this name in an error is a value of a query, and no option."""
    return name.startswith((":", "parameters"))


def unfit(name: str) -> str:
    """Say that a value is of no fitting type."""
    return "which can't be bound" if is_bound(name) else "which no option takes"


def next_step(name: str) -> str:
    """Say what may be given."""
    return NAMED if is_bound(name) else OPTION


def read_foreign(name: str, value: Any) -> Any:
    """Read a scalar, an array or a column of NumPy, pandas, polars or Arrow; anything else stays as it is."""
    dtype = getattr(value, "dtype", None)
    kind = getattr(dtype, "kind", "")
    if kind in ("m", "V", "c"):
        raise ParameterError(f"{name} holds {dtype} values, {unfit(name)}", hint=next_step(name))
    if getattr(value, "ndim", None) == 0:
        return parse_numpy_timestamp(name, value) if kind == "M" else read_value(name, value.item())
    if str(dtype).startswith(("Datetime", "Time")) and hasattr(value, "dt"):
        return polars_moments(name, value)
    if kind == "M" and not hasattr(value, "to_list"):
        return Values(require_countable(name, value))  # one by one: a list of NumPy's would be of numbers
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
    """Whether a value is one of those that stand for none: None, NaT, pandas's NA, a masked cell."""
    if value is None or type(value).__name__ in {"NAType", "MaskedConstant"}:
        return True
    return isinstance(value, MOMENTS) and bool(value != value)


def finite(name: str, value: float | decimal.Decimal) -> float | decimal.Decimal:
    """Refuse an infinite number, and what is none at all (NaN)."""
    is_finite = value.is_finite() if isinstance(value, decimal.Decimal) else math.isfinite(value)
    if not is_finite:
        if is_bound(name):
            raise ParameterError(f"{name} is {value}, which has no place in a query", hint=NO_NUMBER)
        raise ParameterError(
            f"{name} is {value}, {unfit(name)}", hint=f"Leave {name} out, or give a finite number."
        )
    return value if isinstance(value, decimal.Decimal) else float(value)


def require_valid_text(name: str, text: str) -> str:
    """Refuse a text that holds half of a character: nothing can write that."""
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise ParameterError(
            f"{name} holds a broken character (half of a surrogate pair) at position {error.start}",
            hint=r"Read the text again with its right encoding, or mend it: "
            r"text.encode('utf-16', 'surrogatepass').decode('utf-16', 'replace').",
        ) from None
    return text


def parse_numpy_timestamp(name: str, value: Any) -> Any:
    """Read one moment of NumPy with every digit that it has."""
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
    whole, _, part = text.partition(".")
    seconds_of_day = whole if whole.count(":") == 2 else f"{whole}:00" if ":" in whole else f"{whole}:00:00"
    return Written(seconds_of_day + (f".{part[:6]}" if part.strip("0") else ""), "TIMESTAMP")


def nanoseconds(name: str, text: str, zone: Any) -> Written:
    """Give a moment of nanoseconds its type; with a time zone it is in UTC."""
    if zone is not None:
        return Written(text, "TIMESTAMPTZ_NS")
    return Written(text, "TIMESTAMP_NS")


def polars_moments(name: str, column: Any) -> Values:
    """Read a column of moments or times of polars, whose list would cut nanoseconds."""
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
    """Read a time of Arrow, or a column of them, with nanoseconds."""
    if not hasattr(value, "as_py"):
        return Values(require_countable(name, value))
    from syndb_lab.conversion.scalar_text import scalar_text

    text = scalar_text(value)
    return None if text is None else Written(text, "TIME_NS")


def is_view(value: Any) -> bool:
    """Whether a value is one of Python's further collections: the views of a dictionary, a deque."""
    return type(value).__name__ in {"dict_keys", "dict_values", "deque", "array"} or (
        isinstance(value, Sequence) and not isinstance(value, str | bytes | bytearray | memoryview)
    )


def require_countable(name: str, values: Any) -> Any:
    """Refuse more values than a request can hold, before they are read."""
    count = len(values)
    if count > MOST_VALUES:
        raise ParameterError(
            f"{name} holds {count:,} values; at most {MOST_VALUES:,} can be sent",
            hint="Ask for them in SQL, or read them from a result: FROM {{job}}.",
        )
    return values


def article(value: Any) -> str:
    """Name what a value is.

    Examples
    --------
    >>> article(None), article(3), article({})
    ('None', 'an int', 'a dict')
    """
    if value is None:
        return "None"
    kind = type(value).__name__
    return f"{'an' if kind[0] in 'aeio' else 'a'} {kind}"
