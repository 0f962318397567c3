"""Values for a query: from what people hold to what JSON and SQL can say."""

from __future__ import annotations

import datetime
import decimal
import math
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from syndb_lab.errors import ParameterError

DECIMAL_DIGITS: Final = 38
PLAIN: Final = (bool, int, str, type(None))
MOMENTS: Final = (datetime.date, datetime.time)
EXACT_IN_DOUBLE: Final = 1 << 53


MOST_HOURS = 1_000_000.0
"""More than any service keeps a result."""


def python_value(name: str, value: Any) -> Any:
    """Make one value a plain one of Python: NumPy's, pandas's and Arrow's scalars, arrays and columns.

    Examples
    --------
    >>> python_value("ids", (720575940600000001, None)), python_value("day", datetime.date(2011, 2, 3))
    ([720575940600000001, None], datetime.date(2011, 2, 3))
    """
    value = keep_nanoseconds(value)
    for convert in ("item", "as_py", "to_list", "tolist"):
        if (
            not isinstance(value, PLAIN)
            and callable(getattr(value, convert, None))
            and is_shaped(value, convert)
        ):
            value = keep_nanoseconds(getattr(value, convert)())
    if not is_finite(value):
        raise ParameterError(f":{name} is {value}, which has no place in a query")
    if (isinstance(value, MOMENTS) and value != value) or type(value).__name__ == "NAType":  # pandas's
        return None
    if isinstance(value, (*PLAIN, *MOMENTS, float, decimal.Decimal, uuid.UUID, FineMoment)):
        return value
    if isinstance(value, list | tuple | set | frozenset | range):
        return [python_value(name, item) for item in value]
    raise ParameterError(
        f":{name} is {article(value)}, which can't be bound",
        hint="Bind numbers, text, dates, times, true or false, None, or a list of these.",
    )


@dataclass(frozen=True, slots=True)
class FineMoment:
    """A moment with nanoseconds, which Python's have not: its text, and its type in SQL."""

    text: str
    sql_type: str

    def __str__(self) -> str:
        return self.text


def keep_nanoseconds(value: Any) -> Any:
    """Take moments with nanoseconds from NumPy, pandas and Arrow, and leave all other values as they are.

    Examples
    --------
    >>> keep_nanoseconds(pa.scalar(5, pa.time64("ns")))
    FineMoment(text='00:00:00.000000005', sql_type='TIME_NS')
    """
    if str(getattr(value, "dtype", "")) == "datetime64[ns]" and not hasattr(value, "to_list"):
        if value.ndim:
            return [keep_nanoseconds(item) for item in value]
        rounded = value.astype("datetime64[us]")
        is_fine = value == value and rounded != value
        return FineMoment(str(value).replace("T", " "), "TIMESTAMP_NS") if is_fine else rounded
    if str(getattr(value, "type", "")) == "time64[ns]":
        if hasattr(value, "as_py"):
            from syndb_lab.scalar_texts import scalar_text

            text = scalar_text(value)
            return None if text is None else FineMoment(text, "TIME_NS")
        return [keep_nanoseconds(item) for item in value]
    if getattr(value, "nanosecond", 0) and value == value:
        return FineMoment(str(value), "TIMESTAMP_NS" if value.tzinfo is None else "TIMESTAMPTZ_NS")
    return value


def check_numbers(name: str, values: Sequence[Any]) -> None:
    """Refuse whole numbers beyond 2^53 beside fractions: the engine would make both fractions, and round.

    Raises
    ------
    ParameterError
        Naming the number.
    """
    if not any(isinstance(value, float) for value in values):
        return
    for value in values:
        if isinstance(value, int) and abs(value) > EXACT_IN_DOUBLE and int(float(value)) != value:
            raise ParameterError(
                f":{name} holds {value} beside fractions, which would round it",
                hint="Give the whole numbers and the fractions as two parameters, or all as decimal.Decimal.",
            )


def is_finite(value: Any) -> bool:
    """Whether a value is anything but an infinite number or none at all (NaN)."""
    if isinstance(value, decimal.Decimal):
        return value.is_finite()
    return not isinstance(value, float) or math.isfinite(value)


def is_shaped(value: Any, convert: str) -> bool:
    """Whether a conversion gives the value itself: ``item`` only of what holds exactly one."""
    return convert != "item" or getattr(value, "ndim", None) == 0


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


def sql_type(name: str, value: Any) -> str | None:
    """Name the SQL type that a value's text has to be given back; None where JSON says it.

    Examples
    --------
    >>> sql_type("day", datetime.date(2011, 2, 3)), sql_type("p", [decimal.Decimal("0.05")]), sql_type("n", 3)
    ('DATE', 'DECIMAL(2, 2)[]', None)
    """
    depth, leaves = 0, [value]
    while any(isinstance(leaf, list) for leaf in leaves):
        leaves = [item for leaf in leaves for item in (leaf if isinstance(leaf, list) else [leaf])]
        depth += 1
    known = [leaf for leaf in leaves if leaf is not None]
    check_numbers(name, known)
    kinds = {leaf_type(leaf) for leaf in known}
    kinds -= {kind.removesuffix("_NS") for kind in kinds if kind and kind.endswith("_NS")}
    if len(kinds) > 1:
        names = sorted({type(leaf).__name__ for leaf in known})
        raise ParameterError(
            f":{name} holds values of several types: {', '.join(names)}", hint="Make them all of one."
        )
    kind = kinds.pop() if kinds else None
    if kind == "DECIMAL":
        kind = decimal_type(name, known)
    return kind and kind + "[]" * depth


def leaf_type(value: Any) -> str | None:
    """Name the SQL type of one value that JSON has no type for."""
    if isinstance(value, FineMoment):
        return value.sql_type
    if isinstance(value, datetime.datetime):
        return "TIMESTAMP" if value.tzinfo is None else "TIMESTAMPTZ"
    if isinstance(value, datetime.time):
        return "TIME" if value.tzinfo is None else "TIMETZ"
    if isinstance(value, datetime.date):
        return "DATE"
    return "DECIMAL" if isinstance(value, decimal.Decimal) else None


def decimal_type(name: str, values: Sequence[decimal.Decimal]) -> str:
    """Find the decimal type that holds all values exactly."""
    scale = max(0, *(-int(value.as_tuple().exponent) for value in values))
    whole = max(0, *(value.adjusted() + 1 for value in values))
    if scale + whole > DECIMAL_DIGITS:
        raise ParameterError(
            f":{name} needs {scale + whole} digits; a decimal number of SQL has {DECIMAL_DIGITS}",
            hint=f"Give it as float(…), or as text and cast it: :{name}::DOUBLE.",
        )
    return f"DECIMAL({max(scale + whole, 1)}, {scale})"


def wire_value(value: Any) -> Any:
    """Write as text what JSON has no type for.

    Examples
    --------
    >>> wire_value(datetime.date(2011, 2, 3)), wire_value([720575940600000001, None])
    ('2011-02-03', [720575940600000001, None])
    """
    if isinstance(value, list):
        return [wire_value(item) for item in value]
    if isinstance(value, decimal.Decimal):
        return f"{value:f}"
    return value if isinstance(value, (*PLAIN, float)) else str(value)


def seconds(limit: float | None) -> float | None:
    """Check a time limit.

    Examples
    --------
    >>> seconds(-1)
    Traceback (most recent call last):
    syndb_lab.errors.ParameterError: time_limit_s is -1; it takes a number of seconds above 0
    """
    if limit is None or (isinstance(limit, int | float) and 0 < limit < math.inf):
        return limit
    raise ParameterError(f"time_limit_s is {limit!r}; it takes a number of seconds above 0")


def hours_of(hours: float) -> float:
    """Check a number of hours, as the wire takes it: they are counted by the service's clock.

    Examples
    --------
    >>> hours_of(-1)
    Traceback (most recent call last):
    syndb_lab.errors.ParameterError: hours is -1; it takes a number of hours above 0, such as 72
    """
    try:
        if not isinstance(hours, bool) and 0 < hours < math.inf:
            return min(float(hours), MOST_HOURS)
    except (TypeError, ValueError, OverflowError):
        pass
    raise ParameterError(f"hours is {hours!r}; it takes a number of hours above 0, such as 72")
