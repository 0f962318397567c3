"""A real Redis for the tests, with an append-only file."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from tests.support.servers.server import PASSWORD, Server, installed


class Redis(Server):
    """A Redis that keeps what it has accepted.

    With ``appendfsync everysec`` it would not: it answers before it writes while an earlier write is still
    on its way to the disk.

    Parameters
    ----------
    folder : Path
        An empty folder.
    """

    name = "redis-server"

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._binary = installed("redis-server", "redis-server")

    @property
    def url(self) -> str:
        """The URL of database 0."""
        return self.url_of(0)

    def url_of(self, database: int) -> str:
        """Return the URL of one of its sixteen databases."""
        return f"redis://:{PASSWORD}@127.0.0.1:{self.port}/{database}"

    def client(self, database: int = 0) -> redis.Redis:
        """Return a client of our own, past the service."""
        return redis.Redis(
            port=self.port,
            password=PASSWORD,
            db=database,
            socket_timeout=30,
            socket_connect_timeout=30,
            retry=Retry(NoBackoff(), 0),
        )

    def wipe(self, database: int = 0) -> None:
        """Make it forget everything in a database."""
        with self.client(database) as client:
            client.flushdb()

    def command(self) -> list[str]:
        """Return the command."""
        options = {
            "port": self.port,
            "bind": "127.0.0.1",
            "requirepass": PASSWORD,
            "dir": self.folder,
            "appendonly": "yes",
            "appendfsync": "always",
            "save": "",
            "daemonize": "no",
        }
        words = [word for name, value in options.items() for word in (f"--{name}", str(value))]
        return [self._binary, *words]

    def answers(self) -> bool:
        """Say whether it answers, its data loaded."""
        try:
            with self.client() as client:
                return bool(client.ping())
        except redis.RedisError:
            return False


@contextmanager
def running_redis(folder: Path) -> Iterator[Redis]:
    """Start a server with its files in ``folder`` and end it afterwards."""
    server = Redis(folder)
    try:
        server.start()
        yield server
    finally:
        server.kill()
