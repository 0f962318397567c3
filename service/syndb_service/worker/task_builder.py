"""From a job's row to the task that its child is given."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields
from importlib.metadata import version
from math import ceil
from pathlib import Path
from typing import cast

from syndb_service.auth.dataset_access import DatasetAccess, dataset_forbidden
from syndb_service.auth.result_references import ResultReferences
from syndb_service.domain.child_task import (
    Citation,
    GraphTask,
    QueryTask,
    ReferencedResult,
    TaskFiles,
    TaskLimits,
)
from syndb_service.domain.datasets import Dataset
from syndb_service.domain.graph.connection_sql import READS
from syndb_service.domain.graph.memory_budget import known_to_fit
from syndb_service.domain.job_status import Kind
from syndb_service.domain.jobs import Analysis, Format, Job, JobRequest
from syndb_service.domain.result_references import replace_references
from syndb_service.domain.table_schema import VIEWS
from syndb_service.settings import Settings
from syndb_service.warehouse import DatasetStore, Tick


@dataclass(frozen=True)
class AttemptInputs:
    """What an attempt may read, settled before any file is brought here.

    ``identity`` is what two queries share whose results are the same: text, values, format, engine and the
    content of every file.
    """

    datasets: Sequence[Dataset]
    tables: frozenset[str]
    identity: str | None


@dataclass(frozen=True)
class PreparedTask:
    """A task whose files are on this machine, and the visibility of each dataset behind them, by id."""

    task: QueryTask | GraphTask
    datasets: Mapping[str, str]


class TaskBuilder:
    """Writes tasks: the request, the files that may be read, the limits."""

    def __init__(
        self, settings: Settings, warehouse: DatasetStore, access: DatasetAccess, stored: ResultReferences
    ) -> None:
        self._settings = settings
        self._warehouse = warehouse
        self._access = access
        self._stored = stored

    def resolve_inputs(self, job: Job) -> AttemptInputs:
        """Settle what an attempt reads: of a query the datasets that it can reach and its owner may see.

        Raises
        ------
        NotFound, DatasetForbidden
            If the dataset of a graph job is gone; if its owner may no longer see what it asks for.
        """
        owner, request = self._access.owner(job), job.request
        if job.kind is Kind.GRAPH:
            analysed = [self._access.dataset(owner, each) for each in request.dataset_ids]
            return AttemptInputs(analysed, frozenset(READS), None)
        for dataset_id in request.reach or ():
            if self._access.is_forbidden(owner, dataset_id):
                raise dataset_forbidden(dataset_id)
        datasets = [
            dataset
            for dataset in self._access.datasets(owner)
            if request.reach is None or dataset.id in request.reach
        ]
        tables = frozenset(VIEWS[name].source if name in VIEWS else name for name in request.tables)
        return AttemptInputs(datasets, tables, _result_identity(request, datasets, tables))

    def require_references(self, job: Job) -> None:
        """Return if every result that a query reads by ``{{job}}`` is still there.

        Raises
        ------
        InvalidQuery
            If one was destroyed, or is gone.
        """
        self._stored.require(self._access.owner(job), job.request.query or "")

    @contextmanager
    def build(
        self,
        job: Job,
        reads: AttemptInputs,
        temp_dir: Path,
        tick: Tick,
        check: Callable[[], None] = lambda: None,
    ) -> Iterator[PreparedTask]:
        """Give the task of one attempt; its files stay on this machine as long as the context lasts.

        Parameters
        ----------
        job : Job
            The attempt.
        reads : Reads
            What it reads.
        temp_dir : Path
            Its temporary folder.
        tick : callable
            Told how far the files are that have to be brought here; what it raises ends the lease.
        check : callable
            Called while stored results are brought here, likewise.
        """
        visibility = {
            dataset.id: dataset.visibility
            for dataset in reads.datasets
            if reads.tables.intersection(dataset.tables)
        }
        stored = self._stored.tables(self._access.owner(job), job.request.query or "", temp_dir, check)
        with self._warehouse.lease(reads.datasets, reads.tables, tick) as tables:
            sources = {name: tuple(paths) for name, paths in tables.items()}
            sources |= {job_id: (path,) for job_id, path in stored.files.items()}
            files = TaskFiles(sources=sources, temp_dir=str(temp_dir), data_dir=str(self._settings.data_dir))
            task = (
                self._query(job, reads.datasets, files, stored.results)
                if job.kind is Kind.QUERY
                else self._graph(job, reads.datasets, files)
            )
            yield PreparedTask(task, {**stored.datasets, **visibility})

    def _limits(self, job: Job) -> TaskLimits:
        return TaskLimits(
            memory_bytes=self._settings.job_memory_bytes,
            address_space_bytes=self._settings.job_address_space_bytes,
            threads=1 if job.request.one_thread else self._settings.threads,
            cpu_s=self._cpu_s(job),
            temp_bytes=self._settings.job_temp_bytes,
        )

    def _cpu_s(self, job: Job) -> int:
        """Return the processor time that a job may use, in seconds: its time limit on all its threads."""
        return ceil((job.request.time_limit_s or self._settings.time_limit_s) * self._settings.threads)

    def _query(
        self,
        job: Job,
        datasets: Sequence[Dataset],
        files: TaskFiles,
        results: Mapping[str, ReferencedResult],
    ) -> QueryTask:
        query = job.request.query or ""
        return QueryTask(
            job_id=job.job_id,
            limits=self._limits(job),
            files=files,
            created_at=job.created_at.isoformat(),
            sql=replace_references(query),
            original_sql=query,
            parameters=job.request.parameters,
            format=cast("Format", job.request.format),
            max_query_bytes=self._settings.max_query_bytes,
            datasets=tuple(map(_citation, datasets)),
            results=results,
            reproducible=job.request.reproducible,
        )

    def _graph(self, job: Job, datasets: Sequence[Dataset], files: TaskFiles) -> GraphTask:
        return GraphTask(
            job_id=job.job_id,
            limits=self._limits(job),
            files=files,
            created_at=job.created_at.isoformat(),
            analysis=cast("Analysis", job.request.analysis),
            options=job.request.options,
            size_is_known=known_to_fit(datasets, job.request.options, self._settings.job_memory_bytes),
            datasets=tuple(map(_citation, datasets)),
        )


def _result_identity(request: JobRequest, datasets: Sequence[Dataset], tables: frozenset[str]) -> str | None:
    """Return a digest of what a query's result depends on; a file's name is its content's digest."""
    if not request.fingerprint:
        return None
    read = {
        dataset.id: [dataset.version, *sorted(file for name in named for file in dataset.tables[name].files)]
        for dataset in datasets
        if (named := tables.intersection(dataset.tables))
    }
    made_of = [request.fingerprint, request.parameters, request.format, version("duckdb"), read]
    if request.reproducible:
        made_of.append("reproducible")
    return hashlib.sha256(json.dumps(made_of, sort_keys=True).encode()).hexdigest()


def _citation(dataset: Dataset) -> Citation:
    return Citation(**{each.name: getattr(dataset, each.name) for each in fields(Citation)})
