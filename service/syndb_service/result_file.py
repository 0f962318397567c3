"""A result that its owner may read: its name, its size, and how it is opened."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from syndb_service.domain.jobs import MEDIA_TYPES, Result
from syndb_service.domain.parts import Part
from syndb_service.errors import Lost, NotStored
from syndb_service.results import OpenedResult, ResultStore

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ResultFile:
    """A result that its owner may read."""

    job_id: str
    result: Result
    finished_at: datetime
    expires_at: datetime | None
    store: ResultStore
    part: Part | None = None

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
        name = f"{self.job_id}.{self.part.name}" if self.part else self.job_id
        return f"{name}.{self.format}"

    def open(self, start: int, stop: int) -> OpenedResult:
        """Open it for reading, from byte ``start`` up to ``stop``.

        Raises
        ------
        Lost
            If it is not in the store any more.
        TransientError
            If the store does not give it now.
        """
        with self._told_as_lost():
            before = self.part.start if self.part else 0
            return self.store.open(self.result.key, before + start, before + stop)

    def url(self, seconds: int) -> str | None:
        """Return a URL of the store that gives it for some seconds; None if there is no such.

        The store gives whole files, so there is none for a file of several parts.
        """
        if self.result.parts:
            return None
        media_type = MEDIA_TYPES[self.result.format]
        with self._told_as_lost():
            return self.store.redirect(self.result.key, self.filename, media_type, seconds)

    @contextmanager
    def _told_as_lost(self) -> Iterator[None]:
        try:
            yield
        except NotStored as error:
            log.error("job %s: the result store does not have %s", self.job_id, self.result.key)
            rerun = f"/v1/jobs/{self.job_id}/rerun"
            raise Lost(
                f"{error.message}, though it was to be kept; the record is",
                rerun=rerun,
                hint=f"POST {rerun} runs the same request again.",
            ) from error
