"""What was written in a composer is there again when its cell runs again, in this kernel and in the next."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from IPython.core.interactiveshell import InteractiveShell

from syndb_lab.display import cell_output
from syndb_lab.lab import Lab
from syndb_lab.notebook.composer import Composer, draft_store
from syndb_lab.notebook.composer.draft import Draft
from tests.support.lab_fakes import Answer

Run = Callable[..., Composer]


@pytest.fixture
def run(pretend_lab: Callable[[Answer], Lab], monkeypatch: pytest.MonkeyPatch) -> Iterator[Run]:
    """Run a cell that makes a composer."""
    shell = InteractiveShell.instance()
    lab = pretend_lab(lambda _: httpx.Response(404, json={"detail": "nothing here"}))
    made = []

    def once(sql: str | None = None, cell: str | None = "a cell") -> Composer:
        parent: dict[str, Any] = {"metadata": {"cellId": cell}}
        monkeypatch.setattr(shell, "get_parent", lambda: parent, raising=False)
        composer = Composer(lab, dict, {}, sql)
        made.append(composer)
        return composer.show()

    yield once
    for composer in made:
        composer.close()
    cell_output.LATEST.clear()
    InteractiveShell.clear_instance()


def write(composer: Composer, **part: Any) -> None:
    """Change the draft as the page does."""
    draft = composer._element.draft
    composer._element.draft = {**draft, **part, "serial": draft["serial"] + 1, "by": "page"}


@pytest.fixture(params=["this kernel", "a new kernel"])
def meanwhile(request: pytest.FixtureRequest) -> Callable[[], None]:
    return cell_output.LATEST.clear if request.param == "a new kernel" else lambda: None


@pytest.mark.parametrize(
    ("first", "then", "found"),
    [
        (None, None, "SELECT '🧠\u2028'"),
        ("SELECT 1", "SELECT 1", "SELECT '🧠\u2028'"),
        ("SELECT 1", None, "SELECT '🧠\u2028'"),
        ("SELECT 1", "SELECT 2", "SELECT 2"),
        (None, "SELECT 2", "SELECT 2"),
    ],
)
def test_a_cell_that_runs_again(
    run: Run, meanwhile: Callable[[], None], first: str | None, then: str | None, found: str
) -> None:
    write(run(first), sql="SELECT '🧠\u2028'", label="odd", values={"x": {"kind": "whole", "text": "5"}})
    meanwhile()
    again = run(then)
    assert again.sql == found
    assert (again.draft.label == "odd") == (found != then)
    meanwhile()
    assert run(then).sql == found


def test_other_cells_and_cells_without_an_id_have_their_own(run: Run) -> None:
    write(run(), sql="SELECT 1")
    nameless = run(cell=None)
    write(nameless, sql="SELECT 2")
    cell_output.LATEST.clear()
    assert [run(cell="another").sql, run(cell=None).sql, run().sql] == ["", "", "SELECT 1"]
    assert "opens without it" in nameless._static_html(nameless.draft)["text/html"]


def test_what_is_kept_is_this_users_alone_and_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(draft_store, "MAX_CELLS", 3)
    for number in range(6):
        assert draft_store.save_draft(f"cell {number}", None, Draft(sql=str(number)))
    file = draft_store.draft_file("cell 5")
    assert (file.stat().st_mode & 0o077, file.parent.stat().st_mode & 0o077) == (0, 0)
    assert len(list(file.parent.iterdir())) == 3
    assert not draft_store.save_draft("cell 5", None, Draft(sql="x" * draft_store.MAX_CHARACTERS))
    assert draft_store.load_draft("cell 5") == (None, Draft(sql="5"))
    file.write_text('["odd"]\n{"draft": 5}\n{"given')
    assert draft_store.load_draft("cell 5") is None


def test_a_disk_that_takes_nothing_is_said(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    composer = run("SELECT 1")
    assert "run this cell" in composer._static_html(composer.draft)["text/plain"]
    folder = draft_store.draft_file("a cell").parent
    for file in folder.iterdir():
        file.unlink()
    folder.rmdir()
    folder.write_text("a file where the folder was")
    write(composer, sql="SELECT 2")
    assert "copy it first" in composer._static_html(composer.draft)["text/plain"]
    assert composer.sql == "SELECT 2"
