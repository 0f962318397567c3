"""Reading stored JSON that a newer version of the service may have written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any


def select_fields(record: type, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a dataclass knows of stored values.

    While an upgrade goes on, older processes read what newer ones wrote: a field that was added since is no
    error there.

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
