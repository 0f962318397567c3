"""A visitor for a query's syntax tree that rejects unknown nodes, tables and functions."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Any, Final

from syndb_service.errors import InvalidQuery
from syndb_service.sql.query_limits import (
    MAX_COLUMNS,
    MAX_DEPTH,
    MAX_NESTED_QUERIES,
    MAX_RELATIONS,
    SHALLOWER,
    TOO_DEEP,
)
from syndb_service.sql.source_position import LineIndex, SourcePosition, first_word, fold, position_at
from syndb_service.text.truncation import HINT_CHARACTERS, MESSAGE_CHARACTERS, shorten

NO_LOCATION: Final = 2**64 - 1
BOUNDS: Final = frozenset(
    {
        *("+", "-", "*", "/", "//", "%", "**", "abs", "ceil", "ceiling", "floor", "round", "trunc"),
        *("greatest", "least", "len", "length", "list_value"),
        *("to_microseconds", "to_milliseconds", "to_seconds", "to_minutes", "to_hours", "to_days"),
        *("to_weeks", "to_months", "to_quarters", "to_years", "to_decades", "to_centuries"),
        *("date_part", "date_trunc", "datetrunc", "epoch", "last_day", "make_date", "make_timestamp"),
        *("now", "today", "get_current_timestamp", "year", "month", "day"),
    }
)
"""Functions allowed in the bounds of a range: none that returns far more data than it receives."""
ORDERINGS: Final = frozenset(
    {
        "COMPARE_LESSTHAN",
        "COMPARE_GREATERTHAN",
        "COMPARE_LESSTHANOREQUALTO",
        "COMPARE_GREATERTHANOREQUALTO",
    }
)
TABLE_FUNCTIONS: Final = frozenset({"range", "generate_series", "unnest"})
QUERY_NODES: Final = frozenset({"SELECT_NODE", "SET_OPERATION_NODE", "RECURSIVE_CTE_NODE", "CTE_NODE"})
TABLE_NODES: Final = frozenset(
    {
        "BASE_TABLE",
        "SUBQUERY",
        "JOIN",
        "EXPRESSION_LIST",
        "TABLE_FUNCTION",
        "EMPTY",
        "PIVOT",
        "SHOW_REF",
    }
)
OTHER_NODES: Final = frozenset(
    {
        "LIMIT_MODIFIER",
        "LIMIT_PERCENT_MODIFIER",
        "ORDER_MODIFIER",
        "DISTINCT_MODIFIER",
        "ORDER_DEFAULT",
        "ASCENDING",
        "DESCENDING",
    }
)
EXPRESSIONS: Final = frozenset(
    {
        "BETWEEN",
        "CASE",
        "CAST",
        "COLLATE",
        "COLUMN_REF",
        "COMPARISON",
        "CONJUNCTION",
        "CONSTANT",
        "FUNCTION",
        "LAMBDA",
        "LAMBDA_REF",
        "OPERATOR",
        "PARAMETER",
        "POSITIONAL_REFERENCE",
        "STAR",
        "SUBQUERY",
        "TYPE",
        "WINDOW",
    }
)
ONLY_QUERIES: Final = "Send one query: SELECT, WITH, FROM, VALUES, PIVOT, DESCRIBE, SUMMARIZE or EXPLAIN."


@dataclass(slots=True)
class ValidatedQuery:
    """What the validator found in a query that may run; ``names`` maps each name to its offset in bytes."""

    sql: str = ""
    offset: int = 0
    tables: set[str] = field(default_factory=set)
    parameters: set[str] = field(default_factory=set)
    texts: set[str] = field(default_factory=set)
    dataset_ids: dict[str, SourcePosition] = field(default_factory=dict)
    dataset_parameters: dict[str, SourcePosition] = field(default_factory=dict)
    parameter_positions: list[tuple[int, int, str]] = field(default_factory=list)
    functions: set[str] = field(default_factory=set)
    samples: bool = False

    def position_of(self, name: str) -> SourcePosition | None:
        """Return the position of a name in the query, or None if the query doesn't contain it."""
        location = self.names.get(fold(name))
        return None if location is None else position_at(self.sql, self.offset + location, of_bytes=True)

    names: dict[str, int | None] = field(default_factory=dict)


@dataclass(slots=True)
class AstVisitor:
    """A visitor for one tree; ``scope`` is the set of visible common table expressions."""

    sql: str
    offset: int
    tables: Mapping[str, Collection[str]]
    checked: ValidatedQuery
    depth: int = 0
    nested: int = 0
    relations: int = 0
    lines: LineIndex = field(init=False)
    folded: str = field(init=False)

    def __post_init__(self) -> None:
        self.lines, self.folded = LineIndex(self.sql), fold(self.sql)

    def query(self, node: Mapping[str, Any], scope: frozenset[str]) -> None:
        """Check a query node; each common table expression can use those before it."""
        if node.get("type") not in QUERY_NODES:
            self.reject(node, f"{_words(node.get('type'))} can't be part of a query here", ONLY_QUERIES)
        self.descend(node)
        self.note_sample(node)
        self.nested += 1
        if self.nested > MAX_NESTED_QUERIES:
            self.reject(
                node,
                f"subqueries are nested {self.nested:,} deep; at most {MAX_NESTED_QUERIES:,} are taken",
                "Use WITH to name its parts, or store a part as a job of its own and read {{job id}}.",
            )
        columns = len(node.get("select_list") or ())
        if columns > MAX_COLUMNS:
            self.reject(
                node["select_list"][MAX_COLUMNS],
                f"a SELECT has {columns:,} columns; at most {MAX_COLUMNS:,} are taken",
                "Give rows in place of columns, or ask for the columns in several jobs.",
            )
        for entry in node["cte_map"]["map"]:
            name = fold(entry["key"])
            self.relation(entry["value"]["query_node"])
            self.query(entry["value"]["query_node"], scope)
            for key, value in entry["value"].items():
                if key != "query_node":
                    self.value(value, scope)
            scope |= {name}
        for key, value in node.items():
            if key == "cte_map":
                continue
            if isinstance(value, dict) and value.get("type") in QUERY_NODES | {"COPY_QUERY_NODE"}:
                self.query(value, self._inside(node, key, scope))
            else:
                self.value(value, scope)
        self.depth -= 1
        self.nested -= 1

    def descend(self, node: Mapping[str, Any]) -> None:
        """Go one level down, or reject a tree that is too deep."""
        self.depth += 1
        if self.depth > MAX_DEPTH:
            self.reject(node, TOO_DEEP, SHALLOWER)

    def note_sample(self, node: Mapping[str, Any]) -> None:
        """Record a sample that differs between runs."""
        sample = node.get("sample")
        if isinstance(sample, dict) and sample.get("seed", -1) == -1:
            self.checked.samples = True

    def relation(self, node: Mapping[str, Any]) -> None:
        """Count a table, subquery or common table expression."""
        self.relations += 1
        if self.relations > MAX_RELATIONS:
            self.reject(
                node,
                f"the query has more than {MAX_RELATIONS:,} tables, subqueries and common table expressions, "
                "which is the most that is taken",
                "Filter with IN in place of UNION ALL, or store a part as a job and read {{job id}}.",
            )

    def value(self, value: object, scope: frozenset[str]) -> None:
        """Check any value below a query node."""
        if isinstance(value, list):
            for item in value:
                self.value(item, scope)
        elif isinstance(value, dict):
            self.descend(value)
            self.node(value, scope)
            self.depth -= 1

    def node(self, node: Mapping[str, Any], scope: frozenset[str]) -> None:
        """Check one node and the nodes below it."""
        kind = node.get("type")
        self.note_sample(node)
        if "cte_map" in node:
            self.query(node, scope)
            return
        if "class" in node:
            self.expression(node)
        elif isinstance(kind, str) and kind in TABLE_NODES:
            self.table(node, kind, scope)
        elif isinstance(kind, str) and kind not in OTHER_NODES:
            self.reject(node, f"{_words(kind)} can't be used here", ONLY_QUERIES)
        for item in node.values():
            self.value(item, scope)

    def expression(self, node: Mapping[str, Any]) -> None:
        """Check one expression."""
        kind = node["class"]
        if kind not in EXPRESSIONS:
            self.reject(node, f"{_words(kind)} can't be used here", "Rewrite the query without it.")
        if kind in ("FUNCTION", "WINDOW"):
            self.function(node, scalar_functions())
            if node["function_name"] == "contains":  # dataset_id IN $parameter
                self.dataset_ids(node)
        elif kind == "PARAMETER":
            self.checked.parameters.add(node["identifier"])
            start, length = int(node["query_location"]), int(node["query_location_length"])
            self.checked.parameter_positions.append((self.offset + start, length, str(node["identifier"])))
        elif (kind == "COMPARISON" and node["type"] not in ORDERINGS) or node["type"] == "COMPARE_IN":
            self.dataset_ids(node)
        elif kind == "COLUMN_REF":
            for name in reversed(node["column_names"]):
                self._record_name(name, node)
        elif kind == "TYPE" and node.get("type_name"):
            self._record_name(str(node["type_name"]), node)
        elif kind == "CONSTANT" and isinstance(node.get("literal"), dict):
            self.checked.texts.add(str(node["literal"].get("text")))

    def dataset_ids(self, node: Mapping[str, Any]) -> None:
        """Record the texts and parameters that ``dataset_id`` is compared with."""
        given = [argument.get("expression", argument) for argument in node.get("arguments", ())]
        sides = [node.get("left"), node.get("right"), *node.get("children", ()), *given]
        if not any(isinstance(side, dict) and _is_dataset_id(side) for side in sides):
            return
        for side in sides:
            literal = side.get("literal") if isinstance(side, dict) else None
            if isinstance(literal, dict) and literal.get("kind") == "STRING":
                self.checked.dataset_ids.setdefault(str(literal["text"]), self._position_of(side))
            elif isinstance(side, dict) and side.get("class") == "PARAMETER":
                self.checked.dataset_parameters.setdefault(str(side["identifier"]), self._position_of(side))

    def function(self, node: Mapping[str, Any], known: Collection[str]) -> None:
        """Check the name of a function."""
        name = str(node["function_name"])
        self._record_name(name, node)
        for part in ("schema", "catalog", "schema_name", "catalog_name"):
            if node.get(part):
                self.reject(
                    node, f"{node[part]}.{name}: functions are named without a schema", f"Write {name}(…)."
                )
        if fold(name) in known:
            one_argument = len(node.get("arguments") or node.get("children") or ()) == 1
            self.checked.functions.add("now" if fold(name) == "age" and one_argument else fold(name))
            return
        near = difflib.get_close_matches(fold(name), sorted(known), 3)
        self.reject(
            node,
            f"there is no function {name}() for jobs",
            f"Did you mean {' or '.join(near)}? Jobs may call functions that compute, and no others."
            if near
            else "Jobs may call functions that compute, and no others.",
        )

    def table(self, node: Mapping[str, Any], kind: str, scope: frozenset[str]) -> None:
        """Check one item of a FROM clause."""
        if kind not in ("JOIN", "EMPTY"):
            self.relation(node)
        if kind == "BASE_TABLE":
            self.base_table(node, scope)
        elif kind == "TABLE_FUNCTION":
            function = node["function"]
            start = self.folded.find(fold(str(function["function_name"])))
            location = len(self.sql[: max(start, 0)].encode()) - self.offset
            self.function({**function, "query_location": location}, TABLE_FUNCTIONS)
            if fold(str(function["function_name"])) != "unnest":
                self._plain_arguments(function)
        elif kind == "SHOW_REF" and (
            node["query"] is None or node["show_type"] not in ("DESCRIBE", "SUMMARY")
        ):
            self.reject(
                node,
                "this SHOW is not for jobs",
                f"{self._tables_hint()} DESCRIBE tells a table's columns.",
            )

    def _plain_arguments(self, function: Mapping[str, Any]) -> None:
        """Reject function calls in the bounds of a range, except in subqueries.

        The engine evaluates the bounds before it runs the query.
        """
        for argument in _calls(list(function.values())):
            if fold(str(argument["function_name"])) not in BOUNDS:
                self.reject(
                    argument,
                    f"the bounds of a range can't call {argument['function_name']}()",
                    "Write numbers, or use SELECT unnest(range(…)).",
                )

    def base_table(self, node: Mapping[str, Any], scope: frozenset[str]) -> None:
        """Check the name of a table."""
        name = str(node["table_name"])
        self._record_name(name, node)
        qualified = ".".join(node["qualified_name"]["path"])
        if node["catalog_name"] or node["schema_name"] or node.get("at_clause") is not None:
            hint = f"Write {name}." if fold(name) in self.tables else self._tables_hint()
            self.reject(node, f"{qualified}: tables are named without a schema or version", hint)
        if fold(name) in scope:
            return
        if fold(name) in self.tables:
            self.checked.tables.add(fold(name))
            return
        near = difflib.get_close_matches(fold(name), sorted({*self.tables, *scope}), 3)
        hint = f"Did you mean {' or '.join(near)}?" if near else self._tables_hint()
        self.reject(node, f"there is no table {name!r}", hint)

    def reject(self, node: Mapping[str, Any], message: str, hint: str) -> None:
        """Raise an error with the nearest position that the tree contains."""
        position = self._position_of(node)
        message, hint = shorten(message, MESSAGE_CHARACTERS), shorten(hint, HINT_CHARACTERS)
        raise InvalidQuery(message, hint=hint, **position.as_dict())

    def _tables_hint(self) -> str:
        return f"The tables are {', '.join(sorted(self.tables))}."

    def _inside(self, node: Mapping[str, Any], key: str, scope: frozenset[str]) -> frozenset[str]:
        """Return the scope of a part of a query; a recursive one can use its own name outside the anchor."""
        name = node.get("cte_name")
        recursive = node["type"] == "RECURSIVE_CTE_NODE" and name and key != "left"
        return scope | {fold(str(name))} if recursive else scope

    def _record_name(self, name: str, node: Mapping[str, Any]) -> None:
        folded = fold(name)
        if folded not in self.checked.names:
            self.checked.names[folded] = next(_locations(node), None)

    def _position_of(self, node: Mapping[str, Any]) -> SourcePosition:
        for location in _locations(node):
            return self.lines.position_at(self.offset + location)
        return first_word(self.sql)


@cache
def scalar_functions() -> frozenset[str]:
    """Return the names of the allowed functions, from the list next to this file."""
    text = files("syndb_service.sql").joinpath("functions.txt").read_text("utf-8")
    return frozenset(fold(name) for name in text.splitlines())


def _locations(node: object) -> Iterator[int]:
    if isinstance(node, dict):
        location = node.get("query_location")
        if isinstance(location, int) and location != NO_LOCATION:
            yield location
        for value in node.values():
            yield from _locations(value)
    elif isinstance(node, list):
        for item in node:
            yield from _locations(item)


def _calls(node: object) -> Iterator[Mapping[str, Any]]:
    """Yield the calls in a bound, without those in subqueries: these run like any other query."""
    if isinstance(node, dict):
        if node.get("class") == "SUBQUERY":
            return
        if node.get("class") == "FUNCTION":
            yield node
        for value in node.values():
            yield from _calls(value)
    elif isinstance(node, list):
        for item in node:
            yield from _calls(item)


def _is_dataset_id(node: Mapping[str, Any]) -> bool:
    return node.get("class") == "COLUMN_REF" and fold(str(node["column_names"][-1])) == "dataset_id"


def _words(kind: object) -> str:
    return str(kind).replace("_QUERY_NODE", "").replace("_NODE", "").replace("_", " ")
