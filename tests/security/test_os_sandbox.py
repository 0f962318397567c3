"""What the operating system keeps a child from, tried from inside one; and what is said where it can't."""

from __future__ import annotations

import ctypes
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from syndb_service.domain.child_task import to_dict
from syndb_service.isolation import landlock, seccomp
from syndb_service.isolation.channel import FrameType
from syndb_service.isolation.fork_server import FORK, PID, READY, REQUEST
from syndb_service.isolation.fork_server_client import ForkServerClient
from tests.support.child_tasks import CHECK_TASK, query_task
from tests.support.sandbox.escapes import ALLOWED, CONFINES, tried


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    with tried(tmp_path_factory.mktemp("confinement")) as outcomes:
        yield outcomes


@pytest.mark.skipif(not CONFINES, reason="needs Landlock (ABI 6) and seccomp")
def test_a_child_does_its_work_and_nothing_else(outcomes: dict[str, str]) -> None:
    assert {name for name, outcome in outcomes.items() if outcome == "done"} == ALLOWED
    assert len(outcomes) > 30


@pytest.mark.skipif(not CONFINES, reason="needs Landlock (ABI 6)")
def test_landlock_alone_keeps_files_tcp_and_signals(tmp_path: Path) -> None:
    left_to_seccomp = {
        *("fork", "send by UDP", "get an io_uring", "get namespaces", "connect to a socket file"),
        *("change a mode outside", "change its dataset's mode", "change an owner outside"),
        *("change times outside", "set an attribute outside", "watch a folder", "share memory"),
    }
    with tried(tmp_path, without_seccomp=True) as outcomes:
        done = {name for name, outcome in outcomes.items() if outcome == "done"}
        assert ALLOWED <= done <= ALLOWED | left_to_seccomp


@pytest.mark.parametrize(
    ("attempt", "error"),
    [("take much memory", "ENOMEM"), ("open many files", "EMFILE"), ("read a secret", "EACCES")],
)
@pytest.mark.skipif(not CONFINES, reason="needs Landlock (ABI 6) and seccomp")
def test_it_is_told_which_limit_it_met(outcomes: dict[str, str], attempt: str, error: str) -> None:
    assert outcomes[attempt] == error


def test_the_structures_are_the_kernels() -> None:
    assert ctypes.sizeof(landlock.RulesetAttr) == 24
    assert ctypes.sizeof(landlock.PathBeneathAttr) == 12
    assert landlock.PathBeneathAttr.parent_fd.offset == 8
    assert ctypes.sizeof(seccomp.Instruction) == 8
    assert ctypes.sizeof(seccomp.Program) == 2 * ctypes.sizeof(ctypes.c_void_p)


@pytest.mark.parametrize(
    ("abi", "files", "tcp", "scopes"),
    [(1, 13, 0, 0), (2, 14, 0, 0), (3, 15, 0, 0), (4, 15, 3, 0), (5, 16, 3, 0), (6, 16, 3, 3), (9, 16, 3, 3)],
)
def test_each_version_of_the_kernel_is_asked_for_what_it_knows(
    abi: int, files: int, tcp: int, scopes: int
) -> None:
    asked = landlock.ruleset(abi)
    assert int(asked.handled_access_fs).bit_count() == files
    assert (asked.handled_access_net, asked.scoped) == (tcp, scopes)


@pytest.mark.parametrize("machine", seccomp.ARCHITECTURES)
def test_every_jump_of_the_filter_lands_in_it(machine: str) -> None:
    program = seccomp.instructions(machine, 1)
    assert len(program) < 4096
    for place, instruction in enumerate(program):
        if instruction.code in (seccomp.EQUAL, seccomp.AT_LEAST, seccomp.ANY_BIT):
            assert place + 1 + max(instruction.if_true, instruction.if_false) < len(program)
    assert program[-1].value == seccomp.ALLOW


WITHOUT = """
import ctypes, errno, logging, os, sys
from syndb_service.domain.child_task import to_dict
from syndb_service.isolation import landlock, seccomp
from syndb_service.jobs.query_checker import QueryChecker
from syndb_service.isolation.fork_server_client import ForkServerClient
from tests.support.child_tasks import CHECK_TASK, query_task

logging.basicConfig()
ctypes.CDLL(None).prctl(38, ctypes.c_ulong(1), *[ctypes.c_ulong(0)] * 3)
LANDLOCK = [
    seccomp.Instruction(seccomp.EQUAL, 0, 1, landlock.CREATE_RULESET),
    seccomp.Instruction(seccomp.RETURN, 0, 0, seccomp.REFUSE | errno.ENOSYS),
]
SECCOMP = [
    seccomp.Instruction(seccomp.EQUAL, 0, 4, 157 if os.uname().machine == "x86_64" else 167),
    seccomp.Instruction(seccomp.LOAD, 0, 0, seccomp.FIRST_ARGUMENT_AT),
    seccomp.Instruction(seccomp.EQUAL, 1, 0, seccomp.PR_GET_SECCOMP),
    seccomp.Instruction(seccomp.EQUAL, 0, 1, seccomp.PR_SET_SECCOMP),
    seccomp.Instruction(seccomp.RETURN, 0, 0, seccomp.REFUSE | errno.EINVAL),
]
seccomp.install([
    seccomp.Instruction(seccomp.LOAD, 0, 0, seccomp.NUMBER_AT),
    *{"Landlock": LANDLOCK, "seccomp": SECCOMP}[sys.argv[1]],
    seccomp.Instruction(seccomp.RETURN, 0, 0, seccomp.ALLOW),
])
nursery = ForkServerClient()
checker = QueryChecker(nursery, 1000)
print(checker.check("SELECT 1 AS n", {}).columns)
nursery._server.kill()
nursery._server.wait()
checker.close()
print(checker.check("SELECT 1 AS n", {}).columns)
nursery.close()
"""


@pytest.mark.skipif(not CONFINES, reason="needs seccomp, to take the part away")
@pytest.mark.parametrize("part", ["Landlock", "seccomp"])
def test_without_a_part_the_log_says_so_once_and_jobs_run(part: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT, part], capture_output=True, text=True, timeout=120, check=True
    )
    assert done.stdout.count("INTEGER") == 2
    assert done.stderr.count(f"jobs run without {part}") == 1


@pytest.fixture(scope="module")
def nursery() -> Iterator[ForkServerClient]:
    nursery = ForkServerClient()
    yield nursery
    nursery.close()


@pytest.mark.skipif(sys.platform != "linux" or os.geteuid() != 0, reason="only root may look into a child")
def test_a_child_inherits_its_socket_the_log_and_nothing(nursery: ForkServerClient) -> None:
    with Path(__file__).open() as file, socket.socket() as database, nursery.start_child() as child:
        os.set_inheritable(file.fileno(), True)
        os.set_inheritable(database.fileno(), True)
        with nursery.start_child() as other:
            for one in (child, other):
                one.frames.send(FrameType.TASK, to_dict(CHECK_TASK))
                assert one.frames.receive_one() == (FrameType.DONE, {})
            links = {path.name: path.readlink() for path in Path(f"/proc/{other.pid}/fd").iterdir()}
        assert links.keys() >= {"0", "1", "2"}
        others = [str(link) for name, link in links.items() if name not in ("0", "1", "2")]
        assert len([link for link in others if link.startswith("socket:")]) == 1
        assert not [link for link in others if not link.startswith("socket:")]


ENVIRONMENTS = """
import ctypes, os, sys
from pathlib import Path
from syndb_service.child import main as child; from syndb_service.isolation import fork_server as forkserver

def tell(sock):
    variables = ctypes.POINTER(ctypes.c_char_p).in_dll(ctypes.CDLL(None), "environ")
    sock.sendall(repr([dict(os.environ), variables[0], Path("/proc/self/environ").read_bytes()]).encode())
    return 0

child.run = tell
forkserver.main()
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_childs_environment_is_empty() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        server = subprocess.Popen(
            [sys.executable, "-I", "-X", "utf8", "-c", ENVIRONMENTS, str(theirs.fileno())],
            pass_fds=[theirs.fileno()],
            env={},
        )
        assert ours.recv(1) == READY
        ours.sendall(REQUEST.pack(FORK, 0))
        _, descriptors, _, _ = socket.recv_fds(ours, PID.size, 2)
        with socket.socket(fileno=descriptors[0]) as child:
            assert child.recv(10_000) == b"[{}, None, b'']"
        os.close(descriptors[1])
    assert server.wait(120) == 0


def test_the_limit_on_processor_time_ends_a_child_by_its_own_signal(
    nursery: ForkServerClient, tmp_path: Path
) -> None:
    sql = "SELECT sum(a.range % 7 * (b.range % 3)) FROM range(10000000) a, range(1000000) b"
    task = query_task(tmp_path, sql, limits={"cpu_s": 1})
    with nursery.start_child() as child:
        child.frames.send(FrameType.TASK, to_dict(task))
        assert child.wait(100) == -signal.SIGXCPU
