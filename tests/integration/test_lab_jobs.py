"""The client against the real service: jobs from submission to the frame."""

from __future__ import annotations

import datetime
import decimal
import json
import signal
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import networkx as nx
import polars as pl
import pytest

import syndb_lab
from syndb_lab import Lab
from syndb_lab.results.provenance import read_provenance
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from tests.support.live_service import Live

FLYWIRE_ID = 720575940600000001
IDS = f"FROM (VALUES ({FLYWIRE_ID}::BIGINT, 'a'), (NULL, NULL), (9007199254740993, 'b')) AS t(id, name)"
SLOW = "SELECT count(*) AS n FROM range(1000000000) a, range(1000000) b WHERE (a.range * b.range) % 7 = 3"
DATASET = "celegans_varshney_2011"


@pytest.fixture
def lab(live: Live, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Lab]:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    with syndb_lab.connect(live.url, live.token) as lab:
        yield lab


@pytest.fixture
def slow(lab: Lab) -> Iterator[syndb_lab.Job]:
    job = lab.sql(SLOW, label="slow")
    yield job
    job.cancel().wait(timeout=120)


@pytest.mark.parametrize("kind", ["arrow", "parquet", "csv"])
def test_ids_are_exact_in_every_frame(lab: Lab, kind: Literal["arrow", "parquet", "csv"]) -> None:
    job = lab.sql(IDS, format=kind)
    ids = [FLYWIRE_ID, None, 9007199254740993]
    assert job.to_polars()["id"].to_list() == ids
    assert job.to_arrow()["id"].to_pylist() == ids
    assert [row[0] for row in job.to_duckdb().fetchall()] == ids
    frame = job.to_pandas()
    assert str(frame.dtypes["id"]) == "int64[pyarrow]"
    assert [int(frame["id"][0]), int(frame["id"][2])] == [FLYWIRE_ID, 9007199254740993]
    assert frame["id"].isna().tolist() == [False, True, False]
    assert job.to_polars()["name"].to_list() == ["a", None, "b"]


def test_parameters_are_values_and_nothing_else(lab: Lab) -> None:
    job = lab.sql(
        "SELECT :id::BIGINT AS id, :text AS text, 'it is :id' AS said, [1, 2, 3][:2] AS few",
        parameters={"id": FLYWIRE_ID, "text": "'; DROP TABLE neurons; --"},
    )
    assert job.to_polars().row(0) == (FLYWIRE_ID, "'; DROP TABLE neurons; --", "it is :id", [1, 2])


def test_a_parameter_without_a_value_is_refused_by_name(lab: Lab) -> None:
    with pytest.raises(syndb_lab.QueryError, match="least"):
        lab.sql("SELECT name FROM neurons WHERE neuron_id > :least")


def test_a_refused_query_points_at_its_place(lab: Lab) -> None:
    with pytest.raises(syndb_lab.QueryError) as caught:
        lab.sql("SELECT\n  nam\nFROM neurons WHERE neuron_id > :n", parameters={"n": 1})
    assert (caught.value.line, caught.value.column) == (2, 3)
    assert "line 2:   nam\n          ^" in str(caught.value)
    assert "name" in str(caught.value)


def test_a_job_that_fails_says_why(lab: Lab) -> None:
    job = lab.sql("SELECT error('no ' || name) FROM neurons").wait()
    assert job.status == "failed"
    with pytest.raises(syndb_lab.JobFailed) as caught:
        job.to_polars()
    assert caught.value.job_id == job.id
    assert caught.value.message == job.record["error"]["message"]


def test_a_result_asked_too_early(slow: syndb_lab.Job) -> None:
    with pytest.raises(syndb_lab.ResultNotReady, match=r"pending|running"):
        slow.to_polars(wait=False)


def test_a_result_asked_after_a_cancel(slow: syndb_lab.Job) -> None:
    slow.cancel().wait(timeout=120)
    assert slow.status == "cancelled"
    for verb in (slow.to_polars, slow.to_pandas, slow.to_arrow, slow.to_duckdb, slow.to_networkx):
        with pytest.raises(syndb_lab.JobCancelled, match="rerun"):
            verb()
    with pytest.raises(syndb_lab.JobCancelled):
        slow.result_path(wait=False)


def test_a_job_is_picked_up_by_the_beginning_of_its_id(lab: Lab) -> None:
    job = lab.sql("SELECT 'short'", wait=True)
    assert lab.job(job.id[:10]).id == job.id
    with pytest.raises(syndb_lab.JobNotFound, match="'0000' is no job id"):
        lab.job("0000")
    listed = repr(lab.jobs(limit=1)).splitlines()[1]
    assert "SELECT 'short'" in listed
    assert job.id in listed


def test_a_value_that_is_missing_is_told_as_it_was_written(lab: Lab) -> None:
    with pytest.raises(syndb_lab.QueryError) as caught:
        lab.sql("SELECT 1,\n  :worm", parameters={"wurm": 3})
    assert str(caught.value).splitlines() == [
        ":worm has no value",
        "line 2:   :worm",
        "          ^",
        "Give each its value by name: lab.sql(query, parameters={…}).",
    ]


def test_a_cancel_in_the_middle_ends_a_wait(slow: syndb_lab.Job, lab: Lab) -> None:
    threading.Timer(0.5, lambda: lab.job(slow.id).cancel()).start()
    assert slow.wait(timeout=120).status == "cancelled"


def test_a_wait_with_a_limit_ends_and_the_job_goes_on(slow: syndb_lab.Job) -> None:
    started = time.monotonic()
    with pytest.raises(TimeoutError, match="still") as caught:
        slow.wait(timeout=0.3)
    assert time.monotonic() - started >= 0.3
    assert isinstance(caught.value, syndb_lab.WaitTimeout)
    assert slow.refresh().status in {"pending", "running"}


def test_a_rerun_is_a_new_job(lab: Lab) -> None:
    first = lab.sql("SELECT 1 AS n", label="one").wait()
    again = first.rerun()
    assert again.id != first.id
    assert again.record["rerun_of"] == first.id
    assert again.to_polars().item() == 1


def test_jobs_are_found_again(lab: Lab) -> None:
    job = lab.sql("SELECT 2 AS n", label="found again").wait()
    assert lab.job(job.id).to_polars().item() == 2
    listed = lab.jobs(status=["completed"], kind="query", limit=3)
    assert listed[0].id == job.id
    assert job.id in repr(listed)
    assert len(lab.jobs(limit=1)) == 1


@pytest.mark.parametrize("job_id", ["0a6e2f2e-0d1b-4a43-9d1c-3c1d0f3c9f10", "no id", ""])
def test_a_job_that_is_not_there(lab: Lab, job_id: str) -> None:
    with pytest.raises(syndb_lab.JobNotFound):
        lab.job(job_id)


def test_someone_elses_job_is_not_there(lab: Lab, live: Live) -> None:
    job = lab.sql("SELECT 1")
    with (
        syndb_lab.connect(live.url, live.make_token("someone")) as other,
        pytest.raises(syndb_lab.JobNotFound),
    ):
        other.job(job.id)


def test_who_may_not(live: Live) -> None:
    with syndb_lab.connect(live.url, "no-such-token") as lab, pytest.raises(syndb_lab.AuthError):
        lab.datasets()
    token = live.make_token("visitor", academic=False)
    with (
        syndb_lab.connect(live.url, token) as lab,
        pytest.raises(syndb_lab.AcademicVerificationRequired),
    ):
        lab.sql("SELECT 1")


def test_datasets_read_well(lab: Lab) -> None:
    datasets = lab.datasets()
    assert DATASET in repr(datasets)
    assert datasets.named(DATASET).tables["neurons"]["rows"] == 279
    assert datasets.named(DATASET).citation
    with pytest.raises(syndb_lab.UnknownDataset, match=DATASET):
        lab.graph("celegans_varshny")


def test_a_graph_job_reproduces_the_paper(lab: Lab) -> None:
    job = lab.graph(DATASET, label="paper")
    answer = job.answer()
    assert (answer["neuron_count"], answer["connection_count"]) == (279, 2194)
    assert answer["strongly_connected_components"]["largest"] == 237
    assert round(answer["mean_shortest_path"], 2) == 3.48
    assert len(job.plot().axes) >= 3
    with pytest.raises(syndb_lab.ResultUnsuitable, match="no table"):
        job.to_polars()


def test_the_table_of_neurons_is_a_part_of_a_graph_job(lab: Lab) -> None:
    job = lab.graph(DATASET, "metrics", node_table=True)
    neurons = job.to_polars(part="neurons")
    assert neurons.height == job.answer()["neuron_count"] == 279
    assert neurons["neuron_id"].dtype == pl.Int64
    assert neurons["neuron_id"].is_unique().all()
    assert neurons["in_degree"].sum() == neurons["out_degree"].sum() == 2194
    assert {"pagerank", "clustering", "community", "core_number", "reachability"} <= set(neurons.columns)
    assert job.table(part="neurons").shape == (279, neurons.width)
    with pytest.raises(syndb_lab.ResultUnsuitable, match="node_table=True"):
        lab.graph(DATASET, "metrics").to_polars(part="neurons")


@pytest.mark.parametrize(
    "options", [{}, {"include": "both", "min_synapses": 2, "cell_class": "motor"}], ids=str
)
def test_a_view_has_the_scores_of_the_whole_graph(lab: Lab, options: dict[str, Any]) -> None:
    job = lab.graph(DATASET, "metrics", node_table=True, **options)
    table = job.to_polars(part="neurons")
    scores = [name for name, kind in table.schema.items() if kind.is_numeric() and name != "neuron_id"]
    view, plain = job.explore(limit=30), lab.graph(DATASET, "metrics", **options).explore(limit=30)
    assert view.neurons == plain.neurons
    shown, counted = (dict(one.to_networkx().nodes(data=True)) for one in (view, plain))
    for name in scores:
        known = dict(zip(table["neuron_id"], table[name], strict=True))
        key = "pagerank_whole" if name == "pagerank" else name
        assert key in view.scores
        assert {neuron: values[key] for neuron, values in shown.items()} == {
            each: known[each] for each in shown
        }
        assert key not in plain.scores or all(shown[each][key] == counted[each][key] for each in shown)
    assert set(view.scores) - set(plain.scores) >= {
        "pagerank_whole",
        "community",
        "clustering",
        "core_number",
    }


@pytest.mark.parametrize(
    ("row", "told"),
    [
        ("NULL::BIGINT AS pre, 2 AS post, 3 AS weight", "a row without pre is no connection"),
        ("'007' AS pre, '7' AS post, 3 AS weight", "no neuron ids: 007"),
        ("18446744073709551615::UBIGINT AS pre, 2 AS post", "no neuron ids: 18446744073709551615"),
        ("1 AS pre, 2 AS post, NULL::INTEGER AS weight", "1 → 2 has NULL as weight"),
        ("1 AS pre, 2 AS post, -3 AS weight", "1 → 2 weighs -3"),
        ("1 AS pre, 2 AS post, 'inf'::DOUBLE AS weight", "1 → 2 weighs inf"),
        ("1 AS pre, 2 AS post, 4503599627370490 AS weight", "1 → 2 weighs 9007199254740980"),
        ("1 AS pre, 2 AS post, 'x' AS weight", "weight is string"),
        ("1 AS pre, 2 AS post, true AS weight", "weight is bool"),
    ],
)
def test_listed_connections_that_can_not_be_drawn_are_named(lab: Lab, row: str, told: str) -> None:
    with pytest.raises(syndb_lab.ResultUnsuitable) as refused:
        lab.sql(f"SELECT {row} UNION ALL SELECT {row}").explore()
    assert told in str(refused.value)
    assert "line 1" not in str(refused.value)
    assert refused.value.hint


def test_a_connection_of_weight_zero_is_drawn(lab: Lab) -> None:
    view = lab.sql("SELECT '1' AS pre, '-2' AS post, 0::UHUGEINT AS weight").explore()
    assert "2 neurons, 1 connection," in repr(view)


def test_a_table_that_is_gone_breaks_no_view(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    job = lab.graph(DATASET, "metrics", node_table=True)
    answer = job.answer()
    assert answer["neuron_count"] == 279
    lab.job(job.id).purge()  # frees the copies on this computer, too
    with pytest.raises(syndb_lab.ResultExpired, match=r"job\.rerun\(\)"):
        job.explore(limit=10)
    monkeypatch.setattr(type(job), "answer", lambda _: answer)
    view = job.explore(limit=10)
    assert "pagerank_whole" not in view.scores
    assert "the scores of the job's table are missing: the result was destroyed" in repr(view._bundle())
    with pytest.raises(syndb_lab.ParameterError, match=r"Run the job again .*: job\.rerun\(\)"):
        view.size = "pagerank_whole"


def test_a_graph_job_in_networkx_is_the_graph_it_analysed(lab: Lab) -> None:
    filters: list[dict[str, Any]] = [
        {},
        {"min_synapses": 3},
        {"include": "gap_junctions"},
        {"include": "both", "neurotransmitter": "GABA", "min_synapses": 2},
        {"neuron_ids": list(range(1, 100)), "cell_class": {"pre": ["sensory", "interneuron"]}},
        {"neurotransmitter": ["Glutamate"], "cell_class": {"post": "motor"}},
    ]
    for chosen in filters:
        job = lab.graph(lab.datasets().named(DATASET), "metrics", **chosen)
        answer, graph = job.answer(), job.to_networkx()
        assert graph.number_of_nodes() == answer["neuron_count"]
        assert graph.number_of_edges() == answer["connection_count"]
        assert nx.overall_reciprocity(graph) == pytest.approx(answer["reciprocity"])
        assert sum(weight for _, _, weight in graph.edges(data="weight")) == answer["synapse_count"]
        assert {"name", "cell_class"} <= set(graph.nodes[1])


def test_a_query_in_networkx(lab: Lab) -> None:
    columns = "SELECT pre_neuron_id, post_neuron_id, synapse_count FROM connections"
    worm = {"worm": lab.datasets().named(DATASET).id}
    job = lab.sql(f"{columns} WHERE dataset_id = :worm LIMIT 10", parameters=worm)
    assert job.to_networkx().number_of_edges() == 10
    with pytest.raises(syndb_lab.ResultUnsuitable, match="pre_neuron_id"):
        lab.sql("SELECT 1 AS n").to_networkx()
    with pytest.raises(syndb_lab.ResultUnsuitable, match=r"lab\.graph"):
        job.plot()


def test_a_query_over_both_worms_fuses_no_neurons(lab: Lab) -> None:
    ids = [dataset.id for dataset in lab.datasets()]
    for columns in ("*", "pre_neuron_id, post_neuron_id"):
        job = lab.sql(f"SELECT {columns} FROM connections")
        with pytest.raises(syndb_lab.ResultUnsuitable, match="2 datasets") as caught:
            job.to_networkx()
        shown = str(caught.value)
        assert DATASET in shown
        assert "WHERE dataset_id = " in shown
        assert "across_datasets=True" in shown
        assert all(one in shown for one in ids)
    both = lab.sql("SELECT * FROM connections").to_networkx(across_datasets=True)
    assert both.number_of_edges() == 4580
    assert {dataset for dataset, _ in both} == set(ids)
    assert nx.number_weakly_connected_components(both) >= 2


def test_a_join_of_one_dataset_is_of_one_dataset(lab: Lab) -> None:
    job = lab.sql(
        """SELECT pre.name AS pre, post.name AS post, synapse_count FROM connections
        JOIN neurons AS pre ON pre.neuron_id = pre_neuron_id AND pre.dataset_id = connections.dataset_id
        JOIN neurons AS post ON post.neuron_id = post_neuron_id AND post.dataset_id = connections.dataset_id
        WHERE connections.dataset_id = :worm""",
        parameters={"worm": lab.datasets().named(DATASET).id},
    )
    assert job.to_networkx().number_of_edges() == 2194


def test_dates_are_dates(lab: Lab) -> None:
    day = datetime.date(2011, 2, 3)
    moment = datetime.datetime(2011, 2, 3, 4, 5, 6, 7, datetime.UTC)
    job = lab.sql(
        "SELECT year(:day), :moment - INTERVAL 1 DAY, DATE '2011-02-03' IN :days, 1 < :half",
        parameters={"day": day, "moment": moment, "days": [day, None], "half": decimal.Decimal("1.5")},
    )
    assert job.to_polars().row(0) == (2011, moment - datetime.timedelta(days=1), True, True)


def test_a_query_with_dates_is_refused_at_its_place(lab: Lab) -> None:
    day = {"day": datetime.date(2011, 2, 3)}
    for query, line, column in (
        ("SELECT :day, nam FROM neurons", 1, 14),
        ("SELECT :day,\n  year(:day) + year(:day), nam FROM neurons", 2, 28),
        ("SELECT nam, :day FROM neurons", 1, 8),
    ):
        with pytest.raises(syndb_lab.QueryError) as caught:
            lab.sql(query, parameters=day)
        assert (caught.value.line, caught.value.column, caught.value.query) == (line, column, query)


def test_a_dataset_that_is_not_there(lab: Lab) -> None:
    for unknown in ("0a6e2f2e-0d1b-4a43-9d1c-3c1d0f3c9f10", uuid.UUID(int=0)):
        with pytest.raises(syndb_lab.UnknownDataset, match=DATASET):
            lab.graph(unknown)


def test_no_hint_speaks_http(lab: Lab, slow: syndb_lab.Job) -> None:
    dataset = lab.datasets().named(DATASET)
    stranger = "0a6e2f2e-0d1b-4a43-9d1c-3c1d0f3c9f10"
    mistakes: list[Callable[[], object]] = [
        lambda: lab.job(stranger),
        lambda: lab.graph(None),  # type: ignore[arg-type]
        lambda: lab.graph(dataset, "half"),
        lambda: lab.graph(dataset, top_hubs=-1),
        lambda: lab.jobs(status="done"),
        lambda: lab.sql("SELECT :n"),
        lambda: lab.sql("SELECT 1", format="xlsx"),  # type: ignore[arg-type]
        lambda: lab.sql("SELECT 1", time_limit_s=1e9),
        lambda: lab._transport.get(f"/v1/jobs/{slow.id}/result"),
    ]
    for mistake in mistakes:
        with pytest.raises(syndb_lab.SyndbError) as caught:
            mistake()
        assert not [word for word in ("/v1/", "openapi", "GET", "POST") if word in str(caught.value)]
        assert caught.value.hint or "time_limit_s" in caught.value.message


def test_the_file_says_where_it_comes_from(lab: Lab) -> None:
    job = lab.sql("SELECT name FROM neurons")
    metadata = {key.decode(): value.decode() for key, value in job.to_arrow().schema.metadata.items()}
    assert metadata["syndb.job_id"] == job.id
    assert metadata["syndb.query"] == "SELECT name FROM neurons"
    assert DATASET in {dataset["name"] for dataset in json.loads(metadata["syndb.datasets"])}


def test_showing_a_handle_asks_nothing(live: Live) -> None:
    lab = syndb_lab.connect(live.url, live.token)
    job = lab.sql("SELECT 1")
    lab.close()
    assert repr(job).startswith("<query job")
    assert (job.status, job.kind, job.label, job.query) == ("pending", "query", None, "SELECT 1")


def test_asking_whether_it_is_done_comes_to_an_end(lab: Lab, slow: syndb_lab.Job) -> None:
    assert not slow.done()
    job = lab.sql("SELECT 1")
    wait_until(job.done)
    assert job.status == "completed"
    assert "as of" not in repr(job)


CTRL_C = """
import sys, syndb_lab
from syndb_lab.display.progress import LogLine
lab = syndb_lab.connect(sys.argv[1], sys.argv[2])
job = lab.sql(sys.argv[3])
print(job.id, flush=True)
try:
    job.wait(progress=LogLine(sys.stdout))
except syndb_lab.Detached as detached:
    print("DETACHED", detached)
"""


def test_ctrl_c_detaches_at_once_and_the_job_goes_on(live: Live, lab: Lab) -> None:
    waiting = subprocess.Popen(
        [sys.executable, "-c", CTRL_C, live.url, live.token, SLOW], stdout=subprocess.PIPE, text=True
    )
    assert waiting.stdout is not None
    job_id = waiting.stdout.readline().strip()
    assert waiting.stdout.readline().split()[0] in {"pending", "running"}
    waiting.send_signal(signal.SIGINT)
    output = waiting.communicate(timeout=120)[0]
    assert waiting.returncode == 0
    assert f"cancel {job_id}" in output
    job = lab.job(job_id)
    assert job.status in {"pending", "running"}
    job.cancel().wait(timeout=120)


@pytest.mark.parametrize("format_", ["arrow", "parquet", "csv"])
def test_a_result_says_what_to_cite(lab: Lab, format_: Any) -> None:
    worm = lab.datasets().named("celegans_varshney_2011").id
    query = "SELECT name FROM neurons WHERE dataset_id = :worm"
    job = lab.sql(query, parameters={"worm": worm}, format=format_).wait()
    (dataset,) = read_provenance(job._transport, job.record)["datasets"]
    assert (dataset["id"], dataset["version"]) == (worm, "1")
    assert dataset["citation"].startswith("Varshney LR")
