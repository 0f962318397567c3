"""Values for a query: the types that SQL has for them, and what JSON can say."""

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
MOST_HOURS: Final = 1_000_000.0
"""More than any service keeps a result."""


def python_value(name: str, value: Any) -> Any:
    """Make the value of a parameter a plain one of Python.

    Examples
    --------
    >>> python_value("ids", (720575940600000001, None)), python_value("day", datetime.date(2011, 2, 3))
    ([720575940600000001, None], datetime.date(2011, 2, 3))
    """
    return plain_value(f":{name}", value)


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
    elif kind in SAID_BY_JSON:
        kind = None
    return kind and kind + "[]" * depth


SAID_BY_JSON: Final = frozenset({"BOOLEAN", "DOUBLE", "VARCHAR"})


def leaf_type(value: Any) -> str:
    """Name the SQL type of one value."""
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
    """Refuse whole numbers beside others that a float has no exact value for."""
    for value in values:
        if isinstance(value, int) and int(float(value) if abs(value) < 2**1023 else 0) != value:
            raise ParameterError(
                f":{name} holds {value} beside fractions, which would round it",
                hint="Give the whole numbers and the fractions as two parameters, or all as decimal.Decimal.",
            )


def wide_type(name: str, values: Sequence[int]) -> str | None:
    """Name the type of whole numbers that JSON's are too narrow for; None where they are not."""
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
    """Find the decimal type that holds all values exactly."""
    scale = max(0, *(-int(value.as_tuple().exponent) for value in values))
    whole = max(0, *(value.adjusted() + 1 for value in values))
    if scale + whole > DECIMAL_DIGITS:
        raise ParameterError(
            f":{name} needs {scale + whole} digits; a decimal number of SQL has {DECIMAL_DIGITS}",
            hint=f"Give it as float(…), or as text and cast it: :{name}::DOUBLE.",
        )
    return f"DECIMAL({max(scale + whole, 1)}, {scale})"


def wire_value(value: Any, kind: str | None = None) -> Any:
    """Write as text what JSON has no type for; ``kind`` is the type that the SQL gives it back.

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


def utc_text(moment: datetime.datetime) -> str:
    """Write a moment with its zone in UTC; next to the ends of the calendar, as it is."""
    try:
        return str(moment.astimezone(datetime.UTC))
    except OverflowError:
        return str(moment)


def seconds(limit: Any, name: str = "time_limit_s") -> float | None:
    """Check a time limit, which the caller knows by ``name``.

    Examples
    --------
    >>> seconds(-1)
    Traceback (most recent call last):
    syndb_lab.errors.ParameterError: time_limit_s is -1; it takes a number of seconds above 0
    For example: time_limit_s=60.
    """
    found: float | None = number(name, limit)
    if found is None or 0 < found < math.inf:
        return found
    raise ParameterError(
        f"{name} is {format_value(limit)}; it takes a number of seconds above 0",
        hint=f"For example: {name}=60.",
    )


def number(name: str, value: Any) -> Any:
    """Make one number a plain one; anything else is NaN, which no test lets pass."""
    if value is None:
        return None
    try:
        found = plain_value(name, value)
    except ParameterError:
        return math.nan
    return found if isinstance(found, int | float) and not isinstance(found, bool) else math.nan


def to_plain_integer(value: Any) -> int | None:
    """Make a whole number a plain one, NumPy's, too; None for anything else."""
    try:
        return None if isinstance(value, bool) else operator.index(value)
    except Exception:  # whatever it is, it is no number
        return None


def format_value(value: Any) -> str:
    """Write a value in an error: short, and whatever its own repr does."""
    try:
        text = repr(value)
    except Exception:  # an error about it has to be told all the same
        text = f"<{type(value).__name__}>"
    text = text.encode("utf-8", "backslashreplace").decode()
    return shorten(text, LONGEST_SHOWN)


LONGEST_SHOWN: Final = 80


def hours_of(hours: Any) -> float:
    """Check a number of hours, as the wire takes it: they are counted by the service's clock.

    Examples
    --------
    >>> hours_of(-1)
    Traceback (most recent call last):
    syndb_lab.errors.ParameterError: hours is -1; it takes a number of hours above 0, such as 72
    For example: job.keep(72).
    """
    found = number("hours", hours)
    if found is not None and 0 < found < math.inf:
        return float(min(found, MOST_HOURS))
    raise ParameterError(
        f"hours is {format_value(hours)}; it takes a number of hours above 0, such as 72",
        hint="For example: job.keep(72).",
    )
