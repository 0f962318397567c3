"""The database: its engine, its clock, its read and write transactions, and its errors."""

from __future__ import annotations

import contextlib
import os
import select
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import URL, BigInteger, Connection, Dialect, Engine, create_engine, event, exc, make_url, text
from sqlalchemy.pool import ConnectionPoolEntry
from sqlalchemy.types import TypeDecorator

from syndb_service.errors import CLOCK_OFF, BadSetting, TransientError, format_span
from syndb_service.runtime.disk_probe import is_full, write_probe
from syndb_service.store.database_clock import DatabaseClock
from syndb_service.store.database_errors import disk_full, read_only, refusal_of

if TYPE_CHECKING:
    import psycopg

BUSY_TIMEOUT_S = 15
DATABASE_UNAVAILABLE = "database_unavailable"
DATABASE_DAMAGED = "database_damaged"
FULL_REPORTED_S = 30.0
CLOCK_OFF_S = 300.0
"""One third of the 15 minutes for which signatures of S3 are valid."""
CONNECT_TIMEOUT_S = 5
IDLE_S = 0.5
DISK_FULL_SQLSTATE = "53100"
FORMS = "sqlite:////path/to/file or postgresql+psycopg://user:password@host/database"


class UtcTimestamp(TypeDecorator[datetime]):
    """A timestamp in UTC, stored as microseconds since 1970: exact and sortable in every database."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:
        """Convert a timestamp to microseconds."""
        if value is None:
            return None
        return round(value.timestamp() * 1_000_000)

    def process_result_value(self, value: int | None, dialect: Dialect) -> datetime | None:
        """Convert microseconds to a timestamp."""
        if value is None:
            return None
        return datetime.fromtimestamp(value / 1_000_000, UTC)


class Database:
    """One SQLite or PostgreSQL database.

    Parameters
    ----------
    url : str
        ``sqlite:////path`` (a missing file is created) or ``postgresql+psycopg://…``.

    Raises
    ------
    BadSetting
        If the URL has an unknown form.

    Notes
    -----
    SQLite runs in WAL mode with ``synchronous=FULL``: a job that was answered with 202 survives a power
    cut. Each write transaction begins with ``BEGIN IMMEDIATE``, so that writers wait for each other
    instead of failing halfway. With PostgreSQL the clock is the server's, so that workers whose clocks
    differ agree on leases.
    """

    def __init__(self, url: str) -> None:
        self.engine = _open(url)
        self.shared = self.engine.dialect.name == "postgresql"
        self._reader = self.engine.execution_options(
            **({"isolation_level": "AUTOCOMMIT"} if self.shared else {"read_only": True})
        )
        self._snapshots = self.engine.execution_options(
            **({"isolation_level": "REPEATABLE READ"} if self.shared else {"read_only": True})
        )
        self._clock = DatabaseClock(self._clock_of_the_server)
        self._full_at: float | None = None

    def now(self) -> datetime:
        """Return the current time for timestamps of rows.

        Raises
        ------
        TransientError
            If the database is unavailable.
        """
        return self._clock.now() if self.shared else datetime.now(UTC)

    @contextmanager
    def write(self, timeout_s: float = BUSY_TIMEOUT_S) -> Iterator[Connection]:
        """Open a write transaction; commit at the end of the block, roll back if the block raises.

        Parameters
        ----------
        timeout_s : float
            Seconds to wait for other writers of SQLite; PostgreSQL ignores it.
        """
        with self._translate_errors(), self.engine.connect() as connection:
            if not self.shared:
                connection.connection.cursor().execute(f"PRAGMA busy_timeout = {round(timeout_s * 1000)}")
            with connection.begin():
                yield connection

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Open a read. With PostgreSQL each statement reads the latest commits, in one round trip."""
        with self._translate_errors(), self._reader.connect() as connection:
            yield connection

    @contextmanager
    def snapshot(self) -> Iterator[Connection]:
        """Open a read whose statements all read the same snapshot."""
        with self._translate_errors(), self._snapshots.connect() as connection:
            yield connection

    @contextmanager
    def apart(self) -> Iterator[psycopg.Connection]:
        """Open a connection of PostgreSQL's driver outside the pool, each statement its own transaction."""
        with self._translate_errors():
            with self._from_driver():
                pooled = self.engine.raw_connection()
            driver: Any = pooled.driver_connection
            pooled.detach()
            try:
                with self._from_driver():
                    driver.rollback()
                    driver.autocommit = True
                    yield driver
            finally:
                driver.close()

    @contextmanager
    def _from_driver(self) -> Iterator[None]:
        """Convert errors of the driver to the class that pooled connections raise."""
        try:
            yield
        except self.engine.dialect.loaded_dbapi.Error as error:
            raise exc.OperationalError(None, None, error) from error

    def serialize(self, connection: Connection, name: str) -> None:
        """Block other transactions that serialize on the same name until this one has ended."""
        if self.shared:
            connection.execute(
                text("SELECT pg_advisory_xact_lock(hashtextextended(:name, 0))"), {"name": name}
            )

    def ready(self) -> None:
        """Require that the database responds and accepts writes.

        Raises
        ------
        TransientError
            If it does not.
        """
        with self.read() as connection:
            if self.shared and connection.execute(text("SELECT pg_is_in_recovery()")).scalar_one():
                raise read_only("it is a standby")
            connection.execute(text("SELECT 1"))
        if self._full_at is not None and time.monotonic() - self._full_at < FULL_REPORTED_S:
            raise disk_full()
        if not self.shared and self.engine.url.database:
            self._probe_disk(Path(self.engine.url.database).absolute().parent)

    def check_clock(self) -> None:
        """Require that the clocks of this machine and of the database server agree.

        Raises
        ------
        TransientError
            If they differ by more than five minutes: leases use the server's clock, but signatures for S3
            and tokens of an OpenID provider use this machine's. An unavailable database is not compared.
        """
        if not self.shared:
            return
        try:
            ahead_s = (datetime.now(UTC) - self._clock_of_the_server()).total_seconds()
        except TransientError:
            return
        if abs(ahead_s) > CLOCK_OFF_S:
            side = "ahead of" if ahead_s > 0 else "behind"
            raise TransientError(
                f"the clock of this machine is {format_span(abs(ahead_s))} {side} that of the job database",
                code=CLOCK_OFF,
                hint="Set the clock of whichever is wrong; both should follow a time server (NTP).",
            )

    def _probe_disk(self, folder: Path) -> None:
        """Write a probe next to the file of SQLite, whose log accepts some small writes on a full disk."""
        try:
            write_probe(folder)
        except OSError as error:
            if is_full(error):
                raise disk_full() from error
            raise read_only(os.strerror(error.errno or 0).lower()) from error

    def check(self) -> None:
        """Require at start that rows can be written.

        Raises
        ------
        BadSetting
            If the database is a file that is read-only, or is on a read-only disk.
        TransientError
            If it is unavailable.
        """
        try:
            with self.write() as connection:
                connection.execute(text("UPDATE alembic_version SET version_num = version_num"))
        except TransientError as error:
            if "readonly" in str(error.__cause__):
                url = self.engine.url.render_as_string()
                raise BadSetting(
                    f"the job database {url} can't be written: it is read-only",
                    hint="Correct its permissions or its disk, or set another SYNDB_DATABASE_URL.",
                ) from error
            raise

    def close(self) -> None:
        """Close every pooled connection."""
        self.engine.dispose()

    def _clock_of_the_server(self) -> datetime:
        with self.read() as connection:
            server_time: datetime = connection.execute(text("SELECT clock_timestamp()")).scalar_one()
        return server_time.astimezone(UTC)

    @contextmanager
    def _translate_errors(self) -> Iterator[None]:
        try:
            yield
        except (exc.OperationalError, exc.InterfaceError, exc.TimeoutError) as error:
            raise self._unavailable_error(error) from error
        except exc.DBAPIError as error:
            if _is_damaged(error):
                raise TransientError(
                    "the job database is damaged, or its file is no SQLite database",
                    code=DATABASE_DAMAGED,
                    hint="An operator has to put a sound copy in its place.",
                ) from error
            if (refusal := refusal_of(error)) is not None:
                raise refusal from error
            if not error.connection_invalidated:
                raise
            raise self._unavailable_error(error) from error

    def _unavailable_error(self, error: exc.SQLAlchemyError) -> TransientError:
        if _is_full(error):
            self._full_at = time.monotonic()
            return disk_full()
        refusal = refusal_of(error)
        if refusal is not None:
            return refusal
        lines = str(getattr(error, "orig", error)).strip().splitlines()
        return TransientError(
            f"the job database is unavailable: {lines[0] if lines else type(error).__name__}",
            code=DATABASE_UNAVAILABLE,
            hint="Try again in a moment; nothing was changed.",
        )


def _is_damaged(error: exc.DBAPIError) -> bool:
    return str(getattr(error.orig, "sqlite_errorname", "")).startswith(("SQLITE_NOTADB", "SQLITE_CORRUPT"))


def _is_full(error: exc.SQLAlchemyError) -> bool:
    cause = getattr(error, "orig", None)
    return (
        getattr(cause, "sqlite_errorname", None) == "SQLITE_FULL"
        or getattr(cause, "sqlstate", None) == DISK_FULL_SQLSTATE
    )


def _open(url: str) -> Engine:
    try:
        parsed = make_url(url)
    except (exc.ArgumentError, ValueError):
        raise _unknown_form("it can't be read") from None
    if parsed.drivername in ("sqlite", "sqlite+pysqlite"):
        _keep_private(parsed.database)
        arguments = {"timeout": BUSY_TIMEOUT_S}
        engine = create_engine(parsed, connect_args=arguments, pool_size=16, max_overflow=16)
        event.listen(engine, "connect", _configure_sqlite)
        event.listen(engine, "begin", _begin_immediate)
        return engine
    if parsed.drivername in ("postgresql", "postgresql+psycopg", "postgres"):
        parsed = parsed.set(drivername="postgresql+psycopg")
        arguments = {"connect_timeout": CONNECT_TIMEOUT_S}
        return _open_shared(parsed, arguments)
    raise _unknown_form(f"{parsed.drivername!r} is not supported")


def _keep_private(file: str | None) -> None:
    """Remove the permissions of other users from a database file of an earlier version, and from its log."""
    path = Path(file or "")
    with contextlib.suppress(OSError):
        if path.is_file() and path.stat().st_mode & 0o077:
            path.chmod(0o600)


def _unknown_form(reason: str) -> BadSetting:
    return BadSetting(f"SYNDB_DATABASE_URL: {reason}", hint=f"It looks like {FORMS}.")


def _open_shared(url: URL, arguments: dict[str, Any]) -> Engine:
    """Open PostgreSQL. A pooled connection that was idle is tested before use; a recently used one is not."""
    engine = create_engine(
        url, connect_args=arguments, pool_size=8, max_overflow=24, pool_recycle=1800, pool_use_lifo=True
    )

    @event.listens_for(engine, "checkin")
    def note_use(_connection: object, entry: ConnectionPoolEntry) -> None:
        entry.info["used_at"] = time.monotonic()

    @event.listens_for(engine, "checkout")
    def check_idle_connection(connection: Any, entry: ConnectionPoolEntry, _fairy: object) -> None:
        used_at = entry.info.get("used_at")
        if used_at is None or (time.monotonic() - used_at < IDLE_S and not _has_server_message(connection)):
            return
        try:
            engine.dialect.do_ping(connection)
        except engine.dialect.loaded_dbapi.Error as error:
            raise exc.DisconnectionError from error

    return engine


def _has_server_message(connection: Any) -> bool:
    """Return whether the server sent data without a request: most likely, it closes the connection."""
    poller = select.poll()
    poller.register(connection.pgconn.socket, select.POLLIN)
    return bool(poller.poll(0))


def _configure_sqlite(connection: Any, _record: object) -> None:
    connection.isolation_level = None
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}")


def _begin_immediate(connection: Connection) -> None:
    read_only = connection.get_execution_options().get("read_only", False)
    connection.exec_driver_sql("BEGIN" if read_only else "BEGIN IMMEDIATE")
