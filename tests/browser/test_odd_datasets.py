"""A schema of 500 columns, and datasets without rows, in a real JupyterLab: composer, table, view, plot."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.support.odd_datasets import FIRST, odd_service

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

    from tests.support.live_service import Live
    from tests.support.notebook_page import NotebookPage, Open

pytestmark = pytest.mark.browser

LONGEST_MS = 5000  # a machine under load makes a task of a tenth of a second as long as one
WATCH = """() => {
  globalThis.longest = 0;
  new PerformanceObserver((list) => {
    for (const one of list.getEntries()) globalThis.longest = Math.max(globalThis.longest, one.duration);
  }).observe({entryTypes: ["longtask"]});
}"""


@pytest.fixture(scope="module")
def odd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    with odd_service(tmp_path_factory.mktemp("odd")) as live:
        yield live


def connected(odd: Live) -> str:
    return f"lab = syndb_lab.connect({odd.url!r}, {odd.token!r})"


def composer_of(notebook: NotebookPage, index: int) -> Locator:
    notebook.finish(index)
    found = notebook.output(index).locator(".syndb-composer")
    expect(found.locator(".syndb-branches summary").first).to_be_visible()
    return found


def branch(within: Locator, name: str) -> Locator:
    """Open a branch of the schema."""
    summary = within.locator("summary", has_text=re.compile(f"^{name}"))
    summary.click()
    return summary.locator("..")


def to_last_column(table: Locator) -> None:
    """Scroll to the right end: the last heading is in sight."""
    table.scroll_into_view_if_needed()
    table.locator(".syndb-grid-scroller").evaluate("one => one.scrollLeft = one.scrollWidth")
    last = table.locator("[role=columnheader][aria-colindex='501']")
    expect(last).to_contain_text("measure_479")
    expect(last).to_be_in_viewport(ratio=0.9)


def test_five_hundred_columns(open_notebook: Open, page: Page, odd: Live) -> None:
    notebook = open_notebook(f"{connected(odd)}\ncomposer = lab.composer()", "composer.job.table()")
    composer = composer_of(notebook, 1)
    leaves = branch(branch(composer, "wide"), "neurons").locator(".syndb-leaf")
    expect(leaves).to_have_count(500)
    leaves.last.scroll_into_view_if_needed()
    expect(leaves.last).to_have_text("measure_479DOUBLE, in nm")
    composer.get_by_label("find a column").fill("measure_47")
    expect(composer.locator(".syndb-leaf")).to_have_count(10)
    composer.get_by_label("find a column").fill("")

    page.evaluate(WATCH)
    composer.locator(".cm-content").click()
    page.keyboard.type("SELECT w.* FROM neurons w WHERE w.measure_47")
    popup = page.locator(".cm-tooltip-autocomplete")
    expect(popup.get_by_role("option").first).to_have_text("measure_470DOUBLE · nm")
    page.keyboard.type("9")
    expect(popup.get_by_role("option")).to_have_text(["measure_479DOUBLE · nm"])
    page.wait_for_timeout(200)  # a popup takes no key that was meant for the text
    page.keyboard.press("Enter")
    page.keyboard.type(" >= 0 ORDER BY 2")
    verdict = composer.locator(".syndb-check-result")
    expect(verdict).to_have_attribute("data-state", "valid")
    expect(verdict).to_contain_text("measure_479 double")
    page.keyboard.press("Shift+Enter")
    card = notebook.output(1).locator(".syndb-ended")
    expect(card).to_contain_text("30 rows")
    expect(card).to_contain_text("30 of 500 columns")
    assert page.evaluate("globalThis.longest") < LONGEST_MS

    notebook.finish(2)
    table = notebook.output(2).locator(".syndb-grid")
    expect(table.locator(".syndb-grid-count")).to_have_text("30 rows")
    expect(table.get_by_text(str(FIRST), exact=True)).to_be_visible()
    to_last_column(table)
    expect(table.get_by_text("479.05", exact=True)).to_be_visible()


def test_datasets_without_rows(open_notebook: Open, page: Page, odd: Live) -> None:
    notebook = open_notebook(
        f"{connected(odd)}\ncomposer = lab.composer()",
        "composer.job.table()",
        "hollow = lab.graph('hollow', node_table=True)\nhollow.explore()",
        "hollow.plot()",
        "lonely = lab.graph('lonely', node_table=True).explore()",
    )
    composer = composer_of(notebook, 1)
    expect(branch(composer, "hollow")).to_contain_text("none of its tables has rows")
    expect(branch(branch(composer, "lonely"), "neurons").locator(".syndb-leaf")).to_have_count(4)
    composer.locator(".cm-content").click()
    hollow = odd.syndb_lab("dataset", "list").split("hollow")[0].split()[-1]
    page.keyboard.insert_text(f"SELECT * FROM neurons WHERE dataset_id = '{hollow}'")
    expect(composer.locator(".syndb-check-result")).to_have_attribute("data-state", "valid")
    page.keyboard.press("Shift+Enter")
    expect(notebook.output(1).locator(".syndb-ended")).to_contain_text("0 rows")
    notebook.finish(2)
    table = notebook.output(2).locator(".syndb-grid")
    expect(table).to_contain_text("no rows")
    to_last_column(table)

    notebook.finish(3)
    expect(notebook.output(3)).to_contain_text("this graph is empty: it has no neuron")
    expect(notebook.output(3)).to_contain_text("Ask for another dataset")
    expect(notebook.output(3)).not_to_contain_text(re.compile("Traceback|gathering"))
    notebook.finish(4)
    expect(notebook.output(4).locator("img")).to_be_visible()
    notebook.finish(5)
    view = notebook.output(5).locator(".syndb-explore")
    expect(view.locator(".syndb-caption")).to_have_text("all 2 neurons · no connection among them")
    view.scroll_into_view_if_needed()
    stage = view.locator(".syndb-stage[data-drawn]")
    expect(stage).to_be_visible()
    expect(view).to_have_attribute("data-color", "")
    assert stage.evaluate(
        "one => one.offsetHeight > 250 && one.offsetWidth === one.parentElement.offsetWidth"
    )
