"""The handle of a job of any kind: its record, waiting, cancelling, retention."""

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
from syndb_lab.fork_safety import ProcessLock
from syndb_lab.http.job_events import FINAL
from syndb_lab.http.job_watcher import TIMEOUT_S, JobWatcher
from syndb_lab.http.reconnection import reopen
from syndb_lab.http.transport import Transport
from syndb_lab.results.cache import ResultCache

TICK_S: Final = 0.1
ANSWER_S: Final = 1.0
SOON_S: Final = 0.01
REDRAW_S: Final = 0.2
DESTROYED: Final = "expired"
_RECORDS: Final = ProcessLock()


@convert_errors
class JobHandle:
    """A job's id, a connection, and the newest known record.

    The properties and the repr show the newest known record; the repr of an unfinished job also says when it
    was received. Only the methods send requests.

    Parameters
    ----------
    transport : Transport
        The connection to the service.
    record : dict
        The job's record, as on the wire.
    cache : ResultCache, optional
        The cache of result files.
    """

    def __init__(
        self, transport: Transport, record: dict[str, Any], *, cache: ResultCache | None = None
    ) -> None:
        self._transport = transport
        self._cache = cache or ResultCache()
        self._record = record
        self._received = datetime.now()
        self._shown_in: tuple[str, str] | None = None

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle the address and the record; loading takes the token stored for that address."""
        return _handle, (type(self), self._transport.url, self._transport.key, self.record)

    def __copy__(self) -> Self:
        return type(self)(self._transport, self.record, cache=self._cache)

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return type(self)(self._transport, copy.deepcopy(self.record, memo), cache=self._cache)

    @property
    def record(self) -> dict[str, Any]:
        """The newest known record of the job, as on the wire.

        A card and a call may receive records at the same time; one of an older version is ignored.
        """
        return self._record

    @record.setter
    def record(self, record: dict[str, Any]) -> None:
        with _RECORDS:
            known = self._record
            if record is known or record.get("version", 0) < known.get("version", 0):
                return
            self._record, self._received = record, datetime.now()
        if record.get("reason") == DESTROYED and known.get("result"):
            self._cache.remove(known["result"])

    @property
    def id(self) -> str:
        """The job's id; ``lab.job(id)`` opens the job from any notebook."""
        return str(self.record["job_id"])

    @property
    def kind(self) -> str:
        """``query`` or ``graph``."""
        return str(self.record["kind"])

    @property
    def status(self) -> str:
        """``pending``, ``running``, ``completed``, ``failed`` or ``cancelled``, in the newest known record.

        ``done()``, ``refresh()``, ``wait()`` and ``cancel()`` update it.
        """
        return str(self.record["status"])

    @property
    def label(self) -> str | None:
        """The label that its owner gave it."""
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
            words.append(f"as of {format_time(self._received)}; .refresh() asks again")
        return f"<{' '.join(words)}>"

    def shown_by_its_card(self) -> Self:
        """Suppress the repr in this run of the cell, which already shows the card."""
        from syndb_lab.display.cell_output import running_cell_and_run

        self._shown_in = running_cell_and_run()
        return self

    def _ipython_display_(self) -> None:
        """Show nothing in the cell run that shows the card; elsewhere IPython shows the repr."""
        from syndb_lab.display.cell_output import running_cell_and_run

        if self._shown_in is None or self._shown_in != running_cell_and_run():
            raise NotImplementedError  # by contract with IPython: it goes on to the repr

    def done(self) -> bool:
        """Ask the service whether the job has ended: completed, failed or been cancelled.

        Examples
        --------
        >>> while not job.done():
        ...     time.sleep(0.2)
        >>> job.status
        'completed'
        """
        return self.status in FINAL or self.refresh().status in FINAL

    def refresh(self) -> Self:
        """Fetch the job's current record."""
        self.record = self._transport.get(f"/v1/jobs/{self.id}")
        return self

    def wait(self, timeout: float | None = None, progress: bool | ProgressLine | None = None) -> Self:
        """Wait until the job has completed, failed or been cancelled.

        Ctrl-C, or the notebook's Stop, ends the wait and not the job.

        Parameters
        ----------
        timeout : float, optional
            Seconds to wait; by default until the job ends.
        progress : bool or ProgressLine, optional
            Whether to show a line of progress; by default in a notebook and in a terminal.

        Returns
        -------
        Job
            This job. A failure raises nothing here: see ``status``, or call a method that reads the result.

        Raises
        ------
        WaitTimeout
            The timeout is over; the job goes on.
        Detached
            Ctrl-C; the job goes on.

        Examples
        --------
        >>> lab.sql("SELECT DISTINCT cell_class FROM neurons", label="classes").wait()
        <query job ... completed (... rows) 'classes'>
        """
        timeout_s = number("timeout", timeout)
        if timeout_s is not None and not timeout_s >= 0:
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
            self._follow(line, started, timeout_s)
        except KeyboardInterrupt:
            line.end(f"detached · job {self.id} goes on")
            raise Detached(
                f"Stopped waiting; the job goes on. Cancel it with job.cancel() or `%syndb cancel {self.id}`."
            ) from None
        line.end(describe(self.record, time.monotonic() - started))
        return self

    def _follow(self, line: ProgressLine, started: float, timeout_s: float | None) -> None:
        """Draw the line until the job is final, or the timeout is over and the service has responded."""
        drawn = 0.0
        deadline = math.inf if timeout_s is None else started + timeout_s
        with JobWatcher(self._transport, self.record, timeout_s=TIMEOUT_S) as watch:
            while not watch.wait_final(min(TICK_S, max(deadline - time.monotonic(), SOON_S))):
                now = time.monotonic()
                self.record = watch.record
                if now >= deadline + (0 if watch.is_answered or watch.unavailable else ANSWER_S):
                    raise WaitTimeout(
                        f"job {self.id} is still {self.status} after {timeout_s:.15g} s",
                        hint="It goes on: wait() again, or cancel it with job.cancel().",
                    )
                if now - drawn >= REDRAW_S:
                    drawn = now
                    columns = getattr(line, "columns", None)
                    line.show(
                        describe(self.record, now - started, unavailable=watch.unavailable, columns=columns)
                    )
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
            with suppress(RuntimeError):  # the loop was closed, so no caller waits any more
                loop.call_soon_threadsafe(changed.set)

        with JobWatcher(self._transport, self.record, timeout_s=TIMEOUT_S, on_change=set_changed) as watch:
            while not watch.is_over:
                await changed.wait()
                changed.clear()
                self.record = watch.record
            if watch.error is not None:
                raise watch.error
        return self

    def cancel(self) -> Self:
        """Cancel the job; a job that has ended stays as it is.

        Examples
        --------
        >>> lab.graph("celegans_varshney_2011").cancel().wait().status
        'cancelled'
        """
        self.record = self._transport.delete(f"/v1/jobs/{self.id}")
        return self

    def keep(self, hours: float) -> Self:
        """Set when the result is destroyed, in hours from now, in place of the service's default.

        Parameters
        ----------
        hours : float
            Hours from now by the service's clock, up to its maximum.

        Raises
        ------
        RequestRefused
            The time is beyond the service's maximum, or there is no result.

        Examples
        --------
        >>> job.keep(hours=72).record["expires_at"]
        '...Z'
        """
        self.record = self._transport.patch(f"/v1/jobs/{self.id}", {"keep_hours": hours_of(hours)})
        return self

    def purge(self) -> Self:
        """Destroy the result now; the record stays, and ``rerun`` computes it again.

        A running job is cancelled. The local copy is removed, too; data frames that were read from it stay
        readable.

        Examples
        --------
        >>> lab.sql("SELECT 1 AS one").wait().purge().result_path()
        Traceback (most recent call last):
        syndb_lab.errors.ResultExpired: the result was destroyed on ...; the record is kept
        Run it again: job.rerun()
        """
        self.record = self._transport.delete(f"/v1/jobs/{self.id}", {"purge": "true"})
        return self


def _handle(kind: type[JobHandle], url: str, key: str, record: dict[str, Any]) -> JobHandle:
    """Rebuild a handle that was pickled."""
    return kind(reopen(url, key), record)


def format_time(when: datetime) -> str:
    """Format a time of today as its time of day, and any other with its date.

    Examples
    --------
    >>> format_time(datetime.datetime(2011, 2, 3, 16, 3, 5))
    '2011-02-03 16:03:05'
    """
    return f"{when:%H:%M:%S}" if when.date() == datetime.now().date() else f"{when:%Y-%m-%d %H:%M:%S}"
