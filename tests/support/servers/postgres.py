"""A real PostgreSQL for the tests."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

from tests.support.servers.server import PASSWORD, USER, Server, as_user, installed

SYSTEM_USER = "postgres"


class Postgres(Server):
    """A cluster with one superuser; each test may make a database of its own."""

    name = "postgresql"

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._binaries = _binaries()

    @property
    def url(self) -> str:
        """The URL of the first database."""
        return self.url_of("postgres")

    def url_of(self, database: str) -> str:
        """Return the URL of a database."""
        return f"postgresql+psycopg://{USER}:{PASSWORD}@127.0.0.1:{self.port}/{database}"

    def make_database(self, name: str) -> str:
        """Make an empty database; return its URL."""
        with self.connect() as connection:
            connection.execute(f'CREATE DATABASE "{name}"')  # type: ignore[call-overload]
        return self.url_of(name)

    def drop_database(self, name: str) -> None:
        """Drop a database; whoever is connected to it is cut off."""
        with self.connect() as connection:
            connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')  # type: ignore[call-overload]

    def cut_connections(self) -> int:
        """End every other connection, in whatever it is doing; return how many there were."""
        with self.connect() as connection:
            cursor = connection.execute(
                "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
                " WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'"
            )
            row = cursor.fetchone()
        return int(row[0]) if row else 0

    @contextmanager
    def holding_commits(self) -> Iterator[None]:
        """Let every transaction commit and none be told so: as where the standby that confirms is away."""
        self._set("synchronous_standby_names", "nobody")
        try:
            yield
        finally:
            self._set("synchronous_standby_names", "")

    def waiting(self, event: str) -> int:
        """Return how many connections wait for that: ``SyncRep`` (a held commit), ``relation`` (a lock)."""
        with self.connect() as connection:
            row = connection.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE wait_event = %s", (event,)
            ).fetchone()
        return int(str(row[0])) if row else 0

    def _set(self, name: str, value: str) -> None:
        with self.connect() as connection:
            connection.execute(f"ALTER SYSTEM SET {name} = '{value}'")  # type: ignore[call-overload]
            connection.execute("SELECT pg_reload_conf()")

    def connect(self, database: str = "postgres") -> psycopg.Connection[tuple[object, ...]]:
        """Connect as the superuser, each statement a transaction of its own."""
        return psycopg.connect(
            host="127.0.0.1",
            port=self.port,
            user=USER,
            password=PASSWORD,
            dbname=database,
            connect_timeout=30,
            autocommit=True,
        )

    def command(self) -> list[str]:
        """Return the command; the cluster is made when it is missing."""
        data = self.folder / "data"
        if not data.exists():
            password = self.folder / "password"
            password.write_text(PASSWORD)
            _hand_over(self.folder)
            _hand_over(password)
            options = ["--username", USER, "--pwfile", str(password), "--auth", "scram-sha-256"]
            options += ["--encoding", "UTF8", "--locale", "C.UTF-8", "--no-sync", "--pgdata", str(data)]
            subprocess.run(
                [*as_user(SYSTEM_USER), str(self._binaries / "initdb"), *options],
                check=True,
                capture_output=True,
                cwd=self.folder,
            )
        settings = {
            "port": self.port,
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": "",
            "max_connections": 200,
            "shared_buffers": "32MB",
        }
        options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        return [*as_user(SYSTEM_USER), str(self._binaries / "postgres"), "-D", str(data), *options]

    def answers(self) -> bool:
        """Say whether it answers a query."""
        try:
            with self.connect() as connection:
                connection.execute("SELECT 1")
        except psycopg.OperationalError:
            return False
        return True

    def polite_signal(self) -> signal.Signals:
        """Return the signal of the fast shutdown; SIGTERM waits for every client to leave."""
        return signal.SIGINT


@contextmanager
def running_postgres() -> Iterator[Postgres]:
    """Start a server, in a folder that its own user can reach, and end it afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="syndb-postgres-"))
    try:
        server = Postgres(folder)
        try:
            server.start()
            yield server
        finally:
            server.kill()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _hand_over(path: Path) -> None:
    """PostgreSQL refuses to run as root: its files belong to its own user then."""
    if os.geteuid() == 0:
        shutil.chown(path, SYSTEM_USER, SYSTEM_USER)


def _binaries() -> Path:
    """Return the folder with ``initdb`` and ``postgres``, which Debian keeps out of the PATH."""
    versions = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=_major, reverse=True)
    found = installed("postgresql", *(str(binary) for binary in versions), "postgres")
    return Path(found).resolve().parent


def _major(binary: Path) -> int:
    number = binary.parts[-3]
    return int(number) if number.isdigit() else 0
