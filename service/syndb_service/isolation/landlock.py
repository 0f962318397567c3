"""Landlock: restricts the files, ports and signals of a process until it exits, enforced by Linux.

It needs no privilege and can't be undone. The three system calls are described in the kernel's
``Documentation/userspace-api/landlock.rst``; features that a kernel lacks are left out, by the version of
its interface (ABI). It applies to the calling thread and to threads that it starts later.
"""

from __future__ import annotations

import ctypes
import errno
import os
import stat
import sys
from collections.abc import Iterable
from enum import IntFlag
from pathlib import Path
from typing import Final

CREATE_RULESET, ADD_RULE, RESTRICT_SELF = 444, 445, 446  # the same numbers on every architecture
VERSION: Final = 1
PATH_BENEATH: Final = 1
NEWEST_ABI: Final = 6  # later versions add logging and threads, which this module doesn't use


class Files(IntFlag):
    """Access rights to files (``LANDLOCK_ACCESS_FS_…``)."""

    EXECUTE = 1 << 0
    WRITE_FILE = 1 << 1
    READ_FILE = 1 << 2
    READ_DIR = 1 << 3
    REMOVE_DIR = 1 << 4
    REMOVE_FILE = 1 << 5
    MAKE_CHAR = 1 << 6
    MAKE_DIR = 1 << 7
    MAKE_REG = 1 << 8
    MAKE_SOCK = 1 << 9
    MAKE_FIFO = 1 << 10
    MAKE_BLOCK = 1 << 11
    MAKE_SYM = 1 << 12
    REFER = 1 << 13
    TRUNCATE = 1 << 14
    IOCTL_DEV = 1 << 15


TCP: Final = 0b11
"""``LANDLOCK_ACCESS_NET_BIND_TCP`` and ``…_CONNECT_TCP``."""
SCOPES: Final = 0b11
"""``LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET`` and ``…_SIGNAL``: allowed only to this process and its children."""

READ: Final = Files.READ_FILE | Files.READ_DIR
WRITE: Final = (
    READ
    | Files.WRITE_FILE
    | Files.REMOVE_DIR
    | Files.REMOVE_FILE
    | Files.MAKE_DIR
    | Files.MAKE_REG
    | Files.TRUNCATE
)
OF_ONE_FILE: Final = Files.EXECUTE | Files.WRITE_FILE | Files.READ_FILE | Files.TRUNCATE | Files.IOCTL_DEV


class RulesetAttr(ctypes.Structure):
    """``struct landlock_ruleset_attr``: 24 bytes; an older kernel accepts them if the new ones are zero."""

    _fields_ = (
        ("handled_access_fs", ctypes.c_uint64),
        ("handled_access_net", ctypes.c_uint64),
        ("scoped", ctypes.c_uint64),
    )


class PathBeneathAttr(ctypes.Structure):
    """``struct landlock_path_beneath_attr``: packed, 12 bytes."""

    _pack_ = 1
    _fields_ = (("allowed_access", ctypes.c_uint64), ("parent_fd", ctypes.c_int32))


def abi() -> int:
    """Return the version of this kernel's Landlock; 0 if it is missing or disabled.

    Examples
    --------
    >>> 0 <= abi() < 100
    True
    """
    if sys.platform != "linux":
        return 0
    try:
        return _call(CREATE_RULESET, None, 0, VERSION)
    except OSError:
        return 0


def ruleset(version: int) -> RulesetAttr:
    """Return the rights that a ruleset handles with this version: each is forbidden unless a rule allows it.

    Examples
    --------
    >>> old, new = ruleset(1), ruleset(6)
    >>> Files.TRUNCATE in Files(old.handled_access_fs), old.handled_access_net, old.scoped
    (False, 0, 0)
    >>> Files.TRUNCATE in Files(new.handled_access_fs), new.handled_access_net, new.scoped
    (True, 3, 3)
    """
    files = Files((1 << 16) - 1)
    if version < 5:
        files &= ~Files.IOCTL_DEV
    if version < 3:
        files &= ~Files.TRUNCATE
    if version < 2:
        files &= ~Files.REFER
    return RulesetAttr(int(files), TCP if version >= 4 else 0, SCOPES if version >= 6 else 0)


def restrict(readable: Iterable[Path], writable: Iterable[Path]) -> None:
    """Restrict this thread to reading and writing the given paths.

    It can't execute files, bind or connect TCP ports (ABI 4), or send signals to other processes and reach
    their abstract sockets (ABI 6). The caller has set ``PR_SET_NO_NEW_PRIVS``.

    Parameters
    ----------
    readable, writable : iterable of Path
        Files, or folders with their contents. Missing paths are ignored.

    Raises
    ------
    OSError
        If the kernel returns an error; nothing is then restricted.
    """
    handled = ruleset(min(abi(), NEWEST_ABI))
    rules = _call(CREATE_RULESET, ctypes.byref(handled), ctypes.sizeof(handled), 0)
    try:
        for paths, access in ((readable, READ), (writable, WRITE)):
            for path in paths:
                _allow(rules, path, access & Files(handled.handled_access_fs))
        _call(RESTRICT_SELF, rules, 0)
    finally:
        os.close(rules)


def _allow(rules: int, path: Path, access: Files) -> None:
    try:
        beneath = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    try:
        if not stat.S_ISDIR(os.fstat(beneath).st_mode):
            access &= OF_ONE_FILE
        _call(ADD_RULE, rules, PATH_BENEATH, ctypes.byref(PathBeneathAttr(int(access), beneath)), 0)
    finally:
        os.close(beneath)


def _call(number: int, *arguments: object) -> int:
    libc = ctypes.CDLL(None, use_errno=True)
    libc.syscall.restype = ctypes.c_long
    answer = int(libc.syscall(ctypes.c_long(number), *arguments))
    if answer < 0:
        code = ctypes.get_errno()
        raise OSError(code, f"Landlock: {errno.errorcode.get(code, code)}")
    return answer
