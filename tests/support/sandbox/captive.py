"""A confined process that tries to get out; it prints how each attempt ended: ``done`` or an error's name."""

from __future__ import annotations

import ctypes
import errno
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from syndb_service.domain.child_task import from_dict
from syndb_service.isolation import seccomp
from syndb_service.isolation.os_sandbox import apply_os_sandbox


def main(task: dict[str, Any], aims: dict[str, Any]) -> None:
    """Confine this process to a task, and try."""
    outside, inside = Path(aims["outside"]), Path(task["files"]["temp_dir"])
    parent = os.getppid()
    libc = ctypes.CDLL(None, use_errno=True)
    abstract, tcp = socket.socket(socket.AF_UNIX), socket.socket()
    if aims["without_seccomp"]:
        seccomp.restrict = lambda: None  # type: ignore[assignment]
    apply_os_sandbox(from_dict(task))

    def system_call(number: int, *arguments: int) -> None:
        if libc.syscall(number, *arguments) < 0:
            code = ctypes.get_errno()
            raise OSError(code, errno.errorcode[code])

    def thread() -> None:
        made = threading.Thread(target=lambda: None)
        made.start()
        made.join()

    def fork() -> None:
        if os.fork() == 0:
            os._exit(0)
        os.wait()

    def spill() -> None:
        (inside / "folder").mkdir()
        file = inside / "folder" / "spilled"
        file.write_bytes(b"x" * 1000)
        os.truncate(file, 10)
        assert file.read_bytes() == b"x" * 10
        file.unlink()
        file.parent.rmdir()

    attempts: dict[str, Callable[[], object]] = {
        "read its dataset": lambda: Path(aims["dataset"]).read_bytes(),
        "read what the engine asks": lambda: [
            Path(path).read_bytes() for path in ("/proc/self/cgroup", "/proc/meminfo")
        ],
        "write in its folder": spill,
        "start a thread": thread,
        "overwrite its dataset": lambda: os.open(aims["dataset"], os.O_RDWR),
        "read a secret": lambda: outside.read_bytes(),
        "read the other dataset": lambda: Path(aims["other"]).read_bytes(),
        "read a folder": lambda: list(outside.parent.iterdir()),
        "read by a way round": lambda: (inside / ".." / outside.name).read_bytes(),
        "read by a link": lambda: (inside / "link").read_bytes(),
        "make a link": lambda: (inside / "new").symlink_to(outside),
        "read an environment": lambda: Path(f"/proc/{parent}/environ").read_bytes(),
        "read a memory": lambda: os.open(f"/proc/{parent}/mem", os.O_RDONLY),
        "read its own environment": lambda: Path("/proc/self/environ").read_bytes(),
        "write outside": lambda: outside.with_name("new").write_bytes(b"x"),
        "remove outside": lambda: outside.unlink(),
        "truncate outside": lambda: os.truncate(outside, 0),
        "change a mode outside": lambda: outside.chmod(0o777),
        "change its dataset's mode": lambda: Path(aims["dataset"]).chmod(0),
        "change an owner outside": lambda: os.chown(outside, 1, 1),
        "change times outside": lambda: os.utime(outside, (0, 0)),
        "set an attribute outside": lambda: os.setxattr(outside, "user.x", b"x"),
        "watch a folder": lambda: system_call(294 if os.uname().machine == "x86_64" else 26, 0),
        "share memory": lambda: system_call(29 if os.uname().machine == "x86_64" else 194, 0, 4096, 0o1600),
        "make a device": lambda: os.mkfifo(inside / "pipe"),
        "run a program": lambda: subprocess.run(["/bin/true"], check=True),
        "become a program": lambda: os.execv("/bin/true", ["true"]),
        "fork": fork,
        "connect by TCP": lambda: socket.socket().connect(("127.0.0.1", aims["port"])),
        "connect by TCP as before": lambda: tcp.connect(("127.0.0.1", aims["port"])),
        "send by UDP": lambda: socket.socket(type=socket.SOCK_DGRAM).sendto(
            b"x", ("127.0.0.1", aims["port"])
        ),
        "connect to a socket file": lambda: socket.socket(socket.AF_UNIX).connect(aims["socket"]),
        "reach a socket by name": lambda: abstract.connect(f"\0{aims['name']}"),
        "signal the service": lambda: os.kill(parent, signal.SIGTERM),
        "signal a thread of it": lambda: system_call(
            234 if os.uname().machine == "x86_64" else 131, parent, parent, 0
        ),
        "trace the service": lambda: system_call(
            101 if os.uname().machine == "x86_64" else 117, 16, parent, 0, 0
        ),
        "get an io_uring": lambda: system_call(425, 1, 0),
        "get namespaces": lambda: system_call(272 if os.uname().machine == "x86_64" else 97, 0x10000000),
        "open many files": lambda: [os.dup(2) for _ in range(2000)],
        "take much memory": lambda: bytearray(8 * 1024**3),
    }
    outcomes = {}
    for name, attempt in attempts.items():
        try:
            attempt()
            outcomes[name] = "done"
        except OSError as error:
            outcomes[name] = errno.errorcode[error.errno or 0]
        except MemoryError:
            outcomes[name] = "ENOMEM"
    os.write(1, json.dumps(outcomes).encode())
    os._exit(0)


if __name__ == "__main__":
    main(json.loads(sys.argv[1]), json.loads(sys.argv[2]))
