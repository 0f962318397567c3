"""Runs a confined process that tries to get out, and looks at what it met."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from syndb_service.domain.child_task import to_dict
from syndb_service.isolation import landlock, seccomp
from tests.support.child_tasks import query_task

CONFINES = landlock.abi() >= 6 and seccomp.has_filter_for()
"""Whether this machine has every part; where it doesn't, tests are skipped, and say which part is missing."""

ALLOWED = {"read its dataset", "read what the engine asks", "write in its folder", "start a thread"}


@contextmanager
def tried(
    folder: Path, *, without_seccomp: bool = False, under: Callable[[list[str]], list[str]] = list
) -> Iterator[dict[str, str]]:
    """Try everything in a process of its own, with canaries in a folder; look at those afterwards."""
    names = ("secret.txt", "dataset.parquet", "other.parquet")
    for name in names:
        (folder / name).write_text("CANARY")
    mode = (folder / names[0]).stat().st_mode & 0o777
    temp_dir = folder / "temporary"
    temp_dir.mkdir()
    (temp_dir / "link").symlink_to(folder / "secret.txt")
    sources = {"neurons": (str(folder / "dataset.parquet"),)}
    limits = {"temp_bytes": 10**6, "address_space_bytes": 4 * 1024**3}
    task = to_dict(query_task(temp_dir, "SELECT 1", sources=sources, limits=limits))
    with ExitStack() as stack:
        listeners = [
            stack.enter_context(socket.socket(family)) for family in [socket.AF_INET] + [socket.AF_UNIX] * 2
        ]
        abstract = str(folder)
        for listener, address in zip(listeners, [("127.0.0.1", 0), "s", f"\0{abstract}"], strict=True):
            if address == "s":
                with pytest.MonkeyPatch.context() as patch:
                    patch.chdir(folder)
                    listener.bind(address)
            else:
                listener.bind(address)
            listener.listen()
        aims = {
            "outside": str(folder / "secret.txt"),
            "dataset": str(folder / "dataset.parquet"),
            "other": str(folder / "other.parquet"),
            "port": listeners[0].getsockname()[1],
            "socket": str(folder / "s"),
            "name": abstract,
            "without_seccomp": without_seccomp,
        }
        done = subprocess.run(
            under(
                [sys.executable, "-m", "tests.support.sandbox.captive", json.dumps(task), json.dumps(aims)]
            ),
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert done.returncode == 0, done.stderr
        yield json.loads(done.stdout)
        if not without_seccomp:
            assert [(folder / name).stat().st_mode & 0o777 for name in names] == [mode] * 3
        assert [(folder / name).read_text() for name in names] == ["CANARY"] * 3
        assert {path.name for path in folder.iterdir()} == {*names, "temporary", "s"}
        assert [path.name for path in temp_dir.iterdir()] == ["link"]
        for listener in listeners[::2] if without_seccomp else listeners:
            listener.setblocking(False)
            with pytest.raises(BlockingIOError):
                listener.accept()
