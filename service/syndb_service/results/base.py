"""The interface of a result store.

job ──open_writer──▶ ResultWriter ──write…──▶ finish ──▶ StoredFile ──open / path / redirect──▶ user
                                       └────▶ abort: no file was ever visible
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
    """A complete file in the store."""

    key: str
    bytes: int
    sha256: str
    state: str | None = None


@dataclass(frozen=True, slots=True)
class FileState:
    """The size of a stored file, and a text that differs after every change of the file."""

    bytes: int
    state: str


class ResultWriter(Protocol):
    """A writer of the result of one attempt; no file is visible before :meth:`finish`.

    As a context manager it removes the written data unless it was finished.
    """

    bytes: int
    """Number of bytes written so far."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def write(self, data: Data) -> None:
        """Append ``data``; block while the store is slower than the job.

        Raises
        ------
        TransientError
            If the store fails.
        """

    def wait_writable(self, wait_s: float) -> bool:
        """Wait up to ``wait_s`` seconds until a write would not block; return whether that is so.

        A caller that must extend a lease calls this before each write.
        """

    def finish(self) -> StoredFile:
        """Make the file durable and visible under its key.

        Raises
        ------
        TransientError
            If the store fails; no file is visible then.
        """

    def abort(self) -> None:
        """Remove the written data; do nothing the second time, or after :meth:`finish`."""


@dataclass(frozen=True)
class OpenedResult:
    """An open result; a context manager that closes it.

    Parameters
    ----------
    size : int
        Size of the complete result, in bytes.
    start, stop : int
        The range of bytes that ``chunks`` yields.
    chunks : iterator of bytes
        The content. It raises ``TransientError`` if the store fails halfway and does not recover.
    state : str, optional
        State of the open file, as in :class:`FileState`.
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
        """Close the file."""
        close = getattr(self.chunks, "close", None)
        if close is not None:
            close()


class ResultStore(Protocol):
    """A store of result files."""

    def check(self) -> None:
        """Require at start that the store can be used.

        Raises
        ------
        BadSetting
            If a setting is wrong.
        TransientError
            If the store is unavailable.
        """

    def ready(self) -> None:
        """Require that the store responds, within about three seconds.

        Raises
        ------
        TransientError
            If it does not; the message names the result store.
        """

    def open_writer(self, job_id: str, attempt: int) -> ResultWriter:
        """Open a writer for the result of one attempt."""

    def copy(self, key: str, job_id: str, attempt: int) -> str | None:
        """Copy a result for another attempt; return the new key, or None if the result is missing.

        Either copy can be deleted without the other.

        Raises
        ------
        TransientError
            If the store fails.
        """

    def open(self, key: str, start: int = 0, stop: int | None = None) -> OpenedResult:
        """Open a result for reading, or its bytes from ``start`` up to ``stop``, clipped to its size.

        Raises
        ------
        NotStored
            If the file of a row is missing.
        TransientError
            If the store is unavailable.
        """

    def state(self, key: str) -> FileState:
        """Return the state of a result file, without reading it.

        Raises
        ------
        NotStored
            If the file of a row is missing.
        TransientError
            If the store is unavailable.
        """

    def path(self, key: str) -> Path | None:
        """Return the path of a result on this machine; None if the store is elsewhere.

        Raises
        ------
        TransientError
            If the file should be on this machine and is missing.
        """

    def redirect(self, key: str, filename: str, media_type: str, seconds: int) -> str | None:
        """Return a URL of the result that needs no credentials for ``seconds``; None if the store has none.

        Raises
        ------
        TransientError
            If the file of a row is missing, or the store is unavailable.
        """

    def delete(self, key: str) -> None:
        """Delete a result, or the unfinished data of one, if it exists."""

    def size(self, key: str) -> int:
        """Return the bytes of a result, or of the unfinished data of one; 0 if the size is unknown."""

    def listing(self) -> Iterator[tuple[str, list[str]]]:
        """Yield each job that has files with their keys; ``….part`` names unfinished ones.

        The sweeper uses it: one request lists a thousand files.
        """

    def states(self) -> Iterator[tuple[str, FileState]]:
        """Yield the key and the state of each complete result; one request lists a thousand."""

    def jobs(self) -> Iterator[str]:
        """Yield the ids of the jobs that have files."""

    def keys(self, job_id: str) -> list[str]:
        """Return the keys of one job's files; ``….part`` names unfinished ones."""

    def ensure_lifecycle(self, max_ttl_hours: float) -> bool:
        """Set a rule by which the store deletes old files itself; return whether it is set.

        It is a safeguard in addition to the sweeper: results are deleted two days after ``max_ttl_hours``,
        unfinished uploads after one day.
        """


def result_missing() -> NotStored:
    """Return the error of a row whose result file is missing."""
    return NotStored(
        "the file of this result is not in the result store",
        code="store_unavailable",
        hint="Try again; if it stays missing, rerun the job.",
    )
