"""The job cell in a real JupyterLab: run, watch, cancel, rerun, load, reopen."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.support.live_service import running_service
from tests.support.notebook_page import IDLE, LOOK_MS, TRIES, WAIT_MS, NotebookPage

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Browser, Page

    from tests.support.notebook_page import Open, Server

pytestmark = pytest.mark.browser

SLOW = "SELECT count(*) AS n FROM range(1000000000) a, range(1000000) b WHERE (a.range * b.range) % 7 = 3"
NEURONS = "SELECT name, 720575940600000001 AS neuron_id, NULL::BIGINT AS nobody FROM neurons ORDER BY name"


def test_a_card_lives_ends_and_is_saved(open_notebook: Open) -> None:
    notebook = open_notebook(
        f"%%syndb names --label 'a <b>label</b> of $x$ and $y$'\n{NEURONS}",
        "print(names_frame['neuron_id'].unique().to_list(), names_frame['nobody'].dtype)",
    )
    notebook.finish(1)
    card = notebook.output(1).locator(".syndb-ended")
    expect(card).to_contain_text("a <b>label</b> of $x$ and $y$")
    expect(card).to_contain_text("720575940600000001")
    load = notebook.output(1).locator(".syndb-do-load")
    expect(load).to_have_text(re.compile(r"Load 588 rows · [\d.]+ kB"))
    load.click()
    expect(card).to_contain_text("loaded into names_frame (polars, 588 × 3)")
    notebook.finish(2)
    expect(notebook.output(2)).to_contain_text("[720575940600000001] Int64")
    data = notebook.saved().cells[1].outputs[0].data
    assert set(data) == {"text/html", "text/plain"}
    assert all(
        word in data["text/html"]
        for word in ("Varshney LR", "SHA-256", "kept until", "ORDER BY name", "ADAL")
    )
    assert not re.search(r"<script|<style|<b>label", data["text/html"])


def test_a_notebook_saved_while_a_job_runs_reads_well_later(open_notebook: Open) -> None:
    notebook = open_notebook(f"%%syndb done\n{NEURONS}", f"%%syndb slow\n{SLOW}", "slow.cancel()")
    notebook.finish(1)
    expect(notebook.output(1).locator(".syndb-ended")).to_contain_text("ADAL")
    notebook.finish(2)
    expect(notebook.output(2).locator(".syndb-card")).to_have_attribute("data-status", "running")
    saved = notebook.saved()
    assert all(set(cell.outputs[0].data) == {"text/html", "text/plain"} for cell in saved.cells[1:3])
    assert "%syndb attach" in saved.cells[2].outputs[0].data["text/html"]
    notebook.restart()
    notebook.open()
    for index, words in ((1, "ADAL"), (2, "shows how it is now")):
        expect(notebook.output(index).locator(".syndb-still")).to_contain_text(words)
    assert notebook.page.locator(".syndb-button").count() == 0
    notebook.write(
        3, "import syndb_lab\nlab = syndb_lab.connect()\n[job.cancel() for job in lab.jobs('running')]"
    )
    notebook.finish(3)


def test_cancel_and_rerun_while_another_cell_runs(open_notebook: Open) -> None:
    notebook = open_notebook(f"%%syndb slow\n{SLOW}", "print(1 + 1)", "print(slow.id)")
    notebook.finish(1)
    card = notebook.output(1).locator(".syndb-card")
    expect(card).to_have_attribute("data-status", "running")
    clock = card.locator(".syndb-clock")
    before = clock.inner_text()
    notebook.finish(2)
    expect(notebook.output(2)).to_contain_text("2")
    expect(clock).not_to_have_text(before)
    card.locator(".syndb-do-cancel").click()
    ended = notebook.output(1).locator(".syndb-ended")
    expect(ended).to_contain_text("cancelled")
    first = re.search(r"syndb-job-(\S+)", ended.get_attribute("class") or "")
    assert first
    notebook.output(1).locator(".syndb-do-rerun").click()
    expect(card).to_have_attribute("data-status", "running")
    expect(card).to_contain_text("slow is this job now")
    notebook.finish(3)
    expect(notebook.output(3)).not_to_contain_text(first[1])
    card.locator(".syndb-do-cancel").click()
    expect(ended).to_contain_text("cancelled", timeout=WAIT_MS)


def test_a_fresh_kernel_picks_the_job_up(open_notebook: Open, page: Page) -> None:
    notebook = open_notebook(f"%%syndb slow\n{SLOW}", "%load_ext syndb_lab", "%syndb attach")
    notebook.finish(1)
    card = notebook.output(1).locator(".syndb-card")
    expect(card).to_have_attribute("data-status", "running")
    job_id = card.get_attribute("data-job") or ""
    notebook.restart()
    notebook.finish(2)
    notebook.finish(3)
    expect(notebook.output(3)).to_contain_text(job_id)
    notebook.write(3, f"%syndb attach {job_id[:13]}")
    notebook.finish(3)
    attached = notebook.output(3).locator(".syndb-card")
    expect(attached).to_have_attribute("data-status", "running")
    attached.locator(".syndb-do-cancel").click()
    expect(notebook.output(3).locator(".syndb-ended")).to_contain_text("cancelled")


def test_stop_ends_the_waiting_and_not_the_job(open_notebook: Open, page: Page) -> None:
    notebook = open_notebook(
        f"%%syndb slow --wait\n{SLOW}",
        "print(slow.cancel().id == slow.id, (await slow).status)",
    )
    notebook.run(1)
    expect(notebook.output(1).locator(".syndb-card")).to_have_attribute("data-status", "running")
    page.get_by_title("Interrupt the kernel").click()
    expect(notebook.output(1)).to_contain_text("Stopped waiting; the job goes on.")
    assert "Traceback" not in notebook.output(1).inner_text()
    notebook.await_end(1)
    notebook.finish(2)
    expect(notebook.output(2)).to_contain_text("True cancelled")
    expect(notebook.output(1).locator(".syndb-ended")).to_contain_text("cancelled")


def test_completion_and_colours(open_notebook: Open, page: Page) -> None:
    notebook = open_notebook("%syndb tables", "%%syndb\nSELECT pre_neu", "print('SELECT')")
    notebook.finish(1)
    keyword = notebook.cell(2).locator(".cm-line").nth(1).locator("span").first
    expect(keyword).to_have_text("SELECT")
    expect(keyword).to_have_css("font-weight", "700")
    notebook.edit(2)
    page.keyboard.press("Control+End")
    offered = page.locator(".jp-Completer").filter(has_text=re.compile(r"pre_neuron_id\s*column"))
    for _ in range(TRIES):  # JupyterLab drops what a kernel offers after a second
        page.keyboard.press("Tab")
        try:
            expect(offered).to_be_visible(timeout=LOOK_MS)
        except AssertionError:
            page.keyboard.press("Escape")
            notebook.edit(2)
            page.keyboard.press("Control+End")
            continue
        break
    expect(offered).to_be_visible()
    notebook.write(2, "SELECT = 1")
    expect(notebook.cell(2).locator(".cm-line span", has_text="SELECT")).to_have_count(0)


def test_an_error_is_one_block_with_a_caret(open_notebook: Open) -> None:
    notebook = open_notebook("%%syndb\nSELECT name,\n  nam\nFROM neurons")
    notebook.finish(1)
    expect(notebook.output(1)).to_contain_text("line 2:   nam")
    assert "Traceback" not in notebook.output(1).inner_text()


def test_the_monitor_lists_cancels_and_reruns(open_notebook: Open) -> None:
    notebook = open_notebook(
        f"slow = lab.sql({SLOW!r}, label='the <i>slow</i> one')\n"
        "quick = lab.sql('SELECT 1 AS one', label='quick').wait(progress=False)",
        "monitor = lab.monitor()",
        "monitor.close()",
    )
    notebook.finish(1)
    notebook.finish(2)
    board = notebook.output(2).locator(".syndb-board")
    expect(notebook.output(2)).not_to_contain_text("object at 0x")
    board.locator(".syndb-by-label").fill("the <i>slow")
    row = board.locator(".syndb-row")
    expect(row).to_have_count(1)
    expect(row).to_contain_text("running")
    row.locator(".syndb-do-cancel").click()
    expect(row).to_contain_text("cancelled")
    row.locator(".syndb-do-rerun").click()
    expect(row).to_have_count(2)
    expect(row.first).to_contain_text("running")
    board.locator(".syndb-by-status").select_option("running")
    expect(row).to_have_count(1)
    row.locator(".syndb-do-cancel").click()
    expect(row).to_have_count(0)
    board.locator(".syndb-by-status").select_option("completed")
    board.locator(".syndb-by-label").fill("quick")
    row.first.locator(".syndb-do-load").click()
    expect(board).to_contain_text("_frame (polars, 1 × 1)")
    notebook.finish(3)
    expect(notebook.output(2).locator(".syndb-still")).to_contain_text("quick")


def test_what_a_restarted_kernel_left_looks_live_no_more(open_notebook: Open) -> None:
    notebook = open_notebook(
        f"%%syndb slow\n{SLOW}",
        "monitor = lab.monitor()",
        "view = lab.graph('celegans_varshney_2011', 'hubs').explore(limit=10, color='name')",
        "import syndb_lab\nfor job in syndb_lab.connect().jobs('running'):\n    job.cancel()",
    )
    for cell, live in ((1, ".syndb-card[data-status=running]"), (2, ".syndb-board"), (3, ".syndb-explore")):
        notebook.finish(cell)
        expect(notebook.output(cell).locator(live)).to_be_visible()
        expect(notebook.output(cell).locator(".syndb-still")).to_be_hidden()
    expect(notebook.output(3).locator(".syndb-explore")).to_have_attribute("data-color", "name")
    notebook.restart()
    for cell in (1, 2, 3):
        expect(notebook.output(cell).locator(".syndb-still")).to_be_visible()
        expect(notebook.output(cell).locator(".syndb-card")).to_have_count(0)
    notebook.finish(4)


def test_a_card_outlives_its_service(open_notebook: Open, tmp_path: Path) -> None:
    with running_service(tmp_path) as first:
        notebook = open_notebook(
            f"%syndb connect {first.url}",
            f"%%syndb slow\n{SLOW}",
            before=f"import os\n\nos.environ.update(SYNDB_URL='{first.url}', SYNDB_TOKEN='{first.token}')",
        )
        notebook.finish(1)
        notebook.finish(2)
        card = notebook.output(2).locator(".syndb-card")
        expect(card).to_have_attribute("data-status", "running")
        first.process.kill()
        first.process.wait(timeout=120)
        expect(card.locator(".syndb-away")).to_contain_text("the service does not answer")
    port = first.url.rpartition(":")[2]
    with running_service(tmp_path, "--port", port, SYNDB_LEASE_S="2") as second:
        assert second.url == first.url
        expect(card.locator(".syndb-away")).to_be_hidden()
        expect(card).to_have_attribute("data-status", "running")
        card.locator(".syndb-do-cancel").click()
        expect(notebook.output(2).locator(".syndb-ended")).to_contain_text("cancelled")


def test_markup_from_the_service_stays_text(open_notebook: Open, page: Page) -> None:
    attack = "<img src=x onerror=document.title=1><script>document.title=1</script>"
    notebook = open_notebook(
        f"%%syndb shown --label '{attack}'\nSELECT '{attack}' AS \"{attack}\", '{attack}' AS b",
        f"%%syndb wrong --label '{attack}'\nSELECT CAST('{attack}' || name AS INTEGER) FROM neurons",
        f'%%syndb\nSELECT "{attack}"',
        "lab.monitor()",
    )
    for index in (1, 2, 3, 4):
        notebook.finish(index)
    expect(notebook.output(1).locator(".syndb-ended")).to_contain_text(attack)
    expect(notebook.output(2).locator(".syndb-ended")).to_contain_text("Could not convert string '<img")
    expect(notebook.output(4).locator(".syndb-board")).to_contain_text(attack)
    assert page.locator(".jp-Notebook img[src=x]").count() == 0
    assert page.title() != "1"


def test_two_windows_show_the_same_jobs_and_drafts(
    open_notebook: Open, page: Page, browser: Browser, server: Server
) -> None:
    notebook = open_notebook(
        f"%%syndb slow --label slow\n{SLOW}", "lab.monitor()", "composer = lab.composer('SELECT 1 AS one')"
    )
    for index in (1, 2, 3):
        notebook.finish(index)
    card = notebook.output(1).locator(".syndb-card")
    expect(card).to_have_attribute("data-status", "running")
    notebook.saved()
    context = browser.new_context(viewport={"width": 1200, "height": 1000})
    other = context.new_page()
    other.goto(f"{server.url}/lab/workspaces/two/tree/{notebook.path}?token=t")
    second = NotebookPage(other, server, notebook.path)
    their_card = second.output(1).locator(".syndb-card")
    expect(their_card).to_have_attribute("data-status", "running")

    for output in (notebook.output(3), second.output(3)):
        expect(output.locator(".syndb-check-result")).to_have_attribute("data-state", "valid")
    second.output(3).locator(".cm-content").fill("SELECT 2 AS two, 3 AS three")
    for output in (notebook.output(3), second.output(3)):
        expect(output.locator(".cm-content")).to_contain_text("SELECT 2 AS two, 3 AS three")
        expect(output.locator(".syndb-columns .syndb-chip")).to_have_count(2)
    notebook.output(3).locator(".cm-content").fill("SELECT 4 FROM nowhere")
    for output in (notebook.output(3), second.output(3)):
        expect(output.locator(".cm-content")).to_contain_text("SELECT 4 FROM nowhere")
        expect(output.locator(".syndb-check-result")).to_have_attribute("data-state", "invalid")

    their_card.locator(".syndb-do-cancel").click()
    expect(notebook.output(1).locator(".syndb-ended")).to_contain_text("cancelled")
    expect(their_card).to_have_attribute("data-status", "cancelled")  # its output was read from the file
    for output in (notebook.output(2), second.output(2)):
        row = output.locator(".syndb-row", has_text="slow").first
        expect(row.locator(".syndb-status")).to_have_text("cancelled")

    page.reload()
    page.wait_for_function(IDLE, timeout=WAIT_MS)
    expect(notebook.output(3).locator(".cm-content")).to_contain_text("SELECT 4 FROM nowhere")
    expect(notebook.output(2).locator(".syndb-row", has_text="slow").first).to_contain_text("cancelled")
    context.close()
