"""The paged table in a real JupyterLab: any length, exact, sorted, filtered, copied, saved."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.support.notebook_page import IDLE, WAIT_MS

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator, Page

    from tests.support.notebook_page import Open, Server

pytestmark = pytest.mark.browser

LAST = "720575940604999999"
MILLIONS = (
    "SELECT 720575940600000000 + range AS neuron_id, "
    "CASE WHEN range % 3 = 0 THEN 720575940600000001 END AS partner, 'cell ' || (range % 1000) AS name "
    "FROM range(5000000)"
)
ATTACK = "<img src=x onerror=document.title=1>"
ODD = (
    f"SELECT '{ATTACK}' AS \"{ATTACK} 'q' 😀\", repeat('x', 1000000) AS long, "
    "'two' || chr(10) || 'lines' AS text"
)
COUNTED = """
import gc, threading, time
from ipywidgets.widgets.widget import _instances
def level():
    until = time.monotonic() + 120
    while any(one.name == "syndb-table" for one in threading.enumerate()) and time.monotonic() < until:
        time.sleep(0.05)
    gc.collect()
    return len(_instances), threading.active_count()
from IPython.display import display, clear_output
"""


def cell(table: Locator, text: str) -> Locator:
    return table.locator(".syndb-grid-td", has_text=re.compile(f"^{re.escape(text)}$"))


def copied(page: Page) -> str:
    found: str = page.evaluate("navigator.clipboard.readText()")
    return found


def test_five_million_rows(open_notebook: Open, page: Page) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    notebook = open_notebook(f"job = lab.sql({MILLIONS!r}, label='millions')\njob.table()")
    notebook.finish(1)
    table = notebook.output(1).locator(".syndb-grid")
    count = table.locator(".syndb-grid-count")
    expect(count).to_have_text("5,000,000 rows")
    cell(table, "720575940600000000").click()
    page.keyboard.press("End")
    expect(cell(table, LAST)).to_be_visible()
    page.keyboard.press("Control+c")
    expect(count).to_contain_text("the cell copied")
    assert copied(page) == LAST
    page.keyboard.press("PageUp")
    page.keyboard.press("Home")
    expect(cell(table, "720575940600000000")).to_be_visible()
    table.locator(".syndb-grid-scroller").evaluate("one => one.scrollTop = one.scrollHeight")
    expect(cell(table, LAST)).to_be_visible()
    table.get_by_label("Go to row").fill("2,500,001")
    page.keyboard.press("Enter")
    expect(cell(table, "720575940602500000")).to_be_visible()
    page.mouse.wheel(0, -240)

    table.locator(".syndb-grid-sort", has_text="neuron_id").click()
    table.locator(".syndb-grid-sort", has_text="neuron_id").click()
    expect(cell(table, LAST)).to_be_visible()
    expect(table.get_by_role("columnheader", name="neuron_id")).to_have_attribute("aria-sort", "descending")
    table.get_by_label("Filter name").fill("cell 99")
    expect(count).to_have_text("55,000 of 5,000,000 rows match")
    table.get_by_label("Filter partner").fill("> many")
    expect(table.locator(".syndb-grid-problem")).to_contain_text("partner: 'many' is no number")
    table.get_by_label("Filter partner").fill("null")
    expect(count).to_have_text(re.compile(r"^36,66\d of 5,000,000 rows match$"))
    table.locator(".syndb-grid-number").first.click()
    page.keyboard.press("Shift+ArrowDown")
    table.get_by_role("button", name="Copy").click()
    expect(count).to_contain_text("2 rows copied")
    lines = copied(page).split("\n")
    assert lines[0] == "neuron_id\tpartner\tname"
    assert len(lines) == 3
    assert all(re.fullmatch(r"72057594060499\d{4}\t\tcell 99\d?", line) for line in lines[1:])
    table.get_by_role("button", name="Show all").click()
    expect(count).to_have_text("5,000,000 rows")

    data = notebook.saved().cells[1].outputs[-1].data
    assert set(data) == {"text/html", "text/plain"}
    assert "720575940600000019" in data["text/html"]
    assert "720575940600000020" not in data["text/html"]
    assert "the first 20 of 5,000,000 rows" in data["text/html"]
    notebook.restart()
    expect(notebook.output(1).locator(".syndb-still")).to_be_visible()
    expect(table).to_have_count(0)


def test_odd_cells_and_five_hundred_columns_in_both_themes(open_notebook: Open, page: Page) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    notebook = open_notebook(
        f"lab.sql({ODD!r}).table()",
        "names = ', '.join(f'range + {n} AS c{n}' for n in range(500))\n"
        "lab.sql(f'SELECT {names} FROM range(100)').table()",
        "lab.sql('SELECT 1 AS one WHERE false').table()",
    )
    for index in (1, 2, 3):
        notebook.finish(index)
    odd, wide, none = (notebook.output(index).locator(".syndb-grid") for index in (1, 2, 3))
    expect(cell(odd, "two↵lines")).to_be_visible()
    expect(odd.locator(".syndb-grid-name").first).to_have_text(f"{ATTACK} 'q' 😀")
    odd.locator(".syndb-grid-td").nth(1).click()
    expect(odd.locator(".syndb-grid-cell")).to_contain_text("1,000,000 characters")
    page.keyboard.press("Control+c")
    expect(odd.locator(".syndb-grid-count")).to_contain_text("copied")
    assert copied(page) == "x" * 1_000_000
    assert page.title() != "1"
    assert page.locator(".jp-Notebook img[src=x]").count() == 0

    expect(none).to_contain_text("no rows")
    cell(wide, "0").click()
    page.keyboard.press("Control+End")
    expect(cell(wide, "598")).to_be_visible()
    expect(wide.locator("[aria-colindex='501'][role=columnheader]")).to_be_visible()
    assert wide.locator(".syndb-grid-td").count() < 600
    page.keyboard.press("/")
    page.keyboard.type("< 501")
    expect(wide.locator(".syndb-grid-count")).to_have_text("2 of 100 rows match")

    def brightness() -> int:
        color = wide.locator(".syndb-grid-row").first.evaluate("one => getComputedStyle(one).backgroundColor")
        return sum(map(int, re.findall(r"\d+", color)[:3]))

    assert brightness() > 600
    page.evaluate(
        "() => window.jupyterapp.commands.execute('apputils:change-theme', {theme: 'JupyterLab Dark'})"
    )
    page.wait_for_function("() => document.body.dataset.jpThemeLight === 'false'")
    until = time.monotonic() + WAIT_MS / 1000
    while brightness() >= 200:
        assert time.monotonic() < until, brightness()
        page.wait_for_timeout(50)


def test_tables_come_and_go(open_notebook: Open, page: Page) -> None:
    notebook = open_notebook(
        f"{COUNTED}\njob = lab.sql('SELECT range AS n FROM range(100)')\ntable = job.table()\ntable",
        "display(table)\nbefore = level()",
        "for _ in range(50):\n    one = job.table()\n    display(one)\n    one.close()\n    clear_output()\n"
        "print(level()[0] - before[0], level()[1] - before[1])",
        "table",
        "import time; time.sleep(3)",
    )
    for index in (1, 2, 3, 4, 4, 4):
        notebook.finish(index)
    first, second, last = (notebook.output(index).locator(".syndb-grid") for index in (1, 2, 4))
    expect(notebook.output(3)).to_have_text("0 0")
    first.locator(".syndb-grid-sort").click()
    first.locator(".syndb-grid-sort").click()
    expect(first.locator(".syndb-grid-td").first).to_have_text("99")
    second.get_by_label("Filter n").fill("= 7")
    expect(second.locator(".syndb-grid-td")).to_have_text(["7"])
    expect(last.locator(".syndb-grid-td").first).to_have_text("0")
    expect(first.locator(".syndb-grid-count")).to_have_text("100 rows")
    page.wait_for_function("() => globalThis.__syndbHosts.living.size === 3")
    notebook.write(1, "table.close()")
    notebook.finish(1)
    expect(second).to_have_count(0)
    expect(notebook.output(2).locator(".syndb-still")).to_be_visible()
    page.wait_for_function("() => globalThis.__syndbHosts.living.size === 0")


def test_two_windows_and_a_reload_draw_what_each_asked_for(
    open_notebook: Open, page: Page, browser: Browser, server: Server
) -> None:
    notebook = open_notebook(f"lab.sql({MILLIONS!r}, label='millions').table()")
    notebook.finish(1)
    ours = notebook.output(1).locator(".syndb-grid")
    expect(ours.locator(".syndb-grid-count")).to_have_text("5,000,000 rows")
    notebook.saved()
    context = browser.new_context(viewport={"width": 1200, "height": 1000})
    other = context.new_page()
    other.goto(f"{server.url}/lab/workspaces/two/tree/{notebook.path}?token=t")
    theirs = other.locator(".syndb-grid")
    expect(theirs.locator(".syndb-grid-count")).to_have_text("5,000,000 rows")

    for _ in range(2):
        ours.locator(".syndb-grid-sort", has_text="neuron_id").click(no_wait_after=True)
        theirs.get_by_label("Filter name").fill("cell 99")
    expect(cell(ours, LAST)).to_be_visible()
    expect(ours.locator(".syndb-grid-count")).to_have_text("5,000,000 rows")
    expect(theirs.locator(".syndb-grid-count")).to_have_text("55,000 of 5,000,000 rows match")
    expect(cell(theirs, "720575940600000099")).to_be_visible()

    page.reload()
    page.wait_for_function(IDLE, timeout=WAIT_MS)
    ours.locator(".syndb-grid-sort", has_text="name").click()
    expect(cell(ours, "720575940600001000")).to_be_visible()
    expect(ours.locator(".syndb-grid-count")).to_have_text("5,000,000 rows")
    expect(theirs.locator(".syndb-grid-count")).to_have_text("55,000 of 5,000,000 rows match")
    context.close()


def test_a_filter_that_is_taken_back_leaves_all_rows(open_notebook: Open, page: Page) -> None:
    notebook = open_notebook(f"lab.sql({MILLIONS!r}, label='millions').table()")
    notebook.finish(1)
    table = notebook.output(1).locator(".syndb-grid")
    count = table.locator(".syndb-grid-count")
    expect(count).to_have_text("5,000,000 rows")
    asked = notebook.output(1).locator(".syndb-grid-pending")
    for typed in ("cell 1", "cell 22", "cell 333"):
        table.get_by_label("Filter name").fill(typed)
        expect(asked.or_(count.filter(has_text="rows match")).first).to_be_visible()
        table.get_by_label("Filter name").fill("")
        expect(count).to_have_text("5,000,000 rows")
    table.get_by_label("Go to row").fill("2,500,001")  # answered after all that was asked before
    page.keyboard.press("Enter")
    expect(cell(table, "720575940602500000")).to_be_visible()
    expect(count).to_have_text("5,000,000 rows")
