"""The builder of child tasks: resolves what a job reads, fetches its files, sets the limits."""

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
from syndb_service.domain.jobs import Format, Job, JobRequest
from syndb_service.domain.result_references import replace_references
from syndb_service.domain.table_schema import VIEWS
from syndb_service.settings import Settings
from syndb_service.warehouse import DatasetStore, ProgressCallback


@dataclass(frozen=True)
class AttemptInputs:
    """The datasets and tables that an attempt may read, determined before any file is fetched.

    ``identity`` is a digest that is equal for queries with equal results: text, parameters, format, engine
    and the content of every file.
    """

    datasets: Sequence[Dataset]
    tables: frozenset[str]
    identity: str | None


@dataclass(frozen=True)
class PreparedTask:
    """A child task whose files are on this machine, and the visibility of its datasets by id."""

    task: QueryTask | GraphTask
    datasets: Mapping[str, str]


class TaskBuilder:
    """A builder of child tasks: the request, the readable files, the limits."""

    def __init__(
        self, settings: Settings, warehouse: DatasetStore, access: DatasetAccess, stored: ResultReferences
    ) -> None:
        self._settings = settings
        self._warehouse = warehouse
        self._access = access
        self._stored = stored

    def resolve_inputs(self, job: Job) -> AttemptInputs:
        """Return what an attempt reads; for a query, the datasets that it may reach and its owner may read.

        Raises
        ------
        NotFound, DatasetForbidden
            If the dataset of a graph job no longer exists; if the owner may no longer read a dataset.
        """
        owner, request = self._access.owner(job), job.request
        if job.kind is Kind.GRAPH:
            analysed = [self._access.dataset(owner, dataset_id) for dataset_id in request.dataset_ids]
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
        """Require that every result that a query references by ``{{job}}`` still exists.

        Raises
        ------
        InvalidQuery
            If a referenced result was deleted or does not exist.
        """
        self._stored.require(self._access.owner(job), job.request.query or "")

    @contextmanager
    def build(
        self,
        job: Job,
        inputs: AttemptInputs,
        temp_dir: Path,
        on_progress: ProgressCallback,
        check: Callable[[], None] = lambda: None,
    ) -> Iterator[PreparedTask]:
        """Build the task of one attempt; its files stay on this machine until the context ends.

        Parameters
        ----------
        job : Job
            The attempt.
        inputs : AttemptInputs
            What it reads.
        temp_dir : Path
            Its temporary folder.
        on_progress : callable
            Called with fetched and total bytes while datasets are fetched; an error that it raises ends the
            fetch.
        check : callable
            Called while stored results are fetched; an error that it raises ends the fetch.
        """
        visibility = {
            dataset.id: dataset.visibility
            for dataset in inputs.datasets
            if inputs.tables.intersection(dataset.tables)
        }
        stored = self._stored.tables(self._access.owner(job), job.request.query or "", temp_dir, check)
        with self._warehouse.lease(inputs.datasets, inputs.tables, on_progress) as tables:
            sources = {name: tuple(paths) for name, paths in tables.items()}
            sources |= {job_id: (path,) for job_id, path in stored.files.items()}
            files = TaskFiles(sources=sources, temp_dir=str(temp_dir), data_dir=str(self._settings.data_dir))
            task = (
                self._query(job, inputs.datasets, files, stored.results)
                if job.kind is Kind.QUERY
                else self._graph(job, inputs.datasets, files)
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
        """Return the seconds of processor time that a job may use: its time limit times its threads."""
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
        options = job.request.graph_options
        return GraphTask(
            job_id=job.job_id,
            limits=self._limits(job),
            files=files,
            created_at=job.created_at.isoformat(),
            options=options,
            size_is_known=known_to_fit(datasets, options, self._settings.job_memory_bytes),
            datasets=tuple(map(_citation, datasets)),
        )


def _result_identity(request: JobRequest, datasets: Sequence[Dataset], tables: frozenset[str]) -> str | None:
    """Return a digest of everything that a query's result depends on; file names are content digests."""
    if not request.fingerprint:
        return None
    read = {
        dataset.id: [dataset.version, *sorted(file for name in named for file in dataset.tables[name].files)]
        for dataset in datasets
        if (named := tables.intersection(dataset.tables))
    }
    ingredients = [request.fingerprint, request.parameters, request.format, version("duckdb"), read]
    if request.reproducible:
        ingredients.append("reproducible")
    return hashlib.sha256(json.dumps(ingredients, sort_keys=True).encode()).hexdigest()


def _citation(dataset: Dataset) -> Citation:
    return Citation(**{field.name: getattr(dataset, field.name) for field in fields(Citation)})
