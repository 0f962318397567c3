"""Cells in a real kernel, against the real service."""

from __future__ import annotations

from pathlib import Path
from tempfile import gettempdir
from typing import TYPE_CHECKING, Any

import nbclient
import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from tests.conftest import isolated_environment

if TYPE_CHECKING:
    from tests.conftest import Live

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"


@pytest.fixture
def _kernel(live: Live, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    environment = isolated_environment(tmp_path, SYNDB_URL=live.url, SYNDB_TOKEN=live.token)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)


def run(*cells: str, allow_errors: bool = False) -> list[Any]:
    notebook = new_notebook(cells=[new_code_cell(cell) for cell in ("%load_ext syndb_lab", *cells)])
    client = nbclient.NotebookClient(notebook, timeout=120, kernel_name="python3", allow_errors=allow_errors)
    client.execute()
    return [cell.outputs for cell in notebook.cells[1:]]


@pytest.mark.usefixtures("_kernel")
def test_the_first_notebook_runs_from_top_to_bottom() -> None:
    notebook = nbformat.read(NOTEBOOKS / "01_first_query.ipynb", as_version=4)
    nbclient.NotebookClient(notebook, timeout=120, kernel_name="python3").execute()
    outputs = [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]
    assert any("image/png" in output.get("data", {}) for output in outputs)


def test_the_first_notebook_shows_its_outputs_and_nobodys_folders() -> None:
    text = (NOTEBOOKS / "01_first_query.ipynb").read_text()
    notebook = nbformat.reads(text, as_version=4)
    assert any(cell.get("outputs") for cell in notebook.cells)
    assert not [place for place in (str(Path.home()), gettempdir(), str(NOTEBOOKS.parent)) if place in text]


@pytest.mark.usefixtures("_kernel")
def test_waiting_leaves_one_readable_card() -> None:
    (outputs,) = run("%%syndb names --wait\nSELECT name FROM neurons ORDER BY name LIMIT 3")
    lines = [output.data["text/plain"] for output in outputs if output.output_type == "display_data"]
    assert lines[0].startswith("completed · 3 rows · ")
    assert len(lines) == 1
    assert "version 1 · Varshney LR" in lines[0]


@pytest.mark.usefixtures("_kernel")
def test_an_error_is_one_block_and_fails_the_cell() -> None:
    (outputs,) = run("%%syndb\nSELECT\n  nam\nFROM neurons", allow_errors=True)
    (error,) = outputs
    assert error.output_type == "error"
    block = "\n".join(error.traceback)
    assert "line 2:   nam\n          ^" in block
    assert "Traceback" not in block
    assert ".py" not in block


@pytest.mark.usefixtures("_kernel")
def test_the_stop_button_detaches_and_the_kernel_lives() -> None:
    slow = "SELECT count(*) AS n FROM range(1000000000) a, range(1000000) b WHERE (a.range * b.range) % 7 = 3"
    press = "import _thread, threading; threading.Timer(1, _thread.interrupt_main).start()"
    outputs = run(
        press, f"%%syndb q --wait\n{slow}", "print(q.refresh().status)\nq.cancel()", allow_errors=True
    )
    (error,) = [output for output in outputs[1] if output.output_type == "error"]
    assert "goes on" in "".join(error.traceback)
    assert "%syndb cancel" in "".join(error.traceback)
    assert len(error.traceback) == 1
    assert outputs[2][0].text.strip() in {"pending", "running"}
