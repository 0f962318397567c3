"""Which datasets a query can read, from the WHERE clauses of its syntax tree.

The result decides which files a worker downloads, so it is never too small: a query can read all datasets
unless every table that it reads is clearly restricted.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from syndb_service.sql.query_summary import Node, nodes

POSITION_KEYS: Final = frozenset({"query_location", "query_location_length"})
PLAIN_TABLE: Final = POSITION_KEYS | {"type", "alias", "table_name", "qualified_name"}
PLAIN_JOIN: Final = POSITION_KEYS | {
    "type",
    "left",
    "right",
    "condition",
    "join_type",
    "ref_type",
    "using_columns",
    "is_implicit",
}


def prune_datasets(
    root: Node, parameters: Mapping[str, Any], tables: Collection[str]
) -> frozenset[str] | None:
    """Return the ids of the datasets that a query can read; None if it can read all.

    Parameters
    ----------
    root : mapping
        The outermost node of a validated query.
    parameters : mapping
        The values of its parameters.
    tables : collection of str
        The tables and views that it reads.

    Notes
    -----
    Each reference to a table must be restricted by a conjunct in the WHERE of its own SELECT: ``dataset_id``
    equal to a text, or in a list of texts. In inner joins the restriction of one table also holds for tables
    whose ``dataset_id`` must equal its own. Outer joins, samples and column aliases count as unrestricted.
    """
    mentioned = [node for node in nodes(root) if _reads(node, tables)]
    restricted: dict[int, frozenset[str]] = {}
    for select in nodes(root):
        if select.get("type") == "SELECT_NODE" and "sample" not in select:
            restricted |= _SelectScope(parameters, tables).restricted_tables(select)
    found: frozenset[str] = frozenset()
    for node in mentioned:
        if id(node) not in restricted:
            return None
        found |= restricted[id(node)]
    return found if mentioned else None


def _reads(node: Node, tables: Collection[str]) -> bool:
    return node.get("type") == "BASE_TABLE" and str(node["table_name"]).lower() in tables


@dataclass
class _SelectScope:
    """One SELECT: its tables by alias, and groups of tables with equal ``dataset_id``."""

    parameters: Mapping[str, Any]
    tables: Collection[str]
    by_alias: dict[str, Node] = field(default_factory=dict)
    same: dict[str, set[str]] = field(default_factory=dict)
    conjuncts: list[Node] = field(default_factory=list)
    has_other_sources: bool = False

    def restricted_tables(self, select: Node) -> dict[int, frozenset[str]]:
        """Return the restricted tables of the FROM clause, by the identity of their nodes."""
        if not self._from(select.get("from_table", {})):
            return {}
        self.conjuncts += _conjuncts(select.get("where_clause"))
        for conjunct in self.conjuncts:
            sides = [conjunct.get("left"), conjunct.get("right")]
            names = [self._alias(side) for side in sides]
            if conjunct.get("type") == "COMPARE_EQUAL" and names[0] and names[1]:
                self._join({names[0], names[1]})
        allowed: dict[str, frozenset[str]] = {}
        for conjunct in self.conjuncts:
            for alias, texts in self._restriction(conjunct):
                for joined in self.same[alias]:
                    allowed[joined] = allowed.get(joined, texts) & texts
        return {id(self.by_alias[alias]): texts for alias, texts in allowed.items()}

    def _from(self, node: Node) -> bool:
        """Record the tables of inner joins; return False if the clause contains anything else."""
        kind = node.get("type")
        if kind == "BASE_TABLE":
            name = str(node["table_name"]).lower()
            alias = str(node.get("alias") or name).lower()
            if not node.keys() <= PLAIN_TABLE or alias in self.by_alias:
                return False
            if name in self.tables:
                self.by_alias[alias], self.same[alias] = node, {alias}
            else:
                self.has_other_sources = True
            return True
        if kind != "JOIN":
            self.has_other_sources = True
            return True
        if (
            not node.keys() <= PLAIN_JOIN
            or node.get("join_type", "INNER") != "INNER"
            or node.get("ref_type", "REGULAR") not in ("REGULAR", "CROSS")
        ):
            return False
        before = set(self.by_alias)
        if not self._from(node["left"]):
            return False
        left = set(self.by_alias) - before
        if not self._from(node["right"]):
            return False
        right = set(self.by_alias) - before - left
        self.conjuncts += _conjuncts(node.get("condition"))
        using = [str(name).lower() for name in node.get("using_columns", ())]
        if (
            "dataset_id" in using
            and not self.has_other_sources
            and self._are_joined(left)
            and self._are_joined(right)
        ):
            self._join({*left, *right})
        return True

    def _are_joined(self, aliases: set[str]) -> bool:
        first = next(iter(aliases), None)
        return first is not None and aliases <= self.same[first]

    def _join(self, aliases: set[str]) -> None:
        first, *others = aliases
        if all(self.same[each] is self.same[first] for each in others):
            return
        together = set().union(*(self.same[alias] for alias in aliases))
        for alias in together:
            self.same[alias] = together

    def _alias(self, node: object) -> str | None:
        """Return the table whose ``dataset_id`` a node refers to."""
        if not isinstance(node, dict) or node.get("class") != "COLUMN_REF":
            return None
        *path, column = [str(name).lower() for name in node["column_names"]]
        if column != "dataset_id":
            return None
        if len(path) == 1:
            return path[0] if path[0] in self.by_alias else None
        if path or self.has_other_sources or not self._are_joined(set(self.by_alias)):
            return None
        return next(iter(self.by_alias))

    def _restriction(self, conjunct: Node) -> Iterator[tuple[str, frozenset[str]]]:
        """Yield the table and the texts of ``dataset_id = 'text'``, ``IN ('text', …)`` and ``IN $list``."""
        kind = conjunct.get("type")
        if kind == "COMPARE_EQUAL":
            left, right = conjunct["left"], conjunct["right"]
            column, values = (left, [right]) if self._alias(left) else (right, [left])
            texts = [self._text(value) for value in values]
        elif kind == "COMPARE_IN":
            column, *values = conjunct["children"]
            texts = [self._text(value) for value in values]
        elif conjunct.get("function_name") == "contains" and len(conjunct.get("arguments", ())) == 2:
            given, column = (argument["expression"] for argument in conjunct["arguments"])
            value = self.parameters.get(str(given.get("identifier")))
            texts = (
                [item if isinstance(item, str) else None for item in value if item is not None]
                if given.get("class") == "PARAMETER" and isinstance(value, list)
                else [None]
            )
        else:
            return
        alias = self._alias(column)
        if alias is not None and None not in texts:
            yield alias, frozenset(text for text in texts if text is not None)

    def _text(self, node: Node) -> str | None:
        if node.get("class") == "PARAMETER":
            value = self.parameters.get(str(node.get("identifier")))
            return value if isinstance(value, str) else None
        literal = node.get("literal") or {}
        text = literal.get("text", "") if literal.get("kind") == "STRING" else None
        return str(text) if node.get("class") == "CONSTANT" and text is not None else None


def _conjuncts(node: Node | None) -> list[Node]:
    if node is None:
        return []
    if node.get("type") == "CONJUNCTION_AND":
        return [each for child in node["children"] for each in _conjuncts(child)]
    return [node]
