"""A real RabbitMQ for the tests: a node of its own, with its own port mapper, in no cluster."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pika
import pika.exceptions

from tests.support.servers.server import PASSWORD, USER, Guard, Server, free_port, installed
from tests.support.waiting import wait_until

CONFIGURATION = """\
listeners.tcp.1 = 127.0.0.1:{port}
loopback_users = none
default_user = {user}
default_pass = {password}
vm_memory_high_watermark.relative = 0.8
disk_free_limit.absolute = 50MB
log.console = false
log.file.level = warning
"""


class Rabbitmq(Server):
    """A RabbitMQ; messages that it has confirmed are on its disk."""

    name = "rabbitmq-server"

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        # Debian's own wrapper changes the user and the log; this is the script that it calls.
        self._script = installed(
            "rabbitmq-server", "/usr/lib/rabbitmq/bin/rabbitmq-server", "rabbitmq-server"
        )
        self._epmd_port = free_port()
        self._distribution_port = free_port()
        self._epmd: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """The URL of the default virtual host."""
        return f"amqp://{USER}:{PASSWORD}@127.0.0.1:{self.port}/%2F"

    def connect(self) -> pika.BlockingConnection:
        """Connect with a client of our own, past the service."""
        return pika.BlockingConnection(
            pika.ConnectionParameters(
                host="127.0.0.1",
                port=self.port,
                credentials=pika.PlainCredentials(USER, PASSWORD),
                socket_timeout=30,
                stack_timeout=30,
            )
        )

    def wipe(self, *queues: str) -> None:
        """Make it forget these queues with all that is in them."""
        with self.connect() as connection:
            channel = connection.channel()
            for queue in queues:
                channel.queue_delete(queue)

    def start(self) -> None:
        """Start the port mapper, if it doesn't run, and the node."""
        if self._epmd is None:
            self._epmd = subprocess.Popen(
                [installed("rabbitmq-server", "epmd"), "-port", str(self._epmd_port)],
                env=self.environment() | {"ERL_EPMD_ADDRESS": "127.0.0.1"},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
            self._epmd_guard = Guard(self._epmd.pid)
        self._wait_for_port_mapper()
        super().start()

    def end(self) -> None:
        """Kill the node and its port mapper."""
        self.kill()
        if self._epmd is not None:
            self._epmd.kill()
            self._epmd.wait()
            self._epmd_guard.dismiss()
            self._epmd = None

    def command(self) -> list[str]:
        """Return the command; the configuration is written first."""
        (self.folder / "rabbitmq.conf").write_text(
            CONFIGURATION.format(port=self.port, user=USER, password=PASSWORD)
        )
        (self.folder / "enabled_plugins").write_text("[].\n")
        return [self._script]

    def environment(self) -> dict[str, str]:
        """Return variables under which nothing of the machine's own RabbitMQ is read or written."""
        kept = {name: os.environ[name] for name in ("PATH", "LANG", "TMPDIR") if name in os.environ}
        places = {
            "HOME": self.folder,
            "RABBITMQ_NODENAME": f"syndb-{self.port}@localhost",
            "RABBITMQ_CONF_ENV_FILE": self.folder / "none.conf",
            "RABBITMQ_CONFIG_FILE": self.folder / "rabbitmq.conf",
            "RABBITMQ_MNESIA_BASE": self.folder / "mnesia",
            "RABBITMQ_LOG_BASE": self.folder / "log",
            "RABBITMQ_ENABLED_PLUGINS_FILE": self.folder / "enabled_plugins",
            "RABBITMQ_PID_FILE": self.folder / "pid",
            "RABBITMQ_DIST_PORT": self._distribution_port,
            "RABBITMQ_ALLOW_INPUT": "1",  # the script becomes the node instead of staying as its parent
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-start_epmd false"
            " -kernel inet_dist_use_interface {127,0,0,1} +sbwt none -noinput",
            "ERL_EPMD_PORT": self._epmd_port,
        }
        return kept | {name: str(value) for name, value in places.items()}

    def answers(self) -> bool:
        """Say whether it takes connections."""
        try:
            self.connect().close()
        except (pika.exceptions.AMQPError, OSError):
            return False
        return True

    def _wait_for_port_mapper(self) -> None:
        names = ["epmd", "-port", str(self._epmd_port), "-names"]
        wait_until(
            lambda: not subprocess.run(names, capture_output=True, check=False).returncode,
            "epmd does not start",
        )


@contextmanager
def running_rabbitmq(folder: Path) -> Iterator[Rabbitmq]:
    """Start a server with its files in ``folder`` and end it afterwards."""
    server = Rabbitmq(folder)
    try:
        server.start()
        yield server
    finally:
        server.end()
