"""The service's side of checking: SQL is parsed and bound in a child, so that no SQL can stop the API."""

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

FEWEST, MOST = 3, 8
WAIT_S: Final = 60.0


@dataclass(frozen=True, slots=True)
class CheckedQuery:
    """A query that may run.

    It names the tables that it reads, the texts that it compares ``dataset_id`` with (text, line, column),
    its columns and, where asked for, its outline; the datasets that it can reach, None for all; what it
    shares with queries that are written differently and mean the same; the texts that are given for
    ``dataset_id`` as values of parameters, and the tables that are joined without theirs. It is not
    ``complete`` where its names and types could not be bound in time: only its text was looked at then.
    Two runs give the same where it is ``deterministic`` (None: not known), but for ``not_deterministic``;
    ``volatile`` is what gives another value at each run on however many threads (name, line, column). It is
    ``linear`` where its work grows as its tables do.
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
    """Checks SQL in a few child processes, as many as there are processors.

    What the text says costs a bounded time: :mod:`syndb_service.sql.query_limits`. The engine computes
    some constants as it binds names and types, so that part is given up where it takes long, and the query
    may run unchecked. The processes are shared fairly: :class:`FairQueue`.

    Parameters
    ----------
    nursery : Nursery
        Starts the children, when they are needed and again when they ended.
    max_query_bytes : int
        The longest text, in bytes of UTF-8.
    """

    def __init__(self, nursery: ForkServerClient, max_query_bytes: int) -> None:
        places = min(max(FEWEST, os.cpu_count() or 1), MOST)
        self._idle = deque(CheckProcess(nursery, max_query_bytes) for _ in range(places))
        self._queue = FairQueue(places)

    def check(
        self,
        query: str,
        parameters: Mapping[str, Any],
        *,
        stored: Mapping[str, str] = MappingProxyType({}),
        owner: str = "",
        describe: bool = False,
        file_format: str = "arrow",
    ) -> CheckedQuery:
        """Check a query without running it.

        Parameters
        ----------
        query, parameters : str, mapping
            The SQL and its values.
        stored : mapping of str to str
            The columns of each earlier result that it may read, by job id: a small Arrow file in base64.
        owner : str
            Whose it is.
        describe : bool
            Whether to say also which columns come out, and of what shape the query is.
        file_format : str
            What the result will be written as.

        Raises
        ------
        InvalidQuery
            If it may not run: what is wrong, where, and what to do.
        TooManyRequests
            If others of this owner's are checked, and take long.
        TransientError
            If the machine is too busy.
        """
        request = CheckRequest(
            sql=query,
            parameters=parameters,
            result_schemas=stored,
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
        """End the children that do nothing."""
        for process in list(self._idle):
            process.close()
