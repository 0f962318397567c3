"""What is typed is checked in its newest form only, and the checker leaves no thread behind."""

from __future__ import annotations

import threading

import pytest

from syndb_lab.errors import ServiceUnavailable
from syndb_lab.notebook.composer import draft_checker as checking
from syndb_lab.notebook.composer.draft import Draft
from syndb_lab.notebook.composer.draft_checker import DraftChecker
from tests.support.waiting import wait_until


def threads() -> int:
    return sum(thread.name == "syndb-composer" for thread in threading.enumerate())


def test_only_the_newest_draft_is_checked_and_the_thread_ends() -> None:
    checked: list[int] = []
    slow = threading.Event()

    def check(draft: Draft) -> None:
        checked.append(draft.serial)
        slow.wait(120)

    checker = DraftChecker(check, lambda _: None)
    for serial in range(5):
        checker.submit(Draft(serial=serial))
        if serial == 0:
            wait_until(lambda: checked == [0])
    slow.set()
    wait_until(lambda: threads() == 0)
    assert checked == [0, 4]
    checker.submit(Draft(serial=9))
    wait_until(lambda: threads() == 0 and checked == [0, 4, 9])


def test_a_service_that_is_away_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checking, "PAUSES_S", (0.01, 0.02))
    asked: list[int] = []
    away: list[int] = []

    def check(draft: Draft) -> None:
        asked.append(draft.serial)
        if len(asked) < 4:
            raise ServiceUnavailable("nothing answers")

    checker = DraftChecker(check, lambda draft: away.append(draft.serial))
    checker.submit(Draft(serial=1))
    wait_until(lambda: threads() == 0)
    assert (asked, away) == ([1, 1, 1, 1], [1, 1, 1])


def test_typing_while_the_service_is_away_is_checked_first_and_closing_ends_it() -> None:
    asked: list[int] = []

    def check(draft: Draft) -> None:
        asked.append(draft.serial)
        raise ServiceUnavailable("nothing answers")

    checker = DraftChecker(check, lambda _: None)
    checker.submit(Draft(serial=1))
    wait_until(lambda: asked == [1])
    checker.submit(Draft(serial=2))
    wait_until(lambda: asked[-1] == 2)
    checker.close()
    wait_until(lambda: threads() == 0)
    checker.submit(Draft(serial=3))
    assert threads() == 0


def test_nobody_is_asked_for_a_page_that_has_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checking, "UNSEEN_S", 0.0)
    monkeypatch.setattr(checking, "PAUSES_S", (0.01,))

    def check(_: Draft) -> None:
        raise ServiceUnavailable("nothing answers")

    DraftChecker(check, lambda _: None).submit(Draft())
    wait_until(lambda: threads() == 0)
