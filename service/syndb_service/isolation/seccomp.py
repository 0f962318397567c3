"""A seccomp filter: system calls that a child doesn't need return an error.

It covers what Landlock leaves open: UDP and Unix sockets, new processes, signals to and memory of other
processes, modes, owners, times and attributes of files, watches on folders, shared memory, and rarely used
parts of the kernel with a history of vulnerabilities. All other calls stay allowed, because the calls that
the engines need change with their versions.

The filter is a short program of classic BPF. No library is used: the bindings on PyPI were last released in
2021, and only distributions package those of libseccomp.
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import sys
from collections.abc import Mapping, Sequence
from typing import Final

PR_GET_SECCOMP, PR_SET_SECCOMP, MODE_FILTER = 21, 22, 2

LOAD, EQUAL, AT_LEAST, ANY_BIT, RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
NUMBER_AT, ARCHITECTURE_AT, FIRST_ARGUMENT_AT = 0, 4, 16
ALLOW: Final = 0x7FFF0000
REFUSE: Final = 0x00050000
KILL: Final = 0x80000000
CLONE_THREAD: Final = 0x00010000
OTHER_ABI: Final = 0x40000000  # on x86-64: the calls of x32

ARCHITECTURES: Final = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}

CALLS: Final[dict[str, tuple[int | None, int | None]]] = {
    "socket": (41, 198),
    "execve": (59, 221),
    "execveat": (322, 281),
    "fork": (57, None),
    "vfork": (58, None),
    "kill": (62, 129),
    "tkill": (200, 130),
    "rt_sigqueueinfo": (129, 138),
    "rt_tgsigqueueinfo": (297, 240),
    "pidfd_open": (434, 434),
    "pidfd_send_signal": (424, 424),
    "pidfd_getfd": (438, 438),
    "ptrace": (101, 117),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "process_madvise": (440, 440),
    "unshare": (272, 97),
    "setns": (308, 268),
    "chroot": (161, 51),
    "pivot_root": (155, 41),
    "mount": (165, 40),
    "umount2": (166, 39),
    "open_tree": (428, 428),
    "move_mount": (429, 429),
    "fsopen": (430, 430),
    "fsconfig": (431, 431),
    "fsmount": (432, 432),
    "fspick": (433, 433),
    "mount_setattr": (442, 442),
    "name_to_handle_at": (303, 264),
    "open_by_handle_at": (304, 265),
    "io_uring_setup": (425, 425),
    "io_uring_enter": (426, 426),
    "io_uring_register": (427, 427),
    "bpf": (321, 280),
    "perf_event_open": (298, 241),
    "userfaultfd": (323, 282),
    "fanotify_init": (300, 262),
    "add_key": (248, 217),
    "request_key": (249, 218),
    "keyctl": (250, 219),
    "init_module": (175, 105),
    "finit_module": (313, 273),
    "delete_module": (176, 106),
    "kexec_load": (246, 104),
    "kexec_file_load": (320, 294),
    "reboot": (169, 142),
    "swapon": (167, 224),
    "swapoff": (168, 225),
    "acct": (163, 89),
    "settimeofday": (164, 170),
    "clock_settime": (227, 112),
    "quotactl": (179, 60),
    "personality": (135, 92),
    "iopl": (172, None),
    "ioperm": (173, None),
    "modify_ldt": (154, None),
    "chmod": (90, None),
    "fchmod": (91, 52),
    "fchmodat": (268, 53),
    "fchmodat2": (452, 452),
    "chown": (92, None),
    "fchown": (93, 55),
    "lchown": (94, None),
    "fchownat": (260, 54),
    "utime": (132, None),
    "utimes": (235, None),
    "futimesat": (261, None),
    "utimensat": (280, 88),
    "setxattr": (188, 5),
    "lsetxattr": (189, 6),
    "fsetxattr": (190, 7),
    "setxattrat": (463, 463),
    "removexattr": (197, 14),
    "lremovexattr": (198, 15),
    "fremovexattr": (199, 16),
    "removexattrat": (466, 466),
    "file_setattr": (469, 469),
    "inotify_init": (253, None),
    "inotify_init1": (294, 26),
    "shmget": (29, 194),
    "semget": (64, 190),
    "msgget": (68, 186),
    "mq_open": (240, 180),
}
"""Each call with its number on x86-64 and on ARM64; None if the architecture lacks it."""
CLONE: Final = (56, 220)
CLONE3: Final = (435, 435)
TGKILL: Final = (234, 131)


class Instruction(ctypes.Structure):
    """``struct sock_filter``: 8 bytes."""

    _fields_ = (
        ("code", ctypes.c_uint16),
        ("if_true", ctypes.c_uint8),
        ("if_false", ctypes.c_uint8),
        ("value", ctypes.c_uint32),
    )


class Program(ctypes.Structure):
    """``struct sock_fprog``."""

    _fields_ = (("length", ctypes.c_uint16), ("instructions", ctypes.POINTER(Instruction)))


def has_filter_for(machine: str | None = None) -> bool:
    """Return whether there is a filter for this architecture.

    Examples
    --------
    >>> has_filter_for("x86_64"), has_filter_for("riscv64")
    (True, False)
    """
    return sys.platform == "linux" and (machine or platform.machine()) in ARCHITECTURES


def is_supported() -> bool:
    """Return whether this architecture has a filter and the kernel supports filters."""
    return has_filter_for() and ctypes.CDLL(None).prctl(PR_GET_SECCOMP, *[ctypes.c_ulong(0)] * 4) >= 0


def instructions(
    machine: str, pid: int, refused: Mapping[str, tuple[int | None, int | None]] = CALLS
) -> list[Instruction]:
    """Build the filter, which makes the refused calls return ``EPERM``.

    ``clone`` may only create threads. ``clone3``, whose flags a filter can't read, returns ``ENOSYS``, and
    the C library then uses ``clone``. ``tgkill`` may only signal the process itself, as ``abort`` does.

    Parameters
    ----------
    machine : str
        ``x86_64`` or ``aarch64``.
    pid : int
        The id of the filtered process.
    refused : mapping
        Calls with their numbers on x86-64 and ARM64.

    Examples
    --------
    >>> len(instructions("aarch64", 1, {"socket": (41, 198)}))
    19
    """
    here = list(ARCHITECTURES).index(machine)
    program = [
        Instruction(LOAD, 0, 0, ARCHITECTURE_AT),
        Instruction(EQUAL, 1, 0, ARCHITECTURES[machine]),
        Instruction(RETURN, 0, 0, KILL),
        Instruction(LOAD, 0, 0, NUMBER_AT),
    ]
    if machine == "x86_64":
        program += _refuse(AT_LEAST, OTHER_ABI, errno.EPERM)
    for numbers in refused.values():
        number = numbers[here]
        if number is not None:
            program += _refuse(EQUAL, number, errno.EPERM)
    return [
        *program,
        *_refuse(EQUAL, CLONE3[here], errno.ENOSYS),
        *_refuse_unless(CLONE[here], ANY_BIT, CLONE_THREAD),
        *_refuse_unless(TGKILL[here], EQUAL, pid),
        Instruction(RETURN, 0, 0, ALLOW),
    ]


def restrict() -> None:
    """Install the filter for this thread and those it starts; the caller has set ``PR_SET_NO_NEW_PRIVS``.

    Raises
    ------
    OSError
        If this kernel has no seccomp filters.
    """
    install(instructions(platform.machine(), os.getpid()))


def install(program: Sequence[Instruction]) -> None:
    """Make the kernel run a filter on each call of this thread and of those that it starts later."""
    array = (Instruction * len(program))(*program)
    libc = ctypes.CDLL(None, use_errno=True)
    arguments = ctypes.c_ulong(MODE_FILTER), ctypes.byref(Program(len(program), array)), ctypes.c_ulong(0)
    if libc.prctl(PR_SET_SECCOMP, *arguments, ctypes.c_ulong(0)) != 0:
        code = ctypes.get_errno()
        raise OSError(code, f"seccomp: {errno.errorcode.get(code, code)}")


def _refuse(test: int, number: int, code: int) -> list[Instruction]:
    """Return instructions that make a call fail if its number passes the test."""
    return [Instruction(test, 0, 1, number), Instruction(RETURN, 0, 0, REFUSE | code)]


def _refuse_unless(number: int, test: int, value: int) -> list[Instruction]:
    """Return instructions that make a call fail if its first argument fails a test."""
    return [
        Instruction(EQUAL, 0, 4, number),
        Instruction(LOAD, 0, 0, FIRST_ARGUMENT_AT),
        Instruction(test, 1, 0, value),
        Instruction(RETURN, 0, 0, REFUSE | errno.EPERM),
        Instruction(RETURN, 0, 0, ALLOW),
    ]
