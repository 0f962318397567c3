"""The embedded service: API and worker in one process, on one data folder."""

from __future__ import annotations

import contextlib
import fcntl
import json
import logging
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import IO, Any

from platformdirs import user_state_path

from syndb_service.api.app import create_app
from syndb_service.api.identity_proof import Identity
from syndb_service.container import build_container, require_writable_folder
from syndb_service.errors import BadSetting
from syndb_service.ingest.bundled import install_bundled
from syndb_service.runtime.malloc_arenas import limit_malloc_arenas
from syndb_service.server.embedded_worker import EmbeddedWorker
from syndb_service.server.http_server import open_listener, run_http_server, url_of
from syndb_service.settings import Settings
from syndb_service.store import TokenStore

log = logging.getLogger(__name__)

LOCK_TIMEOUT_S = 0.5
RETRY_PAUSE_S = 0.02


def serve(
    settings: Settings, host: str, port: int, *, demo_data: bool, ready: Callable[[str, Path], None]
) -> None:
    """Run the embedded service until SIGINT or SIGTERM.

    Parameters
    ----------
    settings : Settings
        Its data folder and limits.
    host, port : str, int
        Address to listen on; port 0 takes a free one.
    demo_data : bool
        Whether to add the bundled connectomes that are missing.
    ready : callable
        Called with the URL and the path of the token file once the service accepts jobs.

    Raises
    ------
    BadSetting
        If the folder can't be written, another service runs on it, or the port is taken.
    """
    limit_malloc_arenas()
    require_writable_folder(settings.data_dir)
    with _lock_data_folder(settings.data_dir), open_listener(host, port) as listener:
        service = build_container(settings)
        if demo_data:
            install_bundled(service.warehouse)
        token_file = _ensure_user_token(settings.data_dir, service.tokens)
        url = url_of(listener)
        identity = Identity.create(url)
        worker = EmbeddedWorker(service)
        try:
            worker.start()
            with _published_service_file(settings, url, token_file, identity):
                run_http_server(create_app(service, identity), listener, lambda: ready(url, token_file))
        finally:
            worker.stop()
            service.close()


@contextmanager
def _lock_data_folder(data_dir: Path) -> Iterator[None]:
    with (data_dir / "lock").open("a+") as lock:
        if not _try_lock(lock):
            running = read_service_file(data_dir / "service.json")
            address = f" at {running['url']} (process {running['pid']})" if running else ""
            raise BadSetting(
                f"a service runs on the data folder {data_dir} already{address}",
                code="already_running",
                hint="Use that one, stop it with `syndb-lab down`, or choose another folder with --data-dir.",
            )
        (data_dir / "service.json").unlink(missing_ok=True)  # left by a killed service
        yield


def _try_lock(lock: IO[str]) -> bool:
    """Acquire the lock of a folder; retry for 0.5 s, because :func:`is_running` holds it for an instant."""
    deadline = time.monotonic() + LOCK_TIMEOUT_S
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                return False
            time.sleep(RETRY_PAUSE_S)
        else:
            return True


def _ensure_user_token(data_dir: Path, tokens: TokenStore) -> Path:
    """Return the file with this user's academic token; create a token if it is missing or invalid."""
    path = data_dir / "token"
    if path.exists():
        with contextlib.suppress(Exception):
            tokens.verify(path.read_text().strip())
            return path
    write_private_file(path, tokens.create(os.environ.get("USER") or "local", academic=True) + "\n")
    return path


def write_private_file(path: Path, text: str) -> None:
    """Write a file atomically, readable only by this user."""
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")  # 0600
    try:
        with open(handle, "w") as file:  # noqa: PTH123
            file.write(text)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def registry() -> Path:
    """Return the folder in which this user's running services are listed."""
    return Path(user_state_path("syndb-lab")) / "running"


def is_running(data_dir: Path) -> bool:
    """Return whether a service runs on a data folder: it holds the folder's lock while it runs."""
    try:
        with (data_dir / "lock").open("r+") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except FileNotFoundError:
        return False
    return False


def read_service_file(path: Path) -> dict[str, Any] | None:
    """Return the content of a ``service.json``, or None if it is missing or invalid."""
    try:
        content = json.loads(path.read_text())
    except (OSError, ValueError):
        return None
    return content if isinstance(content, dict) else None


@contextmanager
def _published_service_file(
    settings: Settings, url: str, token_file: Path, identity: Identity
) -> Iterator[None]:
    """Write ``service.json``, by which notebooks find the service, and remove it at the end.

    The secret is written first: a client sends no token until the service has proved that it knows it.
    """
    secret_file = settings.data_dir / "service.secret"
    content = {
        "url": url,
        "pid": os.getpid(),
        "token_file": str(token_file),
        "secret_file": str(secret_file),
        "data_dir": str(settings.data_dir),
        "results": settings.results,
        "started_at": datetime.now(UTC).isoformat(),
        "version": version("syndb-lab"),
    }
    paths = [settings.data_dir / "service.json"]
    with contextlib.suppress(OSError, RuntimeError):  # a user in a container may have no home folder
        registry().mkdir(parents=True, exist_ok=True)
        paths.append(registry() / f"{os.getpid()}.json")
    write_private_file(secret_file, identity.secret)
    for path in paths:
        write_private_file(path, json.dumps(content, indent=1) + "\n")
    try:
        yield
    finally:
        for path in (*paths, secret_file):
            path.unlink(missing_ok=True)
