"""Parses the filter of a column, and converts it to SQL."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from decimal import ROUND_FLOOR, Context, Decimal, InvalidOperation, localcontext
from typing import TYPE_CHECKING, Any, Final

from syndb_lab.conversion.column_types import CHARACTERS, NUMBERS, ordered_type
from syndb_lab.errors import ParameterError
from syndb_lab.text.terminal_text import shorten

if TYPE_CHECKING:
    import pyarrow

OPERATORS: Final = re.compile(r"\s*(<=|>=|!=|<>|==|=|<|>)\s*")
AND: Final = re.compile(r"\s+and\s+(?=[<>=!])", re.IGNORECASE)
NOT_NULL: Final = re.compile(r"(?:is\s+)?not\s+null", re.IGNORECASE)
NULL: Final = re.compile(r"(?:is\s+)?null", re.IGNORECASE)
LARGEST_DIGITS: Final = 38
SYNTAX: Final = 'Write a text to find, "NULL", NULL, not NULL, = 5, != 5, > 5, or >= 5 and < 10.'


@dataclass(frozen=True, slots=True)
class ColumnFilter:
    """A condition in SQL, with ``{c}`` for the column, and its parameter values."""

    sql: str
    values: tuple[Any, ...] = ()


def parse_filter(text: str, field: pyarrow.Field | pyarrow.DataType) -> ColumnFilter | None:
    """Parse the filter of a column.

    Parameters
    ----------
    text : str
        A text to find in the cells (case is ignored; quotes make it literal), ``NULL``, ``not NULL``, or
        comparisons joined by ``and``: ``>= 5 and < 10``, ``= interneuron``.
    field : pyarrow.Field or pyarrow.DataType
        The column, or its type alone.

    Returns
    -------
    ColumnFilter or None
        None for an empty filter.

    Raises
    ------
    ParameterError
        The filter is invalid, or does not match the type of the column.

    Examples
    --------
    >>> parse_filter("= 720575940600000001", pa.int64()).values
    (720575940600000001,)
    >>> parse_filter("> many", pa.int64())
    Traceback (most recent call last):
    syndb_lab.errors.ParameterError: 'many' is no number, and this column is int64
    Write a text to find, ...
    """
    import pyarrow as pa

    text = text.strip()
    if not text:
        return None
    if NOT_NULL.fullmatch(text):
        return ColumnFilter("{c} IS NOT NULL")
    if NULL.fullmatch(text):
        return ColumnFilter("{c} IS NULL")
    if not OPERATORS.match(text):
        return ColumnFilter("contains(lower(CAST({c} AS VARCHAR)), lower(?))", (strip_quotes(text),))
    kind, engine = (field.type, ordered_type(field)) if isinstance(field, pa.Field) else (field, None)
    parts = [comparison(part, kind, engine) for part in AND.split(text)]
    return ColumnFilter(
        " AND ".join(part.sql for part in parts), tuple(v for part in parts for v in part.values)
    )


def comparison(text: str, kind: pyarrow.DataType, engine: str | None = None) -> ColumnFilter:
    """Parse a comparison, such as ``>= 5``; ``engine`` is the engine's type if Arrow stores text."""
    from pyarrow import types

    found = OPERATORS.match(text)
    operator, value = (found[1], text[found.end() :].strip()) if found else ("", "")
    if not value or OPERATORS.match(value):
        raise ParameterError(f"{text!r} compares with nothing", hint=SYNTAX)
    operator = {"==": "=", "<>": "!="}.get(operator, operator)
    if types.is_integer(kind) or types.is_decimal(kind):
        precision, scale = (kind.precision, kind.scale) if types.is_decimal(kind) else (LARGEST_DIGITS, 0)
        return exact(operator, number(value, kind), precision, scale)
    if types.is_floating(kind):
        return float_filter(
            operator, float(number(value, kind)), "FLOAT" if kind.bit_width == 32 else "DOUBLE"
        )
    if engine and not (engine.startswith("ENUM(") and operator in {"=", "!="}):
        return typed_filter(operator, strip_quotes(value), engine)
    if is_text(kind):
        return ColumnFilter(f"CAST({{c}} AS VARCHAR) {operator} ?", (strip_quotes(value),))
    return parse_timestamp(operator, strip_quotes(value), kind)


def number(text: str, kind: pyarrow.DataType) -> Decimal:
    """Parse a number exactly; commas and underscores between digits are ignored."""
    try:
        return Decimal(re.sub(r"(?<=\d)[,_](?=\d{3})", "", strip_quotes(text)))
    except InvalidOperation:
        raise ParameterError(f"{text!r} is no number, and this column is {kind}", hint=SYNTAX) from None


def exact(operator: str, value: Decimal, precision: int, scale: int) -> ColumnFilter:
    """Compare an integer or decimal column without rounding, so that ids stay exact.

    A value between two possible values of the column is replaced by the lower one, and the operator is
    adapted. For a value beyond the column's range, the result is the same for all rows.
    """
    if value.is_nan():
        return ColumnFilter("FALSE")
    if value.is_infinite() or value.copy_abs() >= 10 ** (precision - scale):
        fits = operator == "!=" or operator[0] == ("<" if value > 0 else ">")
        return ColumnFilter("{c} IS NOT NULL" if fits else "FALSE")
    with localcontext(Context(prec=200)):
        step = Decimal(1).scaleb(-scale)
        floor = (value / step).to_integral_value(ROUND_FLOOR) * step
    if floor != value:
        if operator in {"=", "!="}:
            return ColumnFilter("FALSE" if operator == "=" else "{c} IS NOT NULL")
        operator = ">" if operator.startswith(">") else "<="
    if scale <= 0:
        return ColumnFilter(f"{{c}} {operator} ?", (int(floor),))
    return ColumnFilter(f"{{c}} {operator} CAST(? AS DECIMAL({precision}, {scale}))", (f"{floor:f}",))


def float_filter(operator: str, value: float, kind: str) -> ColumnFilter:
    """Compare a floating-point column; NaN equals NaN, and is neither smaller nor larger than a number."""
    not_nan = "" if math.isnan(value) or operator in {"=", "!="} else " AND NOT isnan({c})"
    return ColumnFilter(f"{{c}} {operator} CAST(? AS {kind}){not_nan}", (value,))


def parse_timestamp(operator: str, value: str, kind: pyarrow.DataType) -> ColumnFilter:
    """Compare a date, time or Boolean column; the engine parses the value as in SQL."""
    import duckdb
    from pyarrow import types

    if not (types.is_temporal(kind) or types.is_boolean(kind)):
        raise ParameterError(
            f"a column of {kind} can't be compared",
            hint="Write a text to find in its cells, NULL or not NULL.",
        )
    name = engine_type(kind)
    try:
        with duckdb.connect(config={"threads": 1}) as connection:
            connection.execute(f"SELECT CAST(? AS {name})", [value])
    except duckdb.Error:
        word = name.lower().removesuffix("tz").removesuffix("_ns")
        hint = (
            "Write true or false." if word == "boolean" else "Write it as the cells do: 2011-02-03 16:03:05."
        )
        raise ParameterError(f"{value!r} is no {word}", hint=hint) from None
    return ColumnFilter(f"{{c}} {operator} CAST(? AS {name})", (value,))


def typed_filter(operator: str, value: str, engine: str) -> ColumnFilter:
    """Compare a column in the engine's own type."""
    import duckdb

    if engine in NUMBERS:
        value = re.sub(r"(?<=\d)[,_](?=\d{3})", "", value)
    try:
        with duckdb.connect(config={"threads": 1}) as connection:
            connection.execute(f"SELECT CAST(? AS {engine})", [value])
    except duckdb.Error:
        name = shorten(engine, CHARACTERS)
        raise ParameterError(f"{value!r} is no {name}", hint="Write it as the cells do.") from None
    return ColumnFilter(f"{{typed}} {operator} CAST(? AS {engine})", (value,))


def engine_type(kind: pyarrow.DataType) -> str:
    """Return the engine's type of a column that can be compared."""
    from pyarrow import types

    if types.is_boolean(kind):
        return "BOOLEAN"
    if types.is_date(kind):
        return "DATE"
    if types.is_time(kind):
        return "TIME"
    if types.is_timestamp(kind):
        if kind.tz:
            return "TIMESTAMPTZ_NS" if kind.unit == "ns" else "TIMESTAMPTZ"
        return "TIMESTAMP_NS" if kind.unit == "ns" else "TIMESTAMP"
    return "INTERVAL"


def is_text(kind: pyarrow.DataType) -> bool:
    """Return whether a column has texts, or a dictionary of texts."""
    from pyarrow import types

    if types.is_dictionary(kind):
        return is_text(kind.value_type)
    return bool(types.is_string(kind) or types.is_large_string(kind) or types.is_string_view(kind))


def strip_quotes(text: str) -> str:
    """Remove the quotes around a text.

    Examples
    --------
    >>> strip_quotes('"NULL"'), strip_quotes("it's")
    ('NULL', "it's")
    """
    return text[1:-1] if len(text) > 1 and text[0] == text[-1] and text[0] in "\"'" else text
