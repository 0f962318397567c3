"""The backend of a composer: fetches the schema, checks drafts and submits them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, Literal, Protocol, cast

from syndb_lab.datasets import Datasets
from syndb_lab.errors import ParameterError, QueryError
from syndb_lab.job_handle import JobHandle
from syndb_lab.notebook.composer import check_result
from syndb_lab.notebook.composer.draft import Draft, entries, values
from syndb_lab.notebook.composer.graph_form import graph_form, graph_options, missing_options
from syndb_lab.notebook.composer.schema_catalog import catalogue, examples
from syndb_lab.notebook.notebook_job import NotebookJob
from syndb_lab.sql.dry_run import DryRun
from syndb_lab.sql.references import named_handles

Format = Literal["arrow", "parquet", "csv"]
MAX_JOBS: Final = 50
NO_SCHEMA: Final[dict[str, Any]] = {"datasets": [], "examples": [], "form": {}}


class LabProtocol(Protocol):
    """The methods of ``Lab`` that a composer uses."""

    @property
    def url(self) -> str:
        """Address of the service."""

    def datasets(self) -> Datasets:
        """List the datasets that the user can query."""

    def validate(self, query: str, *, parameters: Mapping[str, Any], jobs: Mapping[str, Any]) -> DryRun:
        """Check a query."""

    def sql(
        self,
        query: str,
        *,
        parameters: Mapping[str, Any],
        jobs: Mapping[str, Any],
        format: Format,  # noqa: A002 - the wire's own word
        label: str | None,
    ) -> NotebookJob:
        """Submit a query."""

    def graph(self, dataset: str, analysis: str, *, label: str | None, **options: Any) -> NotebookJob:
        """Submit a graph analysis."""


class ComposerBackend:
    """Access to one service for a composer.

    Parameters
    ----------
    lab : Lab
        The connection.
    document : callable
        Fetches the service's OpenAPI document.
    namespace : dict
        The notebook's variables, for ``:name`` and ``{{job}}``.
    """

    def __init__(
        self, lab: LabProtocol, document: Callable[[], dict[str, Any]], namespace: Mapping[str, Any]
    ) -> None:
        self._lab = lab
        self._document = document
        self._namespace = namespace
        self._datasets: Datasets | None = None
        self._form: dict[str, Any] = {}

    @property
    def url(self) -> str:
        """Address of the service."""
        return self._lab.url

    @property
    def has_schema(self) -> bool:
        """Whether the schema has been loaded."""
        return self._datasets is not None

    def load_schema(self) -> dict[str, Any]:
        """Fetch the datasets and the graph form, and return the view model of the schema."""
        datasets = self._lab.datasets()
        self._form = graph_form(self._document())
        self._datasets = datasets
        return {
            "state": "here" if datasets else "none",
            "message": ""
            if datasets
            else "There are no datasets yet: syndb-lab dataset add FOLDER adds one.",
            "datasets": catalogue(datasets),
            "examples": examples(datasets, list(self._form["analyses"])),
            "form": self._form,
        }

    def jobs(self) -> list[dict[str, Any]]:
        """List the notebook's query jobs, for ``{{name}}``, with the columns of those that have a result."""
        named = [
            (name, job)
            for name, job in list(self._namespace.items())
            if isinstance(job, JobHandle) and job.kind == "query" and not name.startswith("_")
        ]
        return [
            {"name": name, "columns": (job.record.get("result") or {}).get("columns") or []}
            for name, job in sorted(named, key=lambda pair: pair[0])[:MAX_JOBS]
        ]

    def check(self, draft: Draft) -> dict[str, Any]:
        """Check a draft, and return the check result.

        Raises
        ------
        SyndbError
            The service is unavailable or rejects the request.
        """
        if draft.kind == "graph":
            troubles = graph_options(self._form, draft.analysis, draft.options)[1]
            needed = missing_options(self._form, draft.analysis, draft.options)
            state = "open" if troubles or needed else "ready"
            return check_result.check_result(draft, state, message=needed, troubles=troubles)
        if not draft.sql.strip():
            return check_result.check_result(draft, "empty")
        found = entries(draft, self._namespace, self._ids())
        shown = {"parameters": [entry.to_field() for entry in found]}
        if waiting := self._unfinished_reference(draft.sql):
            message = f"the job {waiting} has not ended yet, so its columns are unknown"
            return check_result.check_result(draft, "unchecked", message=message, **shown)
        missing = "; ".join(entry.message() for entry in found if entry.trouble)
        bound = {entry.name: entry.value for entry in found}
        try:
            run = self._lab.validate(draft.sql, parameters=bound, jobs=self._namespace)
        except (QueryError, ParameterError) as error:
            if missing and error.line is None:
                return check_result.check_result(draft, "open", message=missing, **shown)
            return check_result.check_result(draft, "invalid", **check_result.error_result(error), **shown)
        names = {dataset.id: dataset.name for dataset in self._datasets or ()}
        state = "open" if missing else "valid"
        return check_result.check_result(
            draft, state, message=missing, **check_result.success_result(run, names), **shown
        )

    def submit(self, draft: Draft) -> NotebookJob:
        """Submit a draft.

        Raises
        ------
        SyndbError
            The draft can't run; the error has the position and the reason.
        """
        label = draft.label.strip() or None
        if draft.kind == "graph":
            options, troubles = graph_options(self._form, draft.analysis, draft.options)
            for name, trouble in troubles.items():
                raise ParameterError(f"{name}: {trouble}", hint="Correct it in the form.")
            if needed := missing_options(self._form, draft.analysis, draft.options):
                raise ParameterError(needed, hint="Enter it in the form.")
            return self._lab.graph(draft.dataset_id, draft.analysis, label=label, **options)
        if not draft.sql.strip():
            raise ParameterError("there is no SQL to run", hint="Write a query, or choose an example.")
        if waiting := self._unfinished_reference(draft.sql):
            raise ParameterError(
                f"the job {waiting} has not ended yet",
                hint="Run this query when the job has ended, because it reads the job's result.",
            )
        parameters = values(entries(draft, self._namespace, self._ids()), draft.sql)
        file_format = cast("Format", draft.format)
        return self._lab.sql(
            draft.sql, parameters=parameters, jobs=self._namespace, format=file_format, label=label
        )

    def _ids(self) -> list[str]:
        return [dataset.id for dataset in self._datasets or ()]

    def _unfinished_reference(self, sql: str) -> str | None:
        """Return the name of a referenced job that has not ended; None if all have ended."""
        for name, job in named_handles(sql, self._namespace):
            if not job.done():
                return name
        return None
