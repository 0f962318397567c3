"""The composer in a real JupyterLab: complete, check, run, graph jobs, a service that goes away."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import Locator, expect

from tests.support.live_service import running_service
from tests.support.notebook_page import IDLE, WAIT_MS

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Page

    from tests.support.notebook_page import NotebookPage, Open

pytestmark = pytest.mark.browser

FROM = "\nFROM neurons p\nWHERE p.dataset_id = '"
RULES_AND_HOSTS = """() => [
  document.adoptedStyleSheets.length,
  [...document.styleSheets, ...document.adoptedStyleSheets]
    .reduce((sum, sheet) => sum + sheet.cssRules.length, 0),
  document.querySelectorAll('.cm-tooltip').length,
  globalThis.__syndb_editors.size,
  globalThis.__syndbHosts.mounted.size,
  globalThis.__syndbHosts.living.size,
]"""
"""Counts what editors may leave in a page: rules of style, tooltips, modules, hosts."""
LONG = "".join(f"-- line {number} of a query that is far too long\n" for number in range(2500))


def composer_of(notebook: NotebookPage, index: int) -> Locator:
    notebook.run(index)
    found = notebook.output(index).locator(".syndb-composer")
    expect(found).to_be_visible()
    expect(found.locator(".syndb-branches summary").first).to_be_visible()
    return found


def verdict(composer: Locator, state: str) -> Locator:
    found = composer.locator(".syndb-check-result")
    expect(found).to_have_attribute("data-state", state)
    return found


@pytest.mark.parametrize("theme", ["JupyterLab Light", "JupyterLab Dark"])
def test_complete_check_and_run(open_notebook: Open, page: Page, theme: str) -> None:
    cells = ["composer = lab.composer()", "print(composer.sql, composer.job.to_polars().shape)"]
    notebook = open_notebook(*cells, theme=theme)
    composer = composer_of(notebook, 1)
    composer.locator(".cm-content").click()
    page.keyboard.type(f"SELECT p.{FROM}")
    popup = page.locator("body > .cm-tooltip-autocomplete, body > div > .cm-tooltip-autocomplete")
    popup.get_by_text("celegans_varshney_2011", exact=True).first.click()
    expect(composer.locator(".syndb-dataset-name")).to_have_text("celegans_varshney_2011")
    page.keyboard.press("Control+Home")
    page.keyboard.press("End")
    page.keyboard.type("na")
    expect(popup).to_contain_text(re.compile("nameVARCHAR"))
    page.wait_for_timeout(200)  # a popup takes no key that was meant for the text
    page.keyboard.press("Enter")
    page.keyboard.type(", '🧠🧠' AS brains, nme")
    said = verdict(composer, "invalid")
    expect(said).to_contain_text("line 1, column 32")
    expect(said).to_contain_text("Did you mean name?")
    expect(composer.locator(".cm-lintRange-error")).to_have_text("nme")
    page.keyboard.press("Backspace")
    page.keyboard.press("Backspace")
    page.keyboard.press("Backspace")
    page.keyboard.type("p.cell_class")
    expect(verdict(composer, "valid")).to_contain_text("cell_class string")
    expect(composer.locator(".cm-lintRange-error")).to_have_count(0)
    page.keyboard.press("Shift+Enter")
    expect(notebook.output(1).locator(".syndb-ended")).to_contain_text("279 rows")
    expect(notebook.cell(2).locator(".jp-InputArea-prompt")).to_have_text("[ ]:")
    paper = composer.evaluate("element => getComputedStyle(element).backgroundColor")
    assert (sum(int(part) for part in re.findall(r"\d+", paper)[:3]) < 300) == ("Dark" in theme)
    notebook.finish(2)
    expect(notebook.output(2)).to_contain_text("p.cell_class")
    expect(notebook.output(2)).to_contain_text("(279, 3)")
    saved = notebook.saved().cells[1].outputs
    assert all(set(output.data) == {"text/html", "text/plain"} for output in saved)
    written = "".join(output.data["text/html"] for output in saved)
    assert all(words in written for words in ("p.cell_class", "run this cell", "SHA-256"))
    page.reload()
    page.wait_for_function(IDLE, timeout=WAIT_MS)
    expect(composer.locator(".cm-content")).to_contain_text("p.cell_class")


def test_values_and_a_graph_job_by_their_forms(open_notebook: Open, page: Page) -> None:
    notebook = open_notebook("lab.composer()", "second = lab.composer('SELECT 2 AS two')")
    composer = composer_of(notebook, 1)
    second = composer_of(notebook, 2)
    composer.get_by_role("tab", name="Examples").click()
    composer.get_by_role("button", name=re.compile("Who drives a neuron")).click()
    expect(verdict(composer, "open")).to_contain_text(":neuron has no value yet")
    composer.get_by_label(":neuron", exact=True).fill("AVAL")
    expect(verdict(composer, "valid")).to_contain_text("celegans_varshney_2011")
    composer.get_by_role("button", name="Run").click()
    expect(notebook.output(1).locator(".syndb-ended")).to_contain_text("53 rows")
    composer.get_by_role("tab", name="Graph").press("Enter")
    composer.get_by_label("analysis", exact=True).select_option("shortest_path")
    expect(verdict(composer, "open")).to_contain_text("needs source, and target")
    composer.get_by_label("source", exact=True).fill("ASEL")
    composer.get_by_label("target", exact=True).fill("DA1")
    verdict(composer, "ready")
    page.keyboard.press("Shift+Enter")
    expect(notebook.output(1).locator(".syndb-ended")).to_contain_text("completed")
    expect(notebook.output(1).locator(".syndb-ended")).to_contain_text("shortest_path")
    composer.get_by_role("tab", name="History").click()
    expect(composer.locator(".syndb-drafts")).to_contain_text("shortest_path of celegans_varshney_2011")
    count = page.locator(".jp-Notebook .jp-Cell").count()
    composer.get_by_label("analysis", exact=True).focus()
    page.keyboard.press("d")
    page.keyboard.press("d")
    assert page.locator(".jp-Notebook .jp-Cell").count() == count
    expect(second.locator(".cm-content")).to_have_text("SELECT 2 AS two")
    verdict(second, "valid")


def test_a_service_that_goes_away_while_typing(open_notebook: Open, page: Page, tmp_path: Path) -> None:
    with running_service(tmp_path) as first:
        notebook = open_notebook(
            f"lab = syndb_lab.connect('{first.url}', '{first.token}')\ncomposer = lab.composer('SELECT 1')"
        )
        composer = composer_of(notebook, 1)
        verdict(composer, "valid")
        first.process.kill()
        first.process.wait(timeout=120)
        composer.locator(".cm-content").click()
        page.keyboard.press("Control+End")
        page.keyboard.type(" AS one")
        expect(verdict(composer, "away")).to_contain_text("no answer from")
        page.keyboard.press("Shift+Enter")
        expect(composer).to_contain_text("not submitted")
    with running_service(tmp_path, "--port", first.url.rpartition(":")[2]):
        expect(verdict(composer, "valid")).to_contain_text("one int32")
        page.keyboard.press("Shift+Enter")
        expect(notebook.output(1).locator(".syndb-ended")).to_contain_text("1 row")


def test_long_sql_and_markup(open_notebook: Open, page: Page) -> None:
    attack = "<img src=x onerror=document.title=1>"
    notebook = open_notebook(
        f"composer = lab.composer('SELECT \"{attack}\"')", "print(composer.sql.count(chr(10)))"
    )
    composer = composer_of(notebook, 1)
    expect(verdict(composer, "invalid")).to_contain_text(attack)
    composer.locator(".cm-content").click()
    page.keyboard.press("Control+A")
    page.keyboard.insert_text(f"{LONG}SELECT 1 AS \"{attack}\", '🧠' AS b, nme FROM neurons")
    expect(verdict(composer, "invalid")).to_contain_text("line 2501, column ")
    page.keyboard.type("x")
    expect(verdict(composer, "invalid")).to_contain_text("neuronsx")
    notebook.finish(2)
    expect(notebook.output(2)).to_contain_text("2500")
    assert page.locator(".jp-Notebook img[src=x]").count() == 0
    assert page.title() != "1"


def test_fifty_times_open_and_close_leaves_the_page_as_it_was(open_notebook: Open, page: Page) -> None:
    """The comms and threads of the kernel, and what the page holds of editors."""
    level = (
        "import asyncio, gc, threading\nfrom comm import get_comm_manager\n"
        "from IPython.display import clear_output\n"
        "def level():\n    gc.collect()\n"
        "    return len(get_comm_manager().comms), threading.active_count()\n"
    )
    often = (
        "async def often(times):\n    for _ in range(times):\n        composer = lab.composer('SELECT 1')\n"
        "        await asyncio.sleep(0.1)\n        composer.close()\n        clear_output(wait=True)\n"
        "    while any(one.name.startswith('syndb-') for one in threading.enumerate()):\n"
        "        await asyncio.sleep(0.1)\n"
    )
    cells = [
        "first = lab.composer('SELECT 1')",
        f"{level}{often}await often(3)\nfirst.close()\nbefore = level()",
        "await often(50)\nafter = level()\nprint(after[0] - before[0], after[1] <= before[1] + 2)",
    ]
    notebook = open_notebook(*cells)
    composer_of(notebook, 1)
    notebook.finish(2)
    expect(page.locator(".syndb-composer")).to_have_count(0)
    before = page.evaluate(RULES_AND_HOSTS)
    notebook.finish(3)
    expect(notebook.output(3)).to_contain_text("0 True")
    expect(page.locator(".syndb-composer")).to_have_count(0)
    page.wait_for_function(
        f"before => JSON.stringify(({RULES_AND_HOSTS})()) === JSON.stringify(before)",
        arg=before,
        timeout=WAIT_MS,
    )
