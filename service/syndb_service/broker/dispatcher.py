"""The dispatcher of job messages: it neither raises nor blocks for long, whatever the broker does."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from queue import SimpleQueue

from syndb_service.broker.base import Broker, EmbeddedBroker, describe_error, job_message
from syndb_service.errors import BadSetting, ServiceError, TransientError
from syndb_service.runtime.background import BackgroundThread, EndOfRounds

log = logging.getLogger(__name__)

TIMEOUT_S = 1.0
UNAVAILABLE_S = 1.0


@dataclass
class _BrokerCall:
    """One call of the broker; the caller waits for ``ended`` with a timeout."""

    work: Callable[[], object]
    ended: threading.Event = field(default_factory=threading.Event)
    error: Exception | None = None
    abandoned: bool = False


class JobDispatcher:
    """A sender of job messages, which make workers claim pending jobs.

    A broker outside this process is called from one thread, so that neither a library's retries nor a
    silent server blocks a caller; one connection serves all callers.

    Parameters
    ----------
    broker : Broker
        The broker that carries the messages.
    timeout_s : float
        Seconds after which a server that does not respond is unavailable.
    unavailable_s : float
        Seconds for which an unavailable server is not called again.
    """

    def __init__(
        self, broker: Broker, *, timeout_s: float = TIMEOUT_S, unavailable_s: float = UNAVAILABLE_S
    ) -> None:
        self._broker = broker
        self._timeout_s = timeout_s
        self._unavailable_s = unavailable_s
        self._calls: SimpleQueue[_BrokerCall | None] = SimpleQueue()
        self._lock = threading.Lock()
        self._thread: BackgroundThread | None = None
        self._busy_since: float | None = None
        self._answered_at = 0.0
        self._unavailable_until = 0.0
        self._reason: str | None = None
        self._refused = False

    def dispatch(self, job_id: str) -> bool:
        """Send the message of a job; return False during an outage, after which the sweeper sends it."""
        if isinstance(self._broker, EmbeddedBroker):
            self._broker.enqueue(job_message(job_id))
            return True
        if self._is_unavailable():
            return False
        try:
            self._run(lambda: self._broker.enqueue(job_message(job_id)))
        except ServiceError:
            return False
        return True

    def check(self) -> None:
        """Require that the broker responds.

        Raises
        ------
        TransientError
            If it does not; with its name, host and port.
        """
        if isinstance(self._broker, EmbeddedBroker):
            return
        if self._is_unavailable():
            raise self._unavailable()
        self._run(self._broker.ping)

    @property
    def unavailable_reason(self) -> str:
        """Message about the broker as long as it is unavailable."""
        return self._unavailable().public_message

    def close(self) -> None:
        """End the thread; a later dispatch starts it again."""
        with self._lock:
            if self._thread is not None:
                self._calls.put(None)
                self._thread = None

    def _is_unavailable(self) -> bool:
        now = time.monotonic()
        busy_since = self._busy_since
        stuck = busy_since is not None and now - busy_since > self._timeout_s
        return stuck or now < self._unavailable_until

    def _run(self, work: Callable[[], object]) -> None:
        """Run a call in the thread, and wait for it until the timeout."""
        call = _BrokerCall(work)
        called_at = time.monotonic()
        with self._lock:
            if self._thread is None:
                self._thread = BackgroundThread("job dispatcher", self._serve)
                self._thread.start()
            self._calls.put(call)
        if not call.ended.wait(self._timeout_s):
            call.abandoned = True
            if self._answered_at < called_at:
                self._mark_unavailable("no answer")
            raise self._unavailable()
        if call.error is not None:
            raise self._unavailable() from call.error

    def _serve(self) -> None:
        call = self._calls.get()
        if call is None:
            raise EndOfRounds
        if call.abandoned:
            return
        self._busy_since = time.monotonic()
        try:
            call.work()
        except Exception as error:
            call.error = error
            self._refused = isinstance(error, BadSetting)
            self._mark_unavailable(str(error) if isinstance(error, ServiceError) else describe_error(error))
        else:
            self._mark_available()
        finally:
            self._busy_since = None
            call.ended.set()

    def _mark_unavailable(self, reason: str) -> None:
        with self._lock:
            self._unavailable_until = time.monotonic() + self._unavailable_s
            if self._reason is None:
                log.warning(
                    "broker unavailable: %s (%s); submitted jobs stay pending until it responds",
                    self._location,
                    reason,
                )
            self._reason = reason

    def _mark_available(self) -> None:
        with self._lock:
            self._answered_at = time.monotonic()
            self._unavailable_until = 0.0
            if self._reason is not None:
                log.warning("broker available again: %s", self._location)
            self._reason = None
            self._refused = False

    @property
    def _location(self) -> str:
        return self._broker.location

    def _unavailable(self) -> TransientError:
        fault = "refuses the service's user or password" if self._refused else "is unavailable"
        return TransientError(
            f"the broker {fault}: {self._location} ({self._reason or 'no answer'})",
            code="broker_unavailable",
            hint="Jobs are kept and start when it is back.",
        )
