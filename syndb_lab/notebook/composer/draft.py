"""What somebody has written in a composer so far: SQL with its values, or an analysis with its options."""

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

    ``values`` holds, by the name of a parameter, the ``kind`` and the ``text`` that were entered; ``options``
    the texts of the graph form. ``serial`` counts the changes, ``by`` says who made the last one.
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
        """Take what is of the right type; a page of an older version may send less, or other things."""
        blank = cls()
        known = {one.name: sent[one.name] for one in fields(cls) if one.name in sent}
        fitting = {name: value for name, value in known.items() if accepts_value(value, getattr(blank, name))}
        if "values" in fitting:
            fitting["values"] = {
                str(name): {str(key): str(text) for key, text in one.items()}
                for name, one in fitting["values"].items()
                if isinstance(one, Mapping)
            }
        if "options" in fitting:
            fitting["options"] = {str(name): str(text) for name, text in fitting["options"].items()}
        draft = cls(**fitting)
        return draft if draft.kind in {"query", "graph"} and draft.format in FORMATS else blank

    def as_dict(self) -> dict[str, Any]:
        """Return it as the page takes it."""
        return asdict(self)

    def memory(self) -> dict[str, Any]:
        """Return what of it is worth keeping."""
        return {name: value for name, value in asdict(self).items() if name not in {"serial", "by"}}


def accepts_value(value: Any, blank: Any) -> bool:
    """Whether a value is of the type of another."""
    return isinstance(value, Mapping if isinstance(blank, dict) else type(blank))


@dataclass(frozen=True, slots=True)
class ParameterEntry:
    """A parameter of the SQL and what is entered for it; ``trouble`` says why that is no value yet."""

    name: str
    kind: str
    text: str
    value: Any = None
    trouble: str = ""

    def message(self) -> str:
        """Say the trouble with the parameter's name."""
        return f":{self.name}{'' if self.trouble.startswith('has ') else ':'} {self.trouble}"

    def to_field(self) -> dict[str, str]:
        """Return what the form shows."""
        return {"name": self.name, "kind": self.kind, "text": self.text, "trouble": self.trouble}


def flag(text: str) -> bool:
    """Read true or false."""
    return {"true": True, "false": False}[text.strip().lower()]


def number(text: str) -> int | float:
    """Read a number; a whole one stays exact, as ids are beyond what a float holds."""
    try:
        return int(text)
    except ValueError:
        return float(text)


def parse_list(text: str) -> list[Any]:
    """Read a list as JSON writes it; whole numbers stay exact."""
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
        What was written.
    namespace : mapping
        The notebook's variables: they give a parameter of their name its value, unless one was entered.
    dataset_ids : list of str
        The datasets there are; the first one is offered where a dataset is asked for.
    """
    names = dict.fromkeys(found.name for found in parameters(draft.sql))
    return [entry(name, draft, namespace, dataset_ids) for name in names]


def entry(name: str, draft: Draft, namespace: Mapping[str, Any], dataset_ids: list[str]) -> ParameterEntry:
    """Read the value of one parameter."""
    given = draft.values.get(name) or suggest_value(name, draft.sql, namespace, dataset_ids)
    kind, text = str(given.get("kind") or "text"), str(given.get("text") or "")
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
    """Offer the notebook's variable of that name; a dataset where the SQL compares with ``dataset_id``."""
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
        One has none, or not of its type.
    """
    for one in found:
        if one.trouble:
            place = next(each for each in parameters(sql) if each.name == one.name).start
            raise ParameterError(
                f":{one.name} {one.trouble}"
                if one.trouble.startswith("has ")
                else f":{one.name}: {one.trouble}",
                hint="Enter it below the SQL.",
                query=sql,
                line=sql.count("\n", 0, place) + 1,
                column=place - sql.rfind("\n", 0, place),
            )
    return {one.name: one.value for one in found}
