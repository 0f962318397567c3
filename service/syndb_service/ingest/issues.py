"""What is wrong with a folder, gathered file by file."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from typing import Final

from syndb_service.errors import DatasetInvalid, Issue

PER_FILE: Final = 20


class KeyIssue(Issue):
    """One thing that is wrong with a key of the metadata file; ``column`` is the key."""

    __slots__ = ()

    def __str__(self) -> str:
        """Read as ``file, key: message``."""
        return f"{self.file}, key {self.column}: {self.message}"


class IssueList:
    """Findings in the order of their files; each file shows ``PER_FILE`` of them and counts the rest."""

    def __init__(self) -> None:
        self._shown: dict[str, list[Issue]] = {}
        self._more: dict[str, int] = {}

    def add(self, file: str, message: str, *, row: int | None = None, column: str | None = None) -> None:
        """Note one thing; ``row`` is the line an editor shows, the header being line 1."""
        self._append(Issue(file, message, row, column))

    def add_key(self, file: str, message: str, key: str) -> None:
        """Note one thing about a key of the metadata file."""
        self._append(KeyIssue(file, message, None, key))

    def count(self, file: str, number: int) -> None:
        """Note that a file has ``number`` more of them, which are not shown one by one."""
        if number > 0:
            self._shown.setdefault(file, [])
            self._more[file] = self._more.get(file, 0) + number

    def concern(self, files: Iterable[str]) -> bool:
        """Whether anything was noted about one of these files."""
        return any(file in self._shown for file in files)

    def refuse(self) -> None:
        """Raise if anything was found.

        Raises
        ------
        DatasetInvalid
            With every finding.
        """
        gathered: list[Issue] = []
        for file, shown in self._shown.items():
            gathered += sorted(shown, key=lambda finding: finding.row or 0)
            if self._more.get(file):
                gathered.append(Issue(file, f"and {self._more[file]:,} more"))
        if gathered:
            raise DatasetInvalid(gathered)

    def __bool__(self) -> bool:
        return bool(self._shown)

    def _append(self, finding: Issue) -> None:
        shown = self._shown.setdefault(finding.file, [])
        if len(shown) < PER_FILE:
            shown.append(finding)
        else:
            self.count(finding.file, 1)


def advise(wanted: str, known: Iterable[str]) -> str:
    """Name the nearest known names, as a sentence to put behind a message; empty where none is near.

    Examples
    --------
    >>> advise("neurns", ["neurons", "synapses"])
    '; did you mean neurons?'
    """
    near = get_close_matches(wanted.lower(), list(known), n=2, cutoff=0.6)
    return f"; did you mean {' or '.join(near)}?" if near else ""
