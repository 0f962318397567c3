"""Types of fields and parameters, as strict as the OpenAPI document describes them."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from math import isfinite
from typing import Annotated, Any, Final

from pydantic import BeforeValidator, Field, FiniteFloat, StringConstraints, TypeAdapter, WithJsonSchema

INT64: Final = 2**63 - 1
INT128: Final = 2**127
SURROGATE: Final = re.compile("[\ud800-\udfff]")
MOMENT: Final = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)?")
PRINTABLE: Final = r"^[^\x00-\x1f\x7f]*$"


def _timestamp(value: Any) -> Any:
    """Parse an RFC 3339 timestamp; without an offset it is UTC. Numbers are rejected."""
    if isinstance(value, datetime):
        return value
    if not isinstance(value, str) or not MOMENT.fullmatch(value):
        raise ValueError("a moment like 2026-01-31T12:00:00Z is needed")
    try:
        moment = datetime.fromisoformat(value.upper())
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError("there is no such moment") from None


def _flag(value: Any) -> Any:
    if isinstance(value, str) and value not in ("true", "false"):
        raise ValueError("true or false is needed")
    return value


def _integral(value: Any) -> Any:
    """Convert 3.0 to 3: JSON does not distinguish integers from floats."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


WholeNumber = Annotated[int, BeforeValidator(_integral)]
Moment = Annotated[datetime, Field(description="UTC, RFC 3339")]
GivenMoment = Annotated[
    datetime, BeforeValidator(_timestamp), WithJsonSchema({"type": "string", "format": "date-time"})
]
Flag = Annotated[bool, BeforeValidator(_flag), WithJsonSchema({"type": "boolean"})]
Label = Annotated[str, StringConstraints(max_length=200, pattern=PRINTABLE)]
Scalar = bool | int | FiniteFloat | str | None


def _parameters(parameters: object) -> object:
    """Raise at the first invalid value, in one pass: a body may contain a hundred thousand of them."""
    if not isinstance(parameters, dict):
        raise ValueError("an object is needed, with a value for each name")
    for name, value in parameters.items():
        if not name.isascii() and SURROGATE.search(name):
            raise ValueError("a name holds a broken character (half of a surrogate pair)")
        for item in value if isinstance(value, list) else [value]:
            if not (item is None or isinstance(item, bool | int | float | str)):
                raise ValueError(f"{name}: {VALUE_NEEDED}")
            if isinstance(item, float) and not isfinite(item):
                raise ValueError(f"{name}: a finite number is needed")
            if isinstance(item, int) and not -INT128 <= item < INT128:
                raise ValueError(f"{name}: an integer of at most 128 bits is needed; send it as text")
            if isinstance(item, str) and not item.isascii() and SURROGATE.search(item):
                raise ValueError(f"{name}: the text holds a broken character (half of a surrogate pair)")
    return parameters


VALUE_NEEDED = "a number, a text, true, false, null or a list of them is needed"
Parameters = Annotated[
    dict[str, Any],
    BeforeValidator(_parameters),
    WithJsonSchema(TypeAdapter(dict[str, Scalar | list[Scalar]]).json_schema()),
]
