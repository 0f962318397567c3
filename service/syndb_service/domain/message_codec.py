"""The codec of messages: converts frozen dataclasses to JSON values and back, and checks all types."""

from __future__ import annotations

import types
from collections.abc import Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from functools import cache
from typing import Any, Final, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

T = TypeVar("T")

UNIONS: Final = (Union, types.UnionType)


class MalformedMessage(ValueError):
    """A message whose fields are not those that its class declares."""


def encode_message(message: object) -> dict[str, Any]:
    """Convert a dataclass to JSON values.

    Raises
    ------
    MalformedMessage
        If a field holds a value that is not of its type.
    """
    return {
        field.name: _encode(hint, getattr(message, field.name), f"{type(message).__name__}.{field.name}")
        for field, hint in _typed_fields(type(message))
    }


def decode_message(message_type: type[T], values: object, path: str = "") -> T:
    """Convert JSON values of :func:`encode_message` to a dataclass; omitted fields have their defaults.

    Raises
    ------
    MalformedMessage
        If a field is missing, unknown, or not of its type.

    Examples
    --------
    >>> from syndb_service.domain.child_task import TaskLimits
    >>> decode_message(TaskLimits, {"memory_bytes": 1, "address_space_bytes": 2}).threads
    1
    >>> decode_message(TaskLimits, {"memory_bytes": "1", "address_space_bytes": 2})
    Traceback (most recent call last):
        ...
    syndb_service.domain.message_codec.MalformedMessage: TaskLimits.memory_bytes is a str, expected int
    """
    path = path or message_type.__name__
    if not isinstance(values, Mapping):
        raise _type_error(path, "object", values)
    typed_fields = _typed_fields(message_type)
    unknown = values.keys() - {field.name for field, _ in typed_fields}
    missing = {field.name for field, _ in typed_fields if not _has_default(field)} - values.keys()
    if unknown or missing:
        problems = [("unknown", unknown), ("missing", missing)]
        listed = "; ".join(f"{problem}: {', '.join(sorted(names))}" for problem, names in problems if names)
        raise MalformedMessage(f"{path} has other fields than expected ({listed})")
    return message_type(
        **{
            field.name: _decode(hint, values[field.name], f"{path}.{field.name}")
            for field, hint in typed_fields
            if field.name in values
        }
    )


def _typed_fields(message_type: Any) -> tuple[tuple[Field[Any], Any], ...]:
    return _read_typed_fields(message_type)


@cache
def _read_typed_fields(message_type: Any) -> tuple[tuple[Field[Any], Any], ...]:
    hints = get_type_hints(message_type)
    return tuple((field, hints[field.name]) for field in fields(message_type))


def _has_default(field: Field[Any]) -> bool:
    return field.default is not MISSING or field.default_factory is not MISSING


def _encode(hint: Any, value: Any, path: str) -> Any:
    if is_dataclass(hint):
        if type(value) is not hint:
            raise _type_error(path, str(getattr(hint, "__name__", hint)), value)
        return encode_message(value)
    if get_origin(hint) is tuple:
        if not isinstance(value, tuple):
            raise _type_error(path, "tuple", value)
        return [_encode(item_hint, item, path) for item_hint, item in _items(hint, value, path)]
    if get_origin(hint) is Mapping:
        return {key: _encode(get_args(hint)[1], item, path) for key, item in _entries(value, path)}
    if get_origin(hint) in UNIONS:
        return _encode_union(hint, value, path)
    return _check_scalar(hint, value, path)


def _decode(hint: Any, value: Any, path: str) -> Any:
    if is_dataclass(hint):
        return decode_message(hint, value, path)  # type: ignore[arg-type]
    if get_origin(hint) is tuple:
        if not isinstance(value, list):
            raise _type_error(path, "list", value)
        return tuple(_decode(item_hint, item, path) for item_hint, item in _items(hint, value, path))
    if get_origin(hint) is Mapping:
        return {key: _decode(get_args(hint)[1], item, path) for key, item in _entries(value, path)}
    if get_origin(hint) in UNIONS:
        return _decode_union(hint, value, path)
    return _check_scalar(hint, value, path)


def _items(hint: Any, values: Any, path: str) -> list[tuple[Any, Any]]:
    """Pair each item of a list with its type."""
    item_types = get_args(hint)
    if item_types[-1] is Ellipsis:
        return [(item_types[0], value) for value in values]
    if len(item_types) != len(values):
        raise MalformedMessage(f"{path} has {len(values)} items, expected {len(item_types)}")
    return list(zip(item_types, values, strict=True))


def _entries(value: Any, path: str) -> list[tuple[str, Any]]:
    if not isinstance(value, Mapping):
        raise _type_error(path, "object", value)
    for key in value:
        if not isinstance(key, str):
            raise _type_error(f"a key of {path}", str, key)
    return list(value.items())


def _encode_union(hint: Any, value: Any, path: str) -> Any:
    members = get_args(hint)
    if value is None and type(None) in members:
        return None
    if tagged := _tagged_types(hint):
        if type(value) not in tagged.values():
            raise _type_error(path, " or ".join(member.__name__ for member in tagged.values()), value)
        return {value.tag: getattr(value, value.tag), **encode_message(value)}
    return _encode(_pick_type(members, value, path), value, path)


def _decode_union(hint: Any, value: Any, path: str) -> Any:
    members = get_args(hint)
    if value is None and type(None) in members:
        return None
    if tagged := _tagged_types(hint):
        if not isinstance(value, Mapping):
            raise _type_error(path, "object", value)
        name = next(iter(tagged.values())).tag
        message_type = tagged.get(str(value.get(name)))
        if message_type is None:
            tag = value.get(name)
            raise MalformedMessage(f"{path}.{name} is {tag!r:.100}, expected one of {', '.join(tagged)}")
        return decode_message(message_type, {key: value[key] for key in value if key != name}, path)
    return _decode(_pick_type(members, value, path), value, path)


def _tagged_types(hint: Any) -> dict[str, Any]:
    """Return the classes of a tagged union by tag; ``tag`` names the class variable that contains it."""
    members = get_args(hint)
    if not all(map(is_dataclass, members)):
        return {}
    return {getattr(member, member.tag): member for member in members}


def _pick_type(members: tuple[Any, ...], value: Any, path: str) -> Any:
    """Return the type of a union that a value must have; of several scalar types, the one that it has."""
    types_ = [member for member in members if member is not type(None)]
    if len(types_) == 1:
        return types_[0]
    if type(value) not in types_:
        raise _type_error(path, " or ".join(member.__name__ for member in types_), value)
    return type(value)


def _check_scalar(hint: Any, value: Any, path: str) -> Any:
    if hint is object:
        return value
    if get_origin(hint) is Literal:
        if value not in get_args(hint):
            raise MalformedMessage(f"{path} is {value!r:.100}, expected one of {', '.join(get_args(hint))}")
        return value
    if hint is float and type(value) is int:
        return float(value)
    if not isinstance(value, hint) or (hint is int and isinstance(value, bool)):
        raise _type_error(path, hint, value)
    return value


def _type_error(path: str, expected: type | str, value: object) -> MalformedMessage:
    wanted = expected if isinstance(expected, str) else expected.__name__
    return MalformedMessage(f"{path} is a {type(value).__name__}, expected {wanted}")
