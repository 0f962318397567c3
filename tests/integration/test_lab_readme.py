"""What the README shows works as it stands."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import nbclient
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from tests.conftest import isolated_environment

if TYPE_CHECKING:
    from tests.conftest import Live

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
PYTHON = [text for language, text in BLOCKS if language == "python"]
CELLS = [text for _, text in BLOCKS if text.startswith("%%syndb")]
COMMANDS = re.findall(r"`(?:\.venv/bin/)?syndb-lab((?: [a-z]+)*)[^`]*`", README)


@pytest.fixture
def environment(live: Live, tmp_path: Path) -> dict[str, str]:
    return isolated_environment(tmp_path, SYNDB_URL=live.url, SYNDB_TOKEN=live.token)


def test_there_is_something_to_try() -> None:
    assert PYTHON
    assert CELLS
    assert COMMANDS


def test_the_python_runs_as_a_script_and_shows_something(environment: dict[str, str], tmp_path: Path) -> None:
    run = subprocess.run(
        [sys.executable, "-c", "\n".join(PYTHON)],
        cwd=tmp_path,
        env=environment | {"PYTHONIOENCODING": "utf-8"},
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=120,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    assert "interneuron" in run.stdout
    assert (tmp_path / "worm.png").read_bytes().startswith(b"\x89PNG")


def test_the_cells_run_after_it(
    environment: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    cells = [
        *PYTHON,
        "%load_ext syndb_lab",
        *CELLS,
        "print(strongest.to_polars()['dataset_id'].n_unique(), syndb_lab.__name__)",
    ]
    notebook = new_notebook(cells=[new_code_cell(cell) for cell in cells])
    place = {"metadata": {"path": str(tmp_path)}}
    nbclient.NotebookClient(notebook, timeout=120, kernel_name="python3", resources=place).execute()
    (output,) = notebook.cells[-1].outputs
    assert output.text.strip() == "1 syndb_lab"
    told = "".join(output.get("data", {}).get("text/plain", "") for output in notebook.cells[-2].outputs)
    assert "shape: (10, 2)" in told


@pytest.mark.parametrize("command", sorted(set(COMMANDS)))
def test_its_commands_are_there(command: str, environment: dict[str, str]) -> None:
    words = [sys.executable, "-m", "syndb_lab", *command.split(), "--help"]
    run = subprocess.run(words, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert run.returncode == 0, run.stderr
