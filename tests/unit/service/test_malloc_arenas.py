"""The threads of a service share what they free: their memory does not grow with the number of arenas."""

from __future__ import annotations

import platform
import subprocess
import sys

import pytest

PROGRAM = """
import ctypes, sys, threading
from syndb_service.runtime.malloc_arenas import limit_malloc_arenas

if sys.argv[1] == "limited":
    limit_malloc_arenas()
together = threading.Barrier(8)


def allocate():
    together.wait()
    held = [bytearray(4096) for _ in range(50)]
    together.wait()


threads = [threading.Thread(target=allocate) for _ in range(8)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
ctypes.CDLL(None).malloc_stats()
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc's malloc has arenas")
def test_threads_share_two_arenas() -> None:
    def arenas(how: str) -> int:
        command = [sys.executable, "-c", PROGRAM, how]
        return subprocess.run(command, capture_output=True, text=True, check=True).stderr.count("Arena ")

    assert arenas("limited") <= 2 < arenas("as it is")
