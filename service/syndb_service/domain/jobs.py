"""The job record, and the request, progress, result and failure in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Literal

from syndb_service.domain.graph.analysis_options import AnalysisOptions, read_options
from syndb_service.domain.job_status import Kind, Reason, Status
from syndb_service.domain.message_codec import MalformedMessage
from syndb_service.domain.result_parts import FilePart
from syndb_service.domain.stored_json import select_fields
from syndb_service.errors import InvalidQuery, InvalidRequest, ServiceError
from syndb_service.text.truncation import HINT_CHARACTERS, MESSAGE_CHARACTERS, PHASE_CHARACTERS, shorten

Format = Literal["arrow", "parquet", "csv"]
FORMATS: Final[tuple[Format, ...]] = ("arrow", "parquet", "csv")

MEDIA_TYPES: Final[dict[str, str]] = {
    "arrow": "application/vnd.apache.arrow.file",
    "parquet": "application/vnd.apache.parquet",
    "csv": "text/csv; charset=utf-8",
    "json": "application/json",
}


@dataclass(frozen=True, slots=True)
class JobRequest:
    """The request of a job: everything that a rerun needs.

    Attributes
    ----------
    parameters : mapping
        Bind values of a query.
    options : mapping
        Options of a graph analysis.
    tables : tuple of str
        Tables that the query reads, as the check found.
    reach : tuple of str or None
        Ids of the datasets that the query can read; None for all.
    fingerprint : str
        A digest that is equal for queries with the same meaning; empty if no earlier result may be reused.
    reuse : bool
        Whether an earlier result with the same identity may be reused.
    advice : tuple of str
        Warnings of the check.
    checked : bool
        False if names and types could not be bound in time.
    reproducible : bool
        Whether each run must give the same result.
    deterministic : bool or None
        Whether each run gives the same result; None if unknown.
    not_deterministic : tuple of str
        What may differ between runs.
    one_thread : bool
        Run on one thread, which is as fast for little work and gives the same result each time.
    """

    kind: Kind
    query: str | None = None
    format: str = "arrow"
    parameters: Mapping[str, Any] = field(default_factory=dict)
    dataset_id: str | None = None
    analysis: str | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    time_limit_s: float | None = None
    tables: tuple[str, ...] = ()
    reach: tuple[str, ...] | None = None
    fingerprint: str = ""
    reuse: bool = False
    advice: tuple[str, ...] = ()
    checked: bool = True
    reproducible: bool = False
    deterministic: bool | None = None
    not_deterministic: tuple[str, ...] = ()
    one_thread: bool = False

    @property
    def dataset_ids(self) -> tuple[str, ...]:
        """The datasets of a graph job: the analysed one, and the one that it is compared with."""
        ids = (self.dataset_id, self.options.get("other_dataset_id"))
        return tuple(dataset_id for dataset_id in ids if dataset_id)

    @property
    def graph_options(self) -> AnalysisOptions:
        """The options of a graph job, by their analysis.

        Raises
        ------
        InvalidRequest
            If this version of the service does not know the analysis, or an option is not what it takes.
        """
        try:
            return read_options(self.analysis, self.options)
        except MalformedMessage as error:
            raise InvalidRequest(
                f"the stored options of this graph job cannot be read: {error}",
                hint="Another version of the service stored them; submit the analysis again.",
            ) from error

    def as_dict(self) -> dict[str, Any]:
        """Convert the request to JSON values."""
        return {
            "kind": str(self.kind),
            "query": self.query,
            "format": self.format,
            "parameters": dict(self.parameters),
            "dataset_id": self.dataset_id,
            "analysis": self.analysis,
            "options": dict(self.options),
            "time_limit_s": self.time_limit_s,
            "tables": list(self.tables),
            "reach": None if self.reach is None else list(self.reach),
            "fingerprint": self.fingerprint,
            "reuse": self.reuse,
        } | {name: value for name, value in self._added_fields().items() if value != ADDED_DEFAULTS[name]}

    def _added_fields(self) -> dict[str, Any]:
        """Return fields of later versions; their defaults are omitted to keep digests of old requests."""
        return {
            "advice": list(self.advice),
            "checked": self.checked,
            "reproducible": self.reproducible,
            "deterministic": self.deterministic,
            "not_deterministic": list(self.not_deterministic),
            "one_thread": self.one_thread,
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> JobRequest:
        """Read back what :meth:`as_dict` wrote."""
        reach = values.get("reach")
        read = {
            "kind": Kind(values["kind"]),
            "tables": tuple(values["tables"]),
            "reach": None if reach is None else tuple(reach),
            "advice": tuple(values.get("advice", ())),
            "not_deterministic": tuple(values.get("not_deterministic", ())),
        }
        return cls(**{**select_fields(cls, values), **read})


ADDED_DEFAULTS: Final[Mapping[str, Any]] = {
    "advice": [],
    "checked": True,
    "reproducible": False,
    "deterministic": None,
    "not_deterministic": [],
    "one_thread": False,
}


@dataclass(frozen=True, slots=True)
class Result:
    """A stored result: its key in the result store, its format, size and digest.

    ``columns`` are name and type, and the engine's type if the type alone is ambiguous. ``reused_from`` is
    the job that computed the result. ``parts`` follow it in the same file, and are downloaded by name.
    ``state`` is the store's state of the file when it was written; it differs after any later change.
    """

    key: str
    format: str
    bytes: int
    rows: int | None
    columns: tuple[tuple[str, ...], ...]
    sha256: str
    truncated: bool = False
    reused_from: str | None = None
    parts: tuple[FilePart, ...] = ()
    state: str | None = None

    @property
    def stored_bytes(self) -> int:
        """Size of the file: the result and its parts."""
        return self.bytes + sum(part.bytes for part in self.parts)

    @property
    def stretches(self) -> tuple[tuple[int, str], ...]:
        """Size and SHA-256 of the result and of each part, in the order of the file."""
        return ((self.bytes, self.sha256), *((part.bytes, part.sha256) for part in self.parts))

    def as_dict(self) -> dict[str, Any]:
        """Convert the result to JSON values."""
        return {
            "key": self.key,
            "format": self.format,
            "bytes": self.bytes,
            "stored_bytes": self.stored_bytes,
            "rows": self.rows,
            "columns": [list(column) for column in self.columns],
            "sha256": self.sha256,
            "truncated": self.truncated,
            "reused_from": self.reused_from,
            "parts": [part.as_dict() for part in self.parts],
            "state": self.state,
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Result:
        """Read back what :meth:`as_dict` wrote."""
        columns = tuple(tuple(column) for column in values["columns"])
        parts = tuple(FilePart.from_dict(part) for part in values.get("parts", ()))
        return cls(**{**select_fields(cls, values), "columns": columns, "parts": parts})


@dataclass(frozen=True, slots=True)
class Failure:
    """The failure of a job: a code for programs, a message and a hint for users; long texts are truncated."""

    code: str
    message: str
    hint: str | None = None
    retryable: bool = False
    line: int | None = None
    column: int | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "message", shorten(str(self.message), MESSAGE_CHARACTERS))
        if self.hint is not None:
            object.__setattr__(self, "hint", shorten(str(self.hint), HINT_CHARACTERS))

    @classmethod
    def from_error(cls, error: ServiceError) -> Failure:
        """Convert an error; a transient one is retryable, an invalid query keeps its position."""
        line, column = (error.line, error.column) if isinstance(error, InvalidQuery) else (None, None)
        return cls(
            error.error_code,
            error.message,
            error.hint,
            retryable=error.fault == "transient",
            line=line,
            column=column,
        )

    def as_dict(self) -> dict[str, Any]:
        """Convert the failure to JSON values."""
        return {
            "code": self.code,
            "message": self.message,
            "hint": self.hint,
            "retryable": self.retryable,
            "line": self.line,
            "column": self.column,
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Failure:
        """Read back what :meth:`as_dict` wrote."""
        return cls(**select_fields(cls, values))


@dataclass(frozen=True, slots=True)
class Progress:
    """The progress of a running job; ``fraction`` is from 0 to 1, or None if it is unknown."""

    phase: str
    fraction: float | None = None
    rows: int | None = None
    bytes: int | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "phase", shorten(str(self.phase), PHASE_CHARACTERS))

    def as_dict(self) -> dict[str, Any]:
        """Convert the progress to JSON values."""
        return {"phase": self.phase, "fraction": self.fraction, "rows": self.rows, "bytes": self.bytes}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Progress:
        """Read back what :meth:`as_dict` wrote."""
        return cls(**select_fields(cls, values))


@dataclass(frozen=True, slots=True)
class Job:
    """One job, as stored in its row.

    ``datasets`` contains the ids of the datasets that its last attempt read, each with its visibility at that
    time; None before the first attempt.
    """

    job_id: str
    owner: str
    request: JobRequest
    status: Status
    reason: Reason | None
    version: int
    created_at: datetime
    label: str | None = None
    rerun_of: str | None = None
    started_at: datetime | None = None
    finished_at: datetime | None = None
    expires_at: datetime | None = None
    destroyed_at: datetime | None = None
    attempt: int = 0
    deaths: int = 0
    outages: int = 0
    cancel_requested: bool = False
    progress: Progress | None = None
    result: Result | None = None
    failure: Failure | None = None
    queue_position: int | None = None
    datasets: Mapping[str, str] | None = None

    @property
    def kind(self) -> Kind:
        """Kind of the job."""
        return self.request.kind
