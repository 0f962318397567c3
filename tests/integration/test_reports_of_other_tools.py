"""What users reported of similar tools, tried here; docs/what-was-tried.md lists each with its link."""

from __future__ import annotations

import datetime
import decimal
import math
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Literal

import networkx as nx
import polars as pl
import pyarrow as pa
import pytest

import syndb_lab
from syndb_lab import Lab

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from tests.support.live_service import Jobs, Live

DATASET = "celegans_varshney_2011"
FORMATS: tuple[Literal["arrow", "parquet", "csv"], ...] = ("arrow", "parquet", "csv")


@pytest.fixture(scope="module")
def lab(live: Live, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        with syndb_lab.connect(live.url, live.token) as lab:
            yield lab


@pytest.fixture(scope="module")
def dataset_id(lab: Lab) -> str:
    return next(dataset.id for dataset in lab.datasets() if dataset.name == DATASET)


@pytest.fixture(scope="module")
def shell(live: Live, tmp_path_factory: pytest.TempPathFactory) -> Iterator[InteractiveShell]:
    from IPython.core.interactiveshell import InteractiveShell

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SYNDB_URL", live.url)
        patch.setenv("SYNDB_TOKEN", live.token)
        patch.setenv("IPYTHONDIR", str(tmp_path_factory.mktemp("ipython")))
        shell = InteractiveShell()
        shell.run_line_magic("load_ext", "syndb_lab")
        yield shell


def rows(lab: Lab, sql: str, **options: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = lab.sql(sql, **options).to_arrow().to_pylist()
    return found


def cell(shell: InteractiveShell, sql: str) -> list[tuple[Any, ...]]:
    shell.run_cell_magic("syndb", "found --wait --quiet", sql)
    found: list[tuple[Any, ...]] = shell.user_ns["found"].rows()
    return found


def test_a_frame_stays_as_it_was_after_the_next_query(lab: Lab) -> None:
    frame = lab.sql("SELECT i, i::VARCHAR AS s FROM range(100000) t(i) WHERE i % 7 = 1").to_arrow()
    before = frame.to_pydict()
    for more in range(2):
        lab.sql(f"SELECT i, 'x' || i AS s FROM range({100_000 + more}) t(i)").to_arrow()
    assert frame.to_pydict() == before


def test_nested_columns_of_many_batches_are_read_back_in_place(lab: Lab) -> None:
    job = lab.sql(
        "SELECT i::DOUBLE AS a, {'a': i::DOUBLE, 'l': [i, i + 1]} AS s FROM range(300000) t(i)"
    ).wait()
    check = f"SELECT count(*) AS n FROM {{{{{job.id}}}}} WHERE a <> s.a OR s.l[1] <> a OR s.l[2] <> a + 1"
    assert rows(lab, check) == [{"n": 0}]


def test_a_stored_text_column_with_nulls_is_filtered_rightly(lab: Lab) -> None:
    job = lab.sql(
        "SELECT CASE WHEN i % 3 = 0 THEN NULL ELSE 'a' || i END AS c FROM range(200000) t(i)"
    ).wait()
    check = f"SELECT count(*) AS n FROM {{{{{job.id}}}}} WHERE c IN ('a199999', 'hello')"
    assert rows(lab, check) == [{"n": 1}]


def test_a_timeout_is_a_budget_for_the_whole_wait(lab: Lab) -> None:
    job = lab.sql("SELECT count(*) FROM range(100000) a, range(100000) b, range(1000) c")
    with pytest.raises(syndb_lab.WaitTimeout):
        job.wait(timeout=0.5)
    assert job.refresh().status in {"pending", "running"}
    job.cancel().wait(timeout=120)


@pytest.mark.parametrize("analysis", ["metrics", "motifs", "hubs", "rich_club", "communities"])
def test_filters_that_leave_nothing_are_told_with_their_names(
    lab: Lab, dataset_id: str, analysis: str
) -> None:
    with pytest.raises(syndb_lab.SyndbError, match="min_synapses") as refused:
        lab.graph(dataset_id, analysis, min_synapses=1_000_000).answer()
    assert "ZeroDivision" not in str(refused.value)


def test_synapses_add_up_to_the_connections(lab: Lab, dataset_id: str) -> None:
    check = """
        SELECT count(*) AS n
        FROM (SELECT pre_neuron_id AS p, post_neuron_id AS q, count(*) AS c FROM synapses
              WHERE dataset_id = $d GROUP BY ALL) s
        FULL JOIN (SELECT pre_neuron_id AS p, post_neuron_id AS q, sum(synapse_count) AS c FROM connections
              WHERE dataset_id = $d GROUP BY ALL) t USING (p, q)
        WHERE s.c IS DISTINCT FROM t.c"""
    assert rows(lab, check, parameters={"d": dataset_id}) == [{"n": 0}]


def test_twenty_thousand_ids_are_taken_as_text_and_as_a_value(lab: Lab) -> None:
    ids = list(range(20_000))
    text = f"SELECT count(*) AS n FROM range(30000) t(i) WHERE i IN ({','.join(map(str, ids))})"
    value = "SELECT count(*) AS n FROM range(30000) t(i) WHERE i IN (SELECT unnest($ids))"
    assert rows(lab, text) == rows(lab, value, parameters={"ids": ids}) == [{"n": 20_000}]


@pytest.mark.parametrize("kind", FORMATS)
def test_columns_of_nulls_and_results_without_rows_keep_their_columns(
    lab: Lab, kind: Literal["arrow", "parquet", "csv"]
) -> None:
    job = lab.sql("SELECT NULL AS a, b FROM range(2) t(b)", format=kind)
    assert (
        job.to_arrow().num_rows == job.to_polars().height == len(job.to_pandas()) == len(job.to_duckdb()) == 2
    )
    empty = lab.sql("SELECT 1::BIGINT AS a, 'x' AS b, DATE '2020-01-01' AS c FROM range(0)", format=kind)
    table = empty.to_arrow()
    assert (table.num_rows, [str(field.type) for field in table.schema]) == (
        0,
        ["int64", "string", "date32[day]"],
    )
    assert empty.to_polars().height == len(empty.to_pandas()) == 0


def test_numbers_without_a_finite_value_stay_apart_in_csv(lab: Lab) -> None:
    values = (
        "(1, 'nan'::DOUBLE), (2, 'inf'), (3, '-inf'), (4, NULL), (5, '-0.0'::DOUBLE), (6, 5e-324), (7, 0.1)"
    )
    job = lab.sql(f"SELECT x FROM (VALUES {values}) t(i, x) ORDER BY i", format="csv")
    nan, *others, zero, smallest, tenth = job.to_arrow()["x"].to_pylist()
    assert math.isnan(nan)
    assert others == [math.inf, -math.inf, None]
    assert math.copysign(1, zero) == -1
    assert (smallest, tenth) == (5e-324, 0.1)


def test_texts_that_look_like_something_else_stay_texts_in_csv(lab: Lab) -> None:
    texts = ["a", None, "", "NULL", "NaN", " ", "a,b", 'a"b', "a\nb", "a\rb", "\t", "#", "\\", "007", "1e5"]
    job = lab.sql(
        "SELECT unnest($texts) AS s, unnest(range(len($texts))) AS i ORDER BY i",
        parameters={"texts": texts},
        format="csv",
    )
    assert job.to_arrow()["s"].to_pylist() == texts


def test_dates_outside_of_nanoseconds_are_right_in_every_frame(lab: Lab) -> None:
    job = lab.sql("SELECT DATE '3900-01-01' AS a, TIMESTAMP '0001-01-01' AS b")
    expected = (datetime.date(3900, 1, 1), datetime.datetime(1, 1, 1))
    assert tuple(job.to_arrow().to_pylist()[0].values()) == expected
    assert job.to_polars().row(0) == expected
    assert [str(value)[:10] for value in job.to_pandas().iloc[0]] == ["3900-01-01", "0001-01-01"]


def test_an_enum_over_many_batches_is_right_in_polars(lab: Lab) -> None:
    job = lab.sql(
        "SELECT (['a', 'b', 'c', 'd'][1 + (i // 150000) % 4])::ENUM('a', 'b', 'c', 'd', 'e') AS e "
        "FROM range(400000) t(i) ORDER BY i"
    )
    expected = ["abcd"[(i // 150_000) % 4] for i in range(400_000)]
    assert job.to_polars()["e"].cast(pl.String).to_list() == expected
    assert job.to_lazy().filter(pl.col("e").cast(pl.String).is_in(["b"])).collect().height == 150_000


def test_texts_of_growing_lengths_are_right_in_polars(lab: Lab) -> None:
    job = lab.sql("SELECT repeat('B', (1 + i % 29)::INT) AS a FROM range(200000) t(i) ORDER BY i")
    expected = ["B" * (1 + i % 29) for i in range(200_000)]
    assert job.to_polars()["a"].to_list() == expected
    assert job.to_lazy().collect()["a"].to_list() == expected


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("SELECT '{x}' AS a, '$name' AS b, :x AS c", ("{x}", "$name", 7)),
        ("SELECT $$create table t(id int)\n,code text$$ AS a", ("create table t(id int)\n,code text",)),
        ("SELECT $q$ :x {{x}} $q$ AS a", (" :x {{x}} ",)),
        ("SELECT :name AS a", ("O'Brien; drop table x --",)),
        (
            "SELECT '2020-01-01'::date::varchar AS a, [1, 2, 3][:2] AS b, 'x:y' AS c",
            ("2020-01-01", [1, 2], "x:y"),
        ),
        ("SELECT 7 % 4 AS a, 'a%b' LIKE '%!%%' ESCAPE '!' AS b", (3, True)),
    ],
)
def test_a_cell_binds_names_as_values_and_pastes_nothing(
    shell: InteractiveShell, sql: str, expected: tuple[Any, ...]
) -> None:
    shell.user_ns.update(x=7, name="O'Brien; drop table x --")
    assert cell(shell, sql) == [expected]


@pytest.mark.parametrize("body", [" \n", "-- only a comment", "/* c */", ";"])
def test_a_cell_without_a_query_is_refused_without_a_traceback(shell: InteractiveShell, body: str) -> None:
    with pytest.raises(Exception, match=r"\S") as refused:
        shell.run_cell_magic("syndb", "found", body)
    assert hasattr(refused.value, "_render_traceback_")


def test_a_cell_that_names_a_variable_shows_no_result(shell: InteractiveShell) -> None:
    assert shell.run_cell_magic("syndb", "found --wait --quiet", "SELECT 1 AS a") is None


def test_repeated_pairs_add_up_and_weights_stay_numbers(lab: Lab) -> None:
    twice = lab.sql("SELECT 1 AS pre_neuron_id, 2 AS post_neuron_id, 3 AS weight UNION ALL SELECT 1, 2, 4")
    assert twice.to_networkx().edges[1, 2]["weight"] == 7
    exact = lab.sql(
        "SELECT 1 AS pre_neuron_id, 2 AS post_neuron_id, 3.5::DECIMAL(10, 2) AS weight"
    ).to_networkx()
    assert nx.is_weighted(exact)
    assert exact.edges[1, 2]["weight"] == 3.5


def test_a_job_that_was_cancelled_too_late_stays_completed(lab: Lab) -> None:
    job = lab.sql("SELECT 1 AS a").wait()
    job.cancel()
    assert lab.job(job.id).status == "completed"


def test_a_job_whose_client_went_away_runs_to_its_end(live: Live, lab: Lab) -> None:
    with syndb_lab.connect(live.url, live.token) as other:
        job_id = other.sql("SELECT sum(i) AS s FROM range(20000000) t(i)").id
    assert lab.job(job_id).wait(timeout=120).status == "completed"


def test_two_connections_keep_to_themselves(live: Live, lab: Lab) -> None:
    with syndb_lab.connect(live.url, live.make_token("another")) as other:
        job = other.sql("SELECT 1 AS a").wait()
        assert other.job(job.id).status == "completed"
        with pytest.raises(syndb_lab.JobNotFound):
            lab.job(job.id)


@pytest.mark.parametrize("value", ["1.10", "12345678901234567890.123456789", "1E-10"])
def test_decimals_are_bound_exactly(lab: Lab, value: str) -> None:
    found = rows(lab, "SELECT $v AS a", parameters={"v": decimal.Decimal(value)})
    assert found == [{"a": decimal.Decimal(value)}]


@pytest.mark.parametrize("value", ["NaN", "Infinity"])
def test_decimals_without_a_value_are_refused(lab: Lab, value: str) -> None:
    with pytest.raises(syndb_lab.ParameterError, match=value):
        lab.sql("SELECT $v AS a", parameters={"v": decimal.Decimal(value)})


def completed(jobs: Jobs, body: dict[str, Any]) -> dict[str, Any]:
    record: dict[str, Any] = jobs.http.post("/v1/jobs", json=body).raise_for_status().json()
    while record["status"] in {"pending", "running"}:
        address = f"/v1/jobs/{record['job_id']}?wait=20&version={record['version']}"
        record = jobs.http.get(address).raise_for_status().json()
    return record


def fetched(jobs: Jobs, record: dict[str, Any]) -> pa.Table:
    content = jobs.http.get(f"/v1/jobs/{record['job_id']}/result").raise_for_status().content
    return pa.ipc.open_file(content).read_all()


def test_an_earlier_result_is_used_again_for_the_same_values_alone(jobs: Jobs) -> None:
    values = [1, 2, 1.0, "1", True, None]
    found = []
    for value in values:
        record = completed(jobs, {"query": "SELECT $x AS a", "parameters": {"x": value}, "reuse": True})
        table = fetched(jobs, record)
        found.append((str(table.schema.field(0).type), table["a"].to_pylist()[0]))
    assert [value for _, value in found] == values
    assert len(set(found)) == len(values)


@pytest.mark.parametrize(
    "expression",
    [
        "random()",
        "uuid()",
        "now()::VARCHAR",
        "current_timestamp::VARCHAR",
        "(SELECT max(random()) FROM range(3))",
    ],
)
def test_what_differs_each_time_is_never_taken_from_an_earlier_result(jobs: Jobs, expression: str) -> None:
    body = {"query": f"SELECT {expression} AS a", "reuse": True}
    first, second = completed(jobs, body), completed(jobs, body)
    assert second["result"]["reused_from"] is None
    assert fetched(jobs, first) != fetched(jobs, second)


def test_failures_and_destroyed_results_are_never_used_again(jobs: Jobs) -> None:
    fails = {"query": "SELECT error('x') FROM range(1)", "reuse": True}
    assert [completed(jobs, fails)["status"] for _ in range(2)] == ["failed", "failed"]
    body = {"query": "SELECT 42 AS a, 'destroyed' AS b", "reuse": True}
    first = completed(jobs, body)
    jobs.http.delete(f"/v1/jobs/{first['job_id']}?purge=true").raise_for_status()
    second = completed(jobs, body)
    assert second["result"]["reused_from"] is None
    assert fetched(jobs, second).to_pylist() == [{"a": 42, "b": "destroyed"}]


def test_a_request_that_is_sent_again_makes_no_second_job(jobs: Jobs) -> None:
    headers = {"Idempotency-Key": f"reports-{time.monotonic_ns()}"}
    body = {"query": "SELECT * FROM range(10)"}
    made = [jobs.http.post("/v1/jobs", json=body, headers=headers).json()["job_id"] for _ in range(3)]
    assert len(set(made)) == 1


def test_communities_hang_together(lab: Lab, dataset_id: str) -> None:
    job = lab.graph(dataset_id, "communities", node_table=True)
    neurons = job.to_polars(part="neurons")
    pairs = lab.sql(
        "SELECT pre_neuron_id, post_neuron_id FROM connections WHERE dataset_id = $d",
        parameters={"d": dataset_id},
    )
    graph: nx.Graph[int] = nx.Graph(pairs.to_polars().rows())
    for (community,), members in neurons.drop_nulls("community").group_by("community"):
        assert nx.is_connected(graph.subgraph(members["neuron_id"].to_list())), community
