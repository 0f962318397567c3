"""Reading of stored JSON, which a newer version of the service may have written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any


def select_fields(record: type, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the stored values that are fields of a dataclass.

    During an upgrade, older processes read rows of newer ones: they ignore fields that were added since.

    Examples
    --------
    >>> from dataclasses import dataclass
    >>> @dataclass
    ... class Point:
    ...     x: int
    >>> select_fields(Point, {"x": 1, "colour": "red"})
    {'x': 1}
    """
    known = {field.name for field in fields(record)}
    return {name: value for name, value in values.items() if name in known}
