"""The job service: submit, validate, get, cancel, change, rerun jobs of a principal; read their results."""

from __future__ import annotations

import hashlib
import json
import logging
import uuid
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from typing import Any

from syndb_service.auth.dataset_access import DatasetAccess, dataset_forbidden
from syndb_service.auth.result_references import ResultReferences
from syndb_service.broker import JobDispatcher
from syndb_service.domain.access import Principal
from syndb_service.domain.datasets import Dataset, nearest_datasets
from syndb_service.domain.graph.memory_budget import require_budget
from syndb_service.domain.job_status import Kind, Status
from syndb_service.domain.jobs import Failure, Job, JobRequest, Result
from syndb_service.domain.query_advice import estimated_rows, join_advice, query_advice, referenced_datasets
from syndb_service.domain.query_check import QueryValidation
from syndb_service.domain.reproducibility import (
    Reproducibility,
    check_notes,
    is_graph_deterministic,
    is_volatile,
    refuse_volatile,
    settle_threads,
)
from syndb_service.domain.result_availability import preview_unavailable, result_unavailable
from syndb_service.domain.result_parts import FilePart
from syndb_service.domain.result_references import replace_references
from syndb_service.errors import (
    Conflict,
    DatasetForbidden,
    InvalidQuery,
    InvalidRequest,
    NotFound,
    TooLarge,
    TransientError,
)
from syndb_service.jobs.connection_counter import ConnectionCounter
from syndb_service.jobs.query_checker import CheckedQuery, QueryChecker
from syndb_service.jobs.result_file import ResultFile
from syndb_service.result_integrity import Integrity
from syndb_service.results import ResultStore
from syndb_service.settings import Settings
from syndb_service.store import JobStore, Submission

log = logging.getLogger(__name__)


class JobService:
    """The operations of a principal on jobs and results."""

    def __init__(
        self,
        settings: Settings,
        store: JobStore,
        results: ResultStore,
        access: DatasetAccess,
        checker: QueryChecker,
        counter: ConnectionCounter,
        references: ResultReferences,
        integrity: Integrity,
        dispatcher: JobDispatcher,
    ) -> None:
        self._settings = settings
        self._store = store
        self._results = results
        self._access = access
        self._checker = checker
        self._counter = counter
        self._references = references
        self._integrity = integrity
        self._dispatcher = dispatcher

    def submit(
        self,
        principal: Principal,
        request: JobRequest,
        *,
        label: str | None = None,
        idempotency_key: str | None = None,
    ) -> tuple[Job, bool]:
        """Submit a job; return it, and whether it is new (an idempotent repetition is not).

        A repetition returns the same job, even if its dataset was removed or its result has expired.

        Raises
        ------
        InvalidQuery, InvalidRequest, TooLarge, GraphTooLarge
            If the request can't run as it is. Nothing is stored then.
        NotFound
            If a dataset does not exist.
        DatasetForbidden
            If a dataset is restricted and the principal is not one of its readers.
        Conflict
            If the idempotency key was used with another request.
        """
        submission = Submission(
            owner=principal.user,
            request=request,
            label=label,
            idempotency_key=idempotency_key,
            body_sha256=_digest([request.as_dict(), label]),
        )
        return self._insert(principal, submission)

    def rerun(
        self, principal: Principal, job_id: str, idempotency_key: str | None = None
    ) -> tuple[Job, bool]:
        """Submit the same request as a new job; access to its datasets is checked again.

        Raises
        ------
        DatasetForbidden
            If the principal has lost access to a dataset that the job read.
        """
        job = self.get(principal, job_id)
        submission = Submission(
            owner=principal.user,
            request=replace(job.request, reuse=False),
            label=job.label,
            rerun_of=job.job_id,
            idempotency_key=idempotency_key,
            body_sha256=_digest(["rerun", job.job_id]),
        )
        return self._insert(principal, submission, job)

    def validate(self, principal: Principal, request: JobRequest) -> QueryValidation:
        """Check a query as :meth:`submit` does, without a job; return its columns, tables, size and advice.

        Raises
        ------
        InvalidRequest, TooLarge
            If the time limit or the size of the query is not allowed.
        """
        self._check_limits(request)
        try:
            checked = self._check(principal, request, describe=True)
            self._check_dataset_ids(principal, checked)
            refuse_volatile(request, checked.volatile)
        except (InvalidQuery, DatasetForbidden) as error:
            return QueryValidation(failure=Failure.from_error(error))
        outline, datasets = checked.outline, self.datasets(principal)
        runs = _runs(request, checked, datasets)
        return QueryValidation(
            columns=checked.columns,
            tables=checked.tables,
            dataset_ids=[
                dataset.id
                for dataset in referenced_datasets(outline, checked.tables, datasets, checked.loose)
            ],
            estimated_rows=estimated_rows(outline, datasets),
            advice=[
                *(join_advice(checked.loose, checked.tables, datasets) if outline.chooses_datasets else ()),
                *query_advice(outline, checked.tables, datasets),
                *check_notes(request, complete=checked.complete),
            ],
            checked=checked.complete,
            deterministic=runs.deterministic,
            not_deterministic=runs.not_deterministic,
        )

    def get(self, principal: Principal, job_id: str) -> Job:
        """Return one of the principal's jobs.

        Raises
        ------
        NotFound
            If there is none of that id, or another user owns it; the error is the same.
        """
        return self._store.get(_canonical_job_id(job_id), principal.user)

    def several(self, principal: Principal, job_ids: Collection[str]) -> Mapping[str, Job]:
        """Return those of these jobs that the principal owns, by their canonical ids, in one read."""
        return self._store.several(job_ids, principal.user)

    def list(
        self,
        principal: Principal,
        *,
        statuses: Collection[Status] = (),
        kind: Kind | None = None,
        label: str | None = None,
        created_after: datetime | None = None,
        limit: int = 50,
        cursor: str | None = None,
    ) -> tuple[Sequence[Job], str | None]:
        """Return a page of the principal's jobs, newest first, and the next page's cursor."""
        return self._store.list(
            principal.user,
            statuses=statuses,
            kind=kind,
            label=label,
            created_after=created_after,
            limit=limit,
            cursor=cursor,
        )

    def cancel(self, principal: Principal, job_id: str) -> Job:
        """Cancel a job; a final one stays unchanged."""
        return self._store.request_cancel(_canonical_job_id(job_id), principal.user)

    def result(self, principal: Principal, job_id: str, part: str | None = None) -> ResultFile:
        """Return the file of a completed job, or a part of it by its name.

        Raises
        ------
        Conflict
            If the job is not finished, has failed or was cancelled.
        Expired
            If the result was deleted.
        NotFound
            If the result has no such part.
        DatasetForbidden
            If the principal has lost access to a dataset that the job read.
        """
        job = self.get(principal, job_id)
        self._access.check(principal, job)
        error = result_unavailable(job)
        if error is not None or job.result is None:
            raise error or NotFound("the job has no result", code="job_not_found")
        return ResultFile(job, job.result, self._integrity, None if part is None else _part(job.result, part))

    def preview(self, principal: Principal, job_id: str) -> bytes:
        """Return the first rows of a query job as an Arrow file, also while it runs.

        Raises
        ------
        Conflict
            If the job has no preview yet, or will have none.
        Expired
            If the result was deleted.
        DatasetForbidden
            If the principal has lost access to a dataset that the job read.
        """
        job = self.get(principal, job_id)
        self._access.check(principal, job)
        data = self._store.previews.get_preview(job.job_id) if job.kind is Kind.QUERY else None
        if data is None:
            raise preview_unavailable(job)
        return data

    def change(self, principal: Principal, job_id: str, changes: Mapping[str, Any]) -> Job:
        """Change a job's ``label``, or the expiry of its result.

        The new expiry is ``expires_at``, or ``keep_hours`` hours from now by the clock that stamps the rows.

        Raises
        ------
        InvalidRequest
            If the expiry is in the past or after the maximum.
        Conflict, Expired
            If the job has no stored result.
        """
        job = self.get(principal, job_id)
        changes = dict(changes)
        if "keep_hours" in changes:
            changes["expires_at"] = self._store.retention.timestamp_after(changes.pop("keep_hours"))
        if "expires_at" in changes:
            self._check_expiry(job, changes["expires_at"])
        if not changes:
            return job
        job, possible = self._store.retention.change(job.job_id, principal.user, changes)
        if not possible:
            raise result_unavailable(job) or Conflict("the result can't be kept longer")
        return job

    def purge(self, principal: Principal, job_id: str) -> Job:
        """Delete a job's result now: mark the row first, then delete the file. The record is kept."""
        job, destroyed = self._store.retention.purge(_canonical_job_id(job_id), principal.user)
        if destroyed and job.result is not None:
            try:
                self._results.delete(job.result.key)
            except TransientError as error:
                log.warning("job %s: deletion of its file is left to the sweeper: %s", job.job_id, error)
        return job

    def datasets(self, principal: Principal) -> Sequence[Dataset]:
        """Return the datasets that the principal may query."""
        return self._access.datasets(principal)

    def dataset(self, principal: Principal, dataset_id: str) -> Dataset:
        """Return one dataset that the principal may query.

        Raises
        ------
        InvalidRequest
            If the id is no UUID.
        DatasetForbidden
            If it is restricted and the principal is not one of its readers.
        NotFound
            If there is none of that id.
        """
        return self._access.dataset(principal, dataset_id)

    def _insert(
        self, principal: Principal, submission: Submission, rerun: Job | None = None
    ) -> tuple[Job, bool]:
        """Return the earlier job with the same idempotency key, or check the request and insert a job."""
        earlier = self._store.find_by_idempotency_key(submission)
        if earlier is not None:
            return earlier, False
        if rerun is not None:
            self._access.check(principal, rerun)
        submission = replace(submission, request=self._with_check(principal, submission.request))
        job, new = self._store.insert(submission, self._settings.max_open_jobs)
        if new and not self._dispatcher.dispatch(job.job_id):
            with suppress(TransientError):  # the job is accepted, with or without this note
                self._store.attempts.record_broker_outage(job.job_id, self._dispatcher.unavailable_reason)
        return job, new

    def _with_check(self, principal: Principal, request: JobRequest) -> JobRequest:
        """Check a request, and return it with the findings of the check."""
        self._check_limits(request)
        if request.kind is Kind.GRAPH:
            datasets = [self._access.dataset(principal, key) for key in request.dataset_ids or ("",)]
            options = request.graph_options
            require_budget(datasets, options, self._settings.job_memory_bytes, self._counter.count)
            return replace(request, deterministic=is_graph_deterministic(options))
        checked = self._check(principal, request)
        self._check_dataset_ids(principal, checked)
        refuse_volatile(request, checked.volatile)
        readable = self.datasets(principal)
        warnings = join_advice(checked.loose, checked.tables, readable) if checked.loose else []
        runs = _runs(request, checked, readable)
        return replace(
            request,
            tables=checked.tables,
            reach=checked.reach,
            fingerprint="" if is_volatile(runs, checked.volatile) else checked.fingerprint,
            advice=(*warnings, *check_notes(request, complete=checked.complete)),
            checked=checked.complete,
            deterministic=runs.deterministic,
            not_deterministic=runs.not_deterministic,
            one_thread=runs.one_thread,
        )

    def _check(self, principal: Principal, request: JobRequest, *, describe: bool = False) -> CheckedQuery:
        query = request.query or ""
        schemas = self._references.schemas(principal, query)
        return self._checker.check(
            replace_references(query),
            request.parameters,
            result_schemas=schemas,
            owner=principal.user,
            describe=describe,
            file_format=request.format,
        )

    def _check_dataset_ids(self, principal: Principal, checked: CheckedQuery) -> None:
        """Require that a query compares ``dataset_id`` with ids only: anything else would match no row."""
        if not checked.dataset_ids and not checked.dataset_values:
            return
        datasets = self.datasets(principal)
        known, ids_by_name = (
            {dataset.id for dataset in datasets},
            {dataset.name: dataset.id for dataset in datasets},
        )
        named_values = [value for value in checked.dataset_values if value[0] in ids_by_name]
        for text, line, column in (*checked.dataset_ids, *named_values):
            if text in known:
                continue
            if text in ids_by_name:
                message = f"{text!r} is the name of a dataset; dataset_id holds its id"
                hint: str | None = f"Write '{ids_by_name[text]}'."
            elif self._access.is_forbidden(principal, text):
                raise dataset_forbidden(text.lower())
            else:
                message, hint = f"there is no dataset with the id {text!r}", nearest_datasets(text, datasets)
            raise InvalidQuery(message, hint=hint, line=line, column=column, code="unknown_dataset")

    def _check_expiry(self, job: Job, expires_at: datetime) -> None:
        error = result_unavailable(job)
        if error is not None:
            raise error
        first, last = self._store.retention.expiry_range(job, self._settings.max_result_ttl_hours)
        if not first < expires_at <= last:
            raise InvalidRequest(
                f"expires_at is {_format_timestamp(expires_at)}; this result can be kept until "
                f"{_format_timestamp(last)}",
                code="invalid_expires_at",
                hint="Choose a time between now and then; DELETE with ?purge=true destroys it now.",
            )

    def _check_limits(self, request: JobRequest) -> None:
        longest = self._settings.max_time_limit_s
        if request.time_limit_s is not None and request.time_limit_s > longest:
            raise InvalidRequest(
                f"time_limit_s is {request.time_limit_s:.15g}; at most {longest:.15g} seconds are allowed"
            )
        size, limit = len((request.query or "").encode("utf-8", "replace")), self._settings.max_query_bytes
        if size > limit:
            raise TooLarge(
                f"the query has {size:,} bytes; at most {limit:,} are taken",
                hint="Put long lists of ids into a join or a range, or split the query.",
            )


def _runs(request: JobRequest, checked: CheckedQuery, datasets: Sequence[Dataset]) -> Reproducibility:
    planned = Reproducibility(checked.deterministic, checked.not_deterministic)
    reads = (checked.tables, datasets, checked.reach)
    return settle_threads(request, planned, checked.linear, checked.volatile, *reads)


def _part(result: Result, name: str) -> FilePart:
    for part in result.parts:
        if part.name == name:
            return part
    raise NotFound(
        f"the result has no part {name!r}",
        code="part_not_found",
        hint='A graph job that is submitted with "node_table": true has the part neurons.',
    )


def _digest(body: object) -> str:
    return hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()


def _format_timestamp(timestamp: datetime) -> str:
    return f"{timestamp:%Y-%m-%dT%H:%M:%SZ}"


def _canonical_job_id(job_id: str) -> str:
    try:
        return str(uuid.UUID(job_id))
    except ValueError:
        raise NotFound(
            f"there is no job {job_id[:64]!r} of yours",
            code="job_not_found",
            hint="Job ids look like 6e1f0a52-0b7c-4c1e-9d0e-0a4f2f0c7b11; GET /v1/jobs lists your jobs.",
        ) from None
