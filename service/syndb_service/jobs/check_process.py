"""The service's end of a child process that checks SQL, one query at a time."""

from __future__ import annotations

import contextlib
import signal
from dataclasses import dataclass
from typing import Any, Final

from syndb_service.domain.child_task import CheckRequest, CheckTask, TaskLimits, to_dict
from syndb_service.domain.message_codec import encode_message
from syndb_service.errors import InvalidQuery, ServiceError, TransientError
from syndb_service.isolation.channel import FrameType
from syndb_service.isolation.fork_server_client import ChildProcess, ForkServerClient
from syndb_service.sql.query_limits import PARSE_CPU_S
from syndb_service.text.truncation import HINT_CHARACTERS, MESSAGE_CHARACTERS, shorten

START_S: Final = 30.0
PARSE_S: Final = 60.0
"""Timeout of parsing, generous for a busy machine: the child itself limits its processor time."""
BIND_S: Final = 10.0
EXIT_S: Final = 5.0
MEMORY_BYTES: Final = 1024**3 // 2
ADDRESS_SPACE: Final = 3 * 1024**3


@dataclass(frozen=True, slots=True)
class CheckAnswer:
    """The contents of a query's text, its columns, and whether it is deterministic; None if unknown."""

    text: dict[str, Any]
    columns: list[list[str]] | None = None
    deterministic: bool | None = None
    not_deterministic: tuple[str, ...] = ()
    linear: bool = False


class CheckProcess:
    """A child process that checks queries; it is started when it is needed, and again after it has exited.

    Parameters
    ----------
    fork_server : ForkServerClient
        Starts it.
    max_query_bytes : int
        The longest text, in bytes of UTF-8.
    """

    def __init__(self, fork_server: ForkServerClient, max_query_bytes: int) -> None:
        self._fork_server = fork_server
        self._max_query_bytes = max_query_bytes
        self._child: ChildProcess | None = None
        self._stack = contextlib.ExitStack()

    def check(self, request: CheckRequest) -> CheckAnswer:
        """Check a query; if the process exits, repeat it in a new one: an earlier query may be the cause.

        Raises
        ------
        InvalidQuery
            If the query may not run, or parsing it takes too much processor time.
        TransientError
            If this machine is too busy to answer in time.
        """
        try:
            return self._check(request)
        except ServiceError:
            raise
        except BaseException:  # unread frames would be taken for the answer to the next query
            self.close()
            raise

    def _check(self, request: CheckRequest) -> CheckAnswer:
        for _ in range(2):
            try:
                child = self._start_child()
                child.frames.send(FrameType.TASK, encode_message(request))
                kind, text = child.receive(PARSE_S)
            except TimeoutError:
                self.close()
                raise TransientError(
                    "the service is too busy to check queries", code="engine_unavailable"
                ) from None
            except (OSError, EOFError):
                if self._end() == -signal.SIGPROF:
                    raise InvalidQuery(
                        f"reading the query takes more than {PARSE_CPU_S:g} s of a processor, "
                        "which is the most that is taken",
                        hint="Simplify it: send long lists as parameters, name repeated parts by WITH.",
                    ) from None
                continue
            if kind is FrameType.FAILURE:
                raise _error_from(text)
            return self._bound(child, text)
        raise InvalidQuery(
            "the engine's parser gives up on this query", hint="Simplify it: it may be nested too deeply."
        )

    def close(self) -> None:
        """End the process."""
        self._stack.close()
        self._child = None

    def _bound(self, child: ChildProcess, text: dict[str, Any]) -> CheckAnswer:
        """Wait for the columns; without them the query may still run, because its text is valid."""
        columns = None
        try:
            kind, answer = child.receive(BIND_S)
            if kind is FrameType.FAILURE:
                raise _error_from(answer)
            columns = answer["columns"] if answer["checked"] else None
            kind, answer = child.receive(BIND_S)
        except (TimeoutError, OSError, EOFError):
            self.close()
            return CheckAnswer(text, columns)
        if kind is FrameType.FAILURE:
            return CheckAnswer(text, columns)
        reasons = tuple(answer["not_deterministic"])
        return CheckAnswer(text, columns, answer["deterministic"], reasons, answer["linear"])

    def _end(self) -> int:
        """End the process; return its exit status."""
        status = 0 if self._child is None else self._child.wait(EXIT_S)
        self.close()
        return status

    def _start_child(self) -> ChildProcess:
        if self._child is None:
            self._child = self._stack.enter_context(self._fork_server.start_child())
            limits = TaskLimits(memory_bytes=MEMORY_BYTES, address_space_bytes=ADDRESS_SPACE)
            task = CheckTask(limits=limits, max_query_bytes=self._max_query_bytes)
            self._child.frames.send(FrameType.TASK, to_dict(task))
            self._child.receive(START_S)
        return self._child


def _error_from(answer: dict[str, Any]) -> InvalidQuery:
    hint = answer["hint"]
    return InvalidQuery(
        shorten(str(answer["message"]), MESSAGE_CHARACTERS),
        hint=None if hint is None else shorten(str(hint), HINT_CHARACTERS),
        line=answer["line"],
        column=answer["column"],
        code=answer["code"],
    )
