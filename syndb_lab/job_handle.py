"""What a job handle knows and does whatever the job is: its record, waiting, cancelling."""

from __future__ import annotations

import asyncio
import copy
import math
import time
from collections.abc import Generator
from contextlib import suppress
from datetime import datetime
from typing import Any, Final, Self

from syndb_lab.conversion.error_conversion import convert_errors
from syndb_lab.conversion.plain_values import article
from syndb_lab.conversion.sql_values import format_value, hours_of, number
from syndb_lab.display.progress import ProgressLine, describe, progress_line
from syndb_lab.errors import Detached, ParameterError, WaitTimeout
from syndb_lab.http.job_events import FINAL
from syndb_lab.http.job_watcher import PATIENCE_S, JobWatcher
from syndb_lab.http.reconnection import reopen
from syndb_lab.http.transport import Transport
from syndb_lab.results.cache import ResultCache

TICK_S: Final = 0.1
ANSWER_S: Final = 1.0
SOON_S: Final = 0.01
REDRAW_S: Final = 0.2
DESTROYED: Final = "expired"


@convert_errors
class JobHandle:
    """A job's id, a connection, and the record as it was last seen.

    The properties and the repr say what was last heard, the repr also when, while the job is unfinished; only
    the verbs ask the service.

    Parameters
    ----------
    transport : Transport
        The connection to the service.
    record : dict
        The job's record, as on the wire.
    cache : ResultCache, optional
        Where result files are kept.
    """

    def __init__(
        self, transport: Transport, record: dict[str, Any], *, cache: ResultCache | None = None
    ) -> None:
        self._transport = transport
        self._cache = cache or ResultCache()
        self._record = record
        self._heard = datetime.now()
        self._shown_in: tuple[str, str] | None = None

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle as the address and the record: who loads it takes the token kept for that address."""
        return _handle, (type(self), self._transport.url, self._transport.key, self.record)

    def __copy__(self) -> Self:
        return type(self)(self._transport, self.record, cache=self._cache)

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return type(self)(self._transport, copy.deepcopy(self.record, memo), cache=self._cache)

    @property
    def record(self) -> dict[str, Any]:
        """The job's record, as on the wire and as last heard."""
        return self._record

    @record.setter
    def record(self, record: dict[str, Any]) -> None:
        if record is not self._record:
            known, self._record, self._heard = self._record, record, datetime.now()
            if record.get("reason") == DESTROYED and known.get("result"):
                self._cache.remove(known["result"])

    @property
    def id(self) -> str:
        """The job's id, which any notebook can pick up again with ``lab.job(id)``."""
        return str(self.record["job_id"])

    @property
    def kind(self) -> str:
        """``query`` or ``graph``."""
        return str(self.record["kind"])

    @property
    def status(self) -> str:
        """``pending``, ``running``, ``completed``, ``failed`` or ``cancelled``, as last heard.

        It changes when a verb asks: ``done()``, ``refresh()``, ``wait()``, ``cancel()``.
        """
        return str(self.record["status"])

    @property
    def label(self) -> str | None:
        """What its owner calls it."""
        return self.record.get("label")

    @property
    def query(self) -> str | None:
        """The SQL of a query job."""
        return self.record.get("query")

    def __repr__(self) -> str:
        words = [self.kind, "job", self.id, self.status]
        result = self.record.get("result")
        if result and result.get("rows") is not None:
            words.append(f"({result['rows']:,} rows)")
        if self.label:
            words.append(repr(self.label))
        if self.status not in FINAL:
            words.append(f"as of {format_time(self._heard)}; .refresh() asks again")
        return f"<{' '.join(words)}>"

    def shown_by_its_card(self) -> Self:
        """Leave this run of the cell without a second display: the card stands there already."""
        from syndb_lab.display.cell_output import running_cell_and_run

        self._shown_in = running_cell_and_run()
        return self

    def _ipython_display_(self) -> None:
        """Show nothing below its own card; everywhere else, IPython shows the repr."""
        from syndb_lab.display.cell_output import running_cell_and_run

        if self._shown_in is None or self._shown_in != running_cell_and_run():
            raise NotImplementedError  # which IPython takes for: show the repr

    def done(self) -> bool:
        """Ask whether the job has ended: completed, failed or been cancelled.

        Examples
        --------
        >>> while not job.done():
        ...     time.sleep(0.2)
        >>> job.status
        'completed'
        """
        return self.status in FINAL or self.refresh().status in FINAL

    def refresh(self) -> Self:
        """Ask the service how the job is now."""
        self.record = self._transport.get(f"/v1/jobs/{self.id}")
        return self

    def wait(self, timeout: float | None = None, progress: bool | ProgressLine | None = None) -> Self:
        """Wait until the job has completed, failed or been cancelled.

        Ctrl-C, or the notebook's Stop, ends the waiting and not the job.

        Parameters
        ----------
        timeout : float, optional
            Seconds; without it as long as it takes.
        progress : bool or ProgressLine, optional
            Whether to show a line of progress; by default in a notebook and in a terminal.

        Returns
        -------
        Job
            This one. Whether it failed is in ``status``; the result verbs raise it.

        Raises
        ------
        WaitTimeout
            The time is over; the job goes on.
        Detached
            Ctrl-C; the job goes on.

        Examples
        --------
        >>> lab.sql("SELECT DISTINCT cell_class FROM neurons", label="classes").wait()
        <query job ... completed (... rows) 'classes'>
        """
        patience = number("timeout", timeout)
        if patience is not None and not patience >= 0:
            raise ParameterError(
                f"timeout is {format_value(timeout)}; it takes a number of seconds from 0 on",
                hint="For example: job.wait(timeout=60). Without it: as long as it takes.",
            )
        if not (isinstance(progress, bool | None) or hasattr(type(progress), "show")):
            raise ParameterError(
                f"progress is {article(progress)}; it takes True or False",
                hint="For example: job.wait(progress=False).",
            )
        if self.status in FINAL:
            return self
        line = progress_line(progress) if isinstance(progress, bool | None) else progress
        started = time.monotonic()
        try:
            self._follow(line, started, patience)
        except KeyboardInterrupt:
            line.end(f"detached · job {self.id} goes on")
            raise Detached(
                f"Stopped waiting; the job goes on. Cancel it with job.cancel() or `%syndb cancel {self.id}`."
            ) from None
        line.end(describe(self.record, time.monotonic() - started))
        return self

    def _follow(self, line: ProgressLine, started: float, timeout: float | None) -> None:
        """Draw the line until the job is final, or the time is over and the service has been heard."""
        drawn = 0.0
        over = math.inf if timeout is None else started + timeout
        with JobWatcher(self._transport, self.record, patience_s=PATIENCE_S) as watch:
            while not watch.wait_final(min(TICK_S, max(over - time.monotonic(), SOON_S))):
                now = time.monotonic()
                self.record = watch.record
                if now >= over + (0 if watch.is_answered or watch.unavailable else ANSWER_S):
                    raise WaitTimeout(
                        f"job {self.id} is still {self.status} after {timeout:.15g} s",
                        hint="It goes on: wait() again, or cancel it with job.cancel().",
                    )
                if now - drawn >= REDRAW_S:
                    drawn = now
                    columns = getattr(line, "columns", None)
                    line.show(describe(self.record, now - started, away=watch.unavailable, columns=columns))
            self.record = watch.record
            if watch.error is not None:
                raise watch.error

    def __await__(self) -> Generator[Any, None, Self]:
        """Wait without blocking the notebook: ``await job``."""
        return self._wait_async().__await__()

    async def _wait_async(self) -> Self:
        if self.status in FINAL:
            return self
        loop, changed = asyncio.get_running_loop(), asyncio.Event()

        def set_changed() -> None:
            with suppress(RuntimeError):  # the loop was closed under it: nobody waits any more
                loop.call_soon_threadsafe(changed.set)

        with JobWatcher(self._transport, self.record, patience_s=PATIENCE_S, told=set_changed) as watch:
            while not watch.is_over:
                await changed.wait()
                changed.clear()
                self.record = watch.record
            if watch.error is not None:
                raise watch.error
        return self

    def cancel(self) -> Self:
        """Stop the job; one that has ended already stays as it is.

        Examples
        --------
        >>> lab.graph("celegans_varshney_2011").cancel().wait().status
        'cancelled'
        """
        self.record = self._transport.delete(f"/v1/jobs/{self.id}")
        return self

    def keep(self, hours: float) -> Self:
        """Have the result destroyed so many hours from now, and not when the service would.

        Parameters
        ----------
        hours : float
            Hours from now by the service's clock, up to the longest that it allows.

        Raises
        ------
        RequestRefused
            The service keeps no result for so long, or there is none.

        Examples
        --------
        >>> job.keep(hours=72).record["expires_at"]
        '...Z'
        """
        self.record = self._transport.patch(f"/v1/jobs/{self.id}", {"keep_hours": hours_of(hours)})
        return self

    def purge(self) -> Self:
        """Destroy the result now; the record stays, and ``rerun`` makes it anew. A running job is cancelled.

        What is here of it is removed, too; frames that were read from it stay readable.

        Examples
        --------
        >>> lab.sql("SELECT 1 AS one").wait().purge().result_path()
        Traceback (most recent call last):
        syndb_lab.errors.ResultExpired: the result was destroyed on ...; the record is kept
        Run it again with job.rerun().
        """
        self.record = self._transport.delete(f"/v1/jobs/{self.id}", {"purge": "true"})
        return self


def _handle(kind: type[JobHandle], url: str, key: str, record: dict[str, Any]) -> JobHandle:
    """Make a handle that was pickled."""
    return kind(reopen(url, key), record)


def format_time(moment: datetime) -> str:
    """Write a moment of today as its time, one of another day with its date.

    Examples
    --------
    >>> format_time(datetime.datetime(2011, 2, 3, 16, 3, 5))
    '2011-02-03 16:03:05'
    """
    return f"{moment:%H:%M:%S}" if moment.date() == datetime.now().date() else f"{moment:%Y-%m-%d %H:%M:%S}"
