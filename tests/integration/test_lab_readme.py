"""What the README shows works as it stands: its cells and Python in a kernel, its commands in a shell."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import nbclient
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from tests.support.live_service import isolated_environment

if TYPE_CHECKING:
    from tests.support.live_service import Live

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
CELLS = [text for language, text in BLOCKS if language == "python" or text.startswith("%%syndb")]
LINES = [line for language, text in BLOCKS if language == "sh" for line in text.splitlines()]
MAKE = [
    line
    for language, text in BLOCKS
    if not language and text.startswith("make")
    for line in text.splitlines()
]
COMMANDS = sorted(set(re.findall(r"`syndb-lab((?: [a-z]+)*)[^`]*`", README)))
MAGICS = sorted(set(re.findall(r"`(%[^`]+)`", README)))


@pytest.fixture
def environment(live: Live, tmp_path: Path) -> dict[str, str]:
    found = isolated_environment(tmp_path, SYNDB_URL=live.url, SYNDB_TOKEN=live.token)
    return found | {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}


def test_no_block_goes_untried() -> None:
    assert len(CELLS) == 4
    assert len(LINES) == 4
    assert len(MAKE) == 2
    assert len(BLOCKS) == len(CELLS) + 2
    assert COMMANDS
    assert MAGICS == ["%load_ext syndb_lab", "%syndb help"]


def test_its_cells_run_in_their_order_and_show_something(
    environment: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    cells = [*MAGICS, *CELLS, "print(strongest.to_polars()['dataset_id'].n_unique())"]
    notebook = new_notebook(cells=[new_code_cell(cell) for cell in cells])
    place = {"metadata": {"path": str(tmp_path)}}
    nbclient.NotebookClient(notebook, timeout=120, kernel_name="python3", resources=place).execute()
    told = [
        "".join(
            output.get("text", "") + output.get("data", {}).get("text/plain", "") for output in cell.outputs
        )
        for cell in notebook.cells
    ]
    assert "attach ID" in told[1]
    assert "shape: (10, 2)" in told[-3]
    assert "interneuron" in told[-2]
    assert told[-1].strip() == "1"
    assert (tmp_path / "worm.png").read_bytes().startswith(b"\x89PNG")


def test_its_lines_run_in_a_shell(environment: dict[str, str], tmp_path: Path) -> None:
    script = "set -e\n" + "\n".join(LINES)
    run = subprocess.run(
        ["bash", "-c", script],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    assert '"name","cell_class"' in run.stdout
    assert {path.name for path in tmp_path.glob("*.*")} >= {"connections.parquet", "worm.svg"}


@pytest.mark.parametrize("line", MAKE)
def test_its_make_targets_are_there(line: str) -> None:
    words = line.partition("#")[0].split()
    run = subprocess.run(
        [*words, "--dry-run"], cwd=ROOT, capture_output=True, text=True, timeout=120, check=False
    )
    assert run.returncode == 0, run.stderr


@pytest.mark.parametrize("command", COMMANDS)
def test_its_commands_are_there(command: str, environment: dict[str, str]) -> None:
    words = [sys.executable, "-m", "syndb_lab", *command.split(), "--help"]
    run = subprocess.run(words, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert run.returncode == 0, run.stderr
