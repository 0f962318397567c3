"""What is wrong with a field of a request, in words: where it is, what it takes, what was given or meant."""

from __future__ import annotations

import json
from collections.abc import Hashable, Iterable, Mapping, Sequence
from difflib import get_close_matches
from functools import lru_cache
from typing import Annotated, Any, Final

from fastapi.routing import APIRoute
from pydantic import TypeAdapter

from syndb_service.api.schemas.field_types import PRINTABLE
from syndb_service.api.schemas.graph_request import EVERYWHERE, OWN, GraphBody
from syndb_service.errors import InvalidRequest

HINT: Final = "The routes and their fields are described in /openapi.json."
MOST_FAULTS: Final = 5
SHOWN: Final = 60
LISTED: Final = 24
_WIDE: Final = 2**63 - 1
_BOUNDS: Final = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "minLength", "maxLength")
_OURS: Final = ("value_error", "assertion_error")

Schema = Mapping[str, Any]
Path = tuple[str | int, ...]


def refusal_of(errors: Sequence[Mapping[str, Any]], body: Any, route: object) -> InvalidRequest:
    """Return what is told of a request that does not fit its route.

    Parameters
    ----------
    errors : sequence of mappings
        As pydantic lists them; of a field that may be one of several things, one for each of these.
    body : object
        What was sent, as far as it could be read.
    route : object
        The route, which knows what it takes.
    """
    found: dict[str, tuple[Path, Mapping[str, Any]]] = {}
    for error in errors:
        if error["type"] == "json_invalid":
            place = error["loc"][-1]
            return InvalidRequest(
                f"the body is no JSON: {error['ctx']['error']}, at character {place}", hint=HINT
            )
        where = str(error["loc"][0])
        sent = body if where == "body" else None
        path = _path(error, sent)
        key = f"{where}:{path[0] if path else ''}"
        if key not in found or len(path) > len(found[key][0]):
            found[key] = path, error
    in_order = sorted(found.values(), key=lambda fault: fault[1]["type"] != "extra_forbidden")
    told = [_describe_error(path, error, body, route) for path, error in in_order]
    more = f"; and {len(told) - MOST_FAULTS} more" if len(told) > MOST_FAULTS else ""
    return InvalidRequest("; ".join(told[:MOST_FAULTS]) + more, hint=HINT)


def refuse_unknown(names: Iterable[str], known: Sequence[str], path: str) -> None:
    """Refuse a query's parameters that a route does not have: they would change nothing, silently.

    Raises
    ------
    InvalidRequest
        Naming the first of them, and the nearest that there is.
    """
    unknown = [name for name in names if name not in known]
    if unknown:
        takes = f"it takes {', '.join(known)}" if known else "it takes none"
        raise InvalidRequest(
            f"{_quote(unknown[0])} is no parameter of "
            f"{path}{suggest_nearest(unknown[0], known) or f'; {takes}'}",
            hint=HINT,
        )


def suggest_nearest(wanted: object, known: Iterable[str]) -> str:
    """Name what is nearest, as the end of a sentence; nothing where nothing is near.

    Examples
    --------
    >>> suggest_nearest("samplez", ["samples", "source"])
    '; did you mean samples?'
    """
    near = get_close_matches(str(wanted).lower()[:200], list(known), n=2, cutoff=0.6)
    return f"; did you mean {' or '.join(near)}?" if near else ""


def describe(schema: Schema, whole: Schema | None = None) -> str:
    """Say in words what a JSON schema takes.

    Examples
    --------
    >>> describe({"type": "integer", "minimum": 1, "maximum": 10000}), describe({"enum": ["a", "b"]})
    ('a whole number from 1 to 10,000', "'a' or 'b'")
    """
    whole = whole or schema
    schema = _resolve_schema(schema, whole)
    if "anyOf" in schema:
        bounds = {name: schema[name] for name in _BOUNDS if name in schema}
        parts = [describe(bounds | each, whole) for each in schema["anyOf"] if each.get("type") != "null"]
        return " or ".join(dict.fromkeys(parts))
    if "enum" in schema or "const" in schema:
        return _alternatives([repr(each) for each in schema.get("enum") or [schema["const"]]])
    kind = schema.get("type")
    if kind in ("integer", "number"):
        return ("a whole number" if kind == "integer" else "a number") + _range(schema)
    if kind == "boolean":
        return "true or false"
    if kind == "string":
        return _text(schema)
    if kind == "array":
        least = schema.get("minItems")
        sizes = f" of at least {least}" if least else ""
        sizes += f" (at most {schema['maxItems']:,})" if "maxItems" in schema else ""
        return f"a list{sizes}, each {describe(schema.get('items', {}), whole)}"
    if kind == "object":
        names = list(schema.get("properties", ()))
        return f"an object with {' and '.join(names)}" if 0 < len(names) <= 3 else "an object"
    return "another value"


def _describe_error(path: Path, error: Mapping[str, Any], body: Any, route: object) -> str:
    kind, message = str(error["type"]), str(error["msg"]).removeprefix("Value error, ")
    whole, schema = _schema_at(path, str(error["loc"][0]), route)
    name = _format_path(path)
    if kind == "extra_forbidden":
        return _unknown(path, body, _schema_at(path[:-1], "body", route)[1], whole)
    if kind in _OURS:
        return f"{name}: {message}" if name else message
    if kind == "missing":
        return f"{name} is needed: {describe(schema, whole)}" if name else "a body is needed: a JSON object"
    given = _format_input(error.get("input"))
    known = _names(schema, whole)
    if kind == "less_than_equal" and error["ctx"]["le"] >= _WIDE:
        return f"{name}: a number of at most {error['ctx']['le']:,} is needed, and {given} was given"
    near = suggest_nearest(error.get("input"), known) if isinstance(error.get("input"), str) else ""
    return f"{name or 'the body'}: {describe(schema, whole)} is needed, and {given} was given{near}"


def _unknown(path: Path, body: Any, schema: Schema, whole: Schema) -> str:
    """Tell of a field that is not known there."""
    wanted, place = path[-1], _format_path(path[:-1])
    inner = [schema, *(_resolve_schema(each, whole) for each in schema.get("anyOf", ()))]
    known = [name for each in inner for name in each.get("properties", ())]
    if len(path) == 1 and whole.get("title") == GraphBody.__name__:
        analysis = body.get("analysis", "full") if isinstance(body, dict) else "full"
        own = OWN.get(analysis if isinstance(analysis, str) else "", set())
        takes = [name for name in known if name in EVERYWHERE | own]
        near = suggest_nearest(wanted, takes) or _elsewhere(str(wanted), known)
        return f"{_format_path(path)} is no option of {_format_input(analysis)}{near or _list_of(takes)}"
    at = f" of {place}" if place else ""
    return f"{_format_path(path)} is no field{at}{suggest_nearest(wanted, known) or _list_of(known)}"


def _elsewhere(wanted: str, known: Sequence[str]) -> str:
    near = get_close_matches(wanted.lower()[:200], known, n=1, cutoff=0.6)
    if not near:
        return ""
    takers = [analysis for analysis, options in OWN.items() if near[0] in options]
    return f"; did you mean {near[0]}, an option of {', '.join(takers)}?"


def _list_of(names: Sequence[str]) -> str:
    return f"; there are {', '.join(names[:LISTED])}" if names else ""


def _path(error: Mapping[str, Any], sent: Any) -> Path:
    """Return the path to the value: without the kinds of value that were tried there."""
    parts: Path = tuple(error["loc"][1:])
    if error["loc"][0] != "body":
        return parts[:1]
    path: list[str | int] = []
    for number, part in enumerate(parts, 1):
        here = isinstance(sent, dict) and part in sent
        if here or (isinstance(sent, list) and isinstance(part, int) and part < len(sent)):
            sent = sent[part]
            path.append(part)
        elif number == len(parts) and error["type"] in ("missing", "extra_forbidden"):
            path.append(part)
    return tuple(path)


def _format_path(path: Path) -> str:
    """Write a path as people do: ``cell_class.pre[1]``."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{_short(part)}" if text else _short(part)
    return text


def _schema_at(path: Path, where: str, route: object) -> tuple[Schema, Schema]:
    """Return the schema of a body or a parameter, and what it says of one place in it."""
    whole = _schema_of(route, where, str(path[0]) if path and where != "body" else "")
    schema = _resolve_schema(whole, whole)
    for part in path if where == "body" else ():
        inner = [schema, *(_resolve_schema(each, whole) for each in schema.get("anyOf", ()))]
        key, held = ("items", ()) if isinstance(part, int) else ("properties", part)
        found = [each[key] for each in inner if key in each]
        found = [each if held == () else each.get(held, {}) for each in found]
        schema = _resolve_schema(next((each for each in found if each), {}), whole)
    return whole, schema


def _schema_of(route: object, where: str, name: str) -> Schema:
    if not isinstance(route, APIRoute):
        return {}
    if where == "body":
        body: Any = None if route.body_field is None else route.body_field.field_info.annotation
        return {} if body is None else _schema_of_type(body)
    taken = route.dependant
    for field in (*taken.path_params, *taken.query_params, *taken.header_params):
        if field.alias == name:
            annotation: Any = Annotated[field.field_info.annotation, field.field_info]
            return TypeAdapter(annotation).json_schema()
    return {}


@lru_cache(maxsize=64)
def _schema_of_type(annotation: Hashable) -> Schema:
    whole: Any = annotation
    return TypeAdapter(whole).json_schema()


def _resolve_schema(schema: Schema, whole: Schema) -> Schema:
    name = str(schema.get("$ref", "")).rpartition("/")[2]
    found: Schema = whole.get("$defs", {}).get(name, {}) if name else schema
    return found


def _names(schema: Schema, whole: Schema) -> list[str]:
    """List the texts that a field takes, where they are a few."""
    schema = _resolve_schema(schema, whole)
    inner = [schema, *(_resolve_schema(each, whole) for each in schema.get("anyOf", ()))]
    inner += [_resolve_schema(each["items"], whole) for each in inner if "items" in each]
    return [str(each) for one in inner for each in one.get("enum", ())]


def _alternatives(texts: Sequence[str]) -> str:
    return f"{', '.join(texts[:-1])} or {texts[-1]}" if len(texts) > 1 else texts[0]


def _range(schema: Schema) -> str:
    least, most, above, below = (
        schema.get(name, schema.get(short))
        for name, short in (
            ("minimum", "ge"),
            ("maximum", "le"),
            ("exclusiveMinimum", "gt"),
            ("exclusiveMaximum", "lt"),
        )
    )
    if most is not None and most >= _WIDE:
        most = None
    if least is not None and least <= -_WIDE:
        least = None
    if least is not None and most is not None:
        return f" from {least:,} to {most:,}"
    ends = [
        f"{word} {end:,}"
        for word, end in (("above", above), ("of at least", least), ("below", below), ("of at most", most))
        if end is not None
    ]
    return f" {' and '.join(ends)}" if ends else ""


def _text(schema: Schema) -> str:
    if schema.get("format") == "date-time":
        return "a moment like 2026-01-31T12:00:00Z"
    if schema.get("pattern") == "^-?[0-9]{1,19}$":
        return "the digits of one"
    if "[0-9a-fA-F]{8}-" in schema.get("pattern", ""):
        return "the id of a job"
    least, most = schema.get("minLength"), schema.get("maxLength")
    if least and most:
        return f"a text of {least:,} to {most:,} characters"
    kept = " without control characters" if schema.get("pattern") == PRINTABLE else ""
    return (f"a text of at most {most:,} characters" if most else "a text") + kept


def _format_input(value: object) -> str:
    """Write what was given, short."""
    if isinstance(value, str) and len(value) > SHOWN:
        return f"a text of {len(value):,} characters"
    if isinstance(value, list | dict) and len(value) > LISTED:
        return f"{'a list' if isinstance(value, list) else 'an object'} of {len(value):,}"
    if isinstance(value, str):
        return repr(value)
    try:
        return _short(json.dumps(value, ensure_ascii=False, default=str))
    except (ValueError, RecursionError):
        return "another value"


def _quote(name: str) -> str:
    return repr(_short(name))


def _short(text: str) -> str:
    return text if len(text) <= SHOWN else f"{text[: SHOWN - 1]}…"
