"""What a result store is, wherever it lies.

job ──begin──▶ ResultWriter ──write…──▶ finish ──▶ StoredFile ──open / path / redirect──▶ user
                                 └────▶ abort: nothing was ever visible
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

from syndb_service.errors import NotStored

Data = bytes | memoryview


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A whole file in the store."""

    key: str
    bytes: int
    sha256: str
    state: str | None = None


@dataclass(frozen=True, slots=True)
class FileState:
    """What the store says of a file: its size, and a text that is another one after every change of it."""

    bytes: int
    state: str


class ResultWriter(Protocol):
    """One attempt's result while it is written; nothing is visible before :meth:`finish`.

    Used as a context manager it removes what was written unless it was finished.
    """

    bytes: int
    """How much was written, in bytes."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def write(self, data: Data) -> None:
        """Append ``data``; waits where the store is slower than the job.

        Raises
        ------
        TransientError
            If the store does not take it.
        """

    def wait_writable(self, wait_s: float) -> bool:
        """Wait until a write would not have to wait, at most ``wait_s`` seconds; tell whether that is so.

        Who has a lease to extend asks this before it writes.
        """

    def finish(self) -> StoredFile:
        """Make the file durable and visible under its key.

        Raises
        ------
        TransientError
            If the store does not take it; nothing is visible then.
        """

    def abort(self) -> None:
        """Remove what was written; a second time, or after :meth:`finish`, nothing happens."""


@dataclass(frozen=True)
class OpenedResult:
    """A result that is being read; a context manager that lets go of it.

    Parameters
    ----------
    size : int
        Bytes of the whole result.
    start, stop : int
        What ``chunks`` gives: the bytes from ``start`` up to ``stop``.
    chunks : iterator of bytes
        The content. It raises ``TransientError`` where the store fails halfway and does not come back.
    state : str, optional
        As in :class:`FileState`, of the file that is open.
    """

    size: int
    start: int
    stop: int
    chunks: Iterator[bytes]
    state: str | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the file."""
        close = getattr(self.chunks, "close", None)
        if close is not None:
            close()


class ResultStore(Protocol):
    """Where results lie."""

    def check(self) -> None:
        """Make sure at start that the store can be used.

        Raises
        ------
        BadSetting
            If a setting has to be mended.
        TransientError
            If the store is away; it may be there later.
        """

    def ready(self) -> None:
        """Return if the store answers, within some three seconds.

        Raises
        ------
        TransientError
            Naming the result store, if it does not.
        """

    def open_writer(self, job_id: str, attempt: int) -> ResultWriter:
        """Start writing the result of one attempt."""

    def copy(self, key: str, job_id: str, attempt: int) -> str | None:
        """Store a result once more, for another attempt; return its new key, or None if it is gone.

        Either can be destroyed without the other.

        Raises
        ------
        TransientError
            If the store does not take it.
        """

    def open(self, key: str, start: int = 0, stop: int | None = None) -> OpenedResult:
        """Open a result for reading, whole or the bytes from ``start`` up to ``stop``, clipped to its size.

        Raises
        ------
        NotStored
            If it is not there though a row says so.
        TransientError
            If the store is away.
        """

    def state(self, key: str) -> FileState:
        """Return what the store says of a result, without reading it.

        Raises
        ------
        NotStored
            If it is not there though a row says so.
        TransientError
            If the store is away.
        """

    def path(self, key: str) -> Path | None:
        """Return where a result lies on this machine; None if it does not lie here.

        Raises
        ------
        TransientError
            If it should lie here and does not.
        """

    def redirect(self, key: str, filename: str, media_type: str, seconds: int) -> str | None:
        """Return a URL that gives the result without credentials for some seconds; None if there is no such.

        Raises
        ------
        TransientError
            If the result is not there though a row says so, or the store is away.
        """

    def delete(self, key: str) -> None:
        """Destroy a result or what is unfinished of one; nothing happens if there is none."""

    def size(self, key: str) -> int:
        """Return the bytes of a result, or of what is unfinished of one; 0 where nobody knows."""

    def listing(self) -> Iterator[tuple[str, list[str]]]:
        """Yield each job that has files here with their keys; ``….part`` names what is unfinished.

        It is the sweep's way: one request for a thousand files.
        """

    def states(self) -> Iterator[tuple[str, FileState]]:
        """Yield the key of each whole result with what the store says of it: one request for a thousand."""

    def jobs(self) -> Iterator[str]:
        """Yield the ids of the jobs that have files here."""

    def keys(self, job_id: str) -> list[str]:
        """Return the keys of one job's files; ``….part`` names what is unfinished."""

    def ensure_lifecycle(self, max_ttl_hours: float) -> bool:
        """Let the store itself destroy what is older than any result may be; tell whether it does.

        A second net below the sweeper: two days after ``max_ttl_hours``, unfinished uploads after one day.
        """


def result_missing() -> NotStored:
    """Say that a result is missing though a row speaks of it."""
    return NotStored(
        "the file of this result is not in the result store",
        code="store_unavailable",
        hint="Try again; if it stays away, rerun the job.",
    )
