"""The live card of one job in a notebook's output; when the job ends, it becomes static HTML."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, Final

from IPython import display as ipython_display

from syndb_lab.display.cell_output import close_earlier_output, close_widget
from syndb_lab.display.progress import readable_bytes
from syndb_lab.display.table_preview import table_preview
from syndb_lab.errors import SyndbError
from syndb_lab.http.job_events import FINAL, iter_updates
from syndb_lab.notebook.card.graph_summary import summarize_answer
from syndb_lab.notebook.card.html import FinishedCard, static_html, static_text
from syndb_lab.notebook.card.view_model import EMPTY, CardSnapshot, card_view
from syndb_lab.notebook.card.widget import CardWidget, FallbackCard, card_widget, view_bundle
from syndb_lab.notebook.namespace_writer import NamespaceWriter
from syndb_lab.notebook.notebook_job import NotebookJob
from syndb_lab.results.data_frames import FrameKind
from syndb_lab.results.provenance import read_provenance

PACE_S: Final = 0.2
SETTLE_S: Final = 5.0
Loaded = Callable[[NotebookJob, Callable[[int], None]], str]
Rerun = Callable[[NotebookJob, NotebookJob], str]


def show_card(job: NotebookJob, namespace: dict[str, Any], variable: str | None, kind: FrameKind) -> JobCard:
    """Show the card of a job.

    Parameters
    ----------
    job : Job
        The job.
    namespace : dict
        The notebook's variables; Load writes into them.
    variable : str or None
        The variable that holds the job.
    kind : {'polars', 'pandas', 'arrow', 'duckdb'}
        Type of the data frame that Load makes.
    """
    writer = NamespaceWriter(namespace, variable, kind)
    card = JobCard(job, writer.load, writer.rerun)
    card.show()
    return card


@dataclass(eq=False, slots=True)
class CardState:
    """State of a card for one job; a rerun gives the card a new state.

    Every thread gets the state when it starts. Its later results are shown only while the card still has
    that state, so they never appear under another job's id.
    """

    job: NotebookJob
    widget: CardWidget | FallbackCard
    snapshot: CardSnapshot = EMPTY
    ended: FinishedCard = field(default_factory=FinishedCard)
    is_static: bool = False
    shown_at: float = 0.0
    over: threading.Event = field(default_factory=threading.Event)

    def html(self) -> str:
        """Render the card as static HTML."""
        return static_html(self.job.record, self.ended)

    def text(self) -> str:
        """Render the card as plain text."""
        return static_text(self.job.record, self.ended)


class JobCard:
    """The card of one job: a widget until the job ends, then static HTML.

    A click only starts a thread, because its action sends requests to the service, and a kernel can handle
    clicks in any thread or while a cell blocks.

    Parameters
    ----------
    job : Job
        The job.
    load : callable
        Action of Load: gets the job, returns a note for the card.
    rerun : callable
        Called with the old and the new job after Rerun; returns a note for the card.
    """

    def __init__(self, job: NotebookJob, load: Loaded, rerun: Rerun) -> None:
        self._load, self._rerun = load, rerun
        self._lock = threading.RLock()
        self._is_closed = False
        self._output: Any = None
        self._state = self._state_of(job, EMPTY)

    @property
    def job(self) -> NotebookJob:
        """The job that the card shows."""
        return self._state.job

    @property
    def _widget(self) -> CardWidget | FallbackCard:
        return self._state.widget

    def show(self, output: Any = None) -> None:
        """Show the card below the running cell or in an existing output, and follow the job."""
        if output is None:
            self._output = ipython_display.display(self._live_bundle(), raw=True, display_id=True)  # type: ignore[no-untyped-call]
            close_earlier_output(self)
        else:
            self._output = output
            output.update(self._live_bundle(), raw=True)
        self._start(self._follow, self._state)

    def bundle(self) -> dict[str, Any]:
        """Build the output data that shows the card in another cell."""
        with self._lock:
            return self._static_bundle() if self._state.is_static else self._live_bundle()

    def close(self) -> None:
        """Stop following the job, and leave the card as static HTML; the job continues."""
        with self._lock:
            if self._is_closed:
                return
            self._update(self._state)
            self._is_closed = True
            self._state.over.set()
            close_widget(self._state.widget)

    def wait_static(self, within_s: float = SETTLE_S) -> None:
        """Wait until the card of an ended job is static HTML, so that it precedes later output."""
        self._state.over.wait(within_s)

    def handle_click(self, click: dict[str, Any]) -> None:
        """Run the clicked action in its own thread; ignore a click on a job that was rerun meanwhile."""
        state = self._state
        if click.get("job_id", state.job.id) != state.job.id:
            return
        actions = {"cancel": self._cancel, "rerun": self._do_rerun, "load": self._do_load}
        action = actions.get(str(click.get("do")))
        if action is not None:
            self._start(lambda current: self._run_action(action, current), state)

    def _state_of(self, job: NotebookJob, snapshot: CardSnapshot) -> CardState:
        widget = card_widget(card_view(job.record, snapshot))
        state = CardState(job, widget, snapshot)
        widget.on_click(lambda click: self.handle_click({"job_id": job.id, **click}))
        return state

    def _start(self, work: Callable[[CardState], None], state: CardState) -> None:
        threading.Thread(target=work, args=(state,), name="syndb-card", daemon=True).start()

    def _follow(self, state: CardState) -> None:
        """Show each update until the job ends; if following fails, the card shows the reason."""
        job = state.job
        try:
            self._start_preview(state)
            for update in iter_updates(job._transport, job.record, state.over):
                unavailable = (
                    ""
                    if update.unavailable_s is None
                    else f"{update.trouble}; asking again ({update.unavailable_s:.0f} s)"
                )
                job.record = update.record
                self._set_state(
                    state,
                    unavailable=unavailable,
                    urgent=bool(unavailable) or update.record["status"] in FINAL,
                )
                self._start_preview(state)
            if job.status in FINAL:
                self._set_state(state)  # the response to a cancel may have been the final record
                self._end(state)
        except SyndbError as error:
            self._stop_following(
                state, " ".join(filter(None, (f"no longer followed: {error.message}.", error.hint)))
            )
        except Exception as error:
            self._stop_following(state, f"no longer followed ({type(error).__name__}).")
        finally:
            state.over.set()

    def _stop_following(self, state: CardState, reason: str) -> None:
        self._set_state(
            state, unavailable=f"{reason} %syndb attach {state.job.id} follows it again.", lost=True
        )

    def _set_state(self, state: CardState, *, urgent: bool = True, **changes: Any) -> None:
        """Change the snapshot and redraw the card; unless urgent, at most every ``PACE_S`` seconds."""
        with self._lock:
            state.snapshot = replace(state.snapshot, **changes)
            pause = state.shown_at + PACE_S - time.monotonic()
        if pause > 0 and not urgent:
            state.over.wait(pause)
        with self._lock:
            if state is not self._state or self._is_closed:
                return
            state.shown_at = time.monotonic()
            state.widget.card = card_view(state.job.record, state.snapshot)

    def _start_preview(self, state: CardState) -> None:
        record = state.job.record
        rows = (record.get("progress") or {}).get("rows")
        if (
            record["kind"] == "query"
            and record["status"] == "running"
            and rows
            and state.snapshot.table is None
        ):
            self._start(lambda current: self._load_preview(current, None), state)

    def _load_preview(self, state: CardState, total: int | None) -> None:
        try:
            self._set_state(state, table=table_preview(state.job.preview(), total))
        except (SyndbError, ImportError):
            return

    def _end(self, state: CardState) -> None:
        """Replace the widget by static HTML, because a saved widget would be shown as an error."""
        job, record = state.job, state.job.record
        table, metadata = None, {}
        found: list[tuple[str, str]] = []
        if record["status"] == "completed" and record["kind"] == "query":
            self._load_preview(state, (record.get("result") or {}).get("rows"))
            table, metadata = state.snapshot.table, read_provenance(job._transport, record)
        elif record["status"] == "completed":
            found, metadata = summarize_answer(job)
        sources = [str(source.get("job_id")) for source in metadata.get("sources", ())]
        with self._lock:
            state.ended = FinishedCard(
                table, metadata.get("datasets", ()), sources, state.snapshot.note, found
            )
            state.is_static = True
            self._update(state)

    def _update(self, state: CardState) -> None:
        """Write the static HTML of a state into the notebook, unless the card shows another job."""
        with self._lock:
            if state is self._state and not self._is_closed and self._output is not None:
                self._output.update(self._static_bundle(), raw=True)

    def _live_bundle(self) -> dict[str, Any]:
        return {**view_bundle(self._state.widget), **self._static_bundle()}

    def _static_bundle(self) -> dict[str, Any]:
        return {"text/html": self._state.html(), "text/plain": self._state.text()}

    def _run_action(self, action: Callable[[CardState], None], state: CardState) -> None:
        try:
            action(state)
        except SyndbError as error:
            self._set_state(state, busy="", cancelling=False, error=str(error))
        except Exception as error:
            self._set_state(state, busy="", cancelling=False, error=f"{type(error).__name__}: {error}")

    def _cancel(self, state: CardState) -> None:
        self._set_state(state, cancelling=True, error="")
        state.job.cancel()
        self._set_state(state)

    def _do_load(self, state: CardState) -> None:
        self._set_state(state, busy="load", error="")
        reported_at = time.monotonic()

        def on_progress(done: int) -> None:
            nonlocal reported_at
            if time.monotonic() - reported_at >= PACE_S:
                reported_at = time.monotonic()
                size = readable_bytes(state.job.record["result"]["bytes"])
                self._set_state(state, busy=f"load, {readable_bytes(done)} of {size}")

        note = self._load(state.job, on_progress)
        self._set_state(state, busy="", note=note)
        with self._lock:
            state.ended = replace(state.ended, note=note)
            if state.is_static:
                self._update(state)

    def _do_rerun(self, state: CardState) -> None:
        self._set_state(state, busy="rerun", error="")
        new = state.job.rerun()
        with self._lock:
            if self._is_closed or state is not self._state:
                return  # the card shows another job now
            self._state = rerun = self._state_of(new, CardSnapshot(note=self._rerun(state.job, new)))
            self._output.update(self._live_bundle(), raw=True)
            state.over.set()
            close_widget(state.widget)
        self._start(self._follow, rerun)
