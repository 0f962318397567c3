"""The composer in a kernel, against the real service; the page is played by its messages."""

from __future__ import annotations

import gc
import threading
import time
import weakref
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import ipywidgets
import pytest
from IPython.core.interactiveshell import InteractiveShell

import syndb_lab
from syndb_lab.errors import SyndbError
from syndb_lab.notebook.composer import Composer
from syndb_lab.notebook.composer.plain_widget import PlainComposer
from tests.support.live_service import running_service
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from syndb_lab.lab import Lab
    from tests.support.live_service import Live

WORM = "5ef66999-3c1e-5aa8-a230-f5aa22f3a1d8"


@pytest.fixture(autouse=True)
def _shell() -> Iterator[None]:
    InteractiveShell.instance()
    yield
    InteractiveShell.clear_instance()


@pytest.fixture
def lab(live: Live, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Lab]:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    with syndb_lab.connect(live.url, live.token) as found:
        yield found


class Page:
    """What a page does with a composer."""

    def __init__(self, lab: Lab, sql: str = "", namespace: dict[str, Any] | None = None) -> None:
        self.namespace = {} if namespace is None else namespace
        self.composer = Composer(lab, lambda: lab._transport.get("/openapi.json"), self.namespace, sql)
        self.composer.show()

    @property
    def element(self) -> Any:
        return self.composer._element

    def type(self, **part: Any) -> dict[str, Any]:
        """Change the draft as the page does, and wait for what is known of it."""
        draft = self.element.draft
        self.element.draft = {**draft, **part, "serial": draft["serial"] + 1, "by": "page"}
        return self.checked()

    def checked(self) -> dict[str, Any]:
        wait_until(lambda: self.element.checked.get("serial") == self.element.draft["serial"])
        return dict(self.element.checked)

    def run(self) -> dict[str, Any]:
        number = f"run {time.monotonic()}"
        self.composer._on_message({"do": "run", "run": number, "draft": self.element.draft})
        wait_until(lambda: self.element.ran.get("run") == number)
        return dict(self.element.ran)


def test_typing_is_checked_with_place_columns_and_advice(lab: Lab) -> None:
    page = Page(lab, "SELECT name,\n  '🧠', nme FROM neurons")
    found = page.checked()
    assert (found["state"], found["line"], found["column"], found["hint"]) == (
        "invalid",
        2,
        8,
        "Did you mean name?",
    )
    found = page.type(sql="SELECT name, 1 AS n FROM neurons")
    assert found["state"] == "valid"
    assert found["columns"] == [{"name": "name", "type": "string"}, {"name": "n", "type": "int32"}]
    assert "about 588 rows" in found["facts"]
    assert "celegans_varshney_2011" in found["facts"][2]
    assert "2 datasets" in found["advice"][0]
    assert page.type(sql="  ")["state"] == "empty"
    schema = page.element.schema
    assert [one["name"] for one in schema["datasets"]] == ["celegans_varshney_2011", "celegans_white_1986"]
    assert schema["datasets"][0]["tables"][0]["rows"] == "279"
    for example in schema["examples"]:
        given = {"values": {"neuron": {"kind": "text", "text": "AVAL"}}, "options": {}} | example
        assert page.type(**{name: given[name] for name in given if name != "title"})["state"] in {
            "valid",
            "ready",
        }, example
    page.composer.close()


def test_a_query_runs_with_its_values_and_its_card(lab: Lab) -> None:
    sql = "SELECT name, :id AS id FROM neurons WHERE dataset_id = :worm AND cell_class = :kind ORDER BY name"
    page = Page(lab, sql)
    found = page.checked()
    assert (found["state"], [one["name"] for one in found["parameters"]]) == ("open", ["id", "worm", "kind"])
    assert ":id has no value yet" in page.run()["message"]
    values = {
        "id": {"kind": "whole", "text": "720575940600000001"},
        "kind": {"kind": "text", "text": "motor"},
    }
    assert page.type(values=values, label="🧠 <b>", format="parquet")["state"] == "valid"
    assert page.run()["message"] == ""
    job = page.composer.job
    assert job is not None
    assert (job.label, job.record["format"]) == ("🧠 <b>", "parquet")
    frame = job.to_polars()
    assert (frame.height, frame["id"].unique().to_list()) == (117, [720575940600000001])
    assert page.element.history[0]["sql"] == sql
    page.namespace["motor"] = job
    page.type(sql="SELECT max(name) AS last FROM {{motor}}")
    assert page.element.jobs[0]["columns"][0]["name"] == "name"
    page.run()
    assert page.composer.job is not job
    assert page.composer.job.to_polars().item() == "VD9"
    page.composer.close()


def test_a_graph_job_runs_from_its_form(lab: Lab) -> None:
    page = Page(lab)
    found = page.type(kind="graph", dataset_id=WORM, analysis="shortest_path", options={"source": "ASEL"})
    assert (found["state"], found["message"]) == ("open", "shortest_path needs target")
    assert "needs target" in page.run()["message"]
    page.type(options={"source": "ASEL", "target": "DA1", "min_synapses": "1"})
    assert page.run()["message"] == ""
    assert page.composer.job is not None
    assert page.composer.job.answer()["shortest_path"]["path"][-1]["name"] == "DA1"
    page.type(options={"source": "ASEL", "target": "nobody"})
    assert page.run()["message"] == ""
    assert page.composer.job.wait(progress=False).status == "failed"
    page.composer.close()


def test_a_job_that_has_not_ended_is_not_waited_for(lab: Lab) -> None:
    slow = lab.sql("SELECT count(*) AS n FROM range(1000000000) a, range(1000000) b WHERE a.range % 7 = 3")
    page = Page(lab, "FROM {{slow}}", {"slow": slow})
    assert (page.checked()["state"], page.composer.job) == ("unchecked", None)
    assert "has not ended yet" in page.run()["message"]
    slow.cancel()
    page.composer.close()


def test_the_notebook_reads_and_writes_the_sql(lab: Lab) -> None:
    page = Page(lab, "SELECT 1")
    page.composer.sql = "SELECT 2 AS two"
    assert page.checked()["columns"] == [{"name": "two", "type": "int32"}]
    page.type(sql="SELECT 3")
    assert page.composer.sql == "SELECT 3"
    assert repr(page.composer) == f"<composer at {lab.url}: nothing run yet>"
    page.composer.close()
    page.composer.close()


def test_a_service_that_goes_and_comes_back(tmp_path: Path) -> None:
    with running_service(tmp_path) as first:
        lab = syndb_lab.connect(first.url, first.token)
        page = Page(lab, "SELECT 1 AS one")
        assert page.checked()["state"] == "valid"
        first.process.kill()
        first.process.wait(timeout=120)
    found = page.type(sql="SELECT 2 AS two")
    assert found["state"] == "away"
    assert "no answer from" in found["message"]
    assert "nothing answers" in page.run()["message"]
    with running_service(tmp_path, "--port", first.url.rpartition(":")[2]):
        wait_until(lambda: page.element.checked["state"] == "valid")
        assert page.element.checked["columns"][0]["name"] == "two"
        page.composer.close()
    lab.close()


def test_a_composer_that_finds_no_service_says_so() -> None:
    lab = syndb_lab.lab.Lab("http://127.0.0.1:9", "none")
    page = Page(lab, "SELECT 1")
    found = page.checked()
    assert (found["state"], page.element.schema["state"]) == ("away", "away")
    page.composer.close()
    lab.close()


def test_fifty_times_open_and_close_leaves_nothing(lab: Lab) -> None:
    def once(number: int) -> weakref.ref[Any]:
        page = Page(lab, "SELECT name FROM neurons LIMIT 3")
        page.checked()
        if number % 10 == 0:
            assert page.run()["message"] == ""
            assert page.composer.job is not None
            page.composer.job.wait(progress=False)
        page.composer.close()
        return weakref.ref(page.element)

    def level() -> tuple[int, int]:
        gc.collect()
        return len(ipywidgets.widgets.widget._instances), threading.active_count()

    once(0)
    wait_until(lambda: not [one for one in threading.enumerate() if one.name.startswith("syndb-")])
    before = level()
    composers = [once(number) for number in range(50)]
    wait_until(lambda: not [one for one in threading.enumerate() if one.name.startswith("syndb-")])
    assert all(now <= then for now, then in zip(level(), before, strict=True))
    assert not [one for one in composers if one() is not None]


def test_a_page_without_our_javascript_gets_plain_controls(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VSCODE_PID", "1")
    page = Page(lab, "SELECT :n AS n, nme FROM neurons")
    assert isinstance(page.element, PlainComposer)
    wait_until(lambda: "nme" in page.element._result_text.value)
    page.element._sql.value = "SELECT :n AS n, '<b>' AS b"
    wait_until(lambda: len(page.element._parameters.children) == 1)
    _, kind, text = page.element._parameters.children[0].children
    kind.value, text.value = "whole", "720575940600000001"
    wait_until(lambda: "columns: n int64" in page.element._result_text.value)
    page.element._run.click()
    wait_until(lambda: page.composer.job is not None)
    assert page.composer.job.to_polars().row(0) == (720575940600000001, "<b>")
    page.composer.close()


def test_a_composer_needs_a_notebook(lab: Lab) -> None:
    with pytest.raises(SyndbError, match="needs a notebook"):
        lab.composer()
