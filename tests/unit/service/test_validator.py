"""The gate lets queries through and nothing else, by the engine's own syntax tree."""

from __future__ import annotations

import re
from contextlib import suppress

import duckdb
import pytest

from syndb_service.domain.table_schema import quote_name
from syndb_service.errors import InvalidQuery
from syndb_service.sql.ast_visitor import scalar_functions
from syndb_service.sql.session import table_columns
from syndb_service.sql.source_position import fold
from syndb_service.sql.validator import SqlValidator

RUNS = """
FROM neurons LIMIT 3
WITH t AS (SELECT pre_neuron_id, count(*) AS n FROM synapses GROUP BY 1) FROM t ORDER BY n DESC LIMIT 5
WITH synapses AS (SELECT 1 AS x) FROM synapses
WITH a AS (SELECT 1 AS x), b AS (FROM a) FROM b
WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r WHERE n < 3), s AS (FROM r) FROM s
SELECT x, list(DISTINCT pre_neuron_id)[1:3] FROM synapses WHERE post_neuron_id < 10 GROUP BY ALL
SELECT row_number() OVER (PARTITION BY pre_neuron_id ORDER BY synapse_id) FROM synapses
SELECT * FROM (VALUES (1, 2)) AS t(a, b)
SELECT unnest(range(5))
SELECT * FROM range(3) AS r(i) CROSS JOIN generate_series(1, 2)
SELECT list_transform([1, 2], lambda x: x + 1), [x * 2 FOR x IN [1, 2]], {'a': 1}.a, MAP {'k': 1}
SELECT CASE WHEN EXISTS (FROM neurons) THEN 'x' ELSE 'y' END, 1 IN (1, 2), 2 BETWEEN 1 AND 3, 'a' LIKE 'b'
SELECT count(*) FILTER (WHERE x > 0), any_value(y ORDER BY z), GROUPING(x) FROM synapses GROUP BY ROLLUP (x)
SELECT * EXCLUDE (x), * REPLACE (1 AS y), COLUMNS('pre.*'), n.* FROM neurons AS n
SELECT DISTINCT ON (name) * FROM neurons QUALIFY rank() OVER (ORDER BY name) = 1
FROM synapses AS a ASOF JOIN synapses AS b ON a.synapse_id >= b.synapse_id
FROM synapses USING SAMPLE 10%
(FROM neurons) INTERSECT (FROM neurons) UNION ALL BY NAME FROM neurons
PIVOT neurons ON cell_class IN ('sensory', 'motor') USING count(*) GROUP BY species
UNPIVOT synapses ON x, y INTO NAME axis VALUE position
DESCRIBE neurons
SUMMARIZE synapses
EXPLAIN FROM connections
/* a */ explain -- b
VALUES (1, 2), (3, 4)
SELECT $name, 'not :a $parameter', current_date, date '2020-01-01' + INTERVAL 1 DAY
SELECT 1 AS "weird ""name"" x", 'it''s', E'\\t'
FROM range(TIMESTAMP '2024-01-01', TIMESTAMP '2024-01-02', INTERVAL 10 MINUTE)
FROM range(DATE_TRUNC('day', now()::TIMESTAMP), TIMESTAMP '2030-01-01', to_weeks(1))
FROM generate_series(1, (SELECT max(x) FROM synapses)) AS g(i)
FROM neurons AS n, range(LENGTH(n.name) + greatest(1, 2))
EXPLAIN /* a */ SELECT 1 /* b */ + (2)
EXPLAIN -- analyze
FROM neurons JOIN synapses NEAREST 2 BY DISTANCE neuron_id - pre_neuron_id
FROM neurons JOIN BY (TYPE semi) synapses ON neuron_id = pre_neuron_id
"""
REFUSED = """
SELECT 1; SELECT 2
SELECT 1;; SET threads = 2
CREATE TABLE t AS SELECT 1
CREATE OR REPLACE VIEW synapses AS SELECT 'spoof'
CREATE MACRO count(x) AS 42
DELETE FROM synapses
UPDATE synapses SET x = 1
MERGE INTO synapses USING neurons ON true WHEN MATCHED THEN DELETE
WITH t AS (INSERT INTO synapses VALUES (1) RETURNING *) FROM t
WITH t AS (UPDATE synapses SET x = 0 RETURNING *) FROM t
WITH t AS (DELETE FROM synapses RETURNING *) FROM t
WITH t AS MATERIALIZED (COPY (SELECT 1) TO 'x.csv') FROM t
SELECT (WITH t AS (COPY (SELECT 1) TO 'x.csv') SELECT 1)
WITH a AS (WITH b AS (COPY (SELECT 1) TO 'x') FROM b) FROM a
EXPLAIN WITH t AS (COPY (SELECT 1) TO 'x.csv') FROM t
COPY synapses TO 'x.csv'
EXPORT DATABASE 'x'
ATTACH ':memory:' AS e
CONNECT 'postgres:host=127.0.0.1'
USE memory.main
PRAGMA database_list
CALL duckdb_settings()
SET threads = 64
RESET ALL
INSTALL httpfs
LOAD httpfs
CHECKPOINT
BEGIN TRANSACTION
PREPARE p AS SELECT 1
EXECUTE p
VACUUM
EXPLAIN ANALYZE SELECT 1
EXPLAIN (FORMAT json) SELECT 1
EXPLAIN INSERT INTO synapses VALUES (1)
SHOW TABLES
SHOW DATABASES
PIVOT neurons ON cell_class USING count(*)
FROM '/etc/passwd'
FROM "/etc/passwd"
FROM 'https://example.org/x.parquet'
FROM read_parquet('x')
FROM read_csv('/dev/stdin')
FROM read_text('/proc/self/environ')
FROM glob('*')
FROM parquet_metadata('x')
FROM duckdb_settings()
FROM duckdb_secrets()
FROM pragma_database_list()
FROM sqlite_master
FROM information_schema.tables
FROM pg_catalog.pg_class
FROM memory.main.synapses
FROM main.synapses
FROM system.main.duckdb_settings()
FROM query('SELECT 1')
FROM query_table('synapses')
FROM json_execute_serialized_sql('{}')
FROM test_all_types()
FROM python_object
FROM (DESCRIBE FROM read_text('/etc/passwd'))
DESCRIBE FROM read_text('/etc/passwd')
SUMMARIZE FROM '/etc/passwd'
EXPLAIN FROM read_text('/etc/passwd')
SELECT * FROM synapses WHERE EXISTS (FROM read_text('/etc/passwd'))
SELECT (SELECT content FROM read_text('/etc/passwd'))
SELECT * FROM neurons, LATERAL (FROM read_text(name))
SELECT getenv('HOME')
SELECT 'HOME'.getenv()
SELECT system.main.getenv('HOME')
SELECT list_transform(['HOME'], lambda x: getenv(x))
SELECT count(*) FILTER (WHERE getenv('x') = '') FROM synapses
SELECT sum(1) OVER (ORDER BY getenv('x')) FROM synapses
SELECT 1 ORDER BY getenv('x')
SELECT 1 LIMIT (SELECT len(getenv('x')))
FROM synapses TABLESAMPLE (getenv('x'))
SELECT COLUMNS(x -> getenv(x) = '') FROM synapses
SELECT * REPLACE (getenv('x') AS x) FROM synapses
PIVOT synapses ON pre_neuron_id IN (1) USING max(getenv('x'))
VALUES (getenv('x'))
SELECT current_setting('allowed_paths')
SELECT getvariable('x')
SELECT nextval('s')
SELECT current_query()
SELECT write_log('x')
SELECT json_serialize_sql('SELECT 1')
SELECT pg_sleep(100)
WITH sqlite_master AS (SELECT sql FROM sqlite_master) FROM sqlite_master
WITH RECURSIVE sqlite_master AS (SELECT sql FROM sqlite_master UNION SELECT 1) FROM sqlite_master
WITH RECURSIVE duckdb_views AS (FROM duckdb_views UNION SELECT 1) FROM duckdb_views
WITH RECURSIVE t AS (SELECT (SELECT sql FROM t) UNION ALL FROM t) FROM t
WITH "ducKdb_views" AS (SELECT 1) SELECT sql FROM duckdb_views
FROM range(levenshtein(repeat('ab', 200000), repeat('ba', 200000)))
FROM generate_series(1, len(range(150000000)))
FROM range((SELECT length(content) FROM read_text('x')))
FROM range(length(repeat('x', 100000000)))
WITH "x.parquet" AS (FROM "x.parquet") FROM "x.parquet"
WITH a AS (FROM duckdb_tables), duckdb_tables AS (SELECT 1) FROM a
WITH RECURSIVE a AS (FROM b), b AS (SELECT 1) FROM a
SELECT (WITH t AS (SELECT 1) FROM t) FROM t
FROM neurons AT (VERSION => 1)
"""


def lines(text: str) -> list[str]:
    return [line.replace("\\\\", "\\") for line in text.strip().splitlines()]


@pytest.fixture(scope="module")
def gate() -> SqlValidator:
    return SqlValidator(duckdb.connect(), table_columns(), 1_000_000)


@pytest.mark.parametrize("query", lines(RUNS))
def test_queries_pass(gate: SqlValidator, query: str) -> None:
    gate.validate(query + "\nSELECT 1" if query.endswith(("-- b", "-- analyze")) else query)


@pytest.mark.parametrize("query", lines(REFUSED))
def test_everything_else_is_refused(gate: SqlValidator, query: str) -> None:
    with pytest.raises(InvalidQuery) as refusal:
        gate.validate(query)
    assert refusal.value.message
    assert refusal.value.hint or refusal.value.line


@pytest.mark.parametrize("query", lines(REFUSED))
def test_it_is_refused_in_a_subquery_and_in_another_case_too(gate: SqlValidator, query: str) -> None:
    swapped = query.swapcase() if query.isascii() else query
    for other in (f"SELECT * FROM ({query}) AS q", swapped, f"/* x */ {query} -- y"):
        with pytest.raises(InvalidQuery):
            gate.validate(other)


def test_it_tells_what_a_query_reads_and_needs(gate: SqlValidator) -> None:
    checked = gate.validate("WITH n AS (FROM Neurons) SELECT $a FROM n JOIN synapses ON neuron_id = $b")
    assert checked.tables == {"neurons", "synapses"}
    assert checked.parameters == {"a", "b"}


@pytest.mark.slow
def test_of_the_tables_of_this_engine_only_what_is_listed_can_be_named(gate: SqlValidator) -> None:
    engine = duckdb.connect()
    functions = engine.execute(
        "SELECT DISTINCT function_name FROM duckdb_functions() "
        "WHERE function_type IN ('table', 'table_macro', 'pragma')"
    ).fetchall()
    relations = engine.execute(
        "SELECT view_name FROM duckdb_views() UNION SELECT table_name FROM duckdb_tables()"
    ).fetchall()
    settings = engine.execute("SELECT name FROM duckdb_settings()").fetchall()
    listed = {"range", "generate_series", "unnest"}
    refused = [f"FROM {quote_name(name)}('x')" for (name,) in functions if name not in listed]
    refused += [f"FROM {name}" for (name,) in relations] + [f"FROM (SHOW {name})" for (name,) in settings]
    assert len(refused) > 300
    for query in refused:
        with pytest.raises(InvalidQuery):
            gate.validate(query)


def test_no_listed_function_of_this_engine_looks_around() -> None:
    found = (
        duckdb.connect()
        .execute("SELECT function_name, stability, macro_definition FROM duckdb_functions()")
        .fetchall()
    )
    listed = [row for row in found if fold(row[0]) in scalar_functions() and row[0] != "histogram"]
    assert {name for name, stability, _ in listed if stability == "VOLATILE"} == {
        *("error", "gen_random_uuid", "random", "uuid", "uuidv4", "uuidv7")
    }
    macros = {name: body for name, _, body in listed if body is not None}
    assert len(macros) > 50
    reading = re.compile(r"\bFROM\b|duckdb_|pragma|setting|variable|getenv|nextval", re.IGNORECASE)
    assert not [name for name, body in macros.items() if reading.search(body)]


def test_a_dataset_is_meant_where_its_id_is_equal_and_not_where_it_is_above(gate: SqlValidator) -> None:
    above = "dataset_id > '0' AND dataset_id <= 'z'"
    query = f"FROM neurons WHERE {above} AND dataset_id IN ('a') AND 'b' <> dataset_id"
    assert gate.validate(query).dataset_ids.keys() == {"a", "b"}


def test_functions_that_compute_are_known_and_others_are_not() -> None:
    assert {
        "count",
        "sum",
        "median",
        "regexp_extract",
        "list_transform",
        "row_number",
        "+",
    } <= scalar_functions()
    assert (
        not {"getenv", "read_text", "current_setting", "query", "nextval", "write_log"} & scalar_functions()
    )


@pytest.mark.parametrize("opening", ["(", "abs(", "NOT ", "(SELECT "])
def test_deep_nesting_is_refused_but_never_breaks(gate: SqlValidator, opening: str) -> None:
    def query(depth: int) -> str:
        return "SELECT " + opening * depth + "1" + ")" * (depth * opening.count("("))

    gate.validate(query(30))
    with suppress(InvalidQuery):
        gate.validate(query(5_000))


def test_blanks_that_are_none_in_ascii_leave_two_statements_two() -> None:
    with pytest.raises(InvalidQuery, match="2 statements"):
        SqlValidator(duckdb.connect(), {}, 1000).validate("SELECT\u00a01; SELECT 2")


@pytest.mark.parametrize("blank", ["\ufeff", "\u200b", "\u00a0", "\u3000"])
def test_what_the_engine_takes_for_a_blank_is_one(gate: SqlValidator, blank: str) -> None:
    for query in ("{}SELECT{}1{}", "{}EXPLAIN{}SELECT 1{}"):
        gate.validate(query.replace("{}", blank))
    text = f"'a{blank}b'"
    gate.validate(f'SELECT {text} AS "a{blank}b" -- {blank}')
    with pytest.raises(InvalidQuery, match="only a plain EXPLAIN"):
        gate.validate("{}EXPLAIN{}ANALYZE{}SELECT 1".replace("{}", blank))
    with pytest.raises(InvalidQuery, match="no table") as refused:
        gate.validate(f"{blank}SELECT{blank}* FROM nowhere")
    assert (refused.value.line, refused.value.column) == (1, 16)


def test_a_byte_order_mark_is_what_duckdb_takes_it_for() -> None:
    assert duckdb.connect().execute("\ufeffSELECT\ufeff'a\ufeffb'").fetchall() == [("a\ufeffb",)]
