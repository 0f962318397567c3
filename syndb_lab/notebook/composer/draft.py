"""The draft in a composer: SQL with its values, or an analysis with its options."""

from __future__ import annotations

import datetime
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Final

from syndb_lab.errors import ParameterError
from syndb_lab.sql.parameter_scanner import parameters

FORMATS: Final = ("arrow", "parquet", "csv")
Field = dict[str, str]


@dataclass(frozen=True, slots=True)
class Draft:
    """A draft, as the page sends it.

    ``values`` has the entered ``kind`` and ``text`` by parameter name, ``options`` the texts of the graph
    form. ``serial`` counts the changes; ``by`` is the author of the last one, ``page`` or ``kernel``.
    """

    kind: str = "query"
    sql: str = ""
    values: Mapping[str, Field] = field(default_factory=dict)
    format: str = "arrow"
    label: str = ""
    dataset_id: str = ""
    analysis: str = "full"
    options: Mapping[str, str] = field(default_factory=dict)
    serial: int = 0
    by: str = "kernel"

    @classmethod
    def read(cls, sent: Mapping[str, Any]) -> Draft:
        """Read the fields of the right type; a page of an older version can send fewer or other fields."""
        blank = cls()
        known = {item.name: sent[item.name] for item in fields(cls) if item.name in sent}
        valid = {name: value for name, value in known.items() if accepts_value(value, getattr(blank, name))}
        if "values" in valid:
            valid["values"] = {
                str(name): {str(key): str(text) for key, text in entry.items()}
                for name, entry in valid["values"].items()
                if isinstance(entry, Mapping)
            }
        if "options" in valid:
            valid["options"] = {str(name): str(text) for name, text in valid["options"].items()}
        draft = cls(**valid)
        return draft if draft.kind in {"query", "graph"} and draft.format in FORMATS else blank

    def as_dict(self) -> dict[str, Any]:
        """Return the draft as the page reads it."""
        return asdict(self)

    def memory(self) -> dict[str, Any]:
        """Return the fields to store."""
        return {name: value for name, value in asdict(self).items() if name not in {"serial", "by"}}


def accepts_value(value: Any, blank: Any) -> bool:
    """Return whether a value has the type of the default value."""
    return isinstance(value, Mapping if isinstance(blank, dict) else type(blank))


@dataclass(frozen=True, slots=True)
class ParameterEntry:
    """A parameter of the SQL and its entry; ``trouble`` is the error if the entry has no valid value."""

    name: str
    kind: str
    text: str
    value: Any = None
    trouble: str = ""

    def message(self) -> str:
        """Format the error with the parameter's name."""
        return f":{self.name}{'' if self.trouble.startswith('has ') else ':'} {self.trouble}"

    def to_field(self) -> dict[str, str]:
        """Return the field of the form."""
        return {"name": self.name, "kind": self.kind, "text": self.text, "trouble": self.trouble}


def flag(text: str) -> bool:
    """Parse true or false."""
    return {"true": True, "false": False}[text.strip().lower()]


def number(text: str) -> int | float:
    """Parse a number; an integer stays exact, because a float can't hold every id."""
    try:
        return int(text)
    except ValueError:
        return float(text)


def parse_list(text: str) -> list[Any]:
    """Parse a JSON list; integers stay exact."""
    found = json.loads(text)
    if not isinstance(found, list):
        raise ValueError
    return found


READERS: Final[dict[str, tuple[Callable[[str], Any], str]]] = {
    "text": (str, "text"),
    "whole": (int, "a whole number, such as 720575940600000001"),
    "number": (number, "a number, such as 0.05"),
    "flag": (flag, "true or false"),
    "date": (datetime.date.fromisoformat, "a date, such as 2011-02-03"),
    "moment": (datetime.datetime.fromisoformat, "a date and time, such as 2011-02-03 14:05"),
    "list": (parse_list, 'a list, such as ["AVAL", "AVAR"] or [1, 2]'),
    "dataset": (str, "a dataset"),
}


def entries(draft: Draft, namespace: Mapping[str, Any], dataset_ids: list[str]) -> list[ParameterEntry]:
    """List the parameters of a draft's SQL with their values, in the order of the text.

    Parameters
    ----------
    draft : Draft
        The draft.
    namespace : mapping
        The notebook's variables; a parameter without an entry takes the value of the same name.
    dataset_ids : list of str
        The ids of the datasets; the first is suggested for a parameter that is a dataset.
    """
    names = dict.fromkeys(found.name for found in parameters(draft.sql))
    return [entry(name, draft, namespace, dataset_ids) for name in names]


def entry(name: str, draft: Draft, namespace: Mapping[str, Any], dataset_ids: list[str]) -> ParameterEntry:
    """Parse the value of one parameter."""
    entered = draft.values.get(name) or suggest_value(name, draft.sql, namespace, dataset_ids)
    kind, text = str(entered.get("kind") or "text"), str(entered.get("text") or "")
    if kind == "null":
        return ParameterEntry(name, kind, text)
    if kind == "variable":
        variable = text.strip() or name
        if variable in namespace:
            return ParameterEntry(name, kind, variable, namespace[variable])
        return ParameterEntry(name, kind, variable, trouble=f"the notebook has no variable {variable}")
    read, wanted = READERS.get(kind, READERS["text"])
    if not text.strip():
        return ParameterEntry(name, kind, text, trouble="has no value yet")
    try:
        return ParameterEntry(name, kind, text, read(text if kind == "text" else text.strip()))
    except (ValueError, KeyError):
        return ParameterEntry(name, kind, text, trouble=f"{text[:40]!r} is not {wanted}")


def suggest_value(name: str, sql: str, namespace: Mapping[str, Any], dataset_ids: list[str]) -> Field:
    """Suggest the variable of that name, or a dataset if the SQL compares it with ``dataset_id``."""
    if name in namespace:
        return {"kind": "variable", "text": name}
    if re.search(rf'\bdataset_id"?\s*(?:=|in\s*\()\s*[:$]{re.escape(name)}\b', sql, re.IGNORECASE):
        return {"kind": "dataset", "text": dataset_ids[0] if dataset_ids else ""}
    return {"kind": "text", "text": ""}


def values(found: list[ParameterEntry], sql: str) -> dict[str, Any]:
    """Return the values by name.

    Raises
    ------
    ParameterError
        A parameter has no value, or none of its type.
    """
    for entry in found:
        if entry.trouble:
            position = next(item for item in parameters(sql) if item.name == entry.name).start
            raise ParameterError(
                f":{entry.name} {entry.trouble}"
                if entry.trouble.startswith("has ")
                else f":{entry.name}: {entry.trouble}",
                hint="Enter it below the SQL.",
                query=sql,
                line=sql.count("\n", 0, position) + 1,
                column=position - sql.rfind("\n", 0, position),
            )
    return {entry.name: entry.value for entry in found}
