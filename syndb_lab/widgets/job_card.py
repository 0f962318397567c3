"""The live card of one job in a notebook's output, and what becomes of it when the job ends."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

from IPython import display as ipython_display

from syndb_lab.cell import dismiss, replaces_what_its_cell_showed
from syndb_lab.errors import SyndbError
from syndb_lab.face import NOW, Moment, face
from syndb_lab.first_rows import first_rows
from syndb_lab.follow import FINAL, follow
from syndb_lab.frames import FrameKind
from syndb_lab.job import Job
from syndb_lab.process_fork import ProcessLock
from syndb_lab.progress import readable_bytes
from syndb_lab.provenance import read_provenance
from syndb_lab.static_card import Ended, static_html, static_text
from syndb_lab.widgets.desk import Desk
from syndb_lab.widgets.elements import card_widget, view_bundle
from syndb_lab.widgets.findings import findings

PACE_S: Final = 0.2
SETTLE_S: Final = 5.0
Loaded = Callable[[Job, Callable[[int], None]], str]
Rerun = Callable[[Job, Job], str]


def show_card(job: Job, namespace: dict[str, Any], variable: str | None, kind: FrameKind) -> JobCard:
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
    desk = Desk(namespace, variable, kind)
    card = JobCard(job, desk.load, desk.rerun)
    card.show()
    return card


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

    def __init__(self, job: Job, load: Loaded, rerun: Callable[[Job, Job], str]) -> None:
        self.job = job
        self._load, self._rerun = load, rerun
        self._lock = ProcessLock()
        self._moment = NOW
        self._ended = Ended()
        self._is_static = False
        self._is_closed = False
        self._shown_at = 0.0
        self._over = threading.Event()
        self._widget = card_widget(face(job.record))
        self._widget.heed(self.heed)
        self._output: Any = None

    def show(self, output: Any = None) -> None:
        """Show the card below the cell that runs now, or in an output that is there, and follow the job."""
        if output is None:
            self._output = ipython_display.display(self._live_bundle(), raw=True, display_id=True)  # type: ignore[no-untyped-call]
            replaces_what_its_cell_showed(self)
        else:
            self._output = output
            output.update(self._live_bundle(), raw=True)
        self._start(self._follow)

    def bundle(self) -> dict[str, Any]:
        """Write what shows the card in one more place."""
        return self._static_bundle() if self._is_static else self._live_bundle()

    def close(self) -> None:
        """Stop following, and leave what is known as plain HTML; the job goes on."""
        with self._lock:
            if self._is_closed:
                return
            self._update()
            self._is_closed = True
            self._over.set()
            dismiss(self._widget)

    def settle(self, within_s: float = SETTLE_S) -> None:
        """Wait until an ended job's card has become plain HTML, so that it stands before what follows."""
        self._over.wait(within_s)

    def heed(self, click: dict[str, Any]) -> None:
        """Do what was clicked, in a thread of its own."""
        actions = {"cancel": self._cancel, "rerun": self._do_rerun, "load": self._do_load}
        action = actions.get(str(click.get("do")))
        if action is not None:
            self._start(lambda: self._tried(action))

    def _start(self, work: Callable[[], None]) -> None:
        threading.Thread(target=work, name="syndb-card", daemon=True).start()

    def _follow(self) -> None:
        """Show each change until the end; whatever ends the following is said on the card."""
        try:
            self._peek_at(self.job.record)
            for heard in follow(self.job._transport, self.job.record, self._over):
                away = (
                    ""
                    if heard.away_s is None
                    else f"the service does not answer; asking again ({heard.away_s:.0f} s)"
                )
                self.job.record = heard.record
                self._say(away=away, urgent=bool(away) or heard.record["status"] in FINAL)
                self._peek_at(heard.record)
            if self.job.status in FINAL:
                self._end()
        except SyndbError as error:
            self._lose(" ".join(filter(None, (f"no longer followed: {error.message}.", error.hint))))
        except Exception as error:
            self._lose(f"no longer followed ({type(error).__name__}).")
        finally:
            self._over.set()

    def _lose(self, why: str) -> None:
        self._say(away=f"{why} %syndb attach {self.job.id} follows it again.", lost=True)

    def _say(self, *, urgent: bool = True, **news: Any) -> None:
        """Change what the card says, at most five times a second where nothing is urgent."""
        with self._lock:
            self._moment = replace(self._moment, **news)
            pause = self._shown_at + PACE_S - time.monotonic()
            if pause > 0 and not urgent:
                self._over.wait(pause)
            self._shown_at = time.monotonic()
            self._widget.card = face(self.job.record, self._moment)

    def _peek_at(self, record: dict[str, Any]) -> None:
        rows = (record.get("progress") or {}).get("rows")
        if (
            record["kind"] == "query"
            and record["status"] == "running"
            and rows
            and self._moment.table is None
        ):
            self._start(lambda: self._peek(None))

    def _peek(self, total: int | None) -> None:
        try:
            self._say(table=first_rows(self.job.preview(), total))
        except (SyndbError, ImportError):
            return

    def _end(self) -> None:
        """Leave plain HTML in the notebook: a saved widget would read as an error."""
        record = self.job.record
        table, told = None, {}
        found: list[tuple[str, str]] = []
        if record["status"] == "completed" and record["kind"] == "query":
            self._peek((record.get("result") or {}).get("rows"))
            table, told = self._moment.table, read_provenance(self.job._transport, record)
        elif record["status"] == "completed":
            found, told = findings(self.job)
        sources = [str(one.get("job_id")) for one in told.get("sources", ())]
        with self._lock:
            self._ended = Ended(table, told.get("datasets", ()), sources, self._moment.note, found)
            self._is_static = True
        self._update()

    def _update(self) -> None:
        with self._lock:
            if not self._is_closed:
                self._output.update(self._static_bundle(), raw=True)

    def _live_bundle(self) -> dict[str, Any]:
        return {**view_bundle(self._widget), **self._static_bundle()}

    def _static_bundle(self) -> dict[str, Any]:
        return {
            "text/html": static_html(self.job.record, self._ended),
            "text/plain": static_text(self.job.record, self._ended),
        }

    def _tried(self, action: Callable[[], None]) -> None:
        try:
            action()
        except SyndbError as error:
            self._say(busy="", cancelling=False, error=str(error))
        except Exception as error:
            self._say(busy="", cancelling=False, error=f"{type(error).__name__}: {error}")

    def _cancel(self) -> None:
        self._say(cancelling=True, error="")
        self.job.cancel()

    def _do_load(self) -> None:
        self._say(busy="load", error="")
        told_at = time.monotonic()

        def tell(here: int) -> None:
            nonlocal told_at
            if time.monotonic() - told_at >= PACE_S:
                told_at = time.monotonic()
                size = readable_bytes(self.job.record["result"]["bytes"])
                self._say(busy=f"load, {readable_bytes(here)} of {size}")

        said = self._load(self.job, tell)
        self._say(busy="", note=said)
        with self._lock:
            self._ended = replace(self._ended, note=said)
        self._update()

    def _do_rerun(self) -> None:
        self._say(busy="rerun", error="")
        new = self.job.rerun()
        with self._lock:
            if self._is_closed:
                return  # another job's card has taken the place meanwhile
            old, self.job = self.job, new
            self._moment, self._ended = Moment(note=self._rerun(old, new)), Ended()
            self._is_static = False
            self._over = threading.Event()
            last, self._widget = self._widget, card_widget(face(new.record, self._moment))
            self._widget.heed(self.heed)
            self._output.update(self._live_bundle(), raw=True)
            dismiss(last)
        self._start(self._follow)
