"""Stored results that a query reads: whose they are, and where their files lie."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, cast

from syndb_service.auth.dataset_access import DatasetAccess
from syndb_service.domain.access import Principal
from syndb_service.domain.child_task import ReferencedResult
from syndb_service.domain.job_status import Kind
from syndb_service.domain.jobs import Format, Job
from syndb_service.domain.result_availability import lost, result_unavailable
from syndb_service.domain.result_references import Reference, distinct_references
from syndb_service.errors import Expired, InvalidQuery, NotStored, UsageError
from syndb_service.result_integrity import Integrity
from syndb_service.results import ResultStore
from syndb_service.store import JobStore

MAX_REFERENCES: Final = 100
"""Different results that one query may read."""
READABLE: Final = frozenset({"arrow", "parquet"})


@dataclass(frozen=True, slots=True)
class ReferencedResults:
    """The results that one attempt reads, by job id."""

    files: Mapping[str, str]
    results: Mapping[str, ReferencedResult]
    datasets: Mapping[str, str]


class ResultReferences:
    """Finds the results that SQL names by their jobs, for those who may see them.

    Parameters
    ----------
    store : JobStore
        The jobs.
    results : ResultStore
        Their files.
    access : Access
        Who may see what they read.
    integrity : Integrity
        Whether the files are what was written.
    """

    def __init__(
        self, store: JobStore, results: ResultStore, access: DatasetAccess, integrity: Integrity
    ) -> None:
        self._store = store
        self._results = results
        self._access = access
        self._integrity = integrity

    def schemas(self, principal: Principal, query: str) -> dict[str, str]:
        """Return, by job id, a small Arrow file (base64) with the columns of each result that a query reads.

        Raises
        ------
        InvalidQuery
            If there is no such job, or it has no table that can be read; with the place in the SQL.
        DatasetForbidden
            If the access to what it read was withdrawn.
        """
        named = self._jobs(principal, query)
        previews = self._store.previews.several_previews([job.job_id for _, job in named])
        found = {}
        for reference, job in named:
            preview = previews.get(job.job_id)
            if preview is None:
                raise _unreadable_reference(reference, "its rows are too wide to be read from SQL")
            found[job.job_id] = base64.b64encode(preview).decode()
        return found

    def tables(
        self, principal: Principal, query: str, temp_dir: Path, check: Callable[[], None] = lambda: None
    ) -> ReferencedResults:
        """Return where the files lie that a query reads; those that lie elsewhere are brought here.

        ``check`` is called between their pieces; what it raises ends it.

        Raises
        ------
        InvalidQuery, DatasetForbidden
            As :meth:`schemas`: a result may have gone since the query was submitted.
        TransientError
            If the store does not give a file.
        """
        files: dict[str, str] = {}
        results: dict[str, ReferencedResult] = {}
        datasets: dict[str, str] = {}
        for reference, job in self._jobs(principal, query):
            if job.result is None:
                continue
            try:
                files[job.job_id] = str(self._local_path(job, job.result.key, temp_dir, check))
            except (Expired, NotStored) as error:
                refusal = error if isinstance(error, Expired) else lost(job)
                raise _unreadable_reference(reference, refusal.message, refusal) from error
            datasets |= dict(job.datasets or {})
            results[job.job_id] = ReferencedResult(
                format=cast("Format", job.result.format),
                sha256=job.result.sha256,
                query=job.request.query,
                created_at=job.created_at.isoformat(),
            )
        return ReferencedResults(files, results, datasets)

    def require(self, principal: Principal, query: str) -> None:
        """Return if every result that a query reads is still there.

        Raises
        ------
        InvalidQuery, DatasetForbidden
            As :meth:`schemas`.
        """
        for reference, job in self._jobs(principal, query):
            try:
                if job.result is not None:
                    self._results.state(job.result.key)
            except NotStored as error:
                raise _unreadable_reference(reference, lost(job).message, lost(job)) from error

    def _local_path(self, job: Job, key: str, temp_dir: Path, check: Callable[[], None]) -> Path:
        path = self._results.path(key)
        if path is not None:
            self._integrity.require(job)
            return path
        temp_dir.mkdir(parents=True, exist_ok=True)
        path = temp_dir / f"{job.job_id}.stored"
        with self._integrity.open(job) as opened, path.open("wb") as file:
            for chunk in opened.chunks:
                check()
                file.write(chunk)
        return path

    def _jobs(self, principal: Principal, query: str) -> list[tuple[Reference, Job]]:
        """Return each job that a query names, once, with where it is named first."""
        named = distinct_references(query)
        if len(named) > MAX_REFERENCES:
            raise _unreadable_reference(
                named[MAX_REFERENCES],
                f"the query names {len(named):,} results; at most {MAX_REFERENCES:,} are taken",
                hint="Read some of them in a job of its own, and name its result.",
            )
        jobs = self._store.several([reference.job_id for reference in named], principal.user)
        return [(reference, self._readable(principal, reference, jobs)) for reference in named]

    def _readable(self, principal: Principal, reference: Reference, jobs: Mapping[str, Job]) -> Job:
        job = jobs.get(reference.job_id)
        if job is None:
            raise _unreadable_reference(reference, "there is no such job of yours", code="job_not_found")
        self._access.check(principal, job)
        refusal = result_unavailable(job)
        if refusal is not None:
            raise _unreadable_reference(reference, refusal.message, refusal)
        if job.kind is not Kind.QUERY:
            raise _unreadable_reference(reference, "it is a graph analysis, and its result is no table")
        if job.result is None or job.result.format not in READABLE:
            raise _unreadable_reference(
                reference, "its result is CSV, which has no types; submit it again as arrow"
            )
        return job


def _unreadable_reference(
    reference: Reference,
    why: str,
    refusal: UsageError | None = None,
    code: str | None = None,
    hint: str | None = None,
) -> InvalidQuery:
    return InvalidQuery(
        f"{{{{{reference.job_id}}}}} can't be read: {why}",
        hint=hint if refusal is None else "Wait until it is completed, or run it again.",
        line=reference.line,
        column=reference.column,
        code=code or (refusal.error_code if refusal is not None else None),
    )
