"""The monitor: a live table of the user's jobs."""

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
MAX_JOBS: Final = 500
UNSEEN_S: Final = 600.0
REFUSED: Final = frozenset({401, 403})
ROW_FIELDS: Final = (
    *("job_id", "status", "tone", "word", "title", "sql"),
    *("facts", "working", "fraction", "elapsed_s"),
)


class MonitorWidget(anywidget.AnyWidget):
    """The table, drawn by our JavaScript."""

    _esm = read_asset("monitor.js")
    _css = read_asset("card.css")
    board = traitlets.Dict().tag(sync=True)


@convert_errors
class Monitor:
    """A live table of the user's jobs, with buttons to cancel, rerun and load each one.

    Fetches the list every ``BUSY_S`` seconds while a job has not ended, else every ``IDLE_S`` seconds. Stops
    fetching when no page has shown the table for ``UNSEEN_S`` seconds.

    Parameters
    ----------
    transport : Transport
        The connection to the service.
    limit : int
        Number of jobs, the newest first.
    namespace : dict
        The notebook's variables; Load writes into them.
    make_job : callable
        Builds a job from a transport and a record.
    """

    def __init__(
        self,
        transport: Transport,
        limit: int,
        namespace: dict[str, Any],
        make_job: Callable[[Transport, dict[str, Any]], NotebookJob],
    ) -> None:
        count = to_plain_integer(limit)
        if count is None or not 1 <= count <= MAX_JOBS:
            raise ParameterError(
                f"limit is {format_value(limit)}; it takes the number of jobs to follow, from 1 to "
                f"{MAX_JOBS}",
                hint="For example: lab.monitor(limit=50).",
            )
        self._transport = transport
        self._limit = count
        self._make_job = make_job
        self._namespace_writer = NamespaceWriter(namespace, None, "polars")
        self._lock = ProcessLock()
        self._wake = threading.Event()
        self._closed = False
        self._is_refused = False
        self._seen_at = time.monotonic()
        self._snapshots: dict[str, CardSnapshot] = {}
        self._request_numbers = itertools.count(1)
        self._last_answered = 0
        self._records: list[dict[str, Any]] = []
        self._more = False
        self._unavailable = ""
        self._note = ""
        self._key = uuid.uuid4().hex
        self._widget: MonitorWidget | None = None
        self._output: Any = None

    def _ipython_display_(self) -> None:
        """Display nothing as the value of a cell, because ``show`` has displayed the table."""

    def show(self) -> None:
        """Show the table below the running cell."""
        self._fetch_jobs()
        if supports_javascript():
            self._widget = MonitorWidget(board=self._board())
            self._widget.on_msg(lambda _, content, __: self.handle_click(content))
        self._output = ipython_display.display(self._static_html(), raw=True, display_id=True)  # type: ignore[no-untyped-call]
        close_earlier_output(self)
        threading.Thread(target=self._follow, name="syndb-monitor", daemon=True).start()

    def close(self) -> None:
        """Stop fetching; the current table stays as plain HTML."""
        if self._closed:
            return
        self._closed = True
        self._wake.set()
        if self._widget is not None:
            close_widget(self._widget)
        if self._output is not None:
            self._output.update(self._static_html(), raw=True)

    def handle_click(self, click: dict[str, Any]) -> None:
        """Run the clicked action in its own thread."""
        self._seen_at = time.monotonic()
        actions = {"cancel": self._cancel, "rerun": self._rerun, "load": self._load}
        action = actions.get(str(click.get("do")))
        record = next((job for job in self._records if job["job_id"] == click.get("job_id")), None)
        if action is not None and record is not None:
            job = self._make_job(self._transport, record)
            threading.Thread(
                target=self._run_action, args=(action, job), name="syndb-card", daemon=True
            ).start()
        else:
            self._wake.set()

    def _follow(self) -> None:
        while not (self._closed or self._is_refused or self._transport.is_closed):
            self._wake.wait(IDLE_S if all(job["status"] in FINAL for job in self._records) else BUSY_S)
            self._wake.clear()
            if time.monotonic() - self._seen_at < UNSEEN_S:
                self._fetch_jobs()
                self._draw()

    def _fetch_jobs(self) -> None:
        """Fetch the list; if the service is unavailable, keep the last list and note its age."""
        request = next(self._request_numbers)
        records, more, unavailable = self._records, self._more, ""
        try:
            page = self._transport.get("/v1/jobs", {"limit": self._limit})
            records, more = page["jobs"], bool(page.get("next_cursor"))
        except ServiceUnavailable:
            clock = time.strftime("%H:%M:%S")
            unavailable = (
                self._unavailable
                or f"no answer from the service since {clock}; the table shows its last answer"
            )
        except SyndbError as error:
            self._is_refused = error.status in REFUSED
            unavailable = f"no longer followed: {' '.join(str(error).split())}"
        with self._lock:
            if request < self._last_answered:
                return  # a newer request has been answered
            self._last_answered = request
            self._records, self._more, self._unavailable = records, more, unavailable

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
            "away": self._unavailable,
            "note": self._note,
            "more": self._more,
        }

    def _row(self, record: dict[str, Any]) -> dict[str, Any]:
        shown = card_view(record, self._snapshots.get(record["job_id"], CardSnapshot()))
        buttons = [{**button, "text": short(button), "title": button["text"]} for button in shown["buttons"]]
        return {name: shown[name] for name in ROW_FIELDS} | {
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
        heading = self._unavailable or f"{len(rows)} jobs at {time.strftime('%Y-%m-%d %H:%M:%S')}"
        table = html_table(["status", "job", "kind", "", "id"], cells)
        return {
            "text/html": f'<div class="syndb-host syndb-monitor-{self._key} mathjax_ignore tex2jax_ignore">'
            f'<div class="syndb-still">{html_table([heading], [])}{table}</div></div>',
            "text/plain": escape_control_characters("\n".join([heading, *("  ".join(row) for row in cells)])),
        }

    def _run_action(self, action: Callable[[NotebookJob], str], job: NotebookJob) -> None:
        try:
            self._note = action(job)
        except Exception as error:
            self._note = f"job {job.id[:8]}: {' '.join(str(error).split())}"
        finally:
            self._snapshots.pop(job.id, None)
            self._fetch_jobs()
            self._draw()

    def _cancel(self, job: NotebookJob) -> str:
        self._snapshots[job.id] = CardSnapshot(cancelling=True)
        self._draw()
        job.cancel()
        return ""

    def _rerun(self, job: NotebookJob) -> str:
        self._snapshots[job.id] = CardSnapshot(busy="rerun")
        self._draw()
        return f"job {job.rerun().id[:8]} is the rerun of job {job.id[:8]}"

    def _load(self, job: NotebookJob) -> str:
        self._snapshots[job.id] = CardSnapshot(busy="load")
        self._draw()
        return self._namespace_writer.load(job)


def short(action: dict[str, Any]) -> str:
    """Return the first word of a button, for a narrow column; another column has the size."""
    return str(action["text"]).split(" ")[0]


def notebook_namespace() -> dict[str, Any]:
    """Return the notebook's variables; an empty dict outside of a notebook."""
    from IPython.core.getipython import get_ipython

    shell = get_ipython()
    return {} if shell is None else shell.user_ns
