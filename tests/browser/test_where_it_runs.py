"""The same cell in Notebook 7, and with an older kernel."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.support.notebook_page import NotebookPage, Server, jupyter, write_notebook

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.browser

OLDER = Path(sys.prefix) / "share" / "ipykernel-6.31"
SLOW = "SELECT count(*) AS n FROM range(1000000000) a, range(1000000) b WHERE (a.range * b.range) % 7 = 3"
FIRST = "%load_ext syndb_lab\nimport ipykernel\nprint(ipykernel.__version__)"


@pytest.fixture(scope="module")
def older_kernel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A kernelspec with ipykernel 6.31 before everything else."""
    if not OLDER.exists():
        missing = "no ipykernel 6.31: make .venv/.dev-stamp installs it"
        (pytest.fail if os.environ.get("CI") else pytest.skip)(missing)
    data = tmp_path_factory.mktemp("data")
    kernel = data / "kernels" / "older"
    kernel.mkdir(parents=True)
    command = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    spec = {
        "argv": command,
        "display_name": "older",
        "language": "python",
        "env": {"PYTHONPATH": str(OLDER)},
    }
    (kernel / "kernel.json").write_text(json.dumps(spec))
    return data


@pytest.fixture(scope="module")
def notebook_server(
    browser: Browser,
    environment: dict[str, str],
    older_kernel: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("notebook")
    with jupyter(folder / "nb", environment | {"JUPYTER_DATA_DIR": str(older_kernel)}, "notebook") as found:
        yield found


@pytest.mark.parametrize("kernel", ["python3", "older"])
def test_a_job_cell_in_notebook_7(notebook_server: Server, page: Page, kernel: str) -> None:
    cells = [FIRST, f"%%syndb q\n{SLOW}", "q.kind", "await q"]
    write_notebook(notebook_server, f"{kernel}.ipynb", cells, kernel)
    notebook = NotebookPage(page, notebook_server, f"{kernel}.ipynb", place="notebooks")
    notebook.open()
    notebook.finish(0)
    expect(notebook.output(0)).to_contain_text("6.31" if kernel == "older" else "7.")
    keyword = notebook.cell(1).locator(".cm-line").nth(1).locator("span").first
    expect(keyword).to_have_css("font-weight", "700")
    notebook.finish(1)
    card = notebook.output(1).locator(".syndb-card")
    expect(card).to_have_attribute("data-status", "running")
    clock = card.locator(".syndb-clock")
    before = clock.inner_text()
    notebook.finish(2)
    expect(clock).not_to_have_text(before)
    card.locator(".syndb-do-cancel").click()
    ended = notebook.output(1).locator(".syndb-ended")
    expect(ended).to_contain_text("cancelled")
    notebook.finish(3)
    expect(notebook.output(3)).to_contain_text("cancelled")
    saved = notebook.saved()
    assert set(saved.cells[1].outputs[0].data) == {"text/html", "text/plain"}
    exported = notebook_server.root / f"{kernel}.html"
    convert = [
        sys.executable,
        "-m",
        "nbconvert",
        "--to",
        "html",
        str(notebook_server.root / f"{kernel}.ipynb"),
    ]
    subprocess.run(convert, check=True, capture_output=True, timeout=120)
    page.goto(exported.as_uri())
    expect(page.locator(".syndb-ended")).to_contain_text("cancelled")
    page.locator("summary").click()
    expect(page.locator(".syndb-ended")).to_contain_text(SLOW)
