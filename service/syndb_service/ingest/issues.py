"""The issues of an input, collected by file."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from typing import Final

from syndb_service.errors import DatasetInvalid, Issue

PER_FILE: Final = 20


class KeyIssue(Issue):
    """An issue of a key of the metadata file; ``column`` is the key."""

    __slots__ = ()

    def __str__(self) -> str:
        """Format as ``file, key: message``."""
        return f"{self.file}, key {self.column}: {self.message}"


class IssueList:
    """Issues in the order of their files; of each file, ``PER_FILE`` are listed and the others counted."""

    def __init__(self) -> None:
        self._shown: dict[str, list[Issue]] = {}
        self._more: dict[str, int] = {}

    def add(self, file: str, message: str, *, row: int | None = None, column: str | None = None) -> None:
        """Record an issue; ``row`` is the line that an editor shows, where the header is line 1."""
        self._append(Issue(file, message, row, column))

    def add_key(self, file: str, message: str, key: str) -> None:
        """Record an issue of a key of the metadata file."""
        self._append(KeyIssue(file, message, None, key))

    def count(self, file: str, number: int) -> None:
        """Record ``number`` more issues of a file, which are not listed."""
        if number > 0:
            self._shown.setdefault(file, [])
            self._more[file] = self._more.get(file, 0) + number

    def concern(self, files: Iterable[str]) -> bool:
        """Whether one of these files has an issue."""
        return any(file in self._shown for file in files)

    def refuse(self) -> None:
        """Raise if there are issues.

        Raises
        ------
        DatasetInvalid
            With every issue.
        """
        listed: list[Issue] = []
        for file, shown in self._shown.items():
            listed += sorted(shown, key=lambda issue: issue.row or 0)
            if self._more.get(file):
                listed.append(Issue(file, f"and {self._more[file]:,} more"))
        if listed:
            raise DatasetInvalid(listed)

    def __bool__(self) -> bool:
        return bool(self._shown)

    def _append(self, issue: Issue) -> None:
        shown = self._shown.setdefault(issue.file, [])
        if len(shown) < PER_FILE:
            shown.append(issue)
        else:
            self.count(issue.file, 1)


def advise(wanted: str, known: Iterable[str]) -> str:
    """Return a suffix for a message with the most similar known names; empty if there are none.

    Examples
    --------
    >>> advise("neurns", ["neurons", "synapses"])
    '; did you mean neurons?'
    """
    near = get_close_matches(wanted.lower(), list(known), n=2, cutoff=0.6)
    return f"; did you mean {' or '.join(near)}?" if near else ""
