"""What goes over the wire."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Literal

from pydantic import BaseModel, Field

from syndb_service.api.schemas.field_types import Moment
from syndb_service.domain.job_status import Kind, Reason, Status
from syndb_service.domain.jobs import Job, Progress
from syndb_service.domain.query_validation import QueryValidation
from syndb_service.domain.result_parts import FilePart

EXACT_IN_JSON = 2**53


class ColumnRecord(BaseModel):
    """A column of a result."""

    name: str
    type: str = Field(description="As Arrow names it; of CSV, what its text is to be read as.")
    sql_type: str | None = Field(
        None,
        exclude_if=lambda name: name is None,
        description="As the engine names it; there only where Arrow or CSV hold it as another type.",
    )


class ResultPart(BaseModel):
    """A further file of a result, given by `GET /v1/jobs/{job_id}/result?part=…`."""

    format: str
    bytes: int
    rows: int | None
    columns: list[ColumnRecord]
    sha256: str


class ResultRecord(BaseModel):
    """What is known of a result."""

    format: str
    bytes: int
    rows: int | None
    columns: list[ColumnRecord]
    sha256: str
    truncated: bool
    reused_from: str | None = None
    parts: dict[str, ResultPart] = Field({}, description="Further files, by the name of their part.")


class ProgressRecord(BaseModel):
    """How far a running job is; ``fraction`` is null where nobody knows."""

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
    advice: list[str] = Field([], description="What the check of the SQL warned of.")
    checked: bool = Field(
        True,
        description="Whether names and types of the SQL were checked when it was submitted; false where that "
        "would have taken too long, and the job finds out.",
    )
    reproducible: bool = Field(
        False, description="Whether it was asked to give the same file at each run; `advice` says the cost."
    )
    deterministic: bool | None = Field(
        None,
        description="Whether each run on the same data gives the same result; null where that is not known.",
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
    """What is known of SQL before it runs."""

    valid: bool = Field(description="Whether POST /v1/jobs would accept it.")
    checked: bool = Field(
        True,
        description="Whether names and types were checked; false where that would take too long: "
        "POST /v1/jobs accepts it, `columns` are unknown, and the job finds out whether it can run.",
    )
    deterministic: bool | None = Field(
        None,
        description="Whether each run on the same data gives the same result; null where that is not known.",
    )
    not_deterministic: list[str] = Field(
        [],
        description="What may differ between runs: functions by their names (sums of floating-point numbers "
        "on several threads, random()), `row order`, `limit`, `sample`, `distinct on`.",
    )
    columns: list[ColumnRecord] = Field(description="The columns of the result.")
    tables: list[str] = Field(description="The tables and views that it reads.")
    dataset_ids: list[str] = Field(description="The datasets that it names, or those that it reads.")
    estimated_rows: int | None = Field(description="Rows of the result; null where nobody can tell.")
    advice: list[str] = Field(description="What may be better done otherwise, in sentences.")
    error: ErrorRecord | None = Field(description="Why it can't run.")


class JobList(BaseModel):
    """A page of jobs, newest first."""

    jobs: list[JobRecord]
    next_cursor: str | None


class Health(BaseModel):
    """The service lives."""

    status: Literal["ok"] = "ok"
    version: str


class IdentityProof(BaseModel):
    """HMAC-SHA256 of address and challenge under the secret in the service's data folder, hexadecimal."""

    proof: str


class PartRecord(BaseModel):
    """A part that the service needs; ``why`` says what is wrong with it."""

    ok: bool
    why: str | None


DependencyName = Literal[
    "database", "broker", "results", "warehouse", "engine", "threads", "workers", "clock", "temporary_files"
]


class Ready(BaseModel):
    """Whether every part is there without which no request is taken: all but `workers`."""

    ready: bool
    parts: dict[DependencyName, PartRecord]


class Problem(BaseModel):
    """A refusal: RFC 9457 problem details, with a code for programs and a hint for people."""

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
    """A refusal that says which part is away."""


def job_record(job: Job) -> JobRecord:
    """Return a job as the wire shows it."""
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


def validation(found: QueryValidation) -> Validation:
    """Return what is known of SQL as the wire shows it."""
    return Validation(
        valid=found.failure is None,
        checked=found.checked,
        deterministic=found.deterministic,
        not_deterministic=list(found.not_deterministic),
        columns=_columns(found.columns),
        tables=list(found.tables),
        dataset_ids=list(found.dataset_ids),
        estimated_rows=found.estimated_rows,
        advice=list(found.advice),
        error=None if found.failure is None else ErrorRecord(**found.failure.as_dict()),
    )


def exact(values: Mapping[str, Any]) -> dict[str, Any]:
    """Write integers that a JavaScript reader would round as strings.

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
    """Tell how far a job is, in every status: queued, its stage while it runs, its end."""
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
