"""Which datasets a query can reach, from its syntax tree alone: those that its WHERE clauses name.

The answer decides which files are brought to a worker, so it errs on one side: whatever is not plainly a
restriction of every table that is read lets the query reach all datasets.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from syndb_service.sql.query_summary import Node, nodes

PLACE: Final = frozenset({"query_location", "query_location_length"})
PLAIN_TABLE: Final = PLACE | {"type", "alias", "table_name", "qualified_name"}
PLAIN_JOIN: Final = PLACE | {
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
    """Return the ids of the datasets that a query can reach; None if it can reach all.

    Parameters
    ----------
    root : mapping
        The outermost node of a query that passed the gate.
    parameters : mapping
        Its values.
    tables : collection of str
        The tables and views that it reads.

    Notes
    -----
    Each mention of a table has to be restricted by a conjunct of its own SELECT's WHERE: ``dataset_id`` equal
    to a text, or in a list of them. In inner joins the restriction of one table holds for those whose
    ``dataset_id`` has to equal its own. Outer joins, samples and column aliases are not looked into.
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
    """One SELECT: its tables by alias, and sets of those whose ``dataset_id`` is the same."""

    parameters: Mapping[str, Any]
    tables: Collection[str]
    by_alias: dict[str, Node] = field(default_factory=dict)
    same: dict[str, set[str]] = field(default_factory=dict)
    conjuncts: list[Node] = field(default_factory=list)
    strangers: bool = False

    def restricted_tables(self, select: Node) -> dict[int, frozenset[str]]:
        """Return the restricted tables of the FROM clause, by the identity of their nodes."""
        if not self._from(select.get("from_table", {})):
            return {}
        self.conjuncts += _conjuncts(select.get("where_clause"))
        for conjunct in self.conjuncts:
            sides = [conjunct.get("left"), conjunct.get("right")]
            names = [self._alias(side) for side in sides]
            if conjunct.get("type") == "COMPARE_EQUAL" and names[0] and names[1]:
                self._unite({names[0], names[1]})
        allowed: dict[str, frozenset[str]] = {}
        for conjunct in self.conjuncts:
            for alias, texts in self._restriction(conjunct):
                for each in self.same[alias]:
                    allowed[each] = allowed.get(each, texts) & texts
        return {id(self.by_alias[alias]): texts for alias, texts in allowed.items()}

    def _from(self, node: Node) -> bool:
        """Note the tables of inner joins; False where the clause holds anything that is not looked into."""
        kind = node.get("type")
        if kind == "BASE_TABLE":
            name = str(node["table_name"]).lower()
            alias = str(node.get("alias") or name).lower()
            if not node.keys() <= PLAIN_TABLE or alias in self.by_alias:
                return False
            if name in self.tables:
                self.by_alias[alias], self.same[alias] = node, {alias}
            else:
                self.strangers = True
            return True
        if kind != "JOIN":
            self.strangers = True
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
        if "dataset_id" in using and not self.strangers and self._one(left) and self._one(right):
            self._unite({*left, *right})
        return True

    def _one(self, aliases: set[str]) -> bool:
        first = next(iter(aliases), None)
        return first is not None and aliases <= self.same[first]

    def _unite(self, aliases: set[str]) -> None:
        first, *others = aliases
        if all(self.same[each] is self.same[first] for each in others):
            return
        together = set().union(*(self.same[alias] for alias in aliases))
        for alias in together:
            self.same[alias] = together

    def _alias(self, node: object) -> str | None:
        """Return the table whose ``dataset_id`` a node is."""
        if not isinstance(node, dict) or node.get("class") != "COLUMN_REF":
            return None
        *path, column = [str(name).lower() for name in node["column_names"]]
        if column != "dataset_id":
            return None
        if len(path) == 1:
            return path[0] if path[0] in self.by_alias else None
        if path or self.strangers or not self._one(set(self.by_alias)):
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
