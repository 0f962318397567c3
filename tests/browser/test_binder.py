"""Binder, as Binder builds it: the pins, ``postBuild``, ``start``, and notebook 01 run in its Lab."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import threading
import tomllib
import venv
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version
from playwright.sync_api import expect

from tests.support.notebook_page import NotebookPage, Server, jupyter

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

ROOT = Path(__file__).parents[2]
BINDER = ROOT / "binder"
PINS = [line for line in (BINDER / "requirements.txt").read_text().splitlines() if "==" in line]
RUNTIME = (BINDER / "runtime.txt").read_text().strip()
NOTEBOOK = "01_first_query.ipynb"
BOUND = 2 * 10**9
RUN_ALL = "() => window.jupyterapp.commands.execute('notebook:run-all-cells')"


def wanted() -> list[Requirement]:
    told = tomllib.loads((ROOT / "pyproject.toml").read_text())
    extras = told["project"]["optional-dependencies"]
    asked = [*told["project"]["dependencies"], *extras["service"], *extras["lab"]]
    return [Requirement(each) for each in [*asked, *told["build-system"]["requires"]]]


@pytest.mark.parametrize("requirement", wanted(), ids=lambda requirement: requirement.name)
def test_the_pins_are_what_the_project_asks_for(requirement: Requirement) -> None:
    pins = {canonicalize_name(name): version for name, version in (pin.split("==") for pin in PINS)}
    assert requirement.specifier.contains(pins[canonicalize_name(requirement.name)]), "make pins"


def test_every_package_is_at_one_version_as_a_wheel_for_a_python_that_the_project_takes() -> None:
    lines = (BINDER / "requirements.txt").read_text().splitlines()
    assert "--only-binary :all:" in lines
    rest = [line for line in lines if not line.startswith("#") and line != "--only-binary :all:"]
    assert [line for line in rest if not re.fullmatch(r"[a-z0-9.-]+==[0-9][0-9a-z.]*", line)] == []
    told = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert Version(RUNTIME.removeprefix("python-")) >= Version(told["requires-python"].removeprefix(">="))


def repository(folder: Path) -> Path:
    """Copy what a clone holds."""
    ignored = shutil.ignore_patterns(
        ".*", "*.so", "__pycache__", "node_modules", "dist", "build", "screenshots"
    )
    return Path(shutil.copytree(ROOT, folder, ignore=ignored))


@contextmanager
def binder_session(folder: Path) -> Iterator[Server]:
    """Build the environment and start Lab in it, both by the files in ``binder/``."""
    clone, env = repository(folder / "clone"), folder / "env"
    venv.create(env, with_pip=True)
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith(("SYNDB_", "JOB_", "XDG_"))
    }
    environment = kept | {
        "PATH": os.pathsep.join([str(env / "bin"), "/usr/bin", "/bin"]),
        "HOME": str(folder / "home"),
        "SYNDB_DATA_DIR": str(folder / "data"),
        "PIP_NO_COMPILE": "1",  # Python compiles what is imported, and no more, when it is
    }
    (folder / "home").mkdir()
    install = [env / "bin" / "pip", "install", "--quiet", "-r", "binder/requirements.txt"]
    for command in (install, ["binder/postBuild"]):
        done = subprocess.run(
            command, cwd=clone, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
    try:
        python = [str(clone / "binder" / "start"), str(env / "bin" / "python")]
        with jupyter(folder / "lab", environment, python=python) as server:
            shutil.copy(clone / "notebooks" / NOTEBOOK, server.root)
            yield server
    finally:
        subprocess.run([env / "bin" / "syndb-lab", "down"], env=environment, capture_output=True, timeout=120)


class Memory:
    """Watches how much memory a process and all that it started hold: shared pages once (PSS).

    Parameters
    ----------
    pid : int
        The process.
    """

    def __init__(self, pid: int) -> None:
        self.peak = 0
        self._root = psutil.Process(pid)
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch)

    def __enter__(self) -> Memory:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._ended.wait(0.2):
            self.peak = max(self.peak, self.now())

    def now(self) -> int:
        """Return the bytes held now."""
        held = 0
        for process in [self._root, *self._root.children(recursive=True)]:
            with suppress(psutil.NoSuchProcess):
                held += process.memory_full_info().pss
        return held


@pytest.mark.slow
@pytest.mark.browser
@pytest.mark.timeout(900)
@pytest.mark.skipif(
    f"python-{sys.version_info.major}.{sys.version_info.minor}" != RUNTIME,
    reason=f"the pins are for {RUNTIME}; this is Python {sys.version_info.major}.{sys.version_info.minor}",
)
def test_the_first_notebook_runs_in_what_binder_builds(browser: Browser, page: Page, tmp_path: Path) -> None:
    with binder_session(tmp_path) as server, Memory(server.pid) as memory:
        notebook = NotebookPage(page, server, NOTEBOOK)
        notebook.open()
        ready = memory.now()
        assert page.evaluate(RUN_ALL)
        cells = [cell for cell in notebook.saved().cells if cell.cell_type == "code"]
        sql = [
            number for number, cell in enumerate(notebook.saved().cells) if cell.source.startswith("%%syndb")
        ]
        keyword = notebook.cell(sql[0]).locator(".cm-line").nth(1).locator("span").first
        expect(keyword).to_have_css("font-weight", "700")
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    outputs = [output for cell in cells for output in cell.outputs]
    assert [output for output in outputs if output.output_type == "error"] == []
    assert any("image/png" in output.get("data", {}) for output in outputs)
    assert not any("Started a service" in output.get("text", "") for output in outputs), (
        "start has started one"
    )
    print(f"Binder: {ready / 1e6:.0f} MB when ready, {memory.peak / 1e6:.0f} MB at most")
    assert memory.peak < BOUND
