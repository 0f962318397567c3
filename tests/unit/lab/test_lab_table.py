"""What ``job.table()`` gives and refuses, and that nothing of it stays behind."""

from __future__ import annotations

import gc
import json
import threading
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import httpx
import psutil
import pyarrow as pa
import pytest
from ipywidgets.widgets import widget as ipywidgets_widget

from syndb_lab import Job
from syndb_lab.display.cell_output import SHOWN, close_earlier_output
from syndb_lab.errors import (
    JobCancelled,
    JobFailed,
    ResultExpired,
    ResultNotReady,
    ResultTruncated,
    ResultUnsuitable,
)
from syndb_lab.http.transport import Transport
from syndb_lab.notebook.table import ResultTable
from syndb_lab.notebook.table.page_server import PageServer, answer, view_of
from syndb_lab.notebook.table.row_view import RowView, ViewSpec
from syndb_lab.notebook.table.widget import TableOutput
from tests.support.lab_fakes import FLYWIRE_ID, Answer, arrow_file, job_record, result_info
from tests.support.waiting import wait_until

Pretend = Callable[[Answer], Transport]
ATTACK = "<script>alert(1)</script>\x1b[31m"
TWO = pa.table({"neuron_id": pa.array([FLYWIRE_ID, None], pa.int64()), ATTACK: [ATTACK, "two\nlines"]})
PAGE = {"from": "g", "do": "page", "first": 0, "count": 60, "left": 0, "wide": 10}


def a_job(pretend: Pretend, table: pa.Table = TWO, **fields: Any) -> Job:
    content = arrow_file(table)
    result = result_info(content, rows=table.num_rows, **fields)
    return Job(
        pretend(lambda _: httpx.Response(200, content=content)), job_record("completed", result=result)
    )


@pytest.fixture
def stored(tmp_path: Path) -> Path:
    path = tmp_path / "result.arrow"
    numbers = range(20_000)
    path.write_bytes(arrow_file(pa.table({"n": numbers, "text": [f"neuron {n % 1000}" for n in numbers]})))
    return path


def test_the_first_rows_are_plain_html_and_plain_text(pretend: Pretend) -> None:
    bundle = a_job(pretend).table()._repr_mimebundle_()
    assert set(bundle) == {"text/html", "text/plain"}
    html = bundle["text/html"]
    assert "720575940600000001" in html
    assert "<i>NULL</i>" in html
    assert "two↵lines" in html
    assert "&lt;script&gt;" in html
    assert not any(word in html for word in ("<script", "<style", "\x1b"))
    assert "Run the cell again" in html
    assert bundle["text/plain"].splitlines()[1].startswith("720575940600000001  <script>")


def test_a_front_end_without_our_javascript_gets_rows_and_advice(
    pretend: Pretend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VSCODE_PID", "1")
    html = a_job(pretend).table()._repr_mimebundle_()["text/html"]
    assert "720575940600000001" in html
    assert "job.to_polars()" in html


@pytest.mark.slow
def test_only_twenty_rows_and_thirty_columns_are_saved(pretend: Pretend) -> None:
    table = a_job(pretend, pa.table({f"c{number}": range(100, 200) for number in range(500)})).table()
    html = table._repr_mimebundle_()["text/html"]
    assert html.count("<tr>") == 21
    assert "the first 20 of 100 rows · 30 of 500 columns" in html
    assert "the first 20 of 100 rows" in repr(table)
    assert (table.shape, len(repr(table).splitlines())) == ((100, 500), 22)


def test_what_has_no_table_says_what_to_use(pretend: Pretend) -> None:
    with pytest.raises(ResultUnsuitable, match="no table") as caught:
        Job(pretend(lambda _: httpx.Response(500)), job_record("completed", kind="graph")).table()
    assert "job.answer()" in str(caught.value)


def test_a_graph_job_has_its_table_of_neurons(pretend: Pretend) -> None:
    asked: list[str] = []
    content = arrow_file(TWO)

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(str(request.url))
        return httpx.Response(200, content=content)

    parts = {"neurons": result_info(content, columns=[{"name": "neuron_id", "type": "int64"}])}
    record = job_record("completed", kind="graph", result=result_info(b"{}", format="json", parts=parts))
    job = Job(pretend(answer), record)
    assert "720575940600000001" in repr(job.table(part="neurons"))
    assert job.to_polars(part="neurons").shape == (2, 2)
    assert asked == [f"http://service/v1/jobs/{job.id}/result?part=neurons"]
    assert "neurons" in job.table(part="neurons")._repr_mimebundle_()["text/html"]
    without = Job(
        pretend(answer), job_record("completed", kind="graph", result=result_info(b"{}", format="json"))
    )
    with pytest.raises(ResultUnsuitable, match="no part 'neurons'") as caught:
        without.to_arrow(part="neurons")
    assert "node_table=True" in str(caught.value)


@pytest.mark.parametrize(
    ("record", "error"),
    [
        (job_record("failed", error={"code": "engine_failure", "message": "no"}), JobFailed),
        (job_record("cancelled"), JobCancelled),
        (job_record("completed"), ResultExpired),
        (job_record("running"), ResultNotReady),
    ],
)
def test_a_job_without_a_result_raises_as_every_verb(
    pretend: Pretend, record: dict[str, Any], error: type[Exception]
) -> None:
    job = Job(pretend(lambda _: httpx.Response(200, content=json.dumps(record))), record)
    with pytest.raises(error):
        job.table(wait=False)


def test_a_cut_result_is_shown_only_where_asked_and_says_so(pretend: Pretend) -> None:
    job = a_job(pretend, truncated=True)
    with pytest.raises(ResultTruncated):
        job.table()
    table = job.table(allow_truncated=True)
    assert "there were more rows than these" in table._repr_mimebundle_()["text/html"]
    assert "cut at the service's size limit" in repr(table)


def test_requests_are_answered_in_a_thread_of_our_own_that_ends(stored: Path) -> None:
    answers: list[dict[str, Any]] = []
    told: list[str] = []
    serving = PageServer(
        lambda: RowView(stored),
        lambda one: (told.append(threading.current_thread().name), answers.append(one))[0],
    )
    serving.request({**PAGE, "seq": 1})
    wait_until(lambda: answers)
    assert answers[0]["total"] == 20_000
    assert answers[0]["cells"][0] == ["0", "neuron 0"]
    assert set(told) == {"syndb-table"}
    serving.request(
        {**PAGE, "seq": 2, "sort": [[0, "desc"]], "filters": {"1": "neuron 7"}, "first": 1, "count": 1}
    )
    wait_until(lambda: len(answers) == 3)
    assert answers[1] == {"to": "g", "seq": 2, "working": "filtering and sorting"}
    assert (answers[2]["total"], answers[2]["cells"]) == (2_220, [["19798", "neuron 798"]])
    serving.request({**PAGE, "seq": 3, "filters": {"0": "> x"}})
    wait_until(lambda: len(answers) == 5)
    assert (answers[4]["column"], answers[4]["seq"]) == (0, 3)
    serving.request({**PAGE, "do": "copy", "seq": 4, "first": 5, "count": 2})
    wait_until(lambda: len(answers) == 6)
    assert answers[5]["copied"] == "n\ttext\n5\tneuron 5\n6\tneuron 6"
    wait_until(lambda: "syndb-table" not in {thread.name for thread in threading.enumerate()})
    serving.close()
    serving.request({**PAGE, "seq": 5})
    assert len(answers) == 6


def test_a_question_that_nobody_waits_for_any_more_is_dropped(stored: Path) -> None:
    answers: list[dict[str, Any]] = []
    began, go_on = threading.Event(), threading.Event()

    def open_slowly() -> RowView:
        began.set()
        assert go_on.wait(120)
        return RowView(stored)

    serving = PageServer(open_slowly, answers.append)
    serving.request({**PAGE, "seq": 1})
    assert began.wait(120)
    for seq in range(2, 10):
        serving.request({**PAGE, "seq": seq, "first": seq})
    serving.request({**PAGE, "from": "another", "seq": 10})
    go_on.set()
    wait_until(lambda: len(answers) == 3)
    serving.close()
    assert [(one["to"], one["seq"]) for one in answers] == [("g", 1), ("g", 9), ("another", 10)]


def test_what_was_taken_back_is_not_worked_for(stored: Path) -> None:
    answers: list[dict[str, Any]] = []
    began, go_on = threading.Event(), threading.Event()

    def open_slowly() -> RowView:
        began.set()
        assert go_on.wait(120)
        return RowView(stored)

    serving = PageServer(open_slowly, answers.append)
    serving.request({**PAGE, "from": "another", "seq": 1})
    assert began.wait(120)
    serving.request({**PAGE, "seq": 1, "sort": [[0, "desc"]]})
    serving.request({**PAGE, "do": "copy", "seq": 2, "first": 0, "count": 1})
    serving.request({"do": "forget", "from": "g"})
    go_on.set()
    wait_until(lambda: len(answers) == 2)
    serving.close()
    assert [(one["to"], one["seq"]) for one in answers] == [("another", 1), ("g", 2)]


VIEWS: list[dict[str, Any]] = [
    {},
    {"sort": [[0, "desc"]]},
    {"sort": [[1, "asc"], [0, "desc"]]},
    {"filters": {"1": "neuron 7"}},
    {"sort": [[0, "desc"]], "filters": {"0": "> 19000"}},
]


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_questions_of_several_pages_in_any_order_get_their_own_answers(stored: Path, seed: int) -> None:
    random = Random(seed)
    answers: list[dict[str, Any]] = []
    serving = PageServer(lambda: RowView(stored), answers.append)
    asked: dict[tuple[str, int], dict[str, Any]] = {}
    newest: dict[str, int] = {}
    for seq in range(60):
        asker = random.choice(["one", "two", "three"])
        if random.random() < 0.2:
            serving.request({"do": "forget", "from": asker})
            newest.pop(asker, None)
            continue
        view = random.choice(VIEWS) | {"first": random.randrange(100), "count": random.randrange(5)}
        asked[asker, seq] = view
        newest[asker] = seq
        serving.request({**PAGE, "from": asker, "seq": seq, **view})
        if random.random() < 0.3:
            wait_until(lambda: "syndb-table" not in {thread.name for thread in threading.enumerate()})
    wait_until(lambda: "syndb-table" not in {thread.name for thread in threading.enumerate()})
    serving.close()
    final = [one for one in answers if "working" not in one]
    assert set(newest.items()) <= {(one["to"], one["seq"]) for one in final}
    rows = RowView(stored)
    for one in final:
        question = {**PAGE, **asked[one["to"], one["seq"]]}
        assert one == {"to": one["to"], "seq": one["seq"], **answer(rows, view_of(question), question)}
    rows.close()


def test_bad_requests_are_answered_and_harm_nothing(stored: Path) -> None:
    answers: list[dict[str, Any]] = []
    serving = PageServer(lambda: RowView(stored), answers.append)
    for seq, bad in enumerate(
        (
            {"first": "x"},
            {"sort": [[99, "asc"]]},
            {"sort": 5},
            {"filters": {"99": "a"}},
            {"first": -5, "count": 10**9},
        )
    ):
        serving.request({**PAGE, "seq": seq, **bad})
        wait_until(lambda: any(one["seq"] == seq and "working" not in one for one in answers))  # noqa: B023
    final = [one for one in answers if "working" not in one]
    assert ["error" in one for one in final] == [True, True, True, True, False]
    assert len(final[-1]["cells"]) == 500
    serving.close()


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir())) if Path("/proc/self/fd").exists() else 0


def level() -> tuple[int, int, int, int]:
    gc.collect()
    wait_until(lambda: "syndb-table" not in {thread.name for thread in threading.enumerate()})
    return (
        len(ipywidgets_widget._instances),
        threading.active_count(),
        psutil.Process().num_threads(),
        open_files(),
    )


@pytest.mark.slow
def test_fifty_times_opened_and_closed_leave_nothing(stored: Path) -> None:
    def look() -> None:
        table = ResultTable(lambda: RowView(stored), "a table")
        live = TableOutput({"key": "k"}, table._take_rows)
        live._server.request({**PAGE, "seq": 1, "sort": [[1, "desc"]]})
        wait_until(lambda: live._server._rows and live._server._rows.is_sorted(ViewSpec([(1, "desc")])))
        live.close()
        table.close()

    for _ in range(10):
        look()
    before, memory = level(), psutil.Process().memory_info().rss
    for _ in range(50):
        look()
    grown = [now - then for now, then in zip(level(), before, strict=True)]
    assert grown[0] == 0
    assert max(grown) <= 4, grown  # pools of the engines start a thread now and then; a leak were fifty
    assert psutil.Process().memory_info().rss - memory < 32 << 20
    assert list(stored.parent.iterdir()) == [stored]


def test_the_next_run_of_a_cell_closes_what_it_showed(stored: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = {"cell": "a", "run": "1"}
    monkeypatch.setattr(
        "syndb_lab.display.cell_output.running_cell_and_run", lambda: (run["cell"], run["run"])
    )

    def show() -> TableOutput:
        live = TableOutput({"key": "k"}, lambda: RowView(stored))
        close_earlier_output(live)
        return live

    first, second = show(), show()
    run["cell"] = "b"
    other = show()
    run.update(cell="a", run="2")
    third = show()
    assert [one.is_closed for one in (first, second, other, third)] == [True, True, False, False]
    for one in (other, third):
        one.close()
    SHOWN.clear()
