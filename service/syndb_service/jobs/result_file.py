"""The file of a result that its owner may read: name, size, digest, content."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from syndb_service.domain.jobs import MEDIA_TYPES, Job, Result
from syndb_service.domain.result_parts import FilePart
from syndb_service.result_integrity import Integrity
from syndb_service.results import OpenedResult


@dataclass(frozen=True, slots=True)
class ResultFile:
    """A result file, or one part of it, that its owner may read."""

    job: Job
    result: Result
    integrity: Integrity
    part: FilePart | None = None

    @property
    def finished_at(self) -> datetime:
        """Time when the job ended."""
        return self.job.finished_at or self.job.created_at

    @property
    def expires_at(self) -> datetime | None:
        """Time when the result is deleted."""
        return self.job.expires_at

    @property
    def format(self) -> str:
        """Format of the file, or of the part."""
        return (self.part or self.result).format

    @property
    def bytes(self) -> int:
        """Size of the file, or of the part, in bytes."""
        return (self.part or self.result).bytes

    @property
    def sha256(self) -> str:
        """SHA-256 of the file, or of the part."""
        return (self.part or self.result).sha256

    @property
    def filename(self) -> str:
        """Name under which a download is saved."""
        name = f"{self.job.job_id}.{self.part.name}" if self.part else self.job.job_id
        return f"{name}.{self.format}"

    def open(self, start: int, stop: int) -> OpenedResult:
        """Open the file or the part for reading, from byte ``start`` up to ``stop``.

        Raises
        ------
        Lost, Damaged
            If the file is missing in the store, or is not what was written.
        TransientError
            If the store is unavailable.
        """
        offset = self.part.start if self.part else 0
        return self.integrity.open(self.job, offset + start, offset + stop)

    def require_intact(self) -> None:
        """Require that the store has the file as it was written.

        Raises
        ------
        Lost, Damaged
            As :meth:`open`.
        """
        self.integrity.require(self.job)

    def url(self, seconds: int) -> str | None:
        """Return a URL of the store that is valid for ``seconds``; None if the store has no URLs.

        URLs give whole files, so a result of several parts has none.
        """
        if self.result.parts:
            return None
        return self.integrity.link(self.job, self.filename, MEDIA_TYPES[self.result.format], seconds)
