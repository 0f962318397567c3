"""A job's child starts light: what is imported in it is imported anew for every job."""

from __future__ import annotations

import subprocess
import sys

import pytest

CODE = """
import socket, sys, tempfile, threading
from importlib import import_module
from syndb_service.isolation.fork_server import PRELOADED
for name in PRELOADED:
    import_module(name)
from syndb_service.child import main as child, query_task as query_child
from syndb_service.isolation.channel import ChildChannel
from tests.support.child_tasks import query_task
ours, theirs = socket.socketpair()
threading.Thread(target=lambda: [None for _ in iter(lambda: theirs.recv(65536), b"")], daemon=True).start()
folder, before = tempfile.mkdtemp(), set(sys.modules)
task = query_task(folder, "SELECT 1 AS n, 'x' AS t", format=sys.argv[1])
query_child.run_query_task(ChildChannel(ours), task, child.new_connection())
print(*sorted({name.partition(".")[0] for name in set(sys.modules) - before}))
"""


@pytest.mark.slow
def test_a_query_imports_nothing_large() -> None:
    for kind in ("arrow", "parquet", "csv"):
        done = subprocess.run(
            [sys.executable, "-c", CODE, kind], capture_output=True, text=True, timeout=120, check=True
        )
        assert "pandas" not in done.stdout.split(), "it takes a fifth of a second, in each job"
