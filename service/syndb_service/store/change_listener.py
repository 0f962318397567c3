"""The change listener: receives the ids of jobs that other processes changed, by PostgreSQL's NOTIFY."""

from __future__ import annotations

import logging
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from sqlalchemy import text

from syndb_service.errors import ServiceError
from syndb_service.runtime.background import BackgroundThread

if TYPE_CHECKING:
    import psycopg

    from syndb_service.store.database import Database

CHANNEL: Final = "syndb_jobs"
PROBE: Final = "probe "
PROBE_EVERY_S: Final = 30.0
PROBE_S: Final = 5.0
STEP_S: Final = 1.0
RETRY_S: Final = 2.0

log = logging.getLogger(__name__)


class ChangeListener:
    """A thread that receives a notification for each committed change of a job.

    A pooler between the service and PostgreSQL may drop notifications silently (PgBouncer does, unless it
    pools by session). So the listener sends a probe through another connection every ``PROBE_EVERY_S``
    seconds: only while probes arrive is :attr:`is_listening` true and polling unnecessary.

    Parameters
    ----------
    database : Database
        With SQLite there are no notifications.
    on_change : callable
        Called with the id of each changed job, in this thread.
    """

    def __init__(self, database: Database, on_change: Callable[[str], None]) -> None:
        self._database = database
        self._on_change = on_change
        self._ended = threading.Event()
        self._thread: BackgroundThread | None = None
        self._probe, self._probed_at = "", 0.0
        self._answered = False

    @property
    def is_listening(self) -> bool:
        """Whether notifications arrive: a change that is committed now is received at once."""
        return self._answered

    def start(self) -> None:
        """Start to listen, if the database is PostgreSQL."""
        if self._database.shared:
            self._thread = BackgroundThread("change listener", self._listen_once, self._ended)
            self._thread.start()

    def close(self) -> None:
        """Stop listening."""
        self._ended.set()
        if self._thread is not None:
            self._thread.stop()

    def _listen_once(self) -> None:
        """Listen until the connection breaks; the API polls for changes until the next one is open."""
        try:
            with self._open_listener() as connection:
                self._listen(connection)
        except ServiceError as error:
            self._answered = False
            log.warning("no notifications of changes; the service polls instead: %s", error.message)
            self._ended.wait(RETRY_S)
        finally:
            self._answered = False

    def _listen(self, connection: psycopg.Connection) -> None:
        self._send_probe()
        while not self._ended.is_set():
            for notice in connection.notifies(timeout=STEP_S, stop_after=1):
                self._on_notification(notice.payload)
            since = time.monotonic() - self._probed_at
            if since > PROBE_EVERY_S:
                self._send_probe()
            elif self._probe and since > PROBE_S and self._answered:
                self._answered = False
                log.warning("notifications of changes don't arrive; the service polls instead")

    def _on_notification(self, payload: str) -> None:
        if not payload.startswith(PROBE):
            self._on_change(payload)
        elif payload == self._probe:
            self._probe, self._answered = "", True

    def _send_probe(self) -> None:
        self._probe, self._probed_at = f"{PROBE}{uuid.uuid4()}", time.monotonic()
        values = {"channel": CHANNEL, "probe": self._probe}
        with self._database.read() as connection:
            connection.execute(text("SELECT pg_notify(:channel, :probe)"), values)

    @contextmanager
    def _open_listener(self) -> Iterator[psycopg.Connection]:
        with self._database.apart() as connection:
            connection.execute(f"LISTEN {CHANNEL}")
            yield connection
