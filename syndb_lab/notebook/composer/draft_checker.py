"""Has what is typed checked: the newest draft only, in a thread that lives while there is one to check."""

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
    """Calls ``check`` with the newest draft, again and again while the service is away.

    A draft that was overtaken while another one was checked is never checked. Nothing is asked once no page
    has been heard of for ten minutes.

    Parameters
    ----------
    check : callable
        Checks a draft and shows what is found; raises ServiceUnavailable where nothing answers.
    away : callable
        Told of the draft that could not be checked.
    """

    def __init__(self, check: Callable[[Draft], None], away: Callable[[Draft], None]) -> None:
        self._check = check
        self._away = away
        self._changed = threading.Condition()
        self._wanted: Draft | None = None
        self._works = False
        self._closed = False
        self._seen_at = 0.0

    def submit(self, draft: Draft) -> None:
        """Have a draft checked, instead of any that waits."""
        with self._changed:
            self._seen_at = time.monotonic()
            if self._closed:
                return
            self._wanted = draft
            self._changed.notify()
            if not self._works:
                self._works = True
                threading.Thread(target=self._work, name="syndb-composer", daemon=True).start()

    def keep_alive(self) -> None:
        """Note that a page shows the composer."""
        self._seen_at = time.monotonic()

    def close(self) -> None:
        """Check nothing any more."""
        with self._changed:
            self._closed, self._wanted = True, None
            self._changed.notify()

    def _next(self) -> Draft | None:
        with self._changed:
            draft, self._wanted = self._wanted, None
            self._works = draft is not None
            return draft

    def _work(self) -> None:
        try:
            self._check_all()
        except BaseException:
            self._works = False  # the next draft has a thread of its own
            raise

    def _check_all(self) -> None:
        tries = 0
        while (draft := self._next()) is not None:
            try:
                self._check(draft)
                tries = 0
            except ServiceUnavailable:
                self._away(draft)
                with self._changed:
                    self._changed.wait_for(self._is_due, PAUSES_S[min(tries, len(PAUSES_S) - 1)])
                    unseen = time.monotonic() - self._seen_at > UNSEEN_S
                    if not (self._closed or unseen):
                        self._wanted = self._wanted or draft
                tries += 1

    def _is_due(self) -> bool:
        return self._closed or self._wanted is not None
