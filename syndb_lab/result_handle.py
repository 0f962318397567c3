"""The result file of a job: fetched once, read, and fetched again if another program removed it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final, Literal, TypeVar

from syndb_lab.conversion.error_conversion import convert_errors
from syndb_lab.conversion.sql_values import format_value
from syndb_lab.display.progress import show_download
from syndb_lab.errors import (
    JobCancelled,
    JobFailed,
    ResultExpired,
    ResultNotReady,
    ResultTruncated,
    ResultUnsuitable,
    SyndbError,
)
from syndb_lab.http.job_events import FINAL
from syndb_lab.job_handle import JobHandle
from syndb_lab.next_steps.next_step import Action, NextStep

Part = Literal["neurons"]
Columns = list[dict[str, str]]
T = TypeVar("T")

TRIES: Final = 3


@convert_errors
class ResultHandle(JobHandle):
    """A job's id, a connection, its record, and its result file."""

    def result_path(
        self, *, wait: bool = True, tell: Callable[[int], None] | None = None, part: Part | None = None
    ) -> Path:
        """Fetch the result file, once, and return its path; a long download shows a line of progress.

        The file is your own read-only copy: changing it does not change the result on the service. It stays
        until results that are read later need its space (10 GiB in total), or the result is destroyed; copy
        the file to keep it.

        Parameters
        ----------
        wait : bool
            Whether to wait for the job to end.
        tell : callable, optional
            Called with the number of bytes that have arrived, in place of the line.
        part : {'neurons'}, optional
            A further file of the result: the table of neurons of a graph job with ``node_table=True``.

        Raises
        ------
        JobFailed, JobCancelled, ResultNotReady, ResultExpired
            There is no result, it is not ready, or it was destroyed.

        Examples
        --------
        >>> job.result_path().suffix
        '.arrow'
        """
        self._require_result(wait=wait)
        result = self._part(part)
        if tell is not None:
            return self._cache.fetch(self._transport, self.id, result, tell, part, record=self.record)
        with show_download(result["bytes"]) as on_bytes:
            return self._cache.fetch(self._transport, self.id, result, on_bytes, part, record=self.record)

    def _require_result(self, *, wait: bool) -> None:
        """Wait until the job ends, if ``wait``; raise if there is no result."""
        if wait:
            self.wait()
        else:
            self.done()
        if self.status == "failed":
            raise JobFailed(self.record)
        if self.status == "cancelled":
            raise JobCancelled(
                f"job {self.id} was cancelled: it has no result", hint=self._next_step(Action.RERUN)
            )
        if self.status not in FINAL:
            raise ResultNotReady(f"job {self.id} is {self.status}", hint=self._next_step(Action.WAIT))
        if not self.record.get("result"):
            raise ResultExpired(f"the result of job {self.id} is gone", hint=self._next_step(Action.RERUN))

    def _read(
        self,
        read: Callable[[Path, Columns], T],
        allow_truncated: bool,
        wait: bool,
        part: Part | None,
    ) -> T:
        """Read the table of the result."""
        columns = self._columns(allow_truncated, wait, part)
        return self._open(lambda path: read(path, columns), part)

    def _open(self, read: Callable[[Path], T], part: Part | None) -> T:
        """Read the file; fetch it again if another program removed it before it was opened.

        Data that is mapped into memory or open when ``read`` returns stays readable if the file is removed.
        """
        result = self._part(part)
        for _ in range(TRIES):
            try:
                with ExitStack() as opened:
                    with show_download(result["bytes"]) as on_bytes:
                        file = self._cache.open_for_reading(
                            self._transport, self.id, result, on_bytes, part, record=self.record
                        )
                        path = opened.enter_context(file)
                    return read(path)
            except FileNotFoundError:
                continue
        raise SyndbError(
            f"the file of this result is removed again and again from {self._cache.folder}",
            hint="Another program clears that folder: set XDG_CACHE_HOME to another one.",
        )

    def _columns(self, allow_truncated: bool, wait: bool, part: Part | None) -> Columns:
        """Return the columns of the result's table, after the job has completed."""
        if self.kind == "graph" and part is None:
            raise ResultUnsuitable(
                "a graph job has no table",
                hint=self._next_step(Action.FETCH_GRAPH_RESULT),
            )
        self._require_result(wait=wait)
        return self._result_record(allow_truncated, part).get("columns") or []

    def _result_record(self, allow_truncated: bool, part: Part | None = None) -> dict[str, Any]:
        """Return the ``result`` of the record or of a part; raise if it is truncated and not allowed."""
        self._require_result(wait=True)
        result = self._part(part)
        if result.get("truncated") and not allow_truncated:
            raise ResultTruncated(
                f"the result was cut at the size limit, after {result['rows']:,} rows",
                hint=NextStep(Action.NARROW_QUERY),
            )
        return result

    def _next_step(self, action: Action) -> NextStep:
        return NextStep(action, {"job_id": self.id})

    def _part(self, part: str | None) -> dict[str, Any]:
        result: dict[str, Any] = self.record["result"]
        if part is None:
            return result
        parts: dict[str, dict[str, Any]] = result.get("parts") or {}
        if not isinstance(part, str) or part not in parts:
            raise ResultUnsuitable(
                f"the result of job {self.id} has no part {format_value(part)}",
                hint=NextStep(Action.MAKE_NEURON_TABLE),
            )
        return parts[part]
