import json
import threading
import uuid
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import pyarrow as pa
import pytest

import syndb_lab
from syndb_lab import Job, Lab
from syndb_lab.http.transport import Transport
from syndb_lab.results.graph_objects import directed_graph, query_graph
from tests.support.lab_fakes import FLYWIRE_ID, JOB_ID, Answer, arrow_file, job_record, result_info
from tests.support.waiting import wait_until

Pretend = Callable[[Answer], Transport]
CONTENT = arrow_file(pa.table({"n": [1, 2]}))


class Kept:
    """A progress line that is kept."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def show(self, line: str) -> None:
        self.lines.append(line)

    def end(self, line: str) -> None:
        self.lines.append(f"end: {line}")


@pytest.mark.slow
def test_waiting_survives_a_service_that_is_away(pretend: Pretend, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("syndb_lab.http.job_events.PAUSES_S", (0.3,))
    asked: list[int] = []

    def answer(_: httpx.Request) -> httpx.Response:
        asked.append(1)
        if len(asked) <= 6:
            raise httpx.ConnectError("refused")
        return httpx.Response(200, json=job_record("completed"))

    line = Kept()
    job = Job(pretend(answer), job_record("running")).wait(timeout=120, progress=line)
    assert job.status == "completed"
    assert any("does not answer" in shown for shown in line.lines)
    assert line.lines[-1].startswith("end: completed")


def test_waiting_gives_up_on_a_service_that_stays_away(
    pretend: Pretend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("syndb_lab.job_handle.TIMEOUT_S", 0.2)
    monkeypatch.setattr("syndb_lab.http.job_events.PAUSES_S", (0.1,))

    def answer(_: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused")

    with pytest.raises(syndb_lab.ServiceUnavailable):
        Job(pretend(answer), job_record("running")).wait(timeout=120)


@pytest.mark.slow
@pytest.mark.parametrize("trouble", [RuntimeError("client has been closed"), OSError("bad file descriptor")])
@pytest.mark.filterwarnings("error::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_connection_closed_under_a_forgotten_poll_troubles_nobody(
    pretend: Pretend, trouble: Exception
) -> None:
    closed, ended = threading.Event(), threading.Event()

    def answer(_: httpx.Request) -> httpx.Response:
        closed.wait(120)
        ended.set()
        raise trouble

    with pytest.raises(syndb_lab.WaitTimeout):
        Job(pretend(answer), job_record("running")).wait(timeout=0.2)
    closed.set()
    assert ended.wait(120)
    wait_until(lambda: not [thread for thread in threading.enumerate() if thread.name == "syndb-watch"])


def test_what_nobody_foresaw_reaches_whoever_waits(pretend: Pretend) -> None:
    def answer(_: httpx.Request) -> httpx.Response:
        raise RuntimeError("out of the blue")

    with pytest.raises(syndb_lab.SyndbError, match=r"wait\(\) failed: RuntimeError: out of the blue"):
        Job(pretend(answer), job_record("running")).wait(timeout=120)


def test_a_token_that_expires_ends_the_waiting(pretend: Pretend) -> None:
    answer = httpx.Response(401, json={"detail": "the token has expired", "code": "unauthenticated"})
    with pytest.raises(syndb_lab.AuthError, match="expired"):
        Job(pretend(lambda _: answer), job_record("running")).wait(timeout=120)


@pytest.mark.slow
def test_waiting_asks_from_the_version_it_knows(pretend: Pretend) -> None:
    asked: list[dict[str, str]] = []

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/events"):
            return httpx.Response(200, text="<p>a proxy's page</p>", headers={"Content-Type": "text/html"})
        asked.append(dict(request.url.params))
        return httpx.Response(200, json=job_record("running" if len(asked) < 2 else "completed", version=7))

    Job(pretend(answer), job_record("running", version=3)).wait(timeout=120)
    assert [params["version"] for params in asked] == ["3", "7"]
    assert all(0 < float(params["wait"]) <= 60 for params in asked)


def test_an_older_record_that_arrives_late_is_ignored(pretend: Pretend) -> None:
    job = Job(pretend(lambda _: httpx.Response(500)), job_record("running", version=3))
    job.record = job_record("completed", version=5)
    job.record = job_record("running", version=4)
    assert job.status == "completed"


def test_a_job_that_has_ended_is_not_asked_about(pretend: Pretend) -> None:
    def answer(_: httpx.Request) -> httpx.Response:
        raise AssertionError("no request is needed")

    job = Job(pretend(answer), job_record("failed", error={"message": "no", "code": "c"}))
    assert job.wait() is job
    with pytest.raises(syndb_lab.JobFailed, match="no"):
        job.to_polars()


@pytest.mark.parametrize("verb", ["to_polars", "to_pandas", "to_arrow", "to_duckdb"])
def test_a_cut_result_raises_unless_it_is_asked_for(pretend: Pretend, verb: str) -> None:
    record = job_record("completed", result=result_info(CONTENT, truncated=True))
    job = Job(pretend(lambda _: httpx.Response(200, content=CONTENT)), record)
    with pytest.raises(syndb_lab.ResultTruncated, match="allow_truncated=True"):
        getattr(job, verb)()
    assert getattr(job, verb)(allow_truncated=True) is not None


def test_a_result_that_is_gone_says_rerun(pretend: Pretend) -> None:
    job = Job(pretend(lambda _: httpx.Response(500)), job_record("completed", result=None))
    with pytest.raises(syndb_lab.ResultExpired, match="rerun"):
        job.to_polars()


def test_a_handle_shows_no_token_and_asks_nothing(pretend: Pretend) -> None:
    def answer(_: httpx.Request) -> httpx.Response:
        raise AssertionError("showing asks nothing")

    record = job_record("completed", label="<b>mine</b>", result=result_info(CONTENT))
    assert repr(Job(pretend(answer), record)) == f"<query job {JOB_ID} completed (2 rows) '<b>mine</b>'>"


def test_an_unfinished_handle_says_as_of_when(pretend: Pretend, monkeypatch: pytest.MonkeyPatch) -> None:
    class Clock(datetime):
        at = datetime(2026, 3, 4, 16, 3, 5)

        @classmethod
        def now(cls, tz: object = None) -> "Clock":
            return cls.combine(cls.at.date(), cls.at.time())

    monkeypatch.setattr("syndb_lab.job_handle.datetime", Clock)
    job = Job(pretend(lambda _: httpx.Response(200, json=job_record("running"))), job_record(label="l"))
    Clock.at = datetime(2026, 3, 4, 17, 0, 0)
    assert repr(job) == f"<query job {JOB_ID} pending 'l' as of 16:03:05; .refresh() asks again>"
    Clock.at = datetime(2026, 3, 5, 9, 0, 0)
    assert "as of 2026-03-04 16:03:05" in repr(job)
    assert repr(job.refresh()).endswith(" running as of 09:00:00; .refresh() asks again>")


def test_done_asks_until_it_is_done(pretend: Pretend) -> None:
    asked: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.path)
        return httpx.Response(200, json=job_record("running" if len(asked) < 3 else "failed"))

    job = Job(pretend(answer), job_record())
    assert (job.status, asked) == ("pending", [])
    while not job.done():
        assert len(asked) < 3
    assert job.done()
    assert (job.status, asked) == ("failed", [f"/v1/jobs/{JOB_ID}"] * 3)


def test_lists_escape_what_comes_from_the_service(pretend_lab: Callable[[Answer], Lab]) -> None:
    evil = "<script>alert(1)</script>"
    dataset: dict[str, Any] = dict.fromkeys(("id", "name", "title", "species", "citation"), evil)
    dataset["tables"] = [{"name": evil, "rows": 3, "columns": [{"name": evil}]}]

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/v1/datasets":
            return httpx.Response(200, json={"datasets": [dataset]})
        return httpx.Response(200, json={"jobs": [job_record(label=evil)], "next_cursor": None})

    lab = pretend_lab(answer)
    for shown in (lab.datasets()._repr_html_(), lab.datasets()[0]._repr_html_(), lab.jobs()._repr_html_()):
        assert "<script" not in shown
        assert "&lt;script&gt;" in shown


def test_jobs_are_paged(pretend_lab: Callable[[Answer], Lab]) -> None:
    asked: list[list[tuple[str, str]]] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.params.multi_items())
        page = [job_record() for _ in range(500)]
        return httpx.Response(200, json={"jobs": page, "next_cursor": f"c{len(asked)}"})

    assert len(pretend_lab(answer).jobs(status=["running", "pending"], limit=700)) == 700
    assert asked == [
        [("status", "running"), ("status", "pending"), ("limit", "500")],
        [("status", "running"), ("status", "pending"), ("limit", "200"), ("cursor", "c1")],
    ]


@pytest.mark.parametrize("limit", [0, -1, None, "5", 2.5])
def test_a_limit_that_lists_nothing_is_refused(pretend_lab: Callable[[Answer], Lab], limit: Any) -> None:
    with pytest.raises(syndb_lab.ParameterError, match="limit is"):
        pretend_lab(lambda _: httpx.Response(500)).jobs(limit=limit)


@pytest.mark.parametrize("limit", [0, -1, float("nan"), float("inf"), "5"])
def test_a_time_limit_that_is_none_is_refused(pretend_lab: Callable[[Answer], Lab], limit: Any) -> None:
    lab = pretend_lab(lambda _: httpx.Response(500))
    for submit in (lab.sql, lab.graph):
        with pytest.raises(syndb_lab.ParameterError, match="time_limit_s is"):
            submit(JOB_ID, time_limit_s=limit)


def test_reproducible_takes_true_or_false(pretend_lab: Callable[[Answer], Lab]) -> None:
    with pytest.raises(syndb_lab.ParameterError, match="reproducible is a str; it takes True or False"):
        pretend_lab(lambda _: httpx.Response(500)).sql("SELECT 1", reproducible="yes")  # type: ignore[arg-type]


def test_a_graph_job_has_its_time_limit(pretend_lab: Callable[[Answer], Lab]) -> None:
    sent: list[dict[str, Any]] = []

    def answer(request: httpx.Request) -> httpx.Response:
        sent.append(json.loads(request.content))
        return httpx.Response(202, json=job_record(kind="graph"))

    pretend_lab(answer).graph(uuid.UUID(JOB_ID), time_limit_s=3)
    assert sent == [{"dataset_id": JOB_ID, "analysis": "full", "time_limit_s": 3}]


@pytest.mark.parametrize("job_id", [None, 3, "x"])
def test_what_can_be_no_id_is_not_asked_for(pretend_lab: Callable[[Answer], Lab], job_id: Any) -> None:
    with pytest.raises(syndb_lab.JobNotFound, match="no job id"):
        pretend_lab(lambda _: httpx.Response(500)).job(job_id)


def test_an_empty_list_says_so(pretend_lab: Callable[[Answer], Lab]) -> None:
    lab = pretend_lab(lambda _: httpx.Response(200, json={"jobs": [], "datasets": [], "next_cursor": None}))
    assert repr(lab.jobs()) == "no jobs"
    assert "syndb-lab dataset add" in repr(lab.datasets())
    assert lab.datasets()._repr_html_().startswith("<p>")


def test_rows_of_one_pair_add_up() -> None:
    ids = [FLYWIRE_ID, FLYWIRE_ID, 2]
    edges = pa.table({"pre_neuron_id": ids, "post_neuron_id": [2, 2, 2], "synapse_count": [3, 4, 5]})
    graph = directed_graph(edges, pa.table({"neuron_id": [2, 3], "name": ["AVAL", "AVAR"]}))
    assert set(graph) == {FLYWIRE_ID, 2, 3}
    assert graph.edges[FLYWIRE_ID, 2] == {"synapse_count": 7, "weight": 7}
    assert graph.has_edge(2, 2)
    assert graph.nodes[2] == {"name": "AVAL"}


def test_a_connection_needs_both_ends() -> None:
    with pytest.raises(syndb_lab.ResultUnsuitable, match="without post"):
        directed_graph(pa.table({"pre": [1], "post": pa.array([None], pa.int64())}))


def edges(*datasets: str | None, told: tuple[str, ...] | None = ()) -> pa.Table:
    columns: dict[str, Any] = {"pre_neuron_id": [1] * len(datasets), "post_neuron_id": [2] * len(datasets)}
    if None not in datasets:
        columns["dataset_id"] = list(datasets)
    described = [{"id": name, "name": f"name of {name}"} for name in told or ()]
    metadata = None if told is None else {"syndb.datasets": json.dumps(described)}
    return pa.table(columns).replace_schema_metadata(metadata)


@pytest.mark.parametrize(
    "table",
    [
        edges("a", "a", told=("a",)),
        edges("a", told=("a", "b")),
        edges("a", told=None),
        edges(None, told=("a",)),
        edges(None, told=()),
        edges(None, told=None).slice(0, 0),
        edges("a", "b", told=("a", "b")).slice(0, 0),
    ],
)
def test_neurons_of_one_dataset_are_numbers(table: pa.Table) -> None:
    assert set(query_graph(table, across_datasets=False)) <= {1, 2}


@pytest.mark.parametrize(
    ("table", "words"),
    [
        (edges("a", "b", told=("a", "b")), r"2 datasets.*name of a \(a\), name of b \(b\)"),
        (edges("a", "b", told=None), r"2 datasets.*a, b"),
        (edges(None, None, told=("a", "b")), r"2 datasets.*name of a \(a\), name of b \(b\)"),
        (edges(None, told=None), "does not say of which dataset"),
    ],
)
def test_neurons_of_several_datasets_are_not_fused(table: pa.Table, words: str) -> None:
    with pytest.raises(syndb_lab.ResultUnsuitable, match=words):
        query_graph(table, across_datasets=False)


def test_several_datasets_side_by_side() -> None:
    graph = query_graph(edges("a", "b", "b", told=("a", "b")), across_datasets=True)
    assert list(graph.edges(data="weight")) == [(("a", 1), ("a", 2), 1), (("b", 1), ("b", 2), 2)]
    with pytest.raises(syndb_lab.ResultUnsuitable, match="needs the column dataset_id"):
        query_graph(edges(None, told=("a",)), across_datasets=True)


def test_a_graph_needs_two_columns(tmp_path: Path) -> None:
    with pytest.raises(syndb_lab.ResultUnsuitable, match="name, other"):
        directed_graph(pa.table({"name": [1], "other": [2]}))
