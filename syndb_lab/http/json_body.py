"""The JSON body of a request, from values of Python and of its data libraries."""

from __future__ import annotations

import decimal
import json
from collections.abc import Mapping
from typing import Any, Final

from syndb_lab.conversion.plain_values import PLAIN, finite, plain_value, require_valid_text
from syndb_lab.errors import ParameterError

MAX_DIGITS: Final = 100
FINISHED: Final = frozenset({"parameters"})
"""Fields whose values are already plain: they may hold a million ids, which are not converted twice."""


def encode_body(body: Mapping[str, Any]) -> bytes:
    """Write the JSON of a request.

    Raises
    ------
    ParameterError
        A field has no form in JSON; the message names it.

    Examples
    --------
    >>> encode_body({"neuron_ids": {1}, "seed": 7})
    b'{"neuron_ids":[1],"seed":7}'
    """
    fields = {name: value if name in FINISHED else plain_field(name, value) for name, value in body.items()}
    try:
        text = json.dumps(
            fields, ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=plain_parameter
        )
        return text.encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise ParameterError(
            f"the request can't be written as JSON: {error}", hint="Give plain numbers, texts and lists."
        ) from error


def plain_field(name: str, value: Any) -> Any:
    """Convert one field to plain values, and to text what JSON has no type for."""
    if isinstance(value, Mapping):
        return {
            require_valid_text(name, str(key)): plain_field(f"{name}[{key!r}]", item)
            for key, item in value.items()
        }
    return to_json_value(plain_number(name, plain_value(name, value)))


def plain_number(name: str, value: Any) -> Any:
    """Convert a ``Decimal``, also in a list, to an int or a float: options are counts or weights."""
    if isinstance(value, list):
        return [plain_number(name, item) for item in value]
    if not isinstance(value, decimal.Decimal):
        return value
    is_integer = value == value.to_integral_value() and abs(value.adjusted()) < MAX_DIGITS
    return int(value) if is_integer else finite(name, float(value))


def plain_parameter(value: Any) -> Any:
    """Convert one value of a parameter that is not plain yet."""
    return to_json_value(plain_value("parameters", value))


def to_json_value(value: Any) -> Any:
    """Convert a value that JSON has no type for to text; other values stay as they are."""
    if isinstance(value, list):
        return [to_json_value(item) for item in value]
    return value if isinstance(value, (*PLAIN, float)) else str(value)
