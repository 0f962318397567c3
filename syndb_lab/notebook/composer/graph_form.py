"""The form of a graph job, built from the service's OpenAPI document, and the parser of its entries."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Mapping
from typing import Any, Final

ELSEWHERE: Final = frozenset({"dataset_id", "analysis", "label"})
ARROW: Final = re.compile(r'\s*(?:->|→)\s*(?=(?:[^"]*"[^"]*")*[^"]*$)')


def graph_form(document: Mapping[str, Any]) -> dict[str, Any]:
    """Read the analyses and their options from the OpenAPI document.

    Parameters
    ----------
    document : mapping
        The service's ``/openapi.json``.

    Returns
    -------
    dict
        ``analyses``: by name, its own ``options``, and in ``needs`` lists of which one option is required;
        ``shared``: the options of all analyses; ``fields``: by option, its ``kind``, ``default``, ``least``,
        ``most``, ``choices``, ``hint``. If the document does not assign options to analyses, all are shared.
    """
    schema = document["components"]["schemas"]["GraphBody"]
    names = [name for name in schema["properties"] if name not in ELSEWHERE]
    by_analysis = schema.get("x-analyses") or {}
    analyses = {
        name: {"options": [], "needs": [], **by_analysis.get(name, {})}
        for name in schema["properties"]["analysis"]["enum"]
    }
    own = {option for analysis in analyses.values() for option in analysis["options"]}
    return {
        "analyses": analyses,
        "shared": [name for name in names if name not in own],
        "fields": {name: form_field(schema["properties"][name]) for name in names},
    }


def form_field(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Build the form field of an option."""
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
    """Return the kind of a field for the types that the service accepts."""
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
    """Return a maximum for the form; None for one that only limits the number to 64 bits."""
    return None if limit is None or limit > 2**53 else limit


def names_in(text: str) -> list[str]:
    """Parse names separated by commas; a name that contains a comma is in quotation marks.

    Examples
    --------
    >>> names_in('AVAL, "left, right"')
    ['AVAL', 'left, right']
    """
    (row,) = csv.reader([" ".join(text.split())], skipinitialspace=True)
    return [name.strip() for name in row if name.strip()]


def ends_in(text: str) -> list[str] | dict[str, list[str]]:
    """Parse names for both ends, or for each end: ``sensory -> motor``; an empty end is not restricted.

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
    """Parse the entries of the form; return the options, and the errors by option.

    Options of other analyses and empty entries are left out.

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
        text, field = str(entered.get(name) or "").strip(), form["fields"].get(name)
        if not text or field is None:
            continue
        read, wanted = READERS.get(field["kind"], (str, "text"))
        try:
            value = read(text)
        except (ValueError, KeyError):
            troubles[name] = f"{text[:40]!r} is not {wanted}"
            continue
        if beyond := out_of_range(value, field):
            troubles[name] = beyond
        elif value != field.get("default"):
            options[name] = value
    for alternatives in own["needs"]:
        present = [name for name in alternatives if entered.get(name, "").strip()]
        if len(present) > 1:
            troubles.setdefault(present[1], f"give {' or '.join(alternatives)}, not both")
            options.pop(present[1], None)
    return options, troubles


def missing_options(form: Mapping[str, Any], analysis: str, entered: Mapping[str, str]) -> str:
    """Format which required options of an analysis are missing; empty if none is.

    Examples
    --------
    >>> missing_options({"analyses": {"compare": {"needs": [["other_dataset_id", "by"]]}}}, "compare", {})
    'compare needs other_dataset_id or by'
    """
    needs = form["analyses"].get(analysis, {}).get("needs", [])
    unmet = [names for names in needs if not any(entered.get(name, "").strip() for name in names)]
    listed = ", and ".join(" or ".join(names) for names in unmet)
    return f"{analysis} needs {listed}" if listed else ""


def out_of_range(value: Any, field: Mapping[str, Any]) -> str:
    """Format the error for a number out of range; empty if it is in range."""
    if not isinstance(value, int | float) or isinstance(value, bool):
        return ""
    lowest, highest = field.get("least"), field.get("most")
    if (lowest is not None and value < lowest) or (highest is not None and value > highest):
        return f"{value:.15g} is not {' and '.join(limits(lowest, highest))}"
    return ""


def limits(lowest: float | None, highest: float | None) -> list[str]:
    """Format the limits of a range."""
    low = [] if lowest is None else [f"{lowest:.15g} or more"]
    return low + ([] if highest is None else [f"{highest:.15g} or less"])
