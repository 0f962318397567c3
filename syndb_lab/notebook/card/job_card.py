"""The live card of one job in a notebook's output, and what becomes of it when the job ends."""

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
from syndb_lab.notebook.card.view_model import NOW, CardSnapshot, card_view
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
        The notebook's variables, for what Load reads.
    variable : str or None
        The one that holds the handle.
    kind : {'polars', 'pandas', 'arrow', 'duckdb'}
        What Load makes of the result.
    """
    desk = NamespaceWriter(namespace, variable, kind)
    card = JobCard(job, desk.load, desk.rerun)
    card.show()
    return card


@dataclass(eq=False, slots=True)
class CardState:
    """What a card knows of the one job that it shows; a rerun gives the card another state.

    Every thread takes the state when it starts. What it finds out later is shown only while the card still
    has that state, and never under another job's id.
    """

    job: NotebookJob
    widget: CardWidget | FallbackCard
    moment: CardSnapshot = NOW
    ended: FinishedCard = field(default_factory=FinishedCard)
    is_static: bool = False
    shown_at: float = 0.0
    over: threading.Event = field(default_factory=threading.Event)

    def html(self) -> str:
        """Write it as plain HTML."""
        return static_html(self.job.record, self.ended)

    def text(self) -> str:
        """Write it as plain text."""
        return static_text(self.job.record, self.ended)


class JobCard:
    """One job's card: a widget while the job lives, plain HTML after it.

    A click only starts a thread: what it does asks the service, and a kernel may run clicks in any thread,
    or while a cell blocks.

    Parameters
    ----------
    job : Job
        The job.
    load : callable
        What Load does: takes the job, says what became of it.
    rerun : callable
        Told of the new job that Rerun made, once this card shows it.
    """

    def __init__(self, job: NotebookJob, load: Loaded, rerun: Rerun) -> None:
        self._load, self._rerun = load, rerun
        self._lock = threading.RLock()
        self._is_closed = False
        self._output: Any = None
        self._state = self._state_of(job, NOW)

    @property
    def job(self) -> NotebookJob:
        """The job that the card shows."""
        return self._state.job

    @property
    def _widget(self) -> CardWidget | FallbackCard:
        return self._state.widget

    def show(self, output: Any = None) -> None:
        """Show the card below the cell that runs now, or in an output that is there, and follow the job."""
        if output is None:
            self._output = ipython_display.display(self._live_bundle(), raw=True, display_id=True)  # type: ignore[no-untyped-call]
            close_earlier_output(self)
        else:
            self._output = output
            output.update(self._live_bundle(), raw=True)
        self._start(self._follow, self._state)

    def bundle(self) -> dict[str, Any]:
        """Write what shows the card in one more place."""
        with self._lock:
            return self._static_bundle() if self._state.is_static else self._live_bundle()

    def close(self) -> None:
        """Stop following, and leave what is known as plain HTML; the job goes on."""
        with self._lock:
            if self._is_closed:
                return
            self._update(self._state)
            self._is_closed = True
            self._state.over.set()
            close_widget(self._state.widget)

    def wait_static(self, within_s: float = SETTLE_S) -> None:
        """Wait until an ended job's card has become plain HTML, so that it stands before what follows."""
        self._state.over.wait(within_s)

    def handle_click(self, click: dict[str, Any]) -> None:
        """Do what was clicked, in a thread of its own; a click on a job that was rerun since does nothing."""
        state = self._state
        if click.get("job_id", state.job.id) != state.job.id:
            return
        actions = {"cancel": self._cancel, "rerun": self._do_rerun, "load": self._do_load}
        action = actions.get(str(click.get("do")))
        if action is not None:
            self._start(lambda taken: self._run_action(action, taken), state)

    def _state_of(self, job: NotebookJob, moment: CardSnapshot) -> CardState:
        widget = card_widget(card_view(job.record, moment))
        state = CardState(job, widget, moment)
        widget.on_click(lambda click: self.handle_click({"job_id": job.id, **click}))
        return state

    def _start(self, work: Callable[[CardState], None], state: CardState) -> None:
        threading.Thread(target=work, args=(state,), name="syndb-card", daemon=True).start()

    def _follow(self, state: CardState) -> None:
        """Show each change until the end; whatever ends the following is said on the card."""
        job = state.job
        try:
            self._peek_at(state)
            for heard in iter_updates(job._transport, job.record, state.over):
                away = (
                    ""
                    if heard.unavailable_s is None
                    else f"{heard.trouble}; asking again ({heard.unavailable_s:.0f} s)"
                )
                job.record = heard.record
                self._set_state(state, away=away, urgent=bool(away) or heard.record["status"] in FINAL)
                self._peek_at(state)
            if job.status in FINAL:
                self._set_state(state)  # its end may have come as the answer to a cancel
                self._end(state)
        except SyndbError as error:
            self._stop_following(
                state, " ".join(filter(None, (f"no longer followed: {error.message}.", error.hint)))
            )
        except Exception as error:
            self._stop_following(state, f"no longer followed ({type(error).__name__}).")
        finally:
            state.over.set()

    def _stop_following(self, state: CardState, why: str) -> None:
        self._set_state(state, away=f"{why} %syndb attach {state.job.id} follows it again.", lost=True)

    def _set_state(self, state: CardState, *, urgent: bool = True, **news: Any) -> None:
        """Change what the card says, at most five times a second where nothing is urgent."""
        with self._lock:
            state.moment = replace(state.moment, **news)
            pause = state.shown_at + PACE_S - time.monotonic()
        if pause > 0 and not urgent:
            state.over.wait(pause)
        with self._lock:
            if state is not self._state or self._is_closed:
                return
            state.shown_at = time.monotonic()
            state.widget.card = card_view(state.job.record, state.moment)

    def _peek_at(self, state: CardState) -> None:
        record = state.job.record
        rows = (record.get("progress") or {}).get("rows")
        if (
            record["kind"] == "query"
            and record["status"] == "running"
            and rows
            and state.moment.table is None
        ):
            self._start(lambda taken: self._load_preview(taken, None), state)

    def _load_preview(self, state: CardState, total: int | None) -> None:
        try:
            self._set_state(state, table=table_preview(state.job.preview(), total))
        except (SyndbError, ImportError):
            return

    def _end(self, state: CardState) -> None:
        """Leave plain HTML in the notebook: a saved widget would read as an error."""
        job, record = state.job, state.job.record
        table, told = None, {}
        found: list[tuple[str, str]] = []
        if record["status"] == "completed" and record["kind"] == "query":
            self._load_preview(state, (record.get("result") or {}).get("rows"))
            table, told = state.moment.table, read_provenance(job._transport, record)
        elif record["status"] == "completed":
            found, told = summarize_answer(job)
        sources = [str(one.get("job_id")) for one in told.get("sources", ())]
        with self._lock:
            state.ended = FinishedCard(table, told.get("datasets", ()), sources, state.moment.note, found)
            state.is_static = True
            self._update(state)

    def _update(self, state: CardState) -> None:
        """Write a state into the notebook as it is saved, unless the card shows another job by now."""
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
        told_at = time.monotonic()

        def on_progress(here: int) -> None:
            nonlocal told_at
            if time.monotonic() - told_at >= PACE_S:
                told_at = time.monotonic()
                size = readable_bytes(state.job.record["result"]["bytes"])
                self._set_state(state, busy=f"load, {readable_bytes(here)} of {size}")

        said = self._load(state.job, on_progress)
        self._set_state(state, busy="", note=said)
        with self._lock:
            state.ended = replace(state.ended, note=said)
            if state.is_static:
                self._update(state)

    def _do_rerun(self, state: CardState) -> None:
        self._set_state(state, busy="rerun", error="")
        new = state.job.rerun()
        with self._lock:
            if self._is_closed or state is not self._state:
                return  # another job has taken the place meanwhile
            self._state = rerun = self._state_of(new, CardSnapshot(note=self._rerun(state.job, new)))
            self._output.update(self._live_bundle(), raw=True)
            state.over.set()
            close_widget(state.widget)
        self._start(self._follow, rerun)
