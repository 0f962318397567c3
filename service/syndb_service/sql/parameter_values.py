"""The values of a query's parameters; rejects those that the engine would round."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from syndb_service.errors import InvalidQuery

EXACT_IN_DOUBLE: Final = 1 << 53


def check_exact(parameters: Mapping[str, Any]) -> None:
    """Reject lists that mix integers above 2^53 with fractions: the engine converts both to floating point.

    Raises
    ------
    InvalidQuery
        With the parameter and the number.

    Examples
    --------
    >>> check_exact({"x": [9007199254740993, 0.5]})
    Traceback (most recent call last):
    syndb_service.errors.InvalidQuery: $x holds 9007199254740993 beside fractions, which would round it
    """
    for name, value in parameters.items():
        leaves = list(_leaves(value))
        if not any(isinstance(leaf, float) for leaf in leaves):
            continue
        for leaf in leaves:
            if isinstance(leaf, int) and abs(leaf) > EXACT_IN_DOUBLE and not _is_exact(leaf):
                raise InvalidQuery(
                    f"${name} holds {leaf} beside fractions, which would round it",
                    hint="Send them as two parameters, or as texts that the query casts.",
                )


def _is_exact(number: int) -> bool:
    try:
        return int(float(number)) == number
    except OverflowError:
        return False


def _leaves(value: Any) -> Iterator[Any]:
    if isinstance(value, list):
        for item in value:
            yield from _leaves(item)
    elif isinstance(value, dict):
        for item in value.values():
            yield from _leaves(item)
    else:
        yield value
