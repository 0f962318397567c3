"""What a card says when something is amiss; how it looks is tried in a browser."""

from __future__ import annotations

import gc
import threading
import weakref
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import polars as pl
import pyarrow as pa
import pytest
from IPython.core.interactiveshell import InteractiveShell

from syndb_lab import Job
from syndb_lab.http.transport import Transport
from syndb_lab.notebook.card.job_card import JobCard, show_card
from syndb_lab.notebook.card.widget import FallbackCard
from syndb_lab.notebook.monitor import Monitor
from syndb_lab.notebook.namespace_writer import NamespaceWriter
from tests.support.lab_fakes import FLYWIRE_ID, JOB_ID, Answer, arrow_file, job_record, result_info
from tests.support.waiting import wait_until

Pretend = Callable[[Answer], Transport]
CONTENT = arrow_file(pa.table({"id": pa.array([FLYWIRE_ID, None], pa.int64())}))
DONE = job_record("completed", version=9, result=result_info(CONTENT), expires_at="2999-01-01T00:00:00Z")
ATTACK = "<script>alert(1)</script>\x1b[31m"


@pytest.fixture(autouse=True)
def _shell(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr("syndb_lab.http.job_events.PAUSES_S", (0.05,))
    InteractiveShell.instance()
    yield
    InteractiveShell.clear_instance()


def said(card: JobCard) -> dict[str, Any]:
    found: dict[str, Any] = card._widget.card
    return found


def shown(transport: Transport, record: dict[str, Any], namespace: dict[str, Any] | None = None) -> JobCard:
    return show_card(Job(transport, record), {} if namespace is None else namespace, "q", "polars")


def ended(pretend: Pretend, result: Answer, namespace: dict[str, Any] | None = None) -> JobCard:
    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/result"):
            return result(request)
        return httpx.Response(200, content=CONTENT)

    card = shown(pretend(answer), DONE, namespace)
    card.wait_static(120)
    return card


def test_a_token_that_expires_is_said_on_the_card(pretend: Pretend) -> None:
    problem = {"detail": "the token has expired", "code": "token_expired"}
    card = shown(pretend(lambda _: httpx.Response(401, json=problem)), job_record("running"))
    card.wait_static(120)
    assert "no longer followed: the token has expired" in said(card)["away"]
    assert "connect(url, token)" in said(card)["away"]
    assert "follows it again" in said(card)["away"]
    assert not said(card)["ticking"]
    assert not said(card)["working"]


def test_cancelling_lasts_until_the_service_confirms(pretend: Pretend) -> None:
    confirm = threading.Event()

    def answer(request: httpx.Request) -> httpx.Response:
        if request.method == "DELETE":
            return httpx.Response(200, json=job_record("running", version=2))
        if request.url.path.endswith("/events"):
            return httpx.Response(200, text="no stream")
        confirm.wait(120)
        return httpx.Response(200, json=job_record("cancelled", version=3))

    card = shown(pretend(answer), job_record("running"))
    card.handle_click({"do": "cancel"})
    wait_until(lambda: said(card)["word"] == "cancelling")
    (button,) = said(card)["buttons"]
    assert (button["text"], button["disabled"]) == ("Cancelling…", True)
    confirm.set()
    card.wait_static(120)
    assert said(card)["word"] == "cancelled"
    assert [one["do"] for one in said(card)["buttons"]] == ["rerun"]


@pytest.mark.slow
def test_load_puts_the_frame_beside_what_is_there(pretend: Pretend) -> None:
    namespace: dict[str, Any] = {"q_frame": "mine"}
    card = ended(pretend, lambda _: httpx.Response(200, content=CONTENT), namespace)
    assert said(card)["buttons"][0]["text"].startswith("Load 2 rows · ")
    card.handle_click({"do": "load"})
    wait_until(lambda: "q_frame_2" in namespace)
    assert namespace["q_frame"] == "mine"
    assert namespace["q_frame_2"]["id"].to_list() == [FLYWIRE_ID, None]
    wait_until(lambda: "loaded into q_frame_2 (polars, 2 × 1)" in said(card)["note"])


@pytest.mark.parametrize(
    ("status", "code", "words"),
    [
        (410, "result_expired", "destroyed"),
        (403, "dataset_forbidden", "withdrawn"),
        (401, "token_expired", "expired"),
    ],
)
def test_a_load_that_fails_says_why_and_offers_a_rerun(
    pretend: Pretend, status: int, code: str, words: str
) -> None:
    problem = {"detail": f"it was {words}", "code": code}
    card = ended(pretend, lambda _: httpx.Response(status, json=problem))
    card.handle_click({"do": "load"})
    wait_until(lambda: words in said(card)["trouble"])
    assert [(one["do"], one["disabled"]) for one in said(card)["buttons"]] == [
        ("load", False),
        ("rerun", False),
    ]


def test_a_full_disk_is_said_on_the_card(pretend: Pretend, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("syndb_lab.results.download.Download.fetch", full)
    card = ended(pretend, lambda _: httpx.Response(200, content=CONTENT))
    card.handle_click({"do": "load"})
    wait_until(lambda: "no space left" in said(card)["trouble"])


def test_an_expired_result_is_not_offered(pretend: Pretend) -> None:
    record = {**DONE, "expires_at": "2001-01-01T00:00:00Z"}
    card = shown(pretend(lambda _: httpx.Response(410, json={"detail": "destroyed"})), record)
    card.wait_static(120)
    assert [one["do"] for one in said(card)["buttons"]] == ["rerun"]


@pytest.mark.parametrize("place", ["VSCODE_PID", "VSCODE_CWD"])
def test_elsewhere_it_is_core_widgets_and_escaped(
    pretend: Pretend, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    monkeypatch.setenv(place, "1")
    stop = threading.Event()

    def answer(_: httpx.Request) -> httpx.Response:
        stop.wait(120)
        return httpx.Response(401, json={})

    card = shown(pretend(answer), job_record("running", label=ATTACK, query=ATTACK))
    assert isinstance(card._widget, FallbackCard)
    html = card._widget._text.value
    assert "&lt;script&gt;" in html
    assert "<script" not in html
    assert "\x1b" not in html
    assert [button.description for button in card._widget._buttons.children] == ["Cancel"]
    stop.set()
    card.wait_static(120)


@pytest.mark.slow
def test_the_monitor_is_honest_when_the_service_is_away(pretend: Pretend) -> None:
    away = threading.Event()

    def answer(_: httpx.Request) -> httpx.Response:
        if away.is_set():
            raise httpx.ConnectError("refused")
        return httpx.Response(200, json={"jobs": [row], "next_cursor": None})

    row = job_record("running", created_at="2026-01-01T00:00:00Z", label=ATTACK)
    monitor = Monitor(pretend(answer), 50, {}, Job)
    monitor.show()
    assert monitor._widget is not None
    assert monitor._widget.board["rows"][0]["job_id"] == JOB_ID
    away.set()
    wait_until(
        lambda: monitor._widget and "no answer from the service since" in monitor._widget.board["away"]
    )
    assert monitor._widget.board["rows"]
    away.clear()
    wait_until(lambda: monitor._widget and not monitor._widget.board["away"])
    html = monitor._static_html()["text/html"]
    monitor.close()
    assert "&lt;script&gt;" in html
    assert "<script" not in html


def test_a_rerun_on_a_card_that_was_closed_meanwhile_takes_no_place(pretend: Pretend) -> None:
    asked, go = threading.Event(), threading.Event()
    told: list[Job] = []

    def answer(request: httpx.Request) -> httpx.Response:
        if request.method != "POST":
            return httpx.Response(200, content=CONTENT)
        asked.set()
        go.wait(120)
        return httpx.Response(202, json=job_record("completed", job_id="another"))

    card = JobCard(Job(pretend(answer), DONE), lambda *_: "", lambda _, new: told.append(new) or "")
    card.show()
    card.wait_static(120)
    card.handle_click({"do": "rerun"})
    assert asked.wait(120)
    card.close()
    go.set()
    wait_until(lambda: "syndb-card" not in {thread.name for thread in threading.enumerate()})
    assert (told, card.job.id) == ([], JOB_ID)


def test_a_rerun_while_the_end_of_the_old_job_is_read_shows_the_new_one_alone(pretend: Pretend) -> None:
    """The old job's first rows come last of all: nothing of it is written under the new job's id."""
    peeked, go = threading.Event(), threading.Event()
    new = job_record("running", job_id="another", version=1)

    def answer(request: httpx.Request) -> httpx.Response:
        if request.method == "POST":
            return httpx.Response(202, json=new)
        if "another" in request.url.path:
            return httpx.Response(200, json=job_record("failed", job_id="another", version=2))
        peeked.set()
        go.wait(120)
        return httpx.Response(200, content=CONTENT)

    outputs: list[str] = []

    class Output:
        def update(self, bundle: dict[str, Any], *, raw: bool) -> None:
            outputs.append(bundle["text/html"])

    card = JobCard(Job(pretend(answer), DONE), lambda *_: "", lambda *_: "a rerun")
    card.show(Output())
    assert peeked.wait(120)
    card.handle_click({"do": "rerun"})
    wait_until(lambda: card.job.id == "another")
    card.wait_static(120)
    wait_until(lambda: said(card)["word"] == "failed")
    count = len(outputs)
    go.set()
    wait_until(lambda: "syndb-card" not in {thread.name for thread in threading.enumerate()})
    assert (said(card)["job_id"], said(card)["word"]) == ("another", "failed")
    assert len(outputs) == count
    assert "syndb-job-another" in outputs[-1]
    assert str(FLYWIRE_ID) not in outputs[-1]
    card.close()


def test_a_click_on_the_job_before_the_rerun_does_nothing(pretend: Pretend) -> None:
    asked: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(f"{request.method} {request.url.path}")
        return httpx.Response(200, content=CONTENT)

    card = ended(pretend, answer)
    asked.clear()
    card.handle_click({"do": "rerun", "job_id": "an older one"})
    card.handle_click({"do": "cancel", "job_id": "an older one"})
    assert asked == []
    assert "syndb-card" not in {thread.name for thread in threading.enumerate()}


def test_a_refused_rerun_leaves_the_card_and_works_again(pretend: Pretend) -> None:
    tries: list[int] = []

    def answer(request: httpx.Request) -> httpx.Response:
        if request.method != "POST":
            return httpx.Response(200, content=CONTENT)
        tries.append(1)
        if len(tries) == 1:
            return httpx.Response(429, json={"detail": "too many open jobs", "code": "too_many_jobs"})
        number = len(tries)
        return httpx.Response(202, json={**DONE, "job_id": f"rerun {number}"})

    card = shown(pretend(answer), DONE)
    card.wait_static(120)
    card.handle_click({"do": "rerun"})
    wait_until(lambda: "too many open jobs" in said(card)["trouble"])
    assert card.job.id == JOB_ID
    assert not said(card)["buttons"][-1]["disabled"]
    for number in (2, 3):
        card.handle_click({"do": "rerun"})
        wait_until(lambda: card.job.id == f"rerun {number}")  # noqa: B023
        card.wait_static(120)
    assert said(card)["job_id"] == "rerun 3"


def test_plain_buttons_that_were_replaced_are_gone() -> None:
    face_of = {"fraction": None, "buttons": [{"do": "cancel", "text": "Cancel"}]}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("syndb_lab.notebook.card.widget.live_html", lambda _: "")
        card = FallbackCard(face_of)
        (button,) = card._buttons.children
        card.card = {**face_of, "buttons": []}
    assert button.comm is None


@pytest.mark.slow
def test_a_frame_that_was_loaded_and_deleted_is_given_back() -> None:
    class Loaded:
        kind, id = "query", JOB_ID
        result_path = staticmethod(lambda tell: None)
        to_polars = staticmethod(lambda: pl.DataFrame({"n": [1]}))

    names: dict[str, Any] = {}
    desk = NamespaceWriter(names, "x", "polars")
    desk.load(Loaded())  # type: ignore[arg-type]
    desk.load(Loaded())  # type: ignore[arg-type]
    assert list(names) == ["x_frame"], "its own variable is taken again"
    gone = weakref.ref(names.pop("x_frame"))
    gc.collect()
    assert gone() is None
    names["x_frame"] = "mine"
    desk.load(Loaded())  # type: ignore[arg-type]
    assert names["x_frame"] == "mine"
    assert list(names) == ["x_frame", "x_frame_2"]
