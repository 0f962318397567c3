"""A fork waits for what other threads have half done, and its child finds every lock free."""

from __future__ import annotations

import importlib
import os
import select
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from syndb_lab import fork_safety
from syndb_lab.fork_safety import FORK_LOCK, ForkLock

LIMIT_S = 120.0
IMPORTED = """
import os
with open({began!r}, "w") as began:
    began.write("1")
with open({go!r}) as go:
    go.read()
value = 7
"""


def said_by_a_child(work: Callable[[], str]) -> str:
    """Fork, and return what the child says; nothing, if it says nothing in time."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(write, work().encode())
        os._exit(0)
    ready, _, _ = select.select([read], [], [], LIMIT_S)
    if not ready:
        os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    os.close(write)
    said = os.read(read, 100).decode()
    os.close(read)
    return said


@pytest.fixture
def half_imported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A module that a thread is importing; a pipe lets it go on."""
    began, go = tmp_path / "began", tmp_path / "go"
    os.mkfifo(began)
    os.mkfifo(go)
    (tmp_path / "half_imported.py").write_text(IMPORTED.format(began=str(began), go=str(go)))
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "half_imported", raising=False)
    threading.Thread(target=importlib.import_module, args=("half_imported",), daemon=True).start()
    began.read_text()
    return go


def child_imports() -> str:
    signal.alarm(int(LIMIT_S))
    return str(importlib.import_module("half_imported").value)


def test_a_fork_waits_for_an_import_of_another_thread(
    half_imported: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = threading.Event()
    monkeypatch.setattr(fork_safety, "BEFORE_FORK", [asked.set])
    later = threading.Thread(target=lambda: asked.wait(LIMIT_S) and half_imported.write_text("1"))
    later.start()
    assert said_by_a_child(child_imports) == "7"
    later.join()


def test_an_import_that_never_ends_holds_up_no_fork(
    half_imported: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fork_safety, "WAIT_S", 0.01)
    assert said_by_a_child(lambda: "here") == "here"
    half_imported.write_text("1")
    assert importlib.import_module("half_imported").value == 7


def test_a_fork_waits_for_what_is_done_inside_the_gate(monkeypatch: pytest.MonkeyPatch) -> None:
    entered, asked, done = threading.Event(), threading.Event(), threading.Event()
    shut = ForkLock.shut

    def asks(gate: ForkLock) -> None:
        asked.set()
        shut(gate)

    def stay() -> None:
        with FORK_LOCK:
            entered.set()
            asked.wait(LIMIT_S)
            done.set()

    monkeypatch.setattr(ForkLock, "shut", asks)
    thread = threading.Thread(target=stay)
    thread.start()
    entered.wait(LIMIT_S)
    assert said_by_a_child(lambda: str(done.is_set())) == "True"
    thread.join()
    with FORK_LOCK:  # also in the thread that forks
        assert said_by_a_child(enters) == "entered"


def enters() -> str:
    entered = []
    thread = threading.Thread(target=lambda: entered.extend(["entered"] if enter() else []))
    thread.start()
    thread.join(LIMIT_S)
    return "".join(entered)


def enter() -> bool:
    with FORK_LOCK:
        return True


@pytest.mark.slow
def test_two_threads_fork_at_once() -> None:
    said: list[str] = []
    threads = [
        threading.Thread(target=lambda: said.append(said_by_a_child(enters)), daemon=True) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(LIMIT_S)
    assert said == ["entered"] * 4
