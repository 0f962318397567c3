"""The graph view in a real JupyterLab: search, click, colour, size, save, both themes, opened and closed."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import psutil
import pytest
from playwright.sync_api import expect

from tests.support.notebook_page import IDLE, LOOK_MS, TRIES, WAIT_MS, NotebookPage

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator, Page

    from tests.support.notebook_page import Open, Server

pytestmark = pytest.mark.browser

HUBS = "view = lab.graph('celegans_varshney_2011', 'hubs').explore()"
EXACT = (
    "pairs = 'SELECT 720575940600000001 + n AS pre, 720575940600000001 + (n * n + 1) % 6 AS post'\n"
    "pairs += ' FROM range(6) AS r(n)'\n"
    "view = lab.sql(pairs).explore()"
)
ONE = "one = lab.sql('SELECT 720575940600000001 AS pre, 720575940600000001 AS post').explore()"
INKS = """(stage) => {
  const labels = stage.querySelector('canvas.sigma-labels');
  const pixels = labels.getContext('2d').getImageData(0, 0, labels.width, labels.height).data;
  const seen = {light: 0, dark: 0};
  for (let at = 0; at < pixels.length; at += 4)
    if (pixels[at + 3] === 255) seen[pixels[at] > 200 ? 'light' : pixels[at] < 60 ? 'dark' : 'other'] += 1;
  return seen;
}"""
WHOLE = """
table = job.to_polars(part="neurons")
rank = dict(zip(table["neuron_id"], table["pagerank"]))
radius = view._look.part["columns"][view.size]["radius"]
by_radius = sorted(range(60), key=lambda place: radius[place])
by_rank = sorted(range(60), key=lambda place: rank[view.neurons[place]])
print(view.size, view.color, by_radius == by_rank, len(set(radius)) > 30)"""
DRAWN = """(root) => {
  const key = [...globalThis.__syndbHosts.living.keys()].find((one) => root.closest(`.${one}`));
  const model = [...globalThis.__syndbHosts.living.get(key).keys()].at(-1);
  const column = model.get("part").columns[model.get("size")];
  return [model.get("size"), column.title, Math.max(...column.radius), new Set(column.radius).size > 30];
}"""
FEW = "few = lab.graph('celegans_varshney_2011', 'hubs').explore(neurons='AVAL', limit=10)"
HELD = """() => ({
  living: globalThis.__syndbHosts.living.size,
  canvases: document.querySelectorAll('canvas').length,
})"""


def shown(notebook: NotebookPage, cell: int) -> Locator:
    """Run a cell and return the live view below it, once it is drawn."""
    notebook.finish(cell)
    root = notebook.output(cell).locator(".syndb-explore")
    root.scroll_into_view_if_needed()
    expect(root.locator(".syndb-stage[data-drawn]")).to_be_visible()
    return root


def point(root: Locator) -> None:
    """Point at a neuron by a key, which is lost where JupyterLab takes the focus back for a cell that ran."""
    pointed = re.compile(r"\d+")
    for _ in range(TRIES):
        root.locator(".syndb-stage").press("ArrowRight")
        try:
            expect(root).to_have_attribute("data-focus", pointed, timeout=LOOK_MS)
        except AssertionError:
            continue
        return
    expect(root).to_have_attribute("data-focus", pointed, timeout=LOOK_MS)


def select_by_key(root: Locator) -> str:
    """Select a neuron by keys; try again where JupyterLab takes the focus back in between."""
    for left in reversed(range(TRIES)):
        point(root)
        focused = root.get_attribute("data-focus") or "lost"
        try:
            expect(root.locator(".syndb-panel")).to_contain_text(focused, timeout=LOOK_MS)
            expect(root.locator(".syndb-unseen")).to_contain_text(focused, timeout=LOOK_MS)
            root.locator(".syndb-stage").press("Enter")
            expect(root).to_have_attribute("data-selected", focused, timeout=LOOK_MS)
        except AssertionError:
            if not left:
                raise
            continue
        return focused
    raise AssertionError("no try was made")


def test_search_click_and_keys_reach_python_exactly(open_notebook: Open, page: Page) -> None:
    notebook = open_notebook(EXACT, "print(view.selected)", ONE, "print(one.selected)")
    root = shown(notebook, 1)
    search, stage = root.locator(".syndb-search"), root.locator(".syndb-stage")
    search.fill("720575940600000003")
    expect(root.locator(".syndb-suggestion")).to_have_count(1)
    search.press("Enter")
    expect(root).to_have_attribute("data-selected", "720575940600000003")
    search.fill("...05")
    expect(root.locator(".syndb-suggestions")).to_contain_text("none of the 6 neurons shown")
    search.fill("0005")
    search.press("Shift+Enter")
    expect(root).to_have_attribute("data-selected", "720575940600000003 720575940600000005")
    expect(root.locator(".syndb-chosen")).to_contain_text("2 selected")
    notebook.prints(2, "[720575940600000003, 720575940600000005]")
    stage.press("Escape")
    expect(root).to_have_attribute("data-selected", "")
    focused = select_by_key(root)
    notebook.prints(2, f"[{focused}]")
    page.context.grant_permissions(["clipboard-read"])
    page.evaluate("Object.defineProperty(navigator.clipboard, 'writeText', {value: undefined})")
    root.get_by_role("button", name="Copy ids").click()
    expect(root.locator(".syndb-unseen")).to_have_text("1 id copied")
    assert page.evaluate("navigator.clipboard.readText()") == focused
    only = shown(notebook, 3)
    expect(only.locator(".syndb-caption")).to_contain_text("the only neuron")
    box = only.locator(".syndb-stage").bounding_box()
    assert box is not None
    middle = {"x": box["width"] / 2, "y": box["height"] / 2}
    only.locator(".syndb-stage").hover(position=middle)
    expect(only.locator(".syndb-panel")).to_contain_text("720575940600000001")
    only.locator(".syndb-stage").click(position=middle)
    expect(only).to_have_attribute("data-selected", "720575940600000001")
    notebook.prints(4, "[720575940600000001]")


def test_colour_and_size_change_and_the_notebook_keeps_the_picture(open_notebook: Open) -> None:
    notebook = open_notebook(
        HUBS,
        "print(view.color, view.size)",
        "view.color, view.size, view.selected = 'cell_class', 'in_strength', [55]",
        "view.close()",
        "view.color = 'cell_clas'",
    )
    root = shown(notebook, 1)
    expect(root.locator(".syndb-caption")).to_contain_text("120 of 279 neurons: the 10 hubs")
    expect(root.locator(".syndb-remarks")).to_contain_text("limit=279 shows them all")
    expect(root.locator(".syndb-legend")).to_contain_text(
        re.compile(r"interneuron \d+.*motor \d+.*sensory \d+")
    )
    expect(root.locator(".syndb-by-size option:disabled")).to_have_text(re.compile("with node_table=True"))
    expect(root.locator(".syndb-by-size option[value=pagerank]")).to_have_text("PageRank, this view")
    root.locator(".syndb-by-color").select_option("majority_neurotransmitter")
    root.locator(".syndb-by-size").select_option("pagerank")
    expect(root.locator(".syndb-legend")).to_contain_text("GABA")
    notebook.prints(2, "majority_neurotransmitter pagerank")
    notebook.finish(3)
    expect(root.locator(".syndb-by-size")).to_have_value("in_strength")
    expect(root).to_have_attribute("data-selected", "55")
    picture = notebook.output(1).locator(".syndb-still img")
    expect(picture).to_have_attribute("alt", re.compile("coloured by cell class, sized by in-strength"))
    expect(root.locator(".syndb-stage[data-drawn]")).to_be_visible()
    live = notebook.saved().cells[1].outputs[-1].data
    assert set(live) == {"text/html", "text/plain"}
    assert "data:image/png;base64," in live["text/html"]
    assert "selected: AVAR (55)" in live["text/plain"]
    notebook.finish(4)
    expect(root).to_have_count(0)
    expect(picture).to_be_visible()
    notebook.finish(5)
    expect(notebook.output(5)).to_contain_text("Did you mean 'cell_class'?")
    notebook.saved()
    notebook.restart()
    notebook.open()
    expect(picture).to_be_visible()
    expect(picture).to_have_js_property("naturalWidth", 1000)


def test_scores_of_the_whole_graph_give_sizes_and_colours(open_notebook: Open, page: Page) -> None:
    notebook = open_notebook(
        "job = lab.graph('celegans_varshney_2011', 'hubs', node_table=True)\nview = job.explore(limit=60)",
        WHOLE,
    )
    root = shown(notebook, 1)
    size, color = root.locator(".syndb-by-size"), root.locator(".syndb-by-color")
    expect(size.locator("optgroup[label='in the whole graph'] option[value=pagerank_whole]")).to_have_text(
        "PageRank, whole graph"
    )
    expect(size.locator("optgroup[label='in this view'] option")).to_have_text(["PageRank, this view"])
    expect(size.locator("option:disabled")).to_have_count(0)
    size.select_option("pagerank_whole")
    color.select_option("community")
    legend = root.locator(".syndb-legend")
    expect(legend).to_contain_text("size: PageRank in the whole graph")
    expect(legend).to_contain_text(re.compile(r"community in the whole graph.*community 0 \d+"))
    title = "PageRank in the whole graph"
    assert root.evaluate(DRAWN) == ["pagerank_whole", title, 1, True]
    point(root)
    expect(root.locator(".syndb-panel")).to_contain_text(re.compile(rf"{title} 0\.\d+"))
    notebook.prints(2, "pagerank_whole community True True")
    picture = notebook.output(1).locator(".syndb-still img")
    expect(picture).to_have_attribute(
        "alt", re.compile(f"coloured by community in the whole graph, sized by {title}")
    )


def test_both_themes_a_narrow_cell_and_two_in_one_notebook(open_notebook: Open, page: Page) -> None:
    notebook = open_notebook(HUBS, f"{HUBS}\nview", theme="JupyterLab Dark")
    root = shown(notebook, 1)
    stage = root.locator(".syndb-stage")
    for theme, paper, halo in (
        ("JupyterLab Light", "rgb(255, 255, 255)", "light > seen.dark"),
        ("JupyterLab Dark", "rgb(33, 33, 33)", "dark > seen.light"),
    ):
        page.evaluate("theme => window.jupyterapp.commands.execute('apputils:change-theme', {theme})", theme)
        expect(root).to_have_css("background-color", paper)
        page.wait_for_function(
            f"stage => {{ const seen = ({INKS})(stage); return seen.{halo}; }}",
            arg=stage.element_handle(),
            timeout=WAIT_MS,
        )
    other = shown(notebook, 2)
    expect(other).to_have_count(1)
    other.locator(".syndb-search").fill("AVAL")
    other.locator(".syndb-search").press("Enter")
    expect(other).to_have_attribute("data-selected", "54")
    expect(root).to_have_attribute("data-selected", "")
    page.set_viewport_size({"width": 640, "height": 900})
    expect(other.locator(".syndb-stage[data-drawn]")).to_be_visible()
    inside = "root => [...root.querySelectorAll('*')].every(one => one.closest('.syndb-unseen, .syndb-stage')"
    assert other.evaluate(
        f"{inside} || one.getBoundingClientRect().right <= root.getBoundingClientRect().right + 1)"
    )


def test_opened_and_closed_fifty_times_nothing_stays(open_notebook: Open, page: Page) -> None:
    notebook = open_notebook(
        f"{ONE}\nimport threading, comm\nfrom syndb_lab.notebook.explorer.explorer import Explorer",
        "before = len(comm.get_comm_manager().comms), threading.active_count()",
        "for _ in range(50):\n    view = Explorer(one._part)\n    view.show()\n    view.close()",
        "now = len(comm.get_comm_manager().comms), threading.active_count()\n"
        "print('nothing stays' if now[0] <= before[0] and now[1] <= before[1] else (before, now))",
        ONE,
        "one.close()",
    )
    shown(notebook, 1)
    notebook.finish(2)
    before = page.evaluate(HELD)
    notebook.finish(3)
    notebook.prints(4, "nothing stays")
    expect(notebook.output(3).locator(".syndb-still")).to_have_count(50)
    level = "(now, before) => now.living === before.living && now.canvases <= before.canvases"
    page.wait_for_function(f"before => ({level})(({HELD})(), before)", arg=before, timeout=WAIT_MS)
    shown(notebook, 5)
    notebook.finish(6)
    page.wait_for_function(f"before => ({level})(({HELD})(), before)", arg=before, timeout=WAIT_MS)


def test_two_windows_and_a_reload_show_what_each_asked_for(
    open_notebook: Open, page: Page, browser: Browser, server: Server
) -> None:
    notebook = open_notebook(
        HUBS,
        FEW,
        "import os\nprint('pid', os.getpid())",
        "print([(one.color, one.size, one.selected) for one in (view, few)])",
    )
    for cell in (1, 2):
        shown(notebook, cell)
    notebook.saved()
    context = browser.new_context(viewport={"width": 1200, "height": 1000})
    other = context.new_page()
    other.goto(f"{server.url}/lab/workspaces/two/tree/{notebook.path}?token=t")
    windows = (notebook, NotebookPage(other, server, notebook.path))
    (ours, our_few), (theirs, their_few) = (
        [one.output(cell).locator(".syndb-explore") for cell in (1, 2)] for one in windows
    )
    for root in (theirs, their_few):
        expect(root.locator(".syndb-stage")).to_be_visible()

    ours.locator(".syndb-search").fill("AVAL")  # what is searched for stays in its window
    theirs.locator(".syndb-search").fill("ADAL")
    expect(ours.locator(".syndb-suggestion")).to_have_text([re.compile("AVAL")])
    expect(theirs.locator(".syndb-suggestion")).to_have_text([re.compile("ADAL")])
    expect(their_few.locator(".syndb-suggestion")).to_have_count(0)
    ours.locator(".syndb-search").press("Enter")
    for root, selected in ((ours, "54"), (theirs, "54"), (our_few, ""), (their_few, "")):
        expect(root).to_have_attribute("data-selected", selected)

    notebook.finish(3)
    expect(notebook.output(3)).to_have_text(re.compile(r"pid \d+"))
    kernel = psutil.Process(int(notebook.output(3).inner_text().split()[-1]))
    kernel.suspend()  # as slow as can be: each window asks, and hears later
    ours.locator(".syndb-by-color").select_option("majority_neurotransmitter")
    theirs.locator(".syndb-by-size").select_option("pagerank")
    their_few.locator(".syndb-by-color").select_option("role")
    our_few.locator(".syndb-search").fill("AVAL")
    our_few.locator(".syndb-search").press("Enter")
    for root, color, selected in ((theirs, "cell_class", "54"), (our_few, "cell_class", "54")):
        expect(root).to_have_attribute("data-color", color)
        expect(root).to_have_attribute("data-selected", selected)
    expect(their_few).to_have_attribute("data-selected", "")
    kernel.resume()
    agreed = {"view": ("majority_neurotransmitter", "pagerank", "54"), "few": ("role", "degree", "54")}
    for root, name in ((ours, "view"), (theirs, "view"), (our_few, "few"), (their_few, "few")):
        expect_appearance(root, *agreed[name])

    kernel.suspend()  # the same is asked for by both, and one window is loaded again meanwhile
    ours.locator(".syndb-by-color").select_option("cell_class")
    expect(ours).to_have_attribute("data-color", "cell_class")
    theirs.locator(".syndb-by-color").select_option("cell_type")
    theirs.locator(".syndb-by-color").select_option("role")
    page.reload(wait_until="commit")
    kernel.resume()
    page.wait_for_function(IDLE, timeout=WAIT_MS)
    agreed["view"] = ("role", "pagerank", "54")
    for root, name in ((ours, "view"), (theirs, "view"), (our_few, "few"), (their_few, "few")):
        expect_appearance(root, *agreed[name])
    our_few.scroll_into_view_if_needed()
    expect(our_few.locator(".syndb-stage[data-drawn]")).to_be_visible()
    our_few.get_by_role("button", name="Clear").click()
    expect(their_few).to_have_attribute("data-selected", "")
    expect(theirs).to_have_attribute("data-selected", "54")
    notebook.finish(4)
    expect(notebook.output(4)).to_contain_text("[('role', 'pagerank', [54]), ('role', 'degree', [])]")
    context.close()


def expect_appearance(root: Locator, color: str, size: str, selected: str) -> None:
    """Wait until a view shows this, in the picture's data and in its controls."""
    expect(root).to_have_attribute("data-color", color)
    expect(root).to_have_attribute("data-size", size)
    expect(root).to_have_attribute("data-selected", selected)
    expect(root.locator(".syndb-by-color")).to_have_value(color)
    expect(root.locator(".syndb-by-size")).to_have_value(size)
