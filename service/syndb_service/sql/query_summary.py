"""The summary and fingerprint of a query, from its syntax tree."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterator, Mapping
from typing import Any, Final

import duckdb

from syndb_service.domain.query_check import QuerySummary

Node = Mapping[str, Any]

TREE: Final = (
    "SELECT json_serialize_sql($1::VARCHAR, skip_null := true, skip_empty := true, skip_default := true)"
)
AGGREGATES: Final = frozenset(
    {
        "any_value",
        "avg",
        "bool_and",
        "bool_or",
        "count",
        "count_if",
        "count_star",
        "first",
        "last",
        "list",
        "max",
        "mean",
        "median",
        "min",
        "mode",
        "quantile",
        "quantile_cont",
        "quantile_disc",
        "stddev",
        "stddev_pop",
        "stddev_samp",
        "string_agg",
        "sum",
        "var_pop",
        "var_samp",
        "variance",
    }
)
GROUPS: Final = ("group_expressions", "group_sets", "having", "qualify")
CHOOSING: Final = (*GROUPS, "sample")


def parse_tree(connection: duckdb.DuckDBPyConnection, sql: str) -> Node | None:
    """Return the syntax tree of a validated query; None for EXPLAIN, which has none.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
        Only its parser is used.
    sql : str
        The query.
    """
    ((text,),) = connection.execute(TREE, [sql]).fetchall()
    answer = json.loads(text)
    if answer.get("error") or "statements" not in answer:
        return None
    root: Node = answer["statements"][0]["node"]
    return root


def fingerprint(root: Node | None, sql: str) -> str:
    r"""Return a digest that ignores white space, comments and the case of keywords.

    Examples
    --------
    >>> connection = duckdb.connect()
    >>> texts = ("SELECT name FROM neurons", "select name -- all\nfrom neurons", "select Name from neurons")
    >>> prints = [fingerprint(parse_tree(connection, text), text) for text in texts]
    >>> prints[0] == prints[1], prints[0] == prints[2]
    (True, False)
    """
    text = sql.strip() if root is None else json.dumps(_strip_positions(root), sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def _strip_positions(value: object) -> object:
    if isinstance(value, dict):
        return {name: _strip_positions(item) for name, item in value.items() if name not in POSITION_KEYS}
    return [_strip_positions(item) for item in value] if isinstance(value, list) else value


POSITION_KEYS: Final = frozenset({"query_location", "query_location_length"})


def summarize(root: Node | None, parameters: Mapping[str, Any], tables: Collection[str]) -> QuerySummary:
    """Summarize a validated query; the summary of EXPLAIN, which has no tree, is empty.

    Parameters
    ----------
    root : mapping or None
        Its syntax tree.
    parameters : mapping
        The values of its parameters.
    tables : collection of str
        The tables and views that it reads.

    Examples
    --------
    >>> root = parse_tree(duckdb.connect(), "FROM neurons WHERE dataset_id = $d")
    >>> found = summarize(root, {"d": "x"}, ["neurons"])
    >>> found.compared, found.whole_table, found.takes_all_columns
    (('x',), True, True)
    """
    if root is None:
        return QuerySummary(chooses_datasets=True)
    every = list(nodes(root))
    compared = tuple(text for node in every for text in _comparison_operands(node, parameters))
    texts = [_literal(node, parameters) for node in every if node.get("class") in ("CONSTANT", "PARAMETER")]
    joined = {id(side) for node in every for side in _join_sides(node)}
    mentioned = any(_is_dataset_id(node) and id(node) not in joined for node in every)
    summary = QuerySummary(
        texts=tuple(text for found in texts for text in found if len(text) == UUID_LENGTH),
        compared=compared,
        chooses_datasets=mentioned or any(node.get("type") == "SHOW_REF" for node in every),
    )
    return _collect_outer_select(summary, root, parameters, tables)


UUID_LENGTH: Final = 36


def _collect_outer_select(
    summary: QuerySummary, root: Node, parameters: Mapping[str, Any], tables: Collection[str]
) -> QuerySummary:
    if root.get("type") != "SELECT_NODE":
        return summary
    ctes = {entry["key"].lower() for entry in root.get("cte_map", {}).get("map", [])}
    from_tables = tuple(
        name for name in _tables(root.get("from_table", {})) if name in tables and name not in ctes
    )
    modifiers = {modifier["type"]: modifier for modifier in root.get("modifiers", [])}
    limit = modifiers.get("LIMIT_MODIFIER", {})
    by_count = "limit_type" not in limit
    plain = not any(key in root for key in CHOOSING) and root.get("aggregate_handling") in (
        None,
        "STANDARD_HANDLING",
    )
    aggregates = any(_aggregates(item) for item in root["select_list"])
    counted = (
        plain
        and by_count
        and "offset" not in limit
        and modifiers.keys() <= {"ORDER_MODIFIER", "LIMIT_MODIFIER"}
    )
    single = len(from_tables) == 1 and root.get("from_table", {}).get("type") == "BASE_TABLE"
    return QuerySummary(
        texts=summary.texts,
        compared=summary.compared,
        chooses_datasets=summary.chooses_datasets,
        from_tables=from_tables,
        takes_all_columns=any(item.get("class") == "STAR" for item in root["select_list"]),
        sorted="ORDER_MODIFIER" in modifiers,
        limit=_integer(limit.get("limit", {}), parameters) if by_count else None,
        one_row=counted and aggregates and not _unnests(root["select_list"]),
        whole_table=counted
        and single
        and not aggregates
        and not _unnests(root["select_list"])
        and _chooses_only_datasets(root.get("where_clause"), parameters),
    )


def nodes(value: object) -> Iterator[Node]:
    """Yield every node of a tree, each before the nodes below it."""
    stack = [value]
    while stack:
        item = stack.pop()
        if isinstance(item, dict):
            yield item
            stack.extend(reversed(item.values()))
        elif isinstance(item, list):
            stack.extend(reversed(item))


def _tables(node: Node) -> Iterator[str]:
    if node.get("type") == "BASE_TABLE":
        yield str(node["table_name"]).lower()
    elif node.get("type") == "JOIN":
        yield from _tables(node["left"])
        yield from _tables(node["right"])


def _is_dataset_id(node: Node) -> bool:
    return node.get("class") == "COLUMN_REF" and str(node["column_names"][-1]).lower() == "dataset_id"


def _join_sides(node: Node) -> list[Node]:
    sides = [node[side] for side in ("left", "right") if isinstance(node.get(side), dict)]
    columns = all(side.get("class") == "COLUMN_REF" for side in sides)
    return sides if node.get("class") == "COMPARISON" and len(sides) == 2 and columns else []


def _comparison_operands(node: Node, parameters: Mapping[str, Any]) -> list[str]:
    if node.get("type") == "COMPARE_EQUAL":
        sides = [node.get("left", {}), node.get("right", {})]
    elif node.get("type") == "COMPARE_IN":
        sides = list(node.get("children", []))
    elif node.get("function_name") == "contains":  # dataset_id IN $parameter
        sides = [argument["expression"] for argument in node.get("arguments", [])]
    else:
        return []
    if not any(_is_dataset_id(side) for side in sides):
        return []
    return [text for side in sides for text in _literal(side, parameters)]


def _literal(node: Node, parameters: Mapping[str, Any]) -> list[str]:
    if node.get("class") == "CONSTANT":
        literal = node.get("literal") or {}
        return [str(literal["text"])] if literal.get("kind") == "STRING" and "text" in literal else []
    if node.get("class") == "PARAMETER":
        value = parameters.get(str(node.get("identifier")))
        return [item for item in (value if isinstance(value, list) else [value]) if isinstance(item, str)]
    return []


def _integer(node: Node, parameters: Mapping[str, Any]) -> int | None:
    if node.get("class") == "PARAMETER":
        value = parameters.get(str(node.get("identifier")))
        return value if isinstance(value, int) else None
    text = str((node.get("literal") or {}).get("text", ""))
    return int(text) if node.get("class") == "CONSTANT" and text.isascii() and text.isdigit() else None


def _aggregates(item: Node) -> bool:
    return any(
        node.get("class") == "FUNCTION" and str(node.get("function_name")).lower() in AGGREGATES
        for node in _nodes_outside(item, ("SUBQUERY", "WINDOW"))
    )


def _unnests(items: list[Node]) -> bool:
    return any(str(node.get("function_name")).lower() == "unnest" for item in items for node in nodes(item))


def _nodes_outside(item: Node, classes: Collection[str]) -> Iterator[Node]:
    stack: list[object] = [item]
    while stack:
        node = stack.pop()
        if isinstance(node, list):
            stack.extend(node)
        elif isinstance(node, dict) and node.get("class") not in classes:
            yield node
            stack.extend(node.values())


def _chooses_only_datasets(condition: Node | None, parameters: Mapping[str, Any]) -> bool:
    if condition is None:
        return True
    if condition.get("type") == "CONJUNCTION_AND":
        return False
    return bool(_comparison_operands(condition, parameters))
