"""Checks drafts in a thread, always the newest only; the thread ends when no draft waits."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Final

from syndb_lab.errors import ServiceUnavailable
from syndb_lab.notebook.composer.draft import Draft

PAUSES_S: Final = (0.5, 1.0, 2.0)
UNSEEN_S: Final = 600.0


class DraftChecker:
    """Calls ``check`` with the newest draft, and retries while the service is unavailable.

    A draft that is replaced before its check starts is never checked. Retries stop when no page has shown the
    composer for ``UNSEEN_S`` seconds.

    Parameters
    ----------
    check : callable
        Checks a draft and shows the result; raises ServiceUnavailable if the service does not respond.
    on_unavailable : callable
        Called with a draft whose check failed with ServiceUnavailable.
    """

    def __init__(self, check: Callable[[Draft], None], on_unavailable: Callable[[Draft], None]) -> None:
        self._check = check
        self._on_unavailable = on_unavailable
        self._changed = threading.Condition()
        self._next_draft: Draft | None = None
        self._is_running = False
        self._closed = False
        self._seen_at = 0.0

    def submit(self, draft: Draft) -> None:
        """Check a draft in place of a waiting one."""
        with self._changed:
            self._seen_at = time.monotonic()
            if self._closed:
                return
            self._next_draft = draft
            self._changed.notify()
            if not self._is_running:
                self._is_running = True
                threading.Thread(target=self._work, name="syndb-composer", daemon=True).start()

    def keep_alive(self) -> None:
        """Record that a page shows the composer."""
        self._seen_at = time.monotonic()

    def close(self) -> None:
        """Stop checking."""
        with self._changed:
            self._closed, self._next_draft = True, None
            self._changed.notify()

    def _next(self) -> Draft | None:
        with self._changed:
            draft, self._next_draft = self._next_draft, None
            self._is_running = draft is not None
            return draft

    def _work(self) -> None:
        try:
            self._check_all()
        except BaseException:
            self._is_running = False  # so that the next draft starts a new thread
            raise

    def _check_all(self) -> None:
        tries = 0
        while (draft := self._next()) is not None:
            try:
                self._check(draft)
                tries = 0
            except ServiceUnavailable:
                self._on_unavailable(draft)
                with self._changed:
                    self._changed.wait_for(self._is_due, PAUSES_S[min(tries, len(PAUSES_S) - 1)])
                    unseen = time.monotonic() - self._seen_at > UNSEEN_S
                    if not (self._closed or unseen):
                        self._next_draft = self._next_draft or draft
                tries += 1

    def _is_due(self) -> bool:
        return self._closed or self._next_draft is not None
