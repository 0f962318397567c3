"""The JSON records of jobs, results and problems."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Literal

from pydantic import BaseModel, Field

from syndb_service.api.schemas.field_types import Moment
from syndb_service.domain.job_status import Kind, Reason, Status
from syndb_service.domain.jobs import Job, Progress
from syndb_service.domain.query_check import QueryValidation
from syndb_service.domain.result_parts import FilePart

EXACT_IN_JSON = 2**53


class ColumnRecord(BaseModel):
    """A column of a result."""

    name: str
    type: str = Field(description="The Arrow type; for CSV, the type to parse its text as.")
    sql_type: str | None = Field(
        None,
        exclude_if=lambda name: name is None,
        description="The type in DuckDB; only present if Arrow or CSV store it as another type.",
    )


class ResultPart(BaseModel):
    """A further file of a result: `GET /v1/jobs/{job_id}/result?part=…`."""

    format: str
    bytes: int
    rows: int | None
    columns: list[ColumnRecord]
    sha256: str


class ResultRecord(BaseModel):
    """A result."""

    format: str
    bytes: int
    rows: int | None
    columns: list[ColumnRecord]
    sha256: str
    truncated: bool
    reused_from: str | None = None
    parts: dict[str, ResultPart] = Field(
        {}, description="Further files of the result, by the name of the part."
    )


class ProgressRecord(BaseModel):
    """The progress of a running job; ``fraction`` is null if unknown."""

    phase: str
    fraction: float | None
    rows: int | None
    bytes: int | None
    elapsed_s: float


class ErrorRecord(BaseModel):
    """Why a job failed."""

    code: str
    message: str
    hint: str | None
    retryable: bool
    line: int | None
    column: int | None


class JobRecord(BaseModel):
    """A job."""

    job_id: str
    kind: Kind
    status: Status
    reason: Reason | None
    version: int
    label: str | None
    query: str | None
    format: str
    parameters: dict[str, Any]
    dataset_id: str | None
    analysis: str | None
    options: dict[str, Any]
    rerun_of: str | None
    created_at: Moment
    started_at: Moment | None
    finished_at: Moment | None
    expires_at: Moment | None
    attempt: int
    queue_position: int | None
    time_limit_s: float | None
    advice: list[str] = Field([], description="Warnings of the check of the SQL.")
    checked: bool = Field(
        True,
        description="Whether names and types of the SQL were checked at submission; false if that would have "
        "taken too long: then the job checks them.",
    )
    reproducible: bool = Field(
        False, description="Whether the job must give the same file at each run; `advice` has the cost."
    )
    deterministic: bool | None = Field(
        None,
        description="Whether each run on the same data gives the same result; null if unknown.",
    )
    not_deterministic: list[str] = Field(
        [],
        description="What may differ between runs: functions by their names (sums of floating-point numbers "
        "on several threads, random()), `row order`, `limit`, `sample`, `distinct on`.",
    )
    progress: ProgressRecord
    result: ResultRecord | None
    error: ErrorRecord | None
    error_message: str | None


class Validation(BaseModel):
    """The check of SQL that is not run."""

    valid: bool = Field(description="Whether POST /v1/jobs would accept it.")
    checked: bool = Field(
        True,
        description="Whether names and types were checked; false if that would take too long: then "
        "POST /v1/jobs accepts the SQL, `columns` are unknown, and the job checks it.",
    )
    deterministic: bool | None = Field(
        None,
        description="Whether each run on the same data gives the same result; null if unknown.",
    )
    not_deterministic: list[str] = Field(
        [],
        description="What may differ between runs: functions by their names (sums of floating-point numbers "
        "on several threads, random()), `row order`, `limit`, `sample`, `distinct on`.",
    )
    columns: list[ColumnRecord] = Field(description="The columns of the result.")
    tables: list[str] = Field(description="The tables and views that it reads.")
    dataset_ids: list[str] = Field(description="The datasets that it filters by, or all that it reads.")
    estimated_rows: int | None = Field(description="Estimated rows of the result; null if unknown.")
    advice: list[str] = Field(description="Suggestions for a better query, in sentences.")
    error: ErrorRecord | None = Field(description="Why it can't run.")


class JobList(BaseModel):
    """A page of jobs, newest first."""

    jobs: list[JobRecord]
    next_cursor: str | None


class Health(BaseModel):
    """The service is alive."""

    status: Literal["ok"] = "ok"
    version: str


class IdentityProof(BaseModel):
    """HMAC-SHA256 of address and challenge under the secret in the service's data folder, hexadecimal."""

    proof: str


class PartRecord(BaseModel):
    """The state of a dependency; ``why`` is its error."""

    ok: bool
    why: str | None


DependencyName = Literal[
    "database", "broker", "results", "warehouse", "engine", "threads", "workers", "clock", "temporary_files"
]


class Ready(BaseModel):
    """Whether every dependency responds without which requests fail: all except `workers`."""

    ready: bool
    parts: dict[DependencyName, PartRecord]


class Problem(BaseModel):
    """An error as RFC 9457 problem details, with a code for programs and a hint for people."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    hint: str | None
    error: str
    line: int | None = None
    column: int | None = None
    rerun: str | None = None


class NotReady(Problem, Ready):
    """An error that names the unavailable dependencies."""


def job_record(job: Job) -> JobRecord:
    """Convert a job to its JSON record."""
    request = job.request
    return JobRecord(
        job_id=job.job_id,
        kind=job.kind,
        status=job.status,
        reason=job.reason,
        version=job.version,
        label=job.label,
        query=request.query,
        format=request.format,
        parameters=exact(request.parameters),
        dataset_id=request.dataset_id,
        analysis=request.analysis,
        options=exact(request.options),
        rerun_of=job.rerun_of,
        created_at=job.created_at,
        started_at=job.started_at,
        finished_at=job.finished_at,
        expires_at=job.expires_at,
        attempt=job.attempt,
        queue_position=job.queue_position,
        time_limit_s=request.time_limit_s,
        advice=list(request.advice),
        checked=request.checked,
        reproducible=request.reproducible,
        deterministic=request.deterministic,
        not_deterministic=list(request.not_deterministic),
        progress=_progress(job),
        result=_result(job),
        error=None if job.failure is None else ErrorRecord(**job.failure.as_dict()),
        error_message=None if job.failure is None else job.failure.message,
    )


def validation(checked: QueryValidation) -> Validation:
    """Convert the check of SQL to its JSON record."""
    return Validation(
        valid=checked.failure is None,
        checked=checked.checked,
        deterministic=checked.deterministic,
        not_deterministic=list(checked.not_deterministic),
        columns=_columns(checked.columns),
        tables=list(checked.tables),
        dataset_ids=list(checked.dataset_ids),
        estimated_rows=checked.estimated_rows,
        advice=list(checked.advice),
        error=None if checked.failure is None else ErrorRecord(**checked.failure.as_dict()),
    )


def exact(values: Mapping[str, Any]) -> dict[str, Any]:
    """Convert integers that JavaScript would round to strings.

    Examples
    --------
    >>> exact({"id": 720575940600000001, "n": 3})
    {'id': '720575940600000001', 'n': 3}
    """
    return {key: _exact(value) for key, value in values.items()}


def _exact(value: Any) -> Any:
    if isinstance(value, list):
        return [_exact(item) for item in value]
    return str(value) if isinstance(value, int) and abs(value) > EXACT_IN_JSON else value


def _progress(job: Job) -> ProgressRecord:
    """Return the progress of a job in every status: queued, its stage while it runs, its final status."""
    progress = job.progress or Progress("queued" if job.status is Status.PENDING else str(job.status))
    if job.result is not None:
        progress = Progress(str(job.status), 1.0, job.result.rows, job.result.bytes)
    elapsed = 0.0
    if job.started_at is not None:
        elapsed = ((job.finished_at or datetime.now(UTC)) - job.started_at).total_seconds()
    return ProgressRecord(**progress.as_dict(), elapsed_s=round(max(elapsed, 0.0), 3))


def _result(job: Job) -> ResultRecord | None:
    if job.result is None:
        return None
    return ResultRecord(
        format=job.result.format,
        bytes=job.result.bytes,
        rows=job.result.rows,
        columns=_columns(job.result.columns),
        sha256=job.result.sha256,
        truncated=job.result.truncated,
        reused_from=job.result.reused_from,
        parts={part.name: _part(part) for part in job.result.parts},
    )


def _columns(columns: Sequence[Sequence[str]]) -> list[ColumnRecord]:
    return [
        ColumnRecord(name=name, type=kind, sql_type=engine_type[0] if engine_type else None)
        for name, kind, *engine_type in columns
    ]


def _part(part: FilePart) -> ResultPart:
    return ResultPart(
        format=part.format,
        bytes=part.bytes,
        rows=part.rows,
        columns=_columns(part.columns),
        sha256=part.sha256,
    )
