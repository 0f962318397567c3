"""The query checker: parses and binds SQL in child processes, so that no SQL can block the API."""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final, cast

from syndb_service.domain.child_task import CheckRequest
from syndb_service.domain.jobs import Format
from syndb_service.domain.query_check import QuerySummary
from syndb_service.isolation.fork_server_client import ForkServerClient
from syndb_service.jobs.check_process import CheckProcess
from syndb_service.jobs.fair_queue import FairQueue
from syndb_service.text.truncation import shorten_columns

MIN_PROCESSES, MAX_PROCESSES = 3, 8
WAIT_S: Final = 60.0


@dataclass(frozen=True, slots=True)
class CheckedQuery:
    """A query that may run, as the check found it.

    Attributes
    ----------
    tables : tuple of str
        The tables that it reads.
    dataset_ids, dataset_values : tuple of (text, line, column)
        The literals, and the parameter values, that it compares with ``dataset_id``.
    columns : tuple of (name, type)
        The columns of its result.
    outline : QuerySummary
        Its shape; empty unless the check was asked to describe it.
    reach : tuple of str or None
        The datasets that it can read; None for all.
    fingerprint : str
        A digest that is equal for queries that differ only in writing.
    loose : tuple of str
        Tables of unscoped joins: they are joined without comparing ``dataset_id``.
    complete : bool
        False if names and types could not be bound in time, so that only the text was checked.
    deterministic : bool or None
        Whether two runs give the same result; None if unknown.
    not_deterministic : tuple of str
        Reasons why two runs may differ.
    volatile : tuple of (name, line, column)
        Functions that give another value at each run, on any number of threads.
    linear : bool
        Whether its work grows linearly with its tables.
    """

    tables: tuple[str, ...]
    dataset_ids: tuple[tuple[str, int | None, int | None], ...] = ()
    columns: tuple[tuple[str, ...], ...] = ()
    outline: QuerySummary = field(default_factory=QuerySummary)
    reach: tuple[str, ...] | None = None
    fingerprint: str = ""
    dataset_values: tuple[tuple[str, int | None, int | None], ...] = ()
    loose: tuple[str, ...] = ()
    complete: bool = True
    deterministic: bool | None = None
    not_deterministic: tuple[str, ...] = ()
    volatile: tuple[tuple[str, int | None, int | None], ...] = ()
    linear: bool = False


class QueryChecker:
    """A pool of child processes that check SQL: one per processor, from 3 to 8.

    Parsing the text takes a bounded time: :mod:`syndb_service.sql.query_limits`. Binding names and types
    may evaluate constants, so it has a timeout, after which the query may run with its text checked only.
    A :class:`FairQueue` shares the processes between users.

    Parameters
    ----------
    fork_server : ForkServerClient
        Starts the children.
    max_query_bytes : int
        The longest text, in bytes of UTF-8.
    """

    def __init__(self, fork_server: ForkServerClient, max_query_bytes: int) -> None:
        slots = min(max(MIN_PROCESSES, os.cpu_count() or 1), MAX_PROCESSES)
        self._idle = deque(CheckProcess(fork_server, max_query_bytes) for _ in range(slots))
        self._queue = FairQueue(slots)

    def check(
        self,
        query: str,
        parameters: Mapping[str, Any],
        *,
        result_schemas: Mapping[str, str] = MappingProxyType({}),
        owner: str = "",
        describe: bool = False,
        file_format: str = "arrow",
    ) -> CheckedQuery:
        """Check a query without running it.

        Parameters
        ----------
        query, parameters : str, mapping
            The SQL and its values.
        result_schemas : mapping of str to str
            The schema of each result that it references, by job id: a small Arrow file in base64.
        owner : str
            The user whose query it is.
        describe : bool
            Return the summary of the query as well.
        file_format : str
            Format of the result file.

        Raises
        ------
        InvalidQuery
            If it may not run; with the position and a hint.
        TooManyRequests
            If slow checks of other queries of this owner hold the processes.
        TransientError
            If the machine is too busy.
        """
        request = CheckRequest(
            sql=query,
            parameters=parameters,
            result_schemas=result_schemas,
            describe=describe,
            format=cast("Format", file_format),
        )
        with self._queue.acquire(owner, WAIT_S) as charge:
            process, began = self._idle.pop(), time.monotonic()
            try:
                found = process.check(request)
            finally:
                self._idle.append(process)
                charge(time.monotonic() - began)
        text = found.text
        return CheckedQuery(
            tuple(text["tables"]),
            tuple((value, line, column) for value, line, column in text["dataset_ids"]),
            tuple(map(tuple, shorten_columns(found.columns or ()))),
            QuerySummary.from_dict(text["outline"]) if describe else QuerySummary(),
            None if text["reach"] is None else tuple(text["reach"]),
            text["fingerprint"],
            tuple((value, line, column) for value, line, column in text["dataset_values"]),
            tuple(text["loose"]),
            found.columns is not None,
            found.deterministic,
            found.not_deterministic,
            tuple((name, line, column) for name, line, column in text["volatile"]),
            found.linear,
        )

    def close(self) -> None:
        """End the idle child processes."""
        for process in list(self._idle):
            process.close()
