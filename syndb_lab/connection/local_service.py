"""The embedded services of this user: the one that runs, its data folder, its start and stop."""

from __future__ import annotations

import importlib.util
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Final

from syndb_lab.display.progress import in_notebook
from syndb_lab.errors import ServiceNotStarted
from syndb_lab.next_steps.next_step import Action, NextStep
from syndb_lab.user_data.service_registry import RunningService, iter_services, read_service
from syndb_lab.user_data.user_folders import data_folder

NEEDED: Final = ("syndb_service", "uvicorn", "duckdb")
START_LIMIT_S: Final = 60.0
STOP_LIMIT_S: Final = 10.0
TICK_S: Final = 0.05
LAST_LINES: Final = 12
ENDING: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
STARTED: Final[list[subprocess.Popen[bytes]]] = []


def service_of(data_dir: Path) -> RunningService | None:
    """Find the service of a data folder; None if it does not respond."""
    service = read_service(data_dir / "service.json")
    return service if service is not None and service.is_responding() else None


def newest_running() -> RunningService | None:
    """Find this user's newest service that responds; remove the files of services that have exited."""
    services = []
    for file, service in iter_services():
        if service.has_exited():
            file.unlink(missing_ok=True)
        else:
            services.append(service)
    services.sort(key=lambda service: service.started_at, reverse=True)
    return next((service for service in services if service.is_responding()), None)


def default_data_dir() -> Path:
    """Return the default data folder of an embedded service."""
    named = os.environ.get("SYNDB_DATA_DIR")
    return Path(named) if named else data_folder()


def start_service(data_dir: Path) -> RunningService:
    """Start the service of a data folder, unless another process starts it; it goes on after this process.

    Parameters
    ----------
    data_dir : Path
        The data folder; it is made if it does not exist.

    Returns
    -------
    RunningService

    Raises
    ------
    ServiceNotStarted
        The service did not start; the message has the last lines of its output.
    """
    if any(importlib.util.find_spec(name) is None for name in NEEDED):
        raise ServiceNotStarted(
            "no service runs here, and the embedded one is not installed",
            hint=NextStep(Action.INSTALL_SERVICE),
        )
    make_folder(data_dir)
    with lock(data_dir / "start.lock"):
        service = service_of(data_dir)
        if service is not None:
            return service
        process = spawn(data_dir)
        STARTED.append(process)
        service = wait_until_up(process, data_dir)
    stream = sys.stdout if in_notebook() else sys.stderr
    print(f"Started a service at {service.url}; stop it with `syndb-lab down`.", file=stream)
    return service


@contextmanager
def temporary_service(data_dir: Path) -> Iterator[RunningService]:
    """Run a service during a block, and stop it when the block ends, also by an error or a signal.

    Parameters
    ----------
    data_dir : Path
        The data folder, which no other service uses.
    """
    make_folder(data_dir)
    with ExitStack() as ending:
        with defer_signals():
            process = spawn(data_dir)
            ending.callback(stop, process)
        yield wait_until_up(process, data_dir)


@contextmanager
def defer_signals() -> Iterator[None]:
    """Delay Ctrl-C and other ending signals until a block ends, so that no started process is lost."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    held: list[int] = []
    ours = {number: signal.signal(number, lambda number, _: held.append(number)) for number in ENDING}
    try:
        yield
    finally:
        for number, handler in ours.items():
            signal.signal(number, handler)
        for received in held[:1]:
            signal.raise_signal(received)


def spawn(data_dir: Path) -> subprocess.Popen[bytes]:
    """Start the service's process in its own session, with the data folder as working directory."""
    command = [sys.executable, "-m", "syndb_service", "up", "--port", "0", "--data-dir", str(data_dir)]
    command += ["--log-file", str(output_file(data_dir))]
    with output_file(data_dir).open("wb") as output:
        return subprocess.Popen(
            command,
            cwd=data_dir,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def wait_until_up(process: subprocess.Popen[bytes], data_dir: Path) -> RunningService:
    """Wait until the service responds; raise with its output if it exits first or takes too long."""
    deadline = time.monotonic() + START_LIMIT_S
    while time.monotonic() < deadline:
        ended = process.poll() is not None
        service = service_of(data_dir)
        if service is not None:
            return service
        if ended:
            raise ServiceNotStarted(
                f"the service ended with status {process.returncode} before it was up:\n"
                + last_output(data_dir)
            )
        time.sleep(TICK_S)
    stop(process)
    raise ServiceNotStarted(f"the service was not up after {START_LIMIT_S:g} s:\n{last_output(data_dir)}")


def stop(process: subprocess.Popen[bytes]) -> None:
    """Stop a service: terminate it, and after ``STOP_LIMIT_S`` seconds kill it with its children."""
    with defer_signals():
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(STOP_LIMIT_S)
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


@contextmanager
def lock(file: Path) -> Iterator[None]:
    """Hold an exclusive lock on a file during a block."""
    import fcntl

    with os.fdopen(os.open(file, os.O_RDWR | os.O_CREAT, 0o600)) as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def make_folder(data_dir: Path) -> None:
    """Make the data folder, readable by this user only.

    Raises
    ------
    ServiceNotStarted
        The folder can't be written.
    """
    try:
        data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        output_file(data_dir).touch(mode=0o600)
    except OSError as error:
        raise ServiceNotStarted(
            f"the data folder {data_dir} can't be written: {error.strerror}",
            hint=NextStep(Action.CHOOSE_DATA_DIR),
        ) from error


def output_file(data_dir: Path) -> Path:
    """Return the path of the service's output."""
    return data_dir / "up.log"


def last_output(data_dir: Path) -> str:
    """Return the last lines of the service's output."""
    try:
        lines = output_file(data_dir).read_text(errors="replace").splitlines()
    except OSError:
        return "(no output)"
    return "\n".join(f"  {line}" for line in lines[-LAST_LINES:]) or "  (no output)"
