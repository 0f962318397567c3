"""Dates and times as the engine writes them, also infinite ones and years that Python does not have."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from syndb_lab.errors import ResultUnsuitable

if TYPE_CHECKING:
    import pyarrow

PER_SECOND: Final = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}
DAY_S: Final = 86_400
FIRST_DAY: Final = -719_162
LAST_DAY: Final = 2_932_896
"""The days of 0001-01-01 and 9999-12-31, counted from 1970-01-01."""
TIMESTAMP: Final = re.compile(
    r"(?P<year>\d+)-(?P<month>\d\d)-(?P<day>\d\d)(?P<bc> \(BC\))?"
    r"(?: (?P<hour>\d\d):(?P<minute>\d\d):(?P<second>\d\d)(?:\.(?P<fraction>\d{1,9}))?(?:\+00)?)?"
)
INFINITE: Final = {"infinity": 1, "-infinity": -1}


def timestamp_text(kind: pyarrow.DataType, value: int) -> str:
    """Format a date or a timestamp as the engine does, from the number that Arrow stores.

    Examples
    --------
    >>> timestamp_text(pa.date32(), -735_000), timestamp_text(pa.timestamp("s"), 2**63 - 1)
    ('0044-08-22 (BC)', 'infinity')
    >>> timestamp_text(pa.timestamp("us", tz="UTC"), 500_000)
    '1970-01-01 00:00:00.5+00'
    """
    if abs(value) == largest(kind):
        return "infinity" if value > 0 else "-infinity"
    if str(kind).startswith("date32"):
        return day_text(value)
    per_second = PER_SECOND[kind.unit]
    days, time_of_day = divmod(value, DAY_S * per_second)
    seconds, fraction = divmod(time_of_day, per_second)
    clock = f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"
    if fraction:
        digits = f"{fraction:0{len(str(per_second)) - 1}}".rstrip("0")
        clock += f".{digits}"
    return f"{day_text(days)} {clock}{'+00' if kind.tz else ''}"


def timestamp_number(kind: pyarrow.DataType, text: str) -> int:
    """Parse a text of :func:`timestamp_text` into the number that Arrow stores.

    Raises
    ------
    ValueError
        The text is no date or timestamp.

    Examples
    --------
    >>> timestamp_number(pa.date32(), "0044-08-22 (BC)")
    -735000
    >>> timestamp_number(pa.timestamp("ms"), "1970-01-01 00:00:01.5")
    1500
    """
    if text in INFINITE:
        return INFINITE[text] * largest(kind)
    match = TIMESTAMP.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is no date or timestamp")
    year = 1 - int(match["year"]) if match["bc"] else int(match["year"])
    days = day_number(year, int(match["month"]), int(match["day"]))
    if str(kind).startswith("date32"):
        return days
    per_second = PER_SECOND[kind.unit]
    seconds = days * DAY_S + sum(
        int(match[part] or 0) * weight for part, weight in (("hour", 3600), ("minute", 60), ("second", 1))
    )
    return seconds * per_second + int((match["fraction"] or "").ljust(9, "0")) * per_second // 10**9


def day_text(days: int) -> str:
    """Format a day, counted from 1970-01-01; the year before the year 1 is 0001 (BC).

    Examples
    --------
    >>> day_text(0), day_text(FIRST_DAY - 1)
    ('1970-01-01', '0001-12-31 (BC)')
    """
    era, day_of_era = divmod(days + 719_468, 146_097)
    year_of_era = (day_of_era - day_of_era // 1460 + day_of_era // 36_524 - day_of_era // 146_096) // 365
    day_of_year = day_of_era - (365 * year_of_era + year_of_era // 4 - year_of_era // 100)
    shifted = (5 * day_of_year + 2) // 153
    day, month = day_of_year - (153 * shifted + 2) // 5 + 1, shifted + 3 if shifted < 10 else shifted - 9
    year = year_of_era + era * 400 + (month <= 2)
    return f"{year if year > 0 else 1 - year:04}-{month:02}-{day:02}{'' if year > 0 else ' (BC)'}"


def day_number(year: int, month: int, day: int) -> int:
    """Count the days from 1970-01-01 to a day; the year 0 is the one before the year 1.

    Examples
    --------
    >>> day_number(1970, 1, 1), day_number(2024, 2, 29)
    (0, 19782)
    """
    year -= month <= 2
    era, year_of_era = divmod(year, 400)
    day_of_year = (153 * (month + (-3 if month > 2 else 9)) + 2) // 5 + day - 1
    return era * 146_097 + year_of_era * 365 + year_of_era // 4 - year_of_era // 100 + day_of_year - 719_468


def largest(kind: pyarrow.DataType) -> int:
    """Return the number by which Arrow's type stores ``infinity``."""
    return int(2 ** (kind.bit_width - 1) - 1)


def is_temporal(kind: pyarrow.DataType) -> bool:
    """Whether a type is a date, a time or a timestamp, or contains one."""
    from pyarrow import types

    if types.is_date(kind) or types.is_time(kind) or types.is_timestamp(kind):
        return True
    return any(is_temporal(kind.field(index).type) for index in range(kind.num_fields))


def check_moments(table: pyarrow.Table, library: str) -> None:
    """Raise for a date or time that a library would change, show as another one, or fail on.

    Raises
    ------
    ResultUnsuitable
        There is one; the message names the first column and value.
    """
    for field, column in zip(table.schema, table.columns, strict=True):
        if not is_temporal(field.type):
            continue
        for chunk in column.chunks:
            for kind, leaf in leaves(chunk):
                beyond = beyond_limits(kind, leaf, library)
                if beyond is not None:
                    raise ResultUnsuitable(
                        f"{library} has no place for {beyond}, which is in the column {field.name!r}",
                        hint=f"Write CAST({quote_identifier(field.name)} AS VARCHAR) in the query, or use "
                        "to_duckdb().",
                    )


def leaves(array: pyarrow.Array) -> Iterator[tuple[pyarrow.DataType, pyarrow.Array]]:
    """Yield the innermost arrays of dates and times, with their types."""
    from pyarrow import types

    kind = array.type
    if not is_temporal(kind):
        return
    if types.is_struct(kind):
        for part in array.flatten():
            yield from leaves(part)
    elif types.is_map(kind):
        yield from leaves(array.keys)
        yield from leaves(array.items)
    elif kind.num_fields:
        yield from leaves(array.flatten())
    else:
        yield kind, array


def beyond_limits(kind: pyarrow.DataType, array: pyarrow.Array, library: str) -> str | None:
    """Return a value, as text, that is outside a library's range; None if there is none."""
    import pyarrow as pa
    import pyarrow.compute as pc

    ends = pc.min_max(array.cast(pa.int32() if kind.bit_width == 32 else pa.int64())).as_py()
    low, high = limits(kind, library)
    for end in ends.values():
        if end is not None and not low <= end <= high:
            return "24:00:00" if pa.types.is_time(kind) else timestamp_text(kind, end)
    return None


def limits(kind: pyarrow.DataType, library: str) -> tuple[int, int]:
    """Return the least and the greatest number that a library shows correctly."""
    from pyarrow import types

    if types.is_time(kind):
        return 0, DAY_S * PER_SECOND[kind.unit] - 1
    if types.is_timestamp(kind) and kind.unit == "ns":
        return 1 - largest(kind), largest(kind) - 1
    if library == "Arrow":
        return -largest(kind) - 1, largest(kind)
    if types.is_date(kind):
        return FIRST_DAY, LAST_DAY
    day = DAY_S * PER_SECOND[kind.unit]
    return FIRST_DAY * day, (LAST_DAY + 1) * day - 1


def quote_identifier(name: str) -> str:
    """Quote a name as an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'
