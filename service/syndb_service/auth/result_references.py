"""Result references: the stored results that a query reads, the rights to them, and their files."""

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
"""Results that one query may read."""
READABLE: Final = frozenset({"arrow", "parquet"})


@dataclass(frozen=True, slots=True)
class ReferencedResults:
    """The results that one attempt reads, by job id."""

    files: Mapping[str, str]
    results: Mapping[str, ReferencedResult]
    datasets: Mapping[str, str]


class ResultReferences:
    """Finds the results that SQL references by job ids, if the principal may see them.

    Parameters
    ----------
    store : JobStore
        The jobs.
    results : ResultStore
        Their files.
    access : DatasetAccess
        Checks access to the datasets that the jobs read.
    integrity : Integrity
        Checks that the files have not changed.
    """

    def __init__(
        self, store: JobStore, results: ResultStore, access: DatasetAccess, integrity: Integrity
    ) -> None:
        self._store = store
        self._results = results
        self._access = access
        self._integrity = integrity

    def schemas(self, principal: Principal, query: str) -> dict[str, str]:
        """Return the preview (an Arrow file in base64) of each result that a query reads, by job id.

        Raises
        ------
        InvalidQuery
            If the job does not exist or has no readable table; with the position in the SQL.
        DatasetForbidden
            If access to a dataset that the job read was withdrawn.
        """
        referenced = self._jobs(principal, query)
        previews = self._store.previews.several_previews([job.job_id for _, job in referenced])
        found = {}
        for reference, job in referenced:
            preview = previews.get(job.job_id)
            if preview is None:
                raise _unreadable_reference(reference, "its rows are too wide to be read from SQL")
            found[job.job_id] = base64.b64encode(preview).decode()
        return found

    def tables(
        self, principal: Principal, query: str, temp_dir: Path, check: Callable[[], None] = lambda: None
    ) -> ReferencedResults:
        """Return the files of the results that a query reads; download those that are not local.

        ``check`` is called after each chunk of a download; an exception of it ends the download.

        Raises
        ------
        InvalidQuery, DatasetForbidden
            As :meth:`schemas`: a result may have been destroyed since the query was submitted.
        TransientError
            If the store is unavailable.
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
                cause = error if isinstance(error, Expired) else lost(job)
                raise _unreadable_reference(reference, cause.message, cause) from error
            datasets |= dict(job.datasets or {})
            results[job.job_id] = ReferencedResult(
                format=cast("Format", job.result.format),
                sha256=job.result.sha256,
                query=job.request.query,
                created_at=job.created_at.isoformat(),
            )
        return ReferencedResults(files, results, datasets)

    def require(self, principal: Principal, query: str) -> None:
        """Require that every result that a query reads is still stored.

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
        """Return each job that a query references, with its first reference."""
        references = distinct_references(query)
        if len(references) > MAX_REFERENCES:
            raise _unreadable_reference(
                references[MAX_REFERENCES],
                f"the query names {len(references):,} results; at most {MAX_REFERENCES:,} are taken",
                hint="Read some of them in a job of its own, and name its result.",
            )
        jobs = self._store.several([reference.job_id for reference in references], principal.user)
        return [(reference, self._readable(principal, reference, jobs)) for reference in references]

    def _readable(self, principal: Principal, reference: Reference, jobs: Mapping[str, Job]) -> Job:
        job = jobs.get(reference.job_id)
        if job is None:
            raise _unreadable_reference(reference, "there is no such job of yours", code="job_not_found")
        self._access.check(principal, job)
        unavailable = result_unavailable(job)
        if unavailable is not None:
            raise _unreadable_reference(reference, unavailable.message, unavailable)
        if job.kind is not Kind.QUERY:
            raise _unreadable_reference(reference, "it is a graph analysis, and its result is no table")
        if job.result is None or job.result.format not in READABLE:
            raise _unreadable_reference(
                reference, "its result is CSV, which has no types; submit it again as arrow"
            )
        return job


def _unreadable_reference(
    reference: Reference,
    message: str,
    cause: UsageError | None = None,
    code: str | None = None,
    hint: str | None = None,
) -> InvalidQuery:
    return InvalidQuery(
        f"{{{{{reference.job_id}}}}} can't be read: {message}",
        hint=hint if cause is None else "Wait until it is completed, or run it again.",
        line=reference.line,
        column=reference.column,
        code=code or (cause.error_code if cause is not None else None),
    )
