"""A result that its owner may read: its name, its size, and how it is opened."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from syndb_service.domain.jobs import MEDIA_TYPES, Job, Result
from syndb_service.domain.result_parts import FilePart
from syndb_service.result_integrity import Integrity
from syndb_service.results import OpenedResult


@dataclass(frozen=True, slots=True)
class ResultFile:
    """A result that its owner may read."""

    job: Job
    result: Result
    integrity: Integrity
    part: FilePart | None = None

    @property
    def finished_at(self) -> datetime:
        """When the job ended."""
        return self.job.finished_at or self.job.created_at

    @property
    def expires_at(self) -> datetime | None:
        """When the result is destroyed."""
        return self.job.expires_at

    @property
    def format(self) -> str:
        """Of the file, or of the part of it that is meant."""
        return (self.part or self.result).format

    @property
    def bytes(self) -> int:
        """Size of what is given out."""
        return (self.part or self.result).bytes

    @property
    def sha256(self) -> str:
        """Of what is given out."""
        return (self.part or self.result).sha256

    @property
    def filename(self) -> str:
        """What the file is called where it is saved."""
        name = f"{self.job.job_id}.{self.part.name}" if self.part else self.job.job_id
        return f"{name}.{self.format}"

    def open(self, start: int, stop: int) -> OpenedResult:
        """Open it for reading, from byte ``start`` up to ``stop``.

        Raises
        ------
        Lost, Damaged
            If it is not in the store any more, or not what was written.
        TransientError
            If the store does not give it now.
        """
        before = self.part.start if self.part else 0
        return self.integrity.open(self.job, before + start, before + stop)

    def require_intact(self) -> None:
        """Return if the store has what was written.

        Raises
        ------
        Lost, Damaged
            As :meth:`open`.
        """
        self.integrity.require(self.job)

    def url(self, seconds: int) -> str | None:
        """Return a URL of the store that gives it for some seconds; None if there is no such.

        The store gives whole files, so there is none for a file of several parts.
        """
        if self.result.parts:
            return None
        return self.integrity.link(self.job, self.filename, MEDIA_TYPES[self.result.format], seconds)
