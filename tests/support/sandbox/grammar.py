"""Statements by a grammar and a seed: queries as people write them, hostile parts in any place of them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from random import Random
from typing import Final

TABLES: Final = ("neurons", "synapses", "connections", "neuron_relations")
COLUMNS: Final = ("dataset_id", "neuron_id", "name", "species", "pre_neuron_id", "post_neuron_id", "x", "sql")
CATALOGUE: Final = (
    "sqlite_master",
    "duckdb_views",
    "duckdb_tables",
    "duckdb_columns",
    "pg_class",
    "pg_views",
    "information_schema.tables",
    "pg_catalog.pg_views",
    "marker",
    "main.marker",
    "memory.main.marker",
    "'{TXT}'",
    '"{TXT}"',
    "'{DIR}/*.parquet'",
    "recurring.duckdb_views",
    "`{TXT}`",
    "neurons: marker",
    "(show external resources)",
)
READERS: Final = (
    "read_text('{TXT}')",
    "read_csv('{TXT}', header=false)",
    "read_blob(['{TXT}'])",
    "glob('{DIR}/*')",
    "duckdb_views()",
    "duckdb_settings()",
    "pragma_database_list()",
    "query('from marker')",
    "query_table('marker')",
    "parquet_metadata('{OK}')",
    "read_parquet('{OK}', filename=true)",
    "range(length(getenv('SYNDB_CANARY')))",
    "seq_scan('marker')",
    "r: read_text('{TXT}')",
    "histogram_values('marker', sql)",
    "range((select length(sql) from marker))",
    "read_single_parquet_file('{OK}')",
    "duckdb_table_sample('marker')",
)
CALLS: Final = (
    "getenv('SYNDB_CANARY')",
    "'SYNDB_CANARY'.getenv()",
    "main.getenv('SYNDB_CANARY')",
    "current_setting('temp_directory')",
    "getvariable('canary')",
    "current_query()",
    "nextval('s')",
    "list_aggregate(['SYNDB_CANARY'], 'getenv')",
    "list_transform(['SYNDB_CANARY'], lambda v: getenv(v))",
    "file_exists('{TXT}')",
    "canary_macro()",
    "array(from marker)",
    "(1 operator(main.+) getvariable('canary')::int)",
    "invoke(lambda v: getenv(v), 'SYNDB_CANARY')",
)
WRITES: Final = (
    "copy (select 1) to '{DIR}/fuzzed.csv'",
    "insert into marker values ('y') returning *",
    "delete from marker returning *",
    "update marker set sql = 'y' returning *",
    "create table fuzzed as select 1",
    "drop table marker",
    "attach ':memory:' as e",
    "set threads = 1",
    "pragma database_list",
    "explain analyze select 1",
    "call duckdb_settings()",
)
NAMES: Final = (
    "a",
    "b",
    "t",
    "neurons",
    "synapses",
    "sqlite_master",
    "duckdb_views",
    "duc\u212adb_views",
    "marker",
    '"MARKER"',
    "read_text",
    "duckdb_tables",
    "pg_class",
    '"{TXT}"',
    "recurring",
    "unnest",
)
PLAIN: Final = ("1", "'x'", "null", "true", "2.5", "date '2024-01-01'", "[1, 2]", "{'a': 1}", "$p", "#1")
FUNCTIONS: Final = (
    "abs",
    "length",
    "upper",
    "coalesce",
    "list_value",
    "md5",
    "count",
    "min",
    "string_agg",
    "any_value",
    "list",
    "row",
    "to_json",
    "typeof",
    "unnest",
    "first",
    "struct_pack",
)
MADE: Final = (
    "range(3) r(sql)",
    "unnest([1, 2]) u(sql)",
    "(values ('v')) v(sql)",
    "generate_series(1, 2)",
    "generate_series(1, (select 2)) g(sql)",
    "range(length('abc') + 1) r(sql)",
    "unnest(['a']) with ordinality u(sql, n)",
)
JOINS: Final = (
    *("join", "left join", "cross join", "semi join", "positional join", "natural join", "nearest"),
    "join by (type anti)",
)
TOKEN: Final = re.compile(r"\s+|\w+|'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|.", re.DOTALL)


class Writer:
    """Writes statements.

    Parameters
    ----------
    seed : int
        The same seed gives the same statements.
    corpus : sequence of str
        Statements that some of the new ones are put together from.
    """

    def __init__(self, seed: int, corpus: Sequence[str]) -> None:
        self._random = Random(seed)
        self._corpus = corpus
        self._hostility = 0.0
        self._known: list[str] = []

    def statement(self) -> str:
        """Write one: in a third of them only the names that queries give their parts are hostile."""
        self._hostility = self._random.choice((0.0, 0.1, 1.0))
        self._known = []
        kind = self._random.random()
        if kind < 0.15:
            return self._mutated()
        if kind < 0.21:
            verb = self._pick(("explain", "describe", "summarize", "explain", "explain analyze", "pivot"))
            return f"{verb} {self._query(2)}"
        if kind < 0.24 and self._hostility:
            return f"{self._query(1)}; {self._pick(WRITES)}"
        return self._query(3)

    def _pick(self, choices: Sequence[str]) -> str:
        return self._random.choice(choices)

    def _evil(self, probability: float) -> bool:
        return self._chance(probability * self._hostility)

    def _chance(self, probability: float) -> bool:
        return self._random.random() < probability

    def _mutated(self) -> str:
        tokens = TOKEN.findall(self._pick(self._corpus))
        other = TOKEN.findall(self._pick(self._corpus))
        for _ in range(self._random.randint(1, 3)):
            at = self._random.randrange(len(tokens))
            match self._random.randrange(5):
                case 0:
                    tokens[at : at + 1] = []
                case 1:
                    start = self._random.randrange(len(other))
                    tokens[at:at] = other[start : start + self._random.randint(1, 6)]
                case 2:
                    tokens[at] = self._pick((*NAMES, *CATALOGUE))
                case 3:
                    tokens[at] = tokens[at].swapcase()
                case _:
                    tokens[at] = self._pick(
                        (" ", "(", ")", ",", "/**/", " -- \n", ";", f"({self._query(1)})")
                    )
            if not tokens:
                return "select 1"
        return "".join(tokens)

    def _query(self, depth: int) -> str:
        start = self._with(depth) if depth and self._chance(0.45) else ""
        kind = self._random.random()
        if kind < 0.2:
            body = f"from {self._table(depth)}"
        elif kind < 0.25:
            body = f"values ({self._expression(depth)})"
        elif kind < 0.35 and depth:
            word = self._pick(("union all", "union", "intersect", "except", "union by name"))
            body = f"({self._query(depth - 1)}) {word} ({self._query(depth - 1)})"
        else:
            body = self._select(depth)
        end = f" order by {self._expression(0)}" if self._chance(0.1) else ""
        end += f" limit {self._expression(0)}" if self._chance(0.1) else ""
        return f"{start}{body}{end}"

    def _with(self, depth: int) -> str:
        recursive = self._chance(0.35)
        parts = []
        for _ in range(self._random.randint(1, 2)):
            name = self._pick(NAMES)
            columns = self._pick(("", "", "(sql)", "(n)", "(sql) using key (sql)"))
            body = self._query(depth - 1)
            if recursive and self._chance(0.6):
                word, other = self._pick(("union", "union all")), self._pick((name, self._table(0)))
                body = f"select 'x' as sql {word} select sql from {other} where false"
                if self._evil(0.4):
                    body = f"select sql from {name} union {body}"
            elif self._evil(0.12):
                body = self._pick(WRITES)
            how = self._pick(("", "", "materialized ", "not materialized "))
            self._known.append(name)
            parts.append(f"{name}{columns} as {how}({body})")
        return f"with {'recursive ' if recursive else ''}{', '.join(parts)} "

    def _select(self, depth: int) -> str:
        distinct = self._pick(("", "", "", "distinct ", "distinct on (1) "))
        items = self._pick(("*", "*", "sql", "columns(*)")) if self._chance(0.6) else ""
        items = items or ", ".join(self._expression(depth) for _ in range(self._random.randint(1, 2)))
        text = f"select {distinct}{items} from {self._table(depth)}"
        for word, probability in (("where", 0.2), ("group by", 0.1), ("having", 0.05), ("qualify", 0.05)):
            text += f" {word} {self._expression(depth - 1)}" if self._chance(probability) else ""
        return text + (self._pick((" using sample 3", " tablesample 50%")) if self._chance(0.05) else "")

    def _table(self, depth: int) -> str:
        kind = self._random.random()
        if self._evil(0.25):
            return self._pick(self._pick_of((CATALOGUE, READERS, NAMES)))
        if kind < 0.55 or depth <= 0:
            return self._pick((*TABLES, *self._known, *self._known))
        if kind < 0.65:
            return self._pick(MADE)
        if kind < 0.75:
            return f"({self._query(depth - 1)}) {self._pick(NAMES)}"
        if kind < 0.77:
            return f"{self._pick(NAMES)}: {self._table(0)}"
        if kind < 0.80:
            verb = self._pick(("describe", "summarize", "show")) if self._hostility else "describe"
            return f"({verb} {self._table(0)})"
        if kind < 0.85:
            return f"{self._table(0)}, lateral ({self._query(depth - 1)}) {self._pick(NAMES)}"
        join = self._pick(JOINS)
        if join == "nearest":
            by = f"nearest 1 by distance {self._expression(depth - 1)}"
            return f"{self._table(depth - 1)} x join {self._table(0)} y {by}"
        on = " on true" if join in ("join", "left join", "semi join", "join by (type anti)") else ""
        return f"{self._table(depth - 1)} {join} {self._table(depth - 1)}{on}"

    def _pick_of(self, choices: Sequence[Sequence[str]]) -> Sequence[str]:
        return self._random.choice(choices)

    def _expression(self, depth: int) -> str:
        kind = self._random.random()
        if self._evil(0.15):
            return self._pick(CALLS)
        if kind < 0.12:
            return self._pick(COLUMNS)
        if kind < 0.50 or depth <= 0:
            return self._pick(PLAIN)
        inner = self._expression(depth - 1)
        forms = (
            f"{self._pick(FUNCTIONS)}({inner})",
            f"({self._query(depth - 1)})",
            f"exists ({self._query(depth - 1)})",
            f"{inner} in ({self._query(depth - 1)})",
            f"case when {inner} is null then 1 else {self._expression(depth - 1)} end",
            f"cast({inner} as {self._pick(('varchar', 'json', 'main.t'))})",
            f"list_transform([1], lambda v: {inner})",
            f"[{inner} for v in [1] if {self._expression(depth - 1)}]",
            f"count(*) filter (where {inner})",
            f"row_number() over (order by {inner})",
            f"columns(lambda c: {inner})",
            f"{inner} {self._pick(('||', '=', '<', 'is distinct from'))} {self._expression(depth - 1)}",
        )
        return self._pick(forms)
