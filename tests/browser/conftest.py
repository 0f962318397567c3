"""A JupyterLab, a service and a browser that the tests of one file share."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests.support.live_service import Live, isolated_environment
from tests.support.notebook_page import CHROMIUM, NotebookPage, Open, Server, jupyter, launch, write_notebook

FIRST = "%load_ext syndb_lab\nimport syndb_lab\n\nlab = syndb_lab.connect()"
SCREENSHOTS = Path(__file__).parent / "screenshots"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Start Chromium for one file of tests; meanwhile nothing else of this thread can run an event loop."""
    if not CHROMIUM.exists():
        missing = f"no Chromium at {CHROMIUM}: apt-get install chromium"
        (pytest.fail if os.environ.get("CI") else pytest.skip)(missing)
    with sync_playwright() as playwright:
        found = launch(playwright)
        yield found
        found.close()


@pytest.fixture(scope="session")
def environment(live: Live, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    home = tmp_path_factory.mktemp("home")
    return isolated_environment(home, SYNDB_URL=live.url, SYNDB_TOKEN=live.token)


@pytest.fixture(scope="module")
def server(
    browser: Browser, environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    with jupyter(tmp_path_factory.mktemp("jupyter") / "lab", environment) as found:
        yield found


@pytest.fixture
def page(browser: Browser, request: pytest.FixtureRequest) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1200, "height": 1000})
    page = context.new_page()
    yield page
    report = getattr(request.node, "outcome_of_call", None)
    if report is not None and report.failed:
        SCREENSHOTS.mkdir(exist_ok=True)
        page.screenshot(path=SCREENSHOTS / f"{request.node.name}.png")
    context.close()


@pytest.fixture
def open_notebook(page: Page, server: Server, request: pytest.FixtureRequest) -> Open:
    """Write a notebook of the given cells, after the one that loads the magics, and open it."""

    def open_(*cells: str, before: str = "", theme: str | None = None) -> NotebookPage:
        path = f"{request.node.name.replace('[', '-').rstrip(']')}.ipynb"
        write_notebook(server, path, [f"{before}\n{FIRST}", *cells])
        notebook = NotebookPage(page, server, path)
        notebook.open(theme)
        notebook.finish(0)
        return notebook

    return open_


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    report = yield
    if report.when == "call":
        item.outcome_of_call = report  # type: ignore[attr-defined]
    return report
