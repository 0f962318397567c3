"""Sending hints: never an error, never a long wait, whatever the broker does."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from queue import SimpleQueue

from syndb_service.broker.base import Broker, describe_error, job_message
from syndb_service.broker.embedded_broker import EmbeddedBroker
from syndb_service.errors import BadSetting, ServiceError, TransientError
from syndb_service.runtime.background import BackgroundThread, EndOfRounds

log = logging.getLogger(__name__)

PATIENCE_S = 1.0
AWAY_S = 1.0


@dataclass
class _BrokerCall:
    """One thing asked of the broker; whoever asks waits for ``over`` as long as it wants."""

    work: Callable[[], object]
    over: threading.Event = field(default_factory=threading.Event)
    error: Exception | None = None
    abandoned: bool = False


class JobDispatcher:
    """Tells workers that there is something to do.

    One thread of its own talks to a broker outside this process, so that no library's retries and no
    silent server holds up a caller; and one connection serves all callers.

    Parameters
    ----------
    broker : Carrier
        Carries the hints.
    patience_s : float
        Seconds after which a server that does not answer is taken for away.
    away_s : float
        Seconds for which a server that is away is not asked again.
    """

    def __init__(self, broker: Broker, *, patience_s: float = PATIENCE_S, away_s: float = AWAY_S) -> None:
        self._broker = broker
        self._patience_s = patience_s
        self._away_s = away_s
        self._errands: SimpleQueue[_BrokerCall | None] = SimpleQueue()
        self._lock = threading.Lock()
        self._thread: BackgroundThread | None = None
        self._busy_since: float | None = None
        self._answered_at = 0.0
        self._away_until = 0.0
        self._away_because: str | None = None
        self._refused = False

    def dispatch(self, job_id: str) -> bool:
        """Send a hint for a job; False if the broker is away, and the sweeper is to send one later."""
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
        """Ask the broker whether it takes hints.

        Raises
        ------
        TransientError
            If it doesn't, with its name, host and port.
        """
        if isinstance(self._broker, EmbeddedBroker):
            return
        if self._is_unavailable():
            raise self._unavailable()
        self._run(self._broker.ping)

    @property
    def unavailable_reason(self) -> str:
        """What is told of a broker that does not take hints."""
        return self._unavailable().public_message

    def close(self) -> None:
        """End the thread; hints can be sent again afterwards."""
        with self._lock:
            if self._thread is not None:
                self._errands.put(None)
                self._thread = None

    def _is_unavailable(self) -> bool:
        now = time.monotonic()
        busy_since = self._busy_since
        stuck = busy_since is not None and now - busy_since > self._patience_s
        return stuck or now < self._away_until

    def _run(self, work: Callable[[], object]) -> None:
        """Have the thread do something, and wait as long as patience lasts."""
        errand = _BrokerCall(work)
        asked_at = time.monotonic()
        with self._lock:
            if self._thread is None:
                self._thread = BackgroundThread("job dispatcher", self._serve)
                self._thread.start()
            self._errands.put(errand)
        if not errand.over.wait(self._patience_s):
            errand.abandoned = True
            if self._answered_at < asked_at:
                self._mark_unavailable("no answer")
            raise self._unavailable()
        if errand.error is not None:
            raise self._unavailable() from errand.error

    def _serve(self) -> None:
        errand = self._errands.get()
        if errand is None:
            raise EndOfRounds
        if errand.abandoned:
            return
        self._busy_since = time.monotonic()
        try:
            errand.work()
        except Exception as error:
            errand.error = error
            self._refused = isinstance(error, BadSetting)
            self._mark_unavailable(str(error) if isinstance(error, ServiceError) else describe_error(error))
        else:
            self._mark_available()
        finally:
            self._busy_since = None
            errand.over.set()

    def _mark_unavailable(self, why: str) -> None:
        with self._lock:
            self._away_until = time.monotonic() + self._away_s
            if self._away_because is None:
                log.warning("the broker is away: %s (%s); jobs are kept until it is back", self._where, why)
            self._away_because = why

    def _mark_available(self) -> None:
        with self._lock:
            self._answered_at = time.monotonic()
            self._away_until = 0.0
            if self._away_because is not None:
                log.warning("the broker is back: %s", self._where)
            self._away_because = None
            self._refused = False

    @property
    def _where(self) -> str:
        return self._broker.where

    def _unavailable(self) -> TransientError:
        fault = "refuses the service's user or password" if self._refused else "is away"
        return TransientError(
            f"the broker {fault}: {self._where} ({self._away_because or 'no answer'})",
            code="broker_unavailable",
            hint="Jobs are kept and start when it is back.",
        )
