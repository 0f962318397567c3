"""Cells in a real kernel, against the real service."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path
from tempfile import gettempdir
from typing import TYPE_CHECKING, Any

import nbclient
import nbformat
import pytest
from jupyter_client.manager import start_new_kernel
from nbformat.v4 import new_code_cell, new_notebook

from tests.support.live_service import isolated_environment

if TYPE_CHECKING:
    from tests.support.live_service import Live

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"
PATHS = sorted(NOTEBOOKS.glob("*.ipynb"))
READABLE = {"text/plain", "text/html", "image/png"}


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


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
@pytest.mark.usefixtures("_kernel")
def test_a_notebook_runs_from_top_to_bottom(
    path: Path, live: Live, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SYNDB_DATA_DIR", str(live.data_dir))
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    notebook = nbformat.read(path, as_version=4)
    place = {"metadata": {"path": str(tmp_path)}}
    nbclient.NotebookClient(notebook, timeout=120, kernel_name="python3", resources=place).execute()
    texts = [output.get("data", {}).get("text/plain", "") for output in outputs_of(notebook)]
    tables = [text for text in texts if "┆ the paper" in text]
    assert len(tables) == (path.stem == "03_graphs")
    for table in tables:
        rows = [line.strip("│ ").split("┆") for line in table.splitlines() if line.startswith("│")][3:]
        assert len(rows) == 9
        assert not [quantity for quantity, paper, here in rows if paper.strip() != here.strip()]


def outputs_of(notebook: Any) -> list[Any]:
    return [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_a_saved_notebook_reads_well_without_a_kernel(path: Path) -> None:
    text = path.read_text()
    notebook = nbformat.reads(text, as_version=4)
    counts = [cell.execution_count for cell in notebook.cells if cell.cell_type == "code"]
    assert counts == list(range(1, len(counts) + 1)), "run it again: python scripts/write_notebooks.py"
    assert len(text) < 500_000
    assert "widgets" not in notebook.metadata
    for output in outputs_of(notebook):
        assert output.output_type != "error", output.evalue
        data = output.get("data", {"text/plain": output.get("text")})
        assert data.keys() <= READABLE
        assert data.get("text/plain") or "image/png" in data
        assert not str(data.get("text/plain")).startswith(("pending", "running", "<query job"))
    machine = (str(Path.home()), gettempdir(), str(NOTEBOOKS.parent), "/home/", "site-packages", "127.0.0.1")
    assert not [place for place in machine if place in text]
    assert not re.search(r"syndb_[\w-]{24,}", text), "that is a token"


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


PRESS = """
import _thread, threading, time
import syndb_lab

def press():
    lab = syndb_lab.connect()
    while "pressed" not in [job.label for job in lab.jobs("running")]:
        time.sleep(0.05)
    time.sleep(1)
    _thread.interrupt_main()

threading.Thread(target=press).start()
"""


@pytest.mark.usefixtures("_kernel")
def test_the_stop_button_detaches_and_the_kernel_lives() -> None:
    slow = "SELECT count(*) AS n FROM range(1000000000) a, range(1000000) b WHERE (a.range * b.range) % 7 = 3"
    outputs = run(
        PRESS,
        f"%%syndb q --wait --label pressed\n{slow}",
        "print(q.refresh().status)\nq.cancel()",
        allow_errors=True,
    )
    (error,) = [output for output in outputs[1] if output.output_type == "error"]
    assert "goes on" in "".join(error.traceback)
    assert "%syndb cancel" in "".join(error.traceback)
    assert len(error.traceback) == 1
    assert outputs[2][0].text.strip() in {"pending", "running"}


LEVEL = """
import threading, time
import comm
from ipywidgets.widgets.widget import _instances

def level():
    threads = [each.name for each in threading.enumerate() if each.name.startswith("syndb")]
    return len(_instances), len(comm.get_comm_manager().comms), sorted(threads)

def settle(wanted=None):
    end = time.monotonic() + 120
    while "syndb-card" in level()[2] or wanted not in (None, level()):
        assert time.monotonic() < end, (level(), wanted)
        time.sleep(0.05)
    return level()
"""


@pytest.mark.usefixtures("_kernel")
def test_a_cell_that_runs_fifty_times_leaves_what_it_shows_once() -> None:
    manager, client = start_new_kernel(kernel_name="python3")

    def execute(code: str, cell: str) -> None:
        content = {"code": code, "silent": False, "store_history": True, "allow_stdin": False}
        message = client.session.msg("execute_request", content, metadata={"cellId": cell})
        client.shell_channel.send(message)
        while (reply := client.get_shell_msg(timeout=120))["parent_header"]["msg_id"] != message["msg_id"]:
            pass
        assert reply["content"]["status"] == "ok", (cell, reply["content"])

    try:
        execute(f"%load_ext syndb_lab\nimport syndb_lab\nlab = syndb_lab.connect()\n{LEVEL}", "first")
        for cell, code in (("monitor", "_ = lab.monitor()"), ("card", "%%syndb one\nSELECT 1 AS one")):
            execute(code, cell)
            execute("once = settle()", "")
            for _ in range(50):
                execute(code, cell)
            execute("settle(once)", "")
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
