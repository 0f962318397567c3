"""A page that comes back after long has its draft checked again."""

from __future__ import annotations

import threading
from collections.abc import Callable

import httpx
import pytest
from IPython.core.interactiveshell import InteractiveShell

from syndb_lab.lab import Lab
from syndb_lab.notebook.composer import Composer, draft_checker
from tests.support.lab_fakes import Answer
from tests.support.waiting import wait_until


@pytest.mark.slow
def test_a_page_that_comes_back_is_answered(
    pretend_lab: Callable[[Answer], Lab], monkeypatch: pytest.MonkeyPatch
) -> None:
    InteractiveShell.instance()
    monkeypatch.setattr(draft_checker, "UNSEEN_S", 0.0)
    monkeypatch.setattr(draft_checker, "PAUSES_S", (0.01,))
    is_back = threading.Event()

    def answer(_: httpx.Request) -> httpx.Response:
        if not is_back.is_set():
            raise httpx.ConnectError("nobody")
        return httpx.Response(404, json={"detail": "it answers"})

    composer = Composer(pretend_lab(answer), lambda: {}, {}, "SELECT 1").show()
    wait_until(lambda: not any(one.name == "syndb-composer" for one in threading.enumerate()))
    assert composer._element.checked["state"] == "away"
    is_back.set()
    composer._on_message({"do": "here"})
    wait_until(lambda: composer._element.checked["state"] == "invalid")
    assert "it answers" in composer._element.checked["message"]
    composer.close()
    InteractiveShell.clear_instance()
