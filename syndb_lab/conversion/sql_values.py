"""Values for a query: their SQL types, their form in JSON, and checks of numbers."""

from __future__ import annotations

import datetime
import decimal
import math
import operator
from collections.abc import Sequence
from typing import Any, Final

from syndb_lab.conversion.plain_values import PLAIN, Written, article, plain_value
from syndb_lab.errors import ParameterError
from syndb_lab.text.terminal_text import shorten

__all__ = ["article", "python_value"]

DECIMAL_DIGITS: Final = 38
INT64: Final = 2**63
INT128: Final = 2**127
UINT128: Final = 2**128
MAX_HOURS: Final = 1_000_000.0
"""More than the retention that any service allows."""


def python_value(name: str, value: Any) -> Any:
    """Convert the value of a parameter to a plain one of Python.

    Examples
    --------
    >>> python_value("ids", (720575940600000001, None)), python_value("day", datetime.date(2011, 2, 3))
    ([720575940600000001, None], datetime.date(2011, 2, 3))
    """
    return plain_value(f":{name}", value)


def sql_type(name: str, value: Any) -> str | None:
    """Return the SQL type to which a value's text has to be cast; None if its JSON needs no cast.

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
    kinds = {leaf_type(leaf) for leaf in known}
    kinds -= {kind.removesuffix("_NS") for kind in kinds if kind.endswith("_NS")}
    if kinds == {"BIGINT", "DOUBLE"}:
        refuse_rounding(name, known)
        kinds = {"DOUBLE"}
    if len(kinds) > 1:
        names = sorted({type(leaf).__name__ for leaf in known})
        raise ParameterError(
            f":{name} holds values of several types: {', '.join(names)}", hint="Make them all of one."
        )
    kind = kinds.pop() if kinds else None
    if kind == "DECIMAL":
        kind = decimal_type(name, known)
    elif kind == "BIGINT":
        kind = wide_type(name, known)
    elif kind in JSON_TYPES:
        kind = None
    return kind and kind + "[]" * depth


JSON_TYPES: Final = frozenset({"BOOLEAN", "DOUBLE", "VARCHAR"})


def leaf_type(value: Any) -> str:
    """Return the SQL type of one value."""
    if isinstance(value, Written):
        return value.type
    if isinstance(value, bool):
        return "BOOLEAN"
    if isinstance(value, int):
        return "BIGINT"
    if isinstance(value, float):
        return "DOUBLE"
    if isinstance(value, datetime.datetime):
        return "TIMESTAMP" if value.tzinfo is None else "TIMESTAMPTZ"
    if isinstance(value, datetime.time):
        return "TIME" if value.tzinfo is None else "TIMETZ"
    if isinstance(value, datetime.date):
        return "DATE"
    return "DECIMAL" if isinstance(value, decimal.Decimal) else "VARCHAR"


def refuse_rounding(name: str, values: Sequence[float]) -> None:
    """Raise for an integer, in a list with fractions, that a float can't hold exactly."""
    for value in values:
        if isinstance(value, int) and int(float(value) if abs(value) < 2**1023 else 0) != value:
            raise ParameterError(
                f":{name} holds {value} beside fractions, which would round it",
                hint="Give the whole numbers and the fractions as two parameters, or all as decimal.Decimal.",
            )


def wide_type(name: str, values: Sequence[int]) -> str | None:
    """Return the SQL type of integers beyond 64 bits; None if all fit into 64 bits."""
    if all(-INT64 <= value < INT64 for value in values):
        return None
    if all(-INT128 <= value < INT128 for value in values):
        return "HUGEINT"
    if all(0 <= value < UINT128 for value in values):
        return "UHUGEINT"
    raise ParameterError(
        f":{name} holds a whole number of more than 128 bits",
        hint=f"Give it as text and cast it: :{name}::BIGNUM, or as float(…).",
    )


def decimal_type(name: str, values: Sequence[decimal.Decimal]) -> str:
    """Return the decimal type that holds all values exactly."""
    scale = max(0, *(-int(value.as_tuple().exponent) for value in values))
    integer_digits = max(0, *(value.adjusted() + 1 for value in values))
    digits = scale + integer_digits
    if digits > DECIMAL_DIGITS:
        raise ParameterError(
            f":{name} needs {digits} digits; a decimal number of SQL has {DECIMAL_DIGITS}",
            hint=f"Give it as float(…), or as text and cast it: :{name}::DOUBLE.",
        )
    return f"DECIMAL({max(digits, 1)}, {scale})"


def wire_value(value: Any, kind: str | None = None) -> Any:
    """Convert a value that JSON has no type for to text; ``kind`` is the type to which the SQL casts it.

    Examples
    --------
    >>> wire_value(datetime.date(2011, 2, 3)), wire_value([720575940600000001, None])
    ('2011-02-03', [720575940600000001, None])
    """
    if isinstance(value, list):
        return [wire_value(item, kind) for item in value]
    if isinstance(value, int) and kind is not None:
        return str(value)
    if isinstance(value, datetime.datetime) and value.tzinfo is not None:
        return utc_text(value)
    if isinstance(value, decimal.Decimal):
        return f"{value:f}"
    return value if isinstance(value, (*PLAIN, float)) else str(value)


def utc_text(timestamp: datetime.datetime) -> str:
    """Format a timestamp with a time zone in UTC, or in its own zone where UTC is out of Python's range."""
    try:
        return str(timestamp.astimezone(datetime.UTC))
    except OverflowError:
        return str(timestamp)


def seconds(limit: Any, name: str = "time_limit_s") -> float | None:
    """Return a time limit in seconds; raise for an invalid one, with the caller's ``name`` of it.

    Examples
    --------
    >>> seconds(-1)
    Traceback (most recent call last):
    syndb_lab.errors.ParameterError: time_limit_s is -1; it takes a number of seconds above 0
    For example: time_limit_s=60.
    """
    limit_s: float | None = number(name, limit)
    if limit_s is None or 0 < limit_s < math.inf:
        return limit_s
    raise ParameterError(
        f"{name} is {format_value(limit)}; it takes a number of seconds above 0",
        hint=f"For example: {name}=60.",
    )


def number(name: str, value: Any) -> Any:
    """Convert a number to a plain one; None stays None, and anything else becomes NaN, which fails checks."""
    if value is None:
        return None
    try:
        plain = plain_value(name, value)
    except ParameterError:
        return math.nan
    return plain if isinstance(plain, int | float) and not isinstance(plain, bool) else math.nan


def to_plain_integer(value: Any) -> int | None:
    """Convert an integer, also of NumPy, to a plain one; None for anything else."""
    try:
        return None if isinstance(value, bool) else operator.index(value)
    except Exception:  # not an integer
        return None


def format_value(value: Any) -> str:
    """Format a value for an error: its repr, shortened, or its type if the repr fails."""
    try:
        text = repr(value)
    except Exception:  # the error about the value is still reported
        text = f"<{type(value).__name__}>"
    text = text.encode("utf-8", "backslashreplace").decode()
    return shorten(text, LONGEST_SHOWN)


LONGEST_SHOWN: Final = 80


def hours_of(hours: Any) -> float:
    """Return a number of hours for the wire; raise for an invalid one.

    Examples
    --------
    >>> hours_of(-1)
    Traceback (most recent call last):
    syndb_lab.errors.ParameterError: hours is -1; it takes a number of hours above 0, such as 72
    For example: job.keep(72).
    """
    plain = number("hours", hours)
    if plain is not None and 0 < plain < math.inf:
        return float(min(plain, MAX_HOURS))
    raise ParameterError(
        f"hours is {format_value(hours)}; it takes a number of hours above 0, such as 72",
        hint="For example: job.keep(72).",
    )
