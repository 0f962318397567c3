"""Messages for invalid fields of a request: the field, its value, the allowed values, a likely spelling."""

from __future__ import annotations

import json
from collections.abc import Hashable, Iterable, Mapping, Sequence
from difflib import get_close_matches
from functools import lru_cache
from typing import Annotated, Any, Final

from fastapi.routing import APIRoute
from pydantic import TypeAdapter

from syndb_service.api.schemas.field_types import PRINTABLE
from syndb_service.api.schemas.graph_request import GraphBody
from syndb_service.domain.graph.analysis_options import find_takers
from syndb_service.errors import InvalidRequest

HINT: Final = "The routes and their fields are described in /openapi.json."
MAX_ERRORS: Final = 5
MAX_SHOWN: Final = 60
MAX_LISTED: Final = 24
_INT64_MAX: Final = 2**63 - 1
_BOUNDS: Final = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "minLength", "maxLength")
_OWN_ERRORS: Final = ("value_error", "assertion_error")

Schema = Mapping[str, Any]
Path = tuple[str | int, ...]


def invalid_request(errors: Sequence[Mapping[str, Any]], body: Any, route: object) -> InvalidRequest:
    """Build the error of a request that its route's schema rejects.

    Parameters
    ----------
    errors : sequence of mappings
        Pydantic's errors; a field of a union type has one for each member.
    body : object
        The body of the request, as far as it was parsed.
    route : object
        The route.
    """
    by_field: dict[str, tuple[Path, Mapping[str, Any]]] = {}
    for error in errors:
        if error["type"] == "json_invalid":
            position = error["loc"][-1]
            return InvalidRequest(
                f"the body is no JSON: {error['ctx']['error']}, at character {position}", hint=HINT
            )
        location = str(error["loc"][0])
        sent = body if location == "body" else None
        path = _value_path(error, sent)
        key = f"{location}:{path[0] if path else ''}"
        if key not in by_field or len(path) > len(by_field[key][0]):
            by_field[key] = path, error
    in_order = sorted(by_field.values(), key=lambda item: item[1]["type"] != "extra_forbidden")
    messages = [_describe_error(path, error, body, route) for path, error in in_order]
    more = f"; and {len(messages) - MAX_ERRORS} more" if len(messages) > MAX_ERRORS else ""
    return InvalidRequest("; ".join(messages[:MAX_ERRORS]) + more, hint=HINT)


def refuse_unknown(names: Iterable[str], known: Sequence[str], path: str) -> None:
    """Reject query parameters that a route does not have, instead of ignoring them.

    Raises
    ------
    InvalidRequest
        If there is one; the message names the first, and similar parameters of the route.
    """
    unknown = [name for name in names if name not in known]
    if unknown:
        allowed = f"it takes {', '.join(known)}" if known else "it takes none"
        raise InvalidRequest(
            f"{_quote(unknown[0])} is no parameter of "
            f"{path}{suggest_nearest(unknown[0], known) or f'; {allowed}'}",
            hint=HINT,
        )


def suggest_nearest(wanted: object, known: Iterable[str]) -> str:
    """Return the most similar names as the end of a sentence; an empty string if there are none.

    Examples
    --------
    >>> suggest_nearest("samplez", ["samples", "source"])
    '; did you mean samples?'
    """
    near = get_close_matches(str(wanted).lower()[:200], list(known), n=2, cutoff=0.6)
    return f"; did you mean {' or '.join(near)}?" if near else ""


def describe(schema: Schema, root: Schema | None = None) -> str:
    """Describe the values that a JSON schema allows.

    Examples
    --------
    >>> describe({"type": "integer", "minimum": 1, "maximum": 10000}), describe({"enum": ["a", "b"]})
    ('a whole number from 1 to 10,000', "'a' or 'b'")
    """
    root = root or schema
    schema = _resolve_schema(schema, root)
    if "anyOf" in schema:
        bounds = {name: schema[name] for name in _BOUNDS if name in schema}
        parts = [
            describe(bounds | member, root) for member in schema["anyOf"] if member.get("type") != "null"
        ]
        return " or ".join(dict.fromkeys(parts))
    if "enum" in schema or "const" in schema:
        return _join_alternatives([repr(value) for value in schema.get("enum") or [schema["const"]]])
    kind = schema.get("type")
    if kind in ("integer", "number"):
        return ("a whole number" if kind == "integer" else "a number") + _describe_range(schema)
    if kind == "boolean":
        return "true or false"
    if kind == "string":
        return _describe_string(schema)
    if kind == "array":
        min_items = schema.get("minItems")
        sizes = f" of at least {min_items}" if min_items else ""
        sizes += f" (at most {schema['maxItems']:,})" if "maxItems" in schema else ""
        return f"a list{sizes}, each {describe(schema.get('items', {}), root)}"
    if kind == "object":
        names = list(schema.get("properties", ()))
        return f"an object with {' and '.join(names)}" if 0 < len(names) <= 3 else "an object"
    return "another value"


def _describe_error(path: Path, error: Mapping[str, Any], body: Any, route: object) -> str:
    kind, message = str(error["type"]), str(error["msg"]).removeprefix("Value error, ")
    root, schema = _schema_at(path, str(error["loc"][0]), route)
    name = _format_path(path)
    if kind == "extra_forbidden":
        return _describe_unknown_field(path, body, _schema_at(path[:-1], "body", route)[1], root)
    if kind in _OWN_ERRORS:
        return f"{name}: {message}" if name else message
    if kind == "missing":
        return f"{name} is needed: {describe(schema, root)}" if name else "a body is needed: a JSON object"
    shown = _format_input(error.get("input"))
    known = _enum_values(schema, root)
    if kind == "less_than_equal" and error["ctx"]["le"] >= _INT64_MAX:
        return f"{name}: a number of at most {error['ctx']['le']:,} is needed, and {shown} was given"
    near = suggest_nearest(error.get("input"), known) if isinstance(error.get("input"), str) else ""
    return f"{name or 'the body'}: {describe(schema, root)} is needed, and {shown} was given{near}"


def _describe_unknown_field(path: Path, body: Any, schema: Schema, root: Schema) -> str:
    """Describe an unknown field, with similar names or those of its object."""
    wanted, parent = path[-1], _format_path(path[:-1])
    inner = [schema, *(_resolve_schema(member, root) for member in schema.get("anyOf", ()))]
    known = [name for member in inner for name in member.get("properties", ())]
    if len(path) == 1 and root.get("title") == GraphBody.__name__:
        analysis = body.get("analysis", "full") if isinstance(body, dict) else "full"
        options = [name for name in known if analysis in find_takers(name) or not find_takers(name)]
        near = suggest_nearest(wanted, options) or _suggest_other_analysis(str(wanted), known)
        return (
            f"{_format_path(path)} is no option of {_format_input(analysis)}{near or _format_names(options)}"
        )
    of_parent = f" of {parent}" if parent else ""
    return (
        f"{_format_path(path)} is no field{of_parent}{suggest_nearest(wanted, known) or _format_names(known)}"
    )


def _suggest_other_analysis(wanted: str, known: Sequence[str]) -> str:
    near = get_close_matches(wanted.lower()[:200], known, n=1, cutoff=0.6)
    if not near:
        return ""
    return f"; did you mean {near[0]}, an option of {', '.join(find_takers(near[0]))}?"


def _format_names(names: Sequence[str]) -> str:
    return f"; there are {', '.join(names[:MAX_LISTED])}" if names else ""


def _value_path(error: Mapping[str, Any], sent: Any) -> Path:
    """Return the path to the value, without the union members that pydantic puts into ``loc``."""
    parts: Path = tuple(error["loc"][1:])
    if error["loc"][0] != "body":
        return parts[:1]
    path: list[str | int] = []
    for number, part in enumerate(parts, 1):
        is_key = isinstance(sent, dict) and part in sent
        if is_key or (isinstance(sent, list) and isinstance(part, int) and part < len(sent)):
            sent = sent[part]
            path.append(part)
        elif number == len(parts) and error["type"] in ("missing", "extra_forbidden"):
            path.append(part)
    return tuple(path)


def _format_path(path: Path) -> str:
    """Format a path like ``cell_class.pre[1]``."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{_shorten(part)}" if text else _shorten(part)
    return text


def _schema_at(path: Path, location: str, route: object) -> tuple[Schema, Schema]:
    """Return the schema of a body or a parameter, and the part of it at ``path``."""
    root = _schema_of(route, location, str(path[0]) if path and location != "body" else "")
    schema = _resolve_schema(root, root)
    for part in path if location == "body" else ():
        inner = [schema, *(_resolve_schema(member, root) for member in schema.get("anyOf", ()))]
        if isinstance(part, int):
            found = [member["items"] for member in inner if "items" in member]
        else:
            found = [member["properties"].get(part, {}) for member in inner if "properties" in member]
        schema = _resolve_schema(next(filter(None, found), {}), root)
    return root, schema


def _schema_of(route: object, location: str, name: str) -> Schema:
    if not isinstance(route, APIRoute):
        return {}
    if location == "body":
        body: Any = None if route.body_field is None else route.body_field.field_info.annotation
        return {} if body is None else _schema_of_type(body)
    dependant = route.dependant
    for field in (*dependant.path_params, *dependant.query_params, *dependant.header_params):
        if field.alias == name:
            annotation: Any = Annotated[field.field_info.annotation, field.field_info]
            return TypeAdapter(annotation).json_schema()
    return {}


@lru_cache(maxsize=64)
def _schema_of_type(annotation: Hashable) -> Schema:
    root: Any = annotation
    return TypeAdapter(root).json_schema()


def _resolve_schema(schema: Schema, root: Schema) -> Schema:
    name = str(schema.get("$ref", "")).rpartition("/")[2]
    found: Schema = root.get("$defs", {}).get(name, {}) if name else schema
    return found


def _enum_values(schema: Schema, root: Schema) -> list[str]:
    """Return the values of a field's enumeration, if it has one."""
    schema = _resolve_schema(schema, root)
    inner = [schema, *(_resolve_schema(member, root) for member in schema.get("anyOf", ()))]
    inner += [_resolve_schema(member["items"], root) for member in inner if "items" in member]
    return [str(value) for member in inner for value in member.get("enum", ())]


def _join_alternatives(texts: Sequence[str]) -> str:
    return f"{', '.join(texts[:-1])} or {texts[-1]}" if len(texts) > 1 else texts[0]


def _describe_range(schema: Schema) -> str:
    minimum, maximum, above, below = (
        schema.get(name, schema.get(short))
        for name, short in (
            ("minimum", "ge"),
            ("maximum", "le"),
            ("exclusiveMinimum", "gt"),
            ("exclusiveMaximum", "lt"),
        )
    )
    if maximum is not None and maximum >= _INT64_MAX:
        maximum = None
    if minimum is not None and minimum <= -_INT64_MAX:
        minimum = None
    if minimum is not None and maximum is not None:
        return f" from {minimum:,} to {maximum:,}"
    ends = [
        f"{word} {end:,}"
        for word, end in (
            ("above", above),
            ("of at least", minimum),
            ("below", below),
            ("of at most", maximum),
        )
        if end is not None
    ]
    return f" {' and '.join(ends)}" if ends else ""


def _describe_string(schema: Schema) -> str:
    if schema.get("format") == "date-time":
        return "a moment like 2026-01-31T12:00:00Z"
    if schema.get("pattern") == "^-?[0-9]{1,19}$":
        return "the digits of one"
    if "[0-9a-fA-F]{8}-" in schema.get("pattern", ""):
        return "the id of a job"
    shortest, longest = schema.get("minLength"), schema.get("maxLength")
    if shortest and longest:
        return f"a text of {shortest:,} to {longest:,} characters"
    printable = " without control characters" if schema.get("pattern") == PRINTABLE else ""
    return (f"a text of at most {longest:,} characters" if longest else "a text") + printable


def _format_input(value: object) -> str:
    """Format a value of the request, shortened."""
    if isinstance(value, str) and len(value) > MAX_SHOWN:
        return f"a text of {len(value):,} characters"
    if isinstance(value, list | dict) and len(value) > MAX_LISTED:
        return f"{'a list' if isinstance(value, list) else 'an object'} of {len(value):,}"
    if isinstance(value, str):
        return repr(value)
    try:
        return _shorten(json.dumps(value, ensure_ascii=False, default=str))
    except (ValueError, RecursionError):
        return "another value"


def _quote(name: str) -> str:
    return repr(_shorten(name))


def _shorten(text: str) -> str:
    return text if len(text) <= MAX_SHOWN else f"{text[: MAX_SHOWN - 1]}…"
