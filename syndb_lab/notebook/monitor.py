"""All of a user's jobs in one live table."""

from __future__ import annotations

import itertools
import threading
import time
import uuid
from collections.abc import Callable
from typing import Any, Final

import anywidget
import traitlets
from IPython import display as ipython_display

from syndb_lab.conversion.error_conversion import convert_errors
from syndb_lab.conversion.sql_values import format_value, to_plain_integer
from syndb_lab.display.cell_output import close_earlier_output, close_widget
from syndb_lab.display.listing import html_table
from syndb_lab.errors import ParameterError, ServiceUnavailable, SyndbError
from syndb_lab.fork_safety import ProcessLock
from syndb_lab.http.job_events import FINAL
from syndb_lab.http.transport import Transport
from syndb_lab.notebook.card.view_model import CardSnapshot, card_view, parse_timestamp
from syndb_lab.notebook.front_end import read_asset, supports_javascript
from syndb_lab.notebook.namespace_writer import NamespaceWriter
from syndb_lab.notebook.notebook_job import NotebookJob
from syndb_lab.text.terminal_text import escape_control_characters

BUSY_S: Final = 0.5
IDLE_S: Final = 2.0
MOST_JOBS: Final = 500
UNSEEN_S: Final = 600.0
REFUSED: Final = frozenset({401, 403})
SAID: Final = (
    *("job_id", "status", "tone", "word", "title", "sql"),
    *("facts", "working", "fraction", "elapsed_s"),
)


class MonitorWidget(anywidget.AnyWidget):
    """The table, drawn by our own JavaScript."""

    _esm = read_asset("monitor.js")
    _css = read_asset("card.css")
    board = traitlets.Dict().tag(sync=True)


@convert_errors
class Monitor:
    """My jobs, live: with cancel, rerun and load for each.

    Asks for the list twice a second while a job is live, every two seconds otherwise, and not at all once no
    page has shown it for ten minutes.

    Parameters
    ----------
    transport : Transport
        The connection to the service.
    limit : int
        How many of the newest jobs.
    namespace : dict
        The notebook's variables, for what Load reads.
    make_job : callable
        Makes a job of a transport and a record.
    """

    def __init__(
        self,
        transport: Transport,
        limit: int,
        namespace: dict[str, Any],
        make_job: Callable[[Transport, dict[str, Any]], NotebookJob],
    ) -> None:
        most = to_plain_integer(limit)
        if most is None or not 1 <= most <= MOST_JOBS:
            raise ParameterError(
                f"limit is {format_value(limit)}; it takes the number of jobs to follow, from 1 to "
                f"{MOST_JOBS}",
                hint="For example: lab.monitor(limit=50).",
            )
        self._transport = transport
        self._limit = most
        self._make_job = make_job
        self._desk = NamespaceWriter(namespace, None, "polars")
        self._lock = ProcessLock()
        self._wake = threading.Event()
        self._closed = False
        self._is_refused = False
        self._seen_at = time.monotonic()
        self._moments: dict[str, CardSnapshot] = {}
        self._questions = itertools.count(1)
        self._answered = 0
        self._records: list[dict[str, Any]] = []
        self._more = False
        self._away = ""
        self._note = ""
        self._key = uuid.uuid4().hex
        self._widget: MonitorWidget | None = None
        self._output: Any = None

    def _ipython_display_(self) -> None:
        """Add nothing where it is the value of a cell: the table is there already."""

    def show(self) -> None:
        """Show the table below the cell that runs now."""
        self._fetch_jobs()
        if supports_javascript():
            self._widget = MonitorWidget(board=self._board())
            self._widget.on_msg(lambda _, content, __: self.handle_click(content))
        self._output = ipython_display.display(self._static_html(), raw=True, display_id=True)  # type: ignore[no-untyped-call]
        close_earlier_output(self)
        threading.Thread(target=self._follow, name="syndb-monitor", daemon=True).start()

    def close(self) -> None:
        """Stop asking; the table stays as it is now, as plain HTML."""
        if self._closed:
            return
        self._closed = True
        self._wake.set()
        if self._widget is not None:
            close_widget(self._widget)
        if self._output is not None:
            self._output.update(self._static_html(), raw=True)

    def handle_click(self, click: dict[str, Any]) -> None:
        """Do what was clicked, in a thread of its own."""
        self._seen_at = time.monotonic()
        actions = {"cancel": self._cancel, "rerun": self._rerun, "load": self._load}
        action = actions.get(str(click.get("do")))
        record = next((one for one in self._records if one["job_id"] == click.get("job_id")), None)
        if action is not None and record is not None:
            job = self._make_job(self._transport, record)
            threading.Thread(
                target=self._run_action, args=(action, job), name="syndb-card", daemon=True
            ).start()
        else:
            self._wake.set()

    def _follow(self) -> None:
        while not (self._closed or self._is_refused or self._transport.is_closed):
            self._wake.wait(IDLE_S if all(one["status"] in FINAL for one in self._records) else BUSY_S)
            self._wake.clear()
            if time.monotonic() - self._seen_at < UNSEEN_S:
                self._fetch_jobs()
                self._draw()

    def _fetch_jobs(self) -> None:
        """Ask for the list; where nothing answers, keep what was heard, and say how old it is."""
        question = next(self._questions)
        records, more, away = self._records, self._more, ""
        try:
            page = self._transport.get("/v1/jobs", {"limit": self._limit})
            records, more = page["jobs"], bool(page.get("next_cursor"))
        except ServiceUnavailable:
            clock = time.strftime("%H:%M:%S")
            away = self._away or f"no answer from the service since {clock}; below is what it said last"
        except SyndbError as error:
            self._is_refused = error.status in REFUSED
            away = f"no longer followed: {' '.join(str(error).split())}"
        with self._lock:
            if question < self._answered:
                return  # a newer question was answered already
            self._answered = question
            self._records, self._more, self._away = records, more, away

    def _draw(self) -> None:
        with self._lock:
            board = self._board()
            if self._widget is None:
                self._output.update(self._static_html(), raw=True)
            elif board != self._widget.board:
                self._widget.board = board

    def _board(self) -> dict[str, Any]:
        return {
            "key": self._key,
            "rows": [self._row(record) for record in self._records],
            "away": self._away,
            "note": self._note,
            "more": self._more,
        }

    def _row(self, record: dict[str, Any]) -> dict[str, Any]:
        shown = card_view(record, self._moments.get(record["job_id"], CardSnapshot()))
        buttons = [{**one, "text": short(one), "title": one["text"]} for one in shown["buttons"]]
        return {name: shown[name] for name in SAID} | {
            "kind": record["kind"],
            "error": " ".join(shown["error"].split("\n")[:1]),
            "when": f"{parse_timestamp(record['created_at']).astimezone():%H:%M:%S}",
            "buttons": buttons,
        }

    def _static_html(self) -> dict[str, Any]:
        rows = [self._row(record) for record in self._records]
        cells = [
            [row["word"], row["title"], row["kind"], " · ".join(row["facts"]), row["job_id"]] for row in rows
        ]
        told = self._away or f"{len(rows)} jobs at {time.strftime('%Y-%m-%d %H:%M:%S')}"
        table = html_table(["status", "job", "kind", "", "id"], cells)
        return {
            "text/html": f'<div class="syndb-host syndb-monitor-{self._key} mathjax_ignore tex2jax_ignore">'
            f'<div class="syndb-still">{html_table([told], [])}{table}</div></div>',
            "text/plain": escape_control_characters("\n".join([told, *("  ".join(row) for row in cells)])),
        }

    def _run_action(self, action: Callable[[NotebookJob], str], job: NotebookJob) -> None:
        try:
            self._note = action(job)
        except Exception as error:
            self._note = f"job {job.id[:8]}: {' '.join(str(error).split())}"
        finally:
            self._moments.pop(job.id, None)
            self._fetch_jobs()
            self._draw()

    def _cancel(self, job: NotebookJob) -> str:
        self._moments[job.id] = CardSnapshot(cancelling=True)
        self._draw()
        job.cancel()
        return ""

    def _rerun(self, job: NotebookJob) -> str:
        self._moments[job.id] = CardSnapshot(busy="rerun")
        self._draw()
        return f"job {job.rerun().id[:8]} is the rerun of job {job.id[:8]}"

    def _load(self, job: NotebookJob) -> str:
        self._moments[job.id] = CardSnapshot(busy="load")
        self._draw()
        return self._desk.load(job)


def short(action: dict[str, Any]) -> str:
    """Name an action in the width of a table; the size of what is loaded is in another column."""
    return str(action["text"]).split(" ")[0]


def notebook_namespace() -> dict[str, Any]:
    """Find the notebook's variables."""
    from IPython.core.getipython import get_ipython

    shell = get_ipython()
    return {} if shell is None else shell.user_ns
