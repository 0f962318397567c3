"""The service's side of checking: SQL is parsed and bound in a child, so that no SQL can stop the API."""

from __future__ import annotations

import contextlib
import threading
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from syndb_service.domain.outline import Outline
from syndb_service.engines.frames import FrameKind
from syndb_service.engines.nursery import Child, Nursery
from syndb_service.errors import InvalidQuery, ServiceError, TransientError

CHECK_S = 5.0
DESKS = 3
DESKS_OF_ONE = 2
MEMORY_BYTES = 1024**3 // 2
ADDRESS_SPACE = 3 * 1024**3


@dataclass(frozen=True, slots=True)
class CheckedQuery:
    """A query that may run.

    It names the tables that it reads, the texts that it compares ``dataset_id`` with (text, line, column),
    its columns and, where asked for, its outline; the datasets that it can reach, None for all; what it
    shares with queries that are written differently and mean the same; the texts that are given for
    ``dataset_id`` as values of parameters, and the tables that are joined without theirs.
    """

    tables: tuple[str, ...]
    dataset_ids: tuple[tuple[str, int | None, int | None], ...] = ()
    columns: tuple[tuple[str, ...], ...] = ()
    outline: Outline = field(default_factory=Outline)
    reach: tuple[str, ...] | None = None
    fingerprint: str = ""
    dataset_values: tuple[tuple[str, int | None, int | None], ...] = ()
    loose: tuple[str, ...] = ()


class Checker:
    """Checks SQL in a few child processes, so that one slow check holds up nobody else's.

    The engine computes some constants as it binds them, so SQL can be written that takes long to check. No
    user has all the children at a time.

    Parameters
    ----------
    nursery : Nursery
        Starts the children, when they are needed and again when they died.
    max_query_bytes : int
        The longest text, in bytes of UTF-8.
    """

    def __init__(self, nursery: Nursery, max_query_bytes: int) -> None:
        self._idle = [_Desk(nursery, max_query_bytes) for _ in range(DESKS)]
        self._taken: Counter[str] = Counter()
        self._changed = threading.Condition()

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
        TransientError
            If the check took too long.
        """
        with self._desk(owner) as desk:
            asked = {"query": query, "parameters": dict(parameters), "stored": dict(stored)}
            answer = desk.ask({**asked, "describe": describe, "format": file_format})
        return CheckedQuery(
            tuple(answer["tables"]),
            tuple((text, line, column) for text, line, column in answer["dataset_ids"]),
            tuple(tuple(column) for column in answer["columns"]),
            Outline.from_dict(answer["outline"]) if describe else Outline(),
            None if answer["reach"] is None else tuple(answer["reach"]),
            answer["fingerprint"],
            tuple((text, line, column) for text, line, column in answer["dataset_values"]),
            tuple(answer["loose"]),
        )

    def close(self) -> None:
        """End the children, each when its check is done."""
        for _ in range(DESKS):
            with self._changed:
                self._changed.wait_for(lambda: self._idle)
                self._idle.pop().close()

    @contextmanager
    def _desk(self, owner: str) -> Iterator[_Desk]:
        with self._changed:
            if not self._changed.wait_for(
                lambda: self._idle and self._taken[owner] < DESKS_OF_ONE, timeout=CHECK_S
            ):
                raise _late()
            desk = self._idle.pop()
            self._taken[owner] += 1
        try:
            yield desk
        finally:
            with self._changed:
                self._idle.append(desk)
                self._taken[owner] -= 1
                self._taken += Counter()
                self._changed.notify_all()


class _Desk:
    """One checking child."""

    def __init__(self, nursery: Nursery, max_query_bytes: int) -> None:
        self._nursery = nursery
        self._max_query_bytes = max_query_bytes
        self._child: Child | None = None
        self._stack = contextlib.ExitStack()

    def ask(self, request: dict[str, Any]) -> dict[str, Any]:
        """Have a query checked; by a second child if the first died: another query may be to blame."""
        for _ in range(2):
            try:
                child = self._ensure()
                child.frames.send(FrameKind.TASK, request)
                kind, answer = child.answer(CHECK_S)
            except TimeoutError:
                self.close()
                raise _late() from None
            except (OSError, EOFError):
                self.close()
                continue
            if kind is FrameKind.FAILURE:
                raise _refusal(answer)
            return answer
        raise InvalidQuery(
            "the engine's parser gives up on this query", hint="Simplify it: it may be nested too deeply."
        )

    def close(self) -> None:
        """End the child."""
        self._stack.close()
        self._child = None

    def _ensure(self) -> Child:
        if self._child is None:
            self._child = self._stack.enter_context(self._nursery.child())
            task = {
                "kind": "check",
                "max_query_bytes": self._max_query_bytes,
                "memory_bytes": MEMORY_BYTES,
                "address_space": ADDRESS_SPACE,
            }
            self._child.frames.send(FrameKind.TASK, task)
            self._child.answer(CHECK_S)
        return self._child


def _refusal(answer: dict[str, Any]) -> ServiceError:
    if answer["code"] == "memory_limit":
        return InvalidQuery("checking this query needs too much memory", hint=answer["hint"])
    return InvalidQuery(
        answer["message"],
        hint=answer["hint"],
        line=answer["line"],
        column=answer["column"],
        code=answer["code"],
    )


def _late() -> TransientError:
    return TransientError("the query could not be checked in time", code="engine_unavailable")
