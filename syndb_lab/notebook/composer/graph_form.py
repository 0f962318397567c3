"""The form of a graph job, made from the service's own document, and what is entered in it."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Mapping
from typing import Any, Final

ELSEWHERE: Final = frozenset({"dataset_id", "analysis", "label"})
ARROW: Final = re.compile(r'\s*(?:->|→)\s*(?=(?:[^"]*"[^"]*")*[^"]*$)')


def graph_form(document: Mapping[str, Any]) -> dict[str, Any]:
    """Read from the OpenAPI document which analyses there are, and what each asks for.

    Parameters
    ----------
    document : mapping
        The service's ``/openapi.json``.

    Returns
    -------
    dict
        ``analyses``: by name, its own ``options``, and of which it ``needs`` one each; ``shared``: the
        options of all; ``fields``: by option, its ``kind``, ``default``, ``least``, ``most``, ``choices``,
        ``hint``.
        A service that does not tell which option belongs to which analysis gets a form of all of them.
    """
    schema = document["components"]["schemas"]["GraphBody"]
    names = [name for name in schema["properties"] if name not in ELSEWHERE]
    told = schema.get("x-analyses") or {}
    analyses = {
        name: {"options": [], "needs": [], **told.get(name, {})}
        for name in schema["properties"]["analysis"]["enum"]
    }
    own = {option for analysis in analyses.values() for option in analysis["options"]}
    return {
        "analyses": analyses,
        "shared": [name for name in names if name not in own],
        "fields": {name: form_field(schema["properties"][name]) for name in names},
    }


def form_field(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Say how an option is asked for."""
    shapes = [shape for shape in schema.get("anyOf") or [schema] if shape.get("type") != "null"]
    first = {**shapes[0], **{name: value for name, value in schema.items() if name != "anyOf"}}
    return {
        "kind": kind(shapes, first),
        "default": first.get("default"),
        "least": first.get("minimum", first.get("ge", first.get("exclusiveMinimum"))),
        "most": max_value(first.get("maximum", first.get("le"))),
        "choices": first.get("enum", []),
        "hint": first.get("description", ""),
    }


def kind(shapes: list[Mapping[str, Any]], first: Mapping[str, Any]) -> str:
    """Name the kind of a field by what the service takes."""
    if first.get("format") == "uuid":
        return "dataset"
    if "enum" in first:
        return "choice"
    types = {str(shape.get("type", "object")) for shape in shapes}
    if "object" in types:
        return "ends"
    if "array" in types:
        return "list" if types == {"array"} else "names"
    if types <= {"integer"}:
        return "whole"
    return {"boolean": "flag", "number": "number"}.get(types.pop() if len(types) == 1 else "", "text")


def max_value(limit: float | None) -> float | None:
    """Leave out what only says that it is a number of 64 bits."""
    return None if limit is None or limit > 2**53 else limit


def names_in(text: str) -> list[str]:
    """Read names with commas between them; one with a comma in it stands in quotation marks.

    Examples
    --------
    >>> names_in('AVAL, "left, right"')
    ['AVAL', 'left, right']
    """
    (row,) = csv.reader([" ".join(text.split())], skipinitialspace=True)
    return [name.strip() for name in row if name.strip()]


def ends_in(text: str) -> list[str] | dict[str, list[str]]:
    """Read names of both ends, or of each: ``sensory -> motor``; an end that is left out may be anything.

    Examples
    --------
    >>> ends_in("sensory, interneuron -> motor"), ends_in("-> motor"), ends_in("motor")
    ({'pre': ['sensory', 'interneuron'], 'post': ['motor']}, {'post': ['motor']}, ['motor'])
    """
    parts = ARROW.split(text.strip())
    if len(parts) == 1:
        return names_in(text)
    if len(parts) > 2:
        raise ValueError
    ends = {end: names_in(part) for end, part in zip(("pre", "post"), parts, strict=True) if part.strip()}
    if not ends:
        raise ValueError
    return ends


READERS: Final[dict[str, tuple[Callable[[str], Any], str]]] = {
    "whole": (int, "a whole number"),
    "number": (float, "a number"),
    "flag": (lambda text: {"true": True, "false": False}[text], "true or false"),
    "list": (lambda text: re.findall(r"[^\s,;]+", text), "a list"),
    "names": (names_in, "names with commas between them"),
    "ends": (ends_in, "names, or names -> names"),
}


def graph_options(
    form: Mapping[str, Any], analysis: str, entered: Mapping[str, str]
) -> tuple[dict[str, Any], dict[str, str]]:
    """Turn what was entered into options; say by name what is wrong with it.

    Options of other analyses, and what is left empty, are left out.

    Examples
    --------
    >>> form = {"analyses": {"hubs": {"options": [], "needs": []}}, "shared": ["top_hubs"],
    ...         "fields": {"top_hubs": {"kind": "whole", "default": 10, "least": 0, "max_value": 1000}}}
    >>> graph_options(form, "hubs", {"top_hubs": "5"}), graph_options(form, "hubs", {"top_hubs": "few"})
    (({'top_hubs': 5}, {}), ({}, {'top_hubs': "'few' is not a whole number"}))
    """
    own = form["analyses"].get(analysis, {"options": [], "needs": []})
    options: dict[str, Any] = {}
    troubles: dict[str, str] = {}
    for name in [*own["options"], *form["shared"]]:
        text, asked = str(entered.get(name) or "").strip(), form["fields"].get(name)
        if not text or asked is None:
            continue
        read, wanted = READERS.get(asked["kind"], (str, "text"))
        try:
            value = read(text)
        except (ValueError, KeyError):
            troubles[name] = f"{text[:40]!r} is not {wanted}"
            continue
        if beyond := out_of_range(value, asked):
            troubles[name] = beyond
        elif value != asked.get("default"):
            options[name] = value
    for wanted_ones in own["needs"]:
        given = [name for name in wanted_ones if entered.get(name, "").strip()]
        if len(given) > 1:
            troubles.setdefault(given[1], f"give {' or '.join(wanted_ones)}, not both")
            options.pop(given[1], None)
    return options, troubles


def missing_options(form: Mapping[str, Any], analysis: str, entered: Mapping[str, str]) -> str:
    """Say what has to be entered before an analysis can run; nothing where all is there.

    Examples
    --------
    >>> missing_options({"analyses": {"compare": {"needs": [["other_dataset_id", "by"]]}}}, "compare", {})
    'compare needs other_dataset_id or by'
    """
    needs = form["analyses"].get(analysis, {}).get("needs", [])
    open_ones = [names for names in needs if not any(entered.get(name, "").strip() for name in names)]
    listed = ", and ".join(" or ".join(names) for names in open_ones)
    return f"{analysis} needs {listed}" if listed else ""


def out_of_range(value: Any, asked: Mapping[str, Any]) -> str:
    """Say that a number is too small or too large."""
    if not isinstance(value, int | float) or isinstance(value, bool):
        return ""
    least, most_ = asked.get("least"), asked.get("most")
    if (least is not None and value < least) or (most_ is not None and value > most_):
        return f"{value:.15g} is not {' and '.join(limits(least, most_))}"
    return ""


def limits(least: float | None, most_: float | None) -> list[str]:
    """Write a range."""
    low = [] if least is None else [f"{least:.15g} or more"]
    return low + ([] if most_ is None else [f"{most_:.15g} or less"])
