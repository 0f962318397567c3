"""Which parts of a query's result may differ between two runs on the same data, by its bound plan."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import duckdb

from syndb_service.domain.table_schema import quote_text
from syndb_service.sql.ast_visitor import ValidatedQuery

Node = Mapping[str, Any]

VOLATILE: Final = frozenset(
    {
        *("random", "uuid", "gen_random_uuid", "uuidv4", "uuidv7", "setseed", "nextval", "currval"),
        *("now", "get_current_timestamp", "transaction_timestamp", "current_timestamp", "today"),
        *("current_date", "current_time", "get_current_time", "current_localtime", "current_localtimestamp"),
        *("localtime", "localtimestamp", "txid_current", "current_query_id", "current_transaction_id"),
        *("current_connection_id", "reservoir_quantile"),
    }
)
"""Functions that return another value at each run, with any number of threads."""
KEYWORDS: Final = frozenset(name for name in VOLATILE if name.startswith(("current_", "local")))
"""Volatile functions that can be called without brackets."""
ROUNDING: Final = frozenset(
    {
        *("sum", "sum_no_overflow", "avg", "mean", "favg", "fsum", "kahan_sum", "sumkahan", "product"),
        *("stddev", "stddev_pop", "stddev_samp", "variance", "var_pop", "var_samp", "sem", "corr"),
        *("covar_pop", "covar_samp", "skewness", "kurtosis", "kurtosis_pop", "entropy"),
        *("regr_avgx", "regr_avgy", "regr_intercept", "regr_r2", "regr_slope", "regr_sxx", "regr_sxy"),
        "regr_syy",
    }
)
"""Aggregates that round as they add: the last digits of floating-point results depend on the row order."""
OF_ORDER: Final = frozenset(
    {
        *("first", "last", "any_value", "arbitrary", "list", "array_agg", "string_agg", "group_concat"),
        *("listagg", "mode", "arg_min", "arg_max", "argmin", "argmax", "min_by", "max_by", "arg_min_null"),
        *("arg_max_null", "arg_min_nulls_last", "arg_max_nulls_last", "lttb"),
        *("approx_quantile", "approx_top_k"),
    }
)
"""Aggregates whose value depends on which row comes first."""
EXACT: Final = frozenset(
    {
        *("count", "count_star", "count_if", "countif", "min", "max", "bool_and", "bool_or", "bit_and"),
        *("bit_or", "bit_xor", "bitstring_agg", "median", "quantile", "quantile_cont", "quantile_disc"),
        *("mad", "histogram", "histogram_exact", "regr_count"),
    }
)
RANKS: Final = frozenset({"WINDOW_RANK", "WINDOW_RANK_DENSE", "WINDOW_PERCENT_RANK", "WINDOW_CUME_DIST"})
FLOATS: Final = frozenset({"FLOAT", "DOUBLE"})
IN_ORDER: Final = frozenset(
    {"LOGICAL_GET", "LOGICAL_DUMMY_SCAN", "LOGICAL_CHUNK_GET", "LOGICAL_EXPRESSION_GET"}
)
PASSING: Final = frozenset({"LOGICAL_FILTER", "LOGICAL_LIMIT", "LOGICAL_TOP_N", "LOGICAL_UNNEST"})
MIXING: Final = frozenset(
    {
        *("LOGICAL_COMPARISON_JOIN", "LOGICAL_ANY_JOIN", "LOGICAL_DELIM_JOIN", "LOGICAL_ASOF_JOIN"),
        *("LOGICAL_DEPENDENT_JOIN", "LOGICAL_CROSS_PRODUCT", "LOGICAL_EXCEPT", "LOGICAL_INTERSECT"),
        *("LOGICAL_RECURSIVE_CTE", "LOGICAL_DELIM_GET", "LOGICAL_WINDOW"),
    }
)
LINEAR: Final = frozenset(
    {
        *("LOGICAL_PROJECTION", "LOGICAL_FILTER", "LOGICAL_AGGREGATE_AND_GROUP_BY", "LOGICAL_ORDER_BY"),
        *("LOGICAL_LIMIT", "LOGICAL_DISTINCT", "LOGICAL_WINDOW", "LOGICAL_UNION", "LOGICAL_DUMMY_SCAN"),
    }
)
"""Operators whose work is linear in the rows of the tables; here tables are empty views over one row."""
ROW_ORDER: Final = "row order"


@dataclass(frozen=True, slots=True)
class Determinism:
    """Whether two runs give the same result (None: unknown); ``reasons`` name what may differ.

    ``linear`` means that the work is linear in the rows of the tables: no joins, no generated rows.
    """

    deterministic: bool | None
    reasons: tuple[str, ...] = ()
    linear: bool = False


def determinism(connection: duckdb.DuckDBPyConnection, sql: str) -> Determinism:
    """Analyze the plan of a validated query whose parameters are written as values.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
        A connection with the query's tables. It binds the query; it neither optimizes nor runs it.
    sql : str
        The query.

    Examples
    --------
    >>> engine = duckdb.connect()
    >>> _ = engine.execute("CREATE TABLE t (a BIGINT, x DOUBLE)")
    >>> determinism(engine, "SELECT sum(a) FROM t").deterministic
    True
    >>> determinism(engine, "SELECT sum(x), random() FROM t").reasons
    ('random', 'sum')
    >>> determinism(engine, "SELECT a, count(*) FROM t GROUP BY a").reasons
    ('row order',)
    >>> determinism(engine, "SELECT a, count(*) FROM t GROUP BY a ORDER BY a").deterministic
    True
    """
    ((text,),) = connection.execute("SELECT json_serialize_plan($1::VARCHAR)", [sql]).fetchall()
    answer = json.loads(text)
    if answer.get("error") or len(answer.get("plans", ())) != 1:
        return Determinism(None)
    visitor = _PlanVisitor()
    rows = visitor.rows(answer["plans"][0], None)
    visitor.functions(answer["plans"][0])
    if rows.ordered is False:
        visitor.reasons.add(ROW_ORDER)
    linear = all(str(node.get("type")) in LINEAR for node in _operators(answer["plans"][0]))
    if visitor.reasons:
        return Determinism(False, tuple(sorted(visitor.reasons)), linear)
    return Determinism(None if visitor.unsure or rows.ordered is None else True, (), linear)


def volatile_calls(checked: ValidatedQuery) -> list[str]:
    """Return the volatile functions that the text of a query calls."""
    called = (checked.functions & VOLATILE) | (checked.names.keys() & KEYWORDS)
    return sorted(called | ({"sample"} if checked.samples else set()))


def with_values(checked: ValidatedQuery, parameters: Mapping[str, Any]) -> str:
    """Write the values of parameters into a query, only to plan it.

    Parameters
    ----------
    checked : ValidatedQuery
        What the validator found in the query.
    parameters : mapping
        The values, as parsed from JSON.
    """
    text, end = checked.sql.encode(), None
    pieces: list[bytes] = []
    for start, length, name in sorted(checked.parameter_positions, reverse=True):
        pieces += [text[start + length : end], _literal(parameters[name]).encode()]
        end = start
    return b"".join(reversed([*pieces, text[checked.offset : end]])).decode()


def _literal(value: object) -> str:
    if isinstance(value, list):
        return f"[{', '.join(map(_literal, value))}]"
    if value is None or isinstance(value, bool):
        return {None: "NULL", True: "true", False: "false"}[value]
    return (
        quote_text(value) if isinstance(value, str) else f"({value!r}{'::DOUBLE' * isinstance(value, float)})"
    )


@dataclass(frozen=True, slots=True)
class _Rows:
    """What is known about an operator's rows: whether their order is fixed, and columns unique to each row.

    ``key`` is empty if there is at most one row, and None if no such set of columns is known.
    """

    ordered: bool | None
    key: frozenset[int] | None = None
    width: int | None = None


@dataclass
class _PlanVisitor:
    reasons: set[str] = field(default_factory=set)
    unsure: bool = False
    ctes: dict[int, _Rows] = field(default_factory=dict)

    def rows(self, node: Node, parent: Node | None) -> _Rows:
        """Visit the operators from the scans upwards, and record what may differ."""
        kind = str(node.get("type"))
        below = [self.rows(child, node) for child in node.get("children", ())]
        if kind == "LOGICAL_MATERIALIZED_CTE":
            return below[-1]
        if kind == "LOGICAL_AGGREGATE_AND_GROUP_BY":
            return self._visit_aggregate(node, parent, below[0])
        if kind == "LOGICAL_PROJECTION":
            return _visit_projection(node, below[0])
        if kind == "LOGICAL_ORDER_BY":
            return _visit_sort(node, below[0])
        if kind == "LOGICAL_DISTINCT":
            return self._distinct(node, below[0])
        if kind == "LOGICAL_SAMPLE":
            self.reasons.add("sample")
            return _Rows(below[0].ordered)
        if kind == "LOGICAL_LIMIT" and below[0].ordered is not True and not _only_counts(parent):
            if below[0].ordered is False:
                self.reasons.add("limit")
            self.unsure = True
        if kind == "LOGICAL_WINDOW":
            self._windows(node, below[0])
        if kind in PASSING and len(below) == 1 and not node.get("projection_map"):
            return _Rows(below[0].ordered, None if kind == "LOGICAL_UNNEST" else below[0].key)
        if kind in IN_ORDER and not below:
            return _Rows(True)
        if below and all(each.key == frozenset() for each in below) and kind in MIXING:
            return _Rows(True, frozenset() if kind != "LOGICAL_RECURSIVE_CTE" else None)
        if kind == "LOGICAL_CROSS_PRODUCT" and any(each.key == frozenset() for each in below):
            return _Rows(None if all(each.ordered for each in below) else False)
        if kind in MIXING:
            return _Rows(False, below[0].key if kind == "LOGICAL_WINDOW" else None)
        return _Rows(None)

    def functions(self, plan: Node) -> None:
        """Record the volatile functions of the plan."""
        for node in _nodes(plan):
            if node.get("expression_class") != "BOUND_FUNCTION":
                continue
            name = _name(node)
            if name in VOLATILE:
                self.reasons.add(name)
            elif name == "age" and len(node.get("arguments", ())) == 1:
                self.reasons.add("age")

    def _visit_aggregate(self, node: Node, parent: Node | None, below: _Rows) -> _Rows:
        groups = node.get("groups") or ()
        calls = node.get("expressions") or ()
        if below.key != frozenset() and not _is_scalar_subquery(calls, groups, parent):
            for call in calls:
                self._aggregate(call)
        if not groups:
            return _Rows(True, frozenset())
        plain = len(node.get("grouping_sets") or ()) <= 1
        return _Rows(False, frozenset(range(len(groups))) if plain else None)

    def _aggregate(self, call: Node) -> None:
        name = _name(call)
        arguments = [
            _index(child)
            for child in call.get("children", ())
            if child.get("expression_class") != "BOUND_CONSTANT"
        ]
        sorted_by = [_index(order["expression"]) for order in (call.get("order_bys") or {}).get("orders", ())]
        if None not in arguments and set(arguments) <= set(sorted_by):
            self.unsure |= name not in ROUNDING | OF_ORDER | EXACT
        elif (name in ROUNDING and _takes_floats(call)) or name in OF_ORDER | VOLATILE or name == "entropy":
            self.reasons.add(name)
        elif name not in EXACT | ROUNDING:
            self.unsure = True

    def _windows(self, node: Node, below: _Rows) -> None:
        for call in node.get("expressions", ()):
            orders = [order["expression"] for order in call.get("orders") or ()]
            indexes = {_index(each) for each in (*(call.get("partitions") or ()), *orders)}
            if below.key is not None and below.key <= indexes:
                continue
            if call.get("type") in RANKS:
                continue
            if call.get("type") == "WINDOW_AGGREGATE":
                by_rows = "ROWS" in f"{call.get('start')} {call.get('end')}"
                self.unsure |= by_rows
                self._aggregate(call)
            else:
                self.unsure = True

    def _distinct(self, node: Node, below: _Rows) -> _Rows:
        if node.get("distinct_type") != "DISTINCT":
            self.reasons.add("distinct on")
            return _Rows(False)
        targets = [_index(each) for each in node.get("distinct_targets", ())]
        return _Rows(False, frozenset(each for each in targets if each is not None))


def _visit_projection(node: Node, below: _Rows) -> _Rows:
    expressions = node.get("expressions", ())
    positions = {
        _index(item): position for position, item in enumerate(expressions) if _index(item) is not None
    }
    key = None
    if below.key is not None and below.key <= positions.keys():
        key = frozenset(positions[index] for index in below.key)
    return _Rows(below.ordered, key, len(expressions))


def _visit_sort(node: Node, below: _Rows) -> _Rows:
    by = {_index(order["expression"]) for order in node.get("orders", ())}
    total = below.key is not None and below.key <= by
    every_column = below.width is not None and set(range(below.width)) <= by
    return _Rows(True if total or every_column else None, below.key, below.width)


def _is_scalar_subquery(calls: Sequence[Node], groups: Sequence[Node], parent: Node | None) -> bool:
    """Whether the engine added the aggregate: it takes the first row and fails if there are more."""
    names = {_name(call) for call in calls}
    if groups or names != {"first", "count_star"} or parent is None:
        return False
    return any(_name(node) == "error" for node in _nodes(parent.get("expressions", ())))


def _only_counts(parent: Node | None) -> bool:
    """Whether only the number of rows is used (EXISTS)."""
    calls = parent.get("expressions", ()) if parent is not None else ()
    return bool(calls) and all(_name(call) == "count_star" for call in calls)


def _takes_floats(call: Node) -> bool:
    return any(kind.get("id") in FLOATS for kind in call.get("arguments", ()))


def _index(expression: Node) -> int | None:
    return expression.get("index", 0) if expression.get("expression_class") == "BOUND_REF" else None


def _name(call: Node) -> str:
    path = (call.get("qname") or {}).get("path") or [""]
    return str(path[-1]).lower()


def _operators(node: Node) -> Iterator[Node]:
    yield node
    for child in node.get("children", ()):
        yield from _operators(child)


def _nodes(value: object) -> Iterator[Node]:
    stack = [value]
    while stack:
        item = stack.pop()
        if isinstance(item, dict):
            yield item
            stack.extend(item.values())
        elif isinstance(item, list):
            stack.extend(item)
