"""The distributed service: API processes that share a socket, and worker processes."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence

from syndb_service.broker import EMBEDDED
from syndb_service.broker.url import ALLOWED
from syndb_service.errors import BadSetting
from syndb_service.server.http_server import open_listener, url_of
from syndb_service.server.process_supervisor import ProcessSupervisor
from syndb_service.settings import Settings


def run_api(
    settings: Settings, host: str, port: int, processes: int, level: str, ready: Callable[[str], None]
) -> int:
    """Run API processes until SIGTERM or SIGINT; return the exit status.

    Parameters
    ----------
    settings : Settings
        Settings; the processes read the same environment.
    host, port : str, int
        Address to listen on; port 0 takes a free one.
    processes : int
        Number of processes.
    level : str
        Level of the log.
    ready : callable
        Called with the URL once all processes accept requests.

    Raises
    ------
    BadSetting
        If the broker is the embedded one, or the port is taken.
    """
    _require_broker(settings, "api")
    with open_listener(host, port) as listener:
        command = _command(settings, level, "server.api_process", str(listener.fileno()))
        supervisor = ProcessSupervisor("api", command, processes, pass_fds=[listener.fileno()])
        return supervisor.run(lambda: ready(url_of(listener)))


def run_workers(settings: Settings, processes: int, level: str, ready: Callable[[], None]) -> int:
    """Run worker processes until SIGTERM or SIGINT; return the exit status (see :func:`run_api`)."""
    _require_broker(settings, "worker")
    return ProcessSupervisor("worker", _command(settings, level, "server.worker_process"), processes).run(
        ready
    )


def _command(settings: Settings, level: str, module: str, *arguments: str) -> Sequence[str]:
    module = f"syndb_service.{module}"
    return [sys.executable, "-P", "-m", module, str(settings.data_dir), level, *arguments]


def _require_broker(settings: Settings, command: str) -> None:
    if settings.broker == EMBEDDED:
        raise BadSetting(
            f"`syndb-lab {command}` needs a broker that other processes reach, and "
            f"SYNDB_BROKER_URL is `{EMBEDDED}`",
            hint=f"Use `syndb-lab up` for everything in one process. {ALLOWED}",
        )
