"""Texts of others on a page, in a terminal and in a picture: as they are, and nothing in them acts there."""

from __future__ import annotations

import io
import unicodedata
from collections.abc import Iterator
from functools import partial
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import httpx
import pyarrow as pa
import pytest
from matplotlib.text import Text

from syndb_lab import Job
from syndb_lab.datasets import Datasets, column_listing, list_tables
from syndb_lab.display.listing import html_table
from syndb_lab.display.progress import describe
from syndb_lab.display.table_preview import table_preview
from syndb_lab.errors import QueryError
from syndb_lab.http.transport import Transport
from syndb_lab.job_listing import job_listing
from syndb_lab.magics.line_commands import journal_listing
from syndb_lab.notebook.card.html import FinishedCard, escaped_block, live_html, static_html, static_text
from syndb_lab.notebook.card.view_model import CardSnapshot, card_view
from syndb_lab.notebook.composer.draft import Draft
from syndb_lab.notebook.composer.html import draft_html as composer_html
from syndb_lab.notebook.composer.html import draft_text as composer_text
from syndb_lab.notebook.explorer.explorer import Explorer
from syndb_lab.notebook.explorer.html import explorer_html, explorer_text
from syndb_lab.notebook.monitor import Monitor
from syndb_lab.notebook.table.result_table import ResultTable
from syndb_lab.notebook.table.row_view import RowView
from syndb_lab.plots import draw
from syndb_lab.sql.dry_run import DryRun
from syndb_lab.subnetwork.model import Connection, Counts, Subnetwork
from syndb_lab.user_data.job_journal import JournalEntry
from tests.support.graph_answers import answer
from tests.support.lab_fakes import JOB_ID, job_record

pytestmark = pytest.mark.slow

MARK = "zq"
HARMLESS = f"{MARK}harmless"
TEXTS = [
    rf"{MARK}$x^$",
    rf"{MARK}$\frac$",
    rf"{MARK} $\undefined{{$ $",
    f"_{MARK}_",
    f"<b>{MARK}</b>",
    f"{MARK}&amp;&#60;script&#62;",
    f"{MARK}\" onload='x' data-y=\"<!--",
    f"{MARK}</pre></td></div><script>alert(1)</script>",
    f"{MARK}\x1b]0;title\x07\x1b[31m\x9b2J",
    f"{MARK}\u202eevil\u2066\u200f",
    f"{MARK}\0\x7f\x08",
    f"{MARK}\ud800",
    MARK + "x" * 5_000,
    f"{MARK}\N{BRAIN}\U0001f469\u200d\U0001f52c",
    f"{MARK}]]>\ufeff",
]


class Structure(HTMLParser):
    """What a page is made of, and all that it says."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.made: list[Any] = []
        self.said = ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.made.append((tag, [name for name, _ in attrs]))
        self.said += " ".join(value or "" for _, value in attrs)

    def handle_endtag(self, tag: str) -> None:
        self.made.append(f"/{tag}")

    def handle_data(self, data: str) -> None:
        self.said += data

    def handle_comment(self, data: str) -> None:
        self.made.append("comment")

    def unknown_decl(self, data: str) -> None:
        self.made.append("declaration")


def acts(text: str) -> list[str]:
    """List what would act on a terminal, turn a text around, or can't be saved."""
    return [
        hex(ord(one))
        for one in text
        if one not in "\n\t\u200c\u200d" and unicodedata.category(one) in {"Cc", "Cf", "Cs"}
    ]


def artefacts(text: str, folder: Path, transport: Transport) -> Iterator[tuple[str, str, str]]:
    """Yield all that is shown: what it is, its HTML, its plain text."""
    utf8 = text.encode("utf-8", "replace").decode()
    table = pa.table({utf8: [utf8, None], "n": [1, 2]})
    rows = table_preview(table, 2)
    dataset = {
        **dict.fromkeys(("name", "species", "title", "citation", "doi", "version"), text),
        "id": text,
        "tables": [
            {
                "name": text,
                "rows": 1,
                "columns": [dict.fromkeys(("name", "type", "unit", "description"), text)],
            }
        ],
    }
    told = FinishedCard(rows, [dataset], [text], text, [(text, text)])
    for status in ("pending", "running", "completed", "failed"):
        record = job_record(
            status,
            created_at="2026-01-01T00:00:00Z",
            label=text,
            query=f"SELECT '{text}'",
            reason=text,
            advice=[text],
            parameters={text: text},
            progress={"phase": text},
            error={"message": text, "hint": text, "line": 1, "column": 2},
        )
        shown = card_view(record, CardSnapshot(unavailable=text, note=text, error=text, table=rows))
        yield f"card {status}", static_html(record, told), static_text(record, told)
        yield f"face {status}", live_html(shown), describe(record, 1.0)
        named = Job(transport, record)
        yield f"job {status}", "", repr(named)
        monitor = Monitor(transport, 5, {}, Job)
        monitor._records, monitor._unavailable = [record], text
        bundle = monitor._static_html()
        yield f"monitor {status}", bundle["text/html"], bundle["text/plain"]
        listed = job_listing(transport, None, None, 5)
        listed[:] = [named]
        yield f"jobs {status}", listed._repr_html_(), repr(listed)
    unlabelled = job_record("failed", label=None, query=text, kind="query", error={"message": text})
    yield "unlabelled", static_html(unlabelled), static_text(unlabelled)
    datasets = Datasets([dataset])
    for what, shown_list in (
        ("datasets", datasets),
        ("dataset", datasets[0]),
        ("tables", list_tables(datasets)),
        ("columns", column_listing(datasets, text)),
        ("journal", journal_listing([JournalEntry(JOB_ID, "https://service", text, "2026-01-01T00:00:00Z")])),
    ):
        yield what, shown_list._repr_html_(), repr(shown_list)
    checked = {
        "columns": [{"name": text, "type": text}],
        "estimated_rows": 1,
        "advice": [text],
        "tables": [text],
        "dataset_ids": [text],
    }
    dry = DryRun(checked)
    yield "dry run", dry._repr_html_(), repr(dry)
    yield "listing", html_table([text], [[text]]), ""
    yield "block", escaped_block(text), str(QueryError(text, hint=text, query=text, line=1, column=1))
    for kind in ("query", "graph"):
        draft = Draft(kind, text, {text: {"kind": "text", "text": text}}, "arrow", text)
        yield (
            f"composer {kind}",
            composer_html(draft, "key", text, is_saved=True),
            composer_text(draft, text, is_saved=True),
        )
    part = subnetwork([text] * 3, text)
    look = {"color": text, "size": "degree", "selected": [1, 2]}
    yield "explorer", explorer_html(part, look, "key", b"", live=False), explorer_text(part, look)
    path = folder / f"{abs(hash(text))}.arrow"
    with pa.ipc.new_file(path, table.schema) as file:
        file.write_table(table)
    shown_table = ResultTable(partial(RowView, path), text)
    bundle = shown_table._repr_mimebundle_()
    yield "table", bundle["text/html"], bundle["text/plain"]
    shown_table.close()


def subnetwork(texts: list[str], text: str) -> Subnetwork:
    """Neurons whose names, classes and columns others have made."""
    count = len(texts)
    columns: dict[str, list[Any]] = {
        "degree": list(range(count)),
        "name": texts,
        "cell_class": texts,
        text: texts[::-1],
    }
    lines = [Connection(place, (place + 1) % count, 1 + place) for place in range(count)]
    counts = Counts(count + 5, count, count, count + 2, count, 1)
    about = {"dataset": dict.fromkeys(("id", "name", "title", "citation"), text), "notes": [text]}
    return Subnetwork(
        list(range(1, count + 1)), columns, lines, 1, counts, center_label=text, more=text, **about
    )


@pytest.fixture(scope="module")
def transport() -> Iterator[Transport]:
    mount = httpx.MockTransport(lambda _: httpx.Response(200, json={"jobs": [], "next_cursor": None}))
    opened = Transport("https://service", "t", mount=mount)
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def right(transport: Transport, tmp_path_factory: pytest.TempPathFactory) -> list[list[Any]]:
    """What each page is made of where all texts are harmless."""
    shown = artefacts(HARMLESS, tmp_path_factory.mktemp("harmless"), transport)
    return [Structure(html).made for _, html, _ in shown]


@pytest.mark.parametrize("text", TEXTS, ids=lambda text: ascii(text)[:40])
def test_no_page_and_no_terminal_gets_a_text_of_others_raw(
    text: str, tmp_path: Path, transport: Transport, right: list[list[Any]]
) -> None:
    wrong = []
    for (what, html, plain), made in zip(artefacts(text, tmp_path, transport), right, strict=True):
        page = Structure(html)
        if page.made != made:
            wrong.append(f"{what}: the page is made of other elements")
        if found := acts(page.said) + acts(html):
            wrong.append(f"{what}: the page holds {found[:3]}")
        if found := acts(plain):
            wrong.append(f"{what}: the plain text holds {found[:3]}")
        if html and MARK not in page.said:
            wrong.append(f"{what}: the text is missing")
    assert not wrong, "\n".join(wrong)


def hostile_answer(analysis: str) -> dict[str, Any]:
    """An answer in which every text that a dataset may bring is another hostile one."""
    made = answer(analysis, "heavy-tailed", by="brain_structure")
    texts = iter(TEXTS * 50)

    def write(value: Any) -> Any:
        if isinstance(value, dict):
            named = {"name", "cell_class", "title", "citation", "doi", "version"}
            return {
                key: next(texts) if key in named and isinstance(one, str | None) else write(one)
                for key, one in value.items()
            }
        return [write(one) for one in value] if isinstance(value, list) else value

    return write(made)


def drawn(figure: Any, format_: str = "png") -> list[Text]:
    """Draw it as a picture; return all its texts."""
    figure.savefig(io.BytesIO(), format=format_, dpi=30)
    return [one for one in figure.findobj(Text) if one.get_text() and one.get_visible()]


def faults(texts: list[Text]) -> list[str]:
    wrong = [
        f"mathematics: {one.get_text()[:60]!r}" for one in texts if foreign(one) and one.get_parse_math()
    ]
    wrong += [f"raw: {one.get_text()[:60]!r}" for one in texts if acts(one.get_text())]
    wrong += [f"long: {one.get_text()[:60]!r}" for one in texts if len(one.get_text()) > 400]
    return wrong


def foreign(text: Text) -> bool:
    return MARK in text.get_text()


@pytest.mark.filterwarnings("error")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize(
    ("analysis", "least"), [("full", 12), ("shortest_path", 3), ("reachability", 2), ("hubs", 10)]
)
def test_no_figure_reads_a_text_of_others_as_mathematics(analysis: str, least: int) -> None:
    texts = drawn(draw(hostile_answer(analysis)), "svg" if analysis == "shortest_path" else "png")
    assert faults(texts) == []
    assert len([one for one in texts if foreign(one)]) >= least


@pytest.mark.filterwarnings("error")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_no_comparison_does() -> None:
    shares = {"021D": 0.5, "030T": 0.5}
    figure: set[str] = set()
    for start in range(0, len(TEXTS), 5):
        parts = [
            {"name": text, "connection_count": 3, "motif_shares": shares} for text in TEXTS[start : start + 5]
        ]
        made = {**answer("hubs", "two-cycle"), "analysis": "compare", "compare": {"parts": parts}}
        texts = drawn(draw(made))
        assert faults(texts) == []
        figure |= {one.get_text() for one in texts if foreign(one) and one.get_text().endswith("connections")}
    assert len(figure) == len(TEXTS)


@pytest.mark.filterwarnings("error")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("start", range(0, len(TEXTS), 5))
def test_no_picture_of_the_explorer_does(start: int) -> None:
    some = TEXTS[start : start + 5]
    view = Explorer(subnetwork(some, some[0]), color="cell_class")
    view.selected = view.neurons
    texts = drawn(view.plot())
    assert faults(texts) == []
    assert len([one for one in texts if foreign(one)]) >= 2 * len(some)
    view.color = some[0]
    texts = drawn(view.plot())
    assert faults(texts) == []
    assert any(foreign(one) and "size: " in one.get_text() for one in texts)
    view.close()
