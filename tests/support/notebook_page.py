"""A real JupyterLab in a real Chromium, driven as its user would."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import nbformat
from nbformat.v4 import new_code_cell, new_notebook
from playwright.sync_api import Browser, Locator, Page, Playwright, expect

CHROMIUM = Path("/usr/bin/chromium")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
APPS = {"jupyterlab": "LabApp", "notebook": "JupyterNotebookApp"}
WAIT_MS = 120_000
LOOK_MS = 3_000
TRIES = WAIT_MS // LOOK_MS
NO_NEWS = '{"fetchNews": "false", "checkForUpdates": false}'
SETTINGS = Path("@jupyterlab/apputils-extension/notification.jupyterlab-settings")
expect.set_options(timeout=WAIT_MS)


def launch(playwright: Playwright) -> Browser:
    """Start Chromium."""
    return playwright.chromium.launch(executable_path=str(CHROMIUM), headless=True, args=FLAGS)


@dataclass(frozen=True)
class Server:
    """A running Jupyter server."""

    url: str
    root: Path
    pid: int


def free_port() -> int:
    """Find a port that is free now."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@contextmanager
def jupyter(
    folder: Path,
    environment: dict[str, str],
    app: str = "jupyterlab",
    python: Sequence[str] = (sys.executable,),
) -> Iterator[Server]:
    """Start JupyterLab (or Notebook) with nothing of the developer's own settings."""
    root, port = folder / "root", free_port()
    root.mkdir(parents=True)
    names = ("JUPYTER_CONFIG_DIR", "JUPYTER_RUNTIME_DIR", "IPYTHONDIR")
    places = {name: str(folder / name.lower()) for name in names}
    places |= {
        "JUPYTERLAB_SETTINGS_DIR": str(folder / "settings"),
        "JUPYTERLAB_WORKSPACES_DIR": str(folder / "workspaces"),
        "JUPYTER_DATA_DIR": environment.get("JUPYTER_DATA_DIR", str(folder / "data")),
    }
    seeded = folder / "settings" / SETTINGS
    seeded.parent.mkdir(parents=True)
    seeded.write_text(NO_NEWS)
    command = [
        *python,
        "-m",
        app,
        "--no-browser",
        "--allow-root",
        "--ServerApp.ip=127.0.0.1",
        f"--ServerApp.port={port}",
        "--IdentityProvider.token=t",
        f"--ServerApp.root_dir={root}",
        f"--{APPS[app]}.expose_app_in_browser=True",
        "--LabApp.extension_manager=readonly",
    ]
    with (folder / "jupyter.log").open("w") as log:
        process = subprocess.Popen(
            command, env=os.environ | environment | places, stdout=log, stderr=log, cwd=root
        )
        try:
            server = Server(f"http://127.0.0.1:{port}", root, process.pid)
            until_up(server, process, folder / "jupyter.log")
            yield server
        finally:
            process.terminate()
            process.wait(timeout=120)


def until_up(server: Server, process: subprocess.Popen[bytes], log: Path) -> None:
    """Wait until it answers."""
    until = time.monotonic() + WAIT_MS / 1000
    while time.monotonic() < until and process.poll() is None:
        try:
            if httpx.get(f"{server.url}/api?token=t", timeout=5, trust_env=False).is_success:
                return
        except httpx.TransportError:
            time.sleep(0.2)
    raise AssertionError(f"Jupyter did not come up: {log.read_text()[-2000:]}")


IDLE = """() => {
  const panel = window.jupyterapp?.shell?.currentWidget;
  const session = panel?.sessionContext ?? panel?.content?.sessionContext;
  return Boolean(panel?.context?.isReady && session?.session?.kernel?.connectionStatus === 'connected'
    && session.session.kernel.status === 'idle');
}"""
RUN = """async (index) => {
  const app = window.jupyterapp;
  app.shell.currentWidget.content.activeCellIndex = index;
  void app.commands.execute('notebook:run-cell');
}"""


class NotebookPage:
    """One notebook, open in the browser."""

    def __init__(self, page: Page, server: Server, path: str, place: str = "lab/tree") -> None:
        self.page = page
        self.server = server
        self.path = path
        self.place = place

    def open(self, theme: str | None = None) -> None:
        """Open it and wait for its kernel."""
        self.page.goto(f"{self.server.url}/{self.place}/{self.path}?token=t&reset")
        self.page.wait_for_function(IDLE, timeout=WAIT_MS)
        if theme:
            self.page.evaluate(
                "theme => window.jupyterapp.commands.execute('apputils:change-theme', {theme})", theme
            )

    def run(self, index: int) -> None:
        """Run a cell, without waiting for its end."""
        self.page.evaluate(RUN, index)

    def finish(self, index: int) -> None:
        """Run a cell and wait until the kernel has done it."""
        self.run(index)
        self.await_end(index)

    def await_end(self, index: int) -> None:
        """Wait until the kernel has done a cell: what is run before that is dropped where the cell fails."""
        expect(self.cell(index).locator(".jp-InputArea-prompt")).to_have_text(re.compile(r"\[\d+\]:"))

    def prints(self, index: int, text: str) -> None:
        """Run a cell until it prints a text: what a click told the kernel may still be on its way."""
        for _ in range(TRIES):
            self.finish(index)
            try:
                expect(self.output(index)).to_contain_text(text, timeout=LOOK_MS)
            except AssertionError:
                continue
            return
        expect(self.output(index)).to_contain_text(text, timeout=LOOK_MS)

    def edit(self, index: int) -> None:
        """Put the cursor into a cell."""
        self.cell(index).locator(".cm-content").click()

    def write(self, index: int, text: str) -> None:
        """Replace what a cell holds."""
        self.page.evaluate(
            "([index, text]) => window.jupyterapp.shell.currentWidget.content.widgets[index]"
            ".model.sharedModel.setSource(text)",
            [index, text],
        )

    def restart(self) -> None:
        """Restart the kernel."""
        self.page.evaluate(
            "() => window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.restart()"
        )
        self.page.wait_for_function(IDLE, timeout=WAIT_MS)

    def cell(self, index: int) -> Locator:
        """Return a cell."""
        return self.page.locator(".jp-Notebook .jp-Cell").nth(index)

    def output(self, index: int) -> Locator:
        """Return the outputs of a cell."""
        return self.cell(index).locator(".jp-Cell-outputArea")

    def saved(self) -> Any:
        """Save the notebook and read the file."""
        self.page.evaluate("() => window.jupyterapp.commands.execute('docmanager:save')")
        return nbformat.read(self.server.root / self.path, as_version=4)


def write_notebook(server: Server, path: str, cells: list[str], kernel: str = "python3") -> None:
    """Write a notebook of code cells."""
    notebook = new_notebook(cells=[new_code_cell(cell) for cell in cells])
    notebook.metadata["kernelspec"] = {"name": kernel, "display_name": kernel, "language": "python"}
    nbformat.write(notebook, server.root / path)


Open = Callable[..., NotebookPage]
"""Writes a notebook with the given cells and opens it."""
