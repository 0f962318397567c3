"""The job record: what a job is, wherever it is stored or shown."""

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
    """What was asked for: everything that a rerun needs.

    ``options`` are the options of a graph analysis, ``parameters`` the bind values of a query, ``tables``
    what the query was found to read when it was checked, ``reach`` the datasets it is limited to (None: it is
    not), ``fingerprint`` what it shares with queries that mean the same, ``reuse`` whether their result
    will do, ``advice`` what its check warns of; it is not ``checked`` where its names and types could not be
    bound in time. ``reproducible`` asks for a run whose result is the same each time; ``deterministic`` says
    whether it is (None: not known), ``not_deterministic`` what may differ. On ``one_thread`` little
    work is as fast as on several, and its result is the same each time.
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
        """The datasets of a graph job: the one that is analysed, and the one that it is compared with."""
        return tuple(each for each in (self.dataset_id, self.options.get("other_dataset_id")) if each)

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
        """Return the request as plain JSON-able values."""
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
        } | {name: value for name, value in self._later().items() if value != UNSAID[name]}

    def _later(self) -> dict[str, Any]:
        """Return what requests did not say before: left out where it is as it was, for their digests."""
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


UNSAID: Final[Mapping[str, Any]] = {
    "advice": [],
    "checked": True,
    "reproducible": False,
    "deterministic": None,
    "not_deterministic": [],
    "one_thread": False,
}


@dataclass(frozen=True, slots=True)
class Result:
    """A stored result: where it lies and what it is; ``reused_from`` is the job that computed it.

    ``columns`` are name, type, and the engine's type where a reader would take it for another.
    ``parts`` are what lies behind it in the same file, and is given out by name. ``state`` is what the store
    said of the file when it was written: another one says that somebody has touched it since.
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
        """Size and SHA-256 of each stretch of the file, in their order."""
        return ((self.bytes, self.sha256), *((part.bytes, part.sha256) for part in self.parts))

    def as_dict(self) -> dict[str, Any]:
        """Return the result as plain JSON-able values."""
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
    """Why a job failed, for programs (``code``) and for people; long texts are cut."""

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
        """Describe an error; a transient one may be retried, and an invalid query says where it is wrong."""
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
        """Return the failure as plain JSON-able values."""
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
    """How far a running job is; ``fraction`` (0 to 1) is None where nobody knows."""

    phase: str
    fraction: float | None = None
    rows: int | None = None
    bytes: int | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "phase", shorten(str(self.phase), PHASE_CHARACTERS))

    def as_dict(self) -> dict[str, Any]:
        """Return the progress as plain JSON-able values."""
        return {"phase": self.phase, "fraction": self.fraction, "rows": self.rows, "bytes": self.bytes}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Progress:
        """Read back what :meth:`as_dict` wrote."""
        return cls(**select_fields(cls, values))


@dataclass(frozen=True, slots=True)
class Job:
    """One job, as its row says.

    ``datasets`` holds the ids of those that its last attempt read, each with its visibility at that time;
    None before there was one.
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
        """What the job runs."""
        return self.request.kind
