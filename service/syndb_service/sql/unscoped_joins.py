"""Unscoped joins: those that don't compare ``dataset_id``, and so combine neurons of different datasets."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Final

from syndb_service.sql.query_summary import Node, nodes

COLUMN: Final = "dataset_id"


def unscoped_tables(root: Node, tables: Collection[str]) -> list[str]:
    """Return the joined tables whose ``dataset_id`` the query doesn't mention.

    Neuron ids are unique only within a dataset, so such a join makes pairs across datasets. A table is named
    by its alias in the query, or else by its name.

    Parameters
    ----------
    root : mapping
        The outermost node of a validated query.
    tables : collection of str
        The tables and views that it reads.

    Examples
    --------
    >>> import duckdb
    >>> from syndb_service.sql.query_summary import parse_tree
    >>> join = "SELECT 1 FROM neurons n JOIN connections c ON n.neuron_id = c.pre_neuron_id"
    >>> connection = duckdb.connect()
    >>> unscoped_tables(parse_tree(connection, f"{join} WHERE n.dataset_id = 'x'"), ["neurons",
    ...     "connections"])
    ['c']
    >>> unscoped_tables(parse_tree(connection, f"{join} AND n.dataset_id = c.dataset_id"), ["neurons",
    ...     "connections"])
    []
    """
    found: dict[str, None] = {}
    for select in nodes(root):
        if select.get("type") == "SELECT_NODE":
            found |= dict.fromkeys(_is_unscoped(select, tables))
    return list(found)


def _is_unscoped(select: Node, tables: Collection[str]) -> list[str]:
    sources = list(_sources(select.get("from_table", {})))
    for inner in _subqueries(select):
        sources += _sources(inner.get("from_table", {}))
    read = [name for name, table in sources if table in tables]
    if len(sources) < 2 or not read:
        return []
    spoken: set[str] = set()
    for node in _own(select):
        if COLUMN in (str(name).lower() for name in node.get("using_columns", ())):
            return []
        if node.get("ref_type") == "NATURAL":
            return []
        if node.get("class") == "COLUMN_REF":
            *path, column = [str(name).lower() for name in node["column_names"]]
            if column == COLUMN:
                if not path:
                    return []
                spoken.add(path[-1])
    return [name for name in read if name.lower() not in spoken]


def _own(select: Node, *, subqueries: bool = True) -> Iterator[Node]:
    """Yield the nodes of a SELECT and of its expressions, without those of its derived tables.

    Without ``subqueries``, a subquery in an expression is yielded, but not the nodes below it.
    """
    stack: list[object] = [{name: value for name, value in select.items() if name != "cte_map"}]
    while stack:
        item = stack.pop()
        if isinstance(item, list):
            stack += item
        elif isinstance(item, dict) and not (item.get("type") == "SUBQUERY" and "class" not in item):
            yield item
            if subqueries or item.get("class") != "SUBQUERY":
                stack += item.values()


def _subqueries(select: Node) -> Iterator[Node]:
    """Yield the subqueries in expressions, each once: EXISTS and IN are joins, too."""
    for node in _own(select, subqueries=False):
        if node.get("class") == "SUBQUERY":
            yield from (inner for inner in nodes(node) if inner.get("type") == "SELECT_NODE")


def _sources(node: Node) -> Iterator[tuple[str, str]]:
    """Yield the sources of a FROM clause: the name in the query, and the table's name if it is a table."""
    if node.get("type") == "JOIN":
        yield from _sources(node["left"])
        yield from _sources(node["right"])
    elif node.get("type") == "BASE_TABLE":
        table = str(node["table_name"])
        yield str(node.get("alias") or table), table.lower()
    elif node.get("type") not in (None, "EMPTY", "TABLE_FUNCTION", "EXPRESSION_LIST"):
        yield str(node.get("alias") or ""), ""
