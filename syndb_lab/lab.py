"""The client of one service: submit and list jobs, list datasets, open the composer and the monitor."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, Self

import httpx

from syndb_lab.conversion.error_conversion import convert_errors
from syndb_lab.conversion.sql_values import article, format_value, seconds
from syndb_lab.datasets import Dataset, Datasets, is_dataset_id
from syndb_lab.display.listing import Listing
from syndb_lab.errors import ParameterError, QueryError
from syndb_lab.http.error_mapping import query_error
from syndb_lab.http.reconnection import reopen
from syndb_lab.http.transport import Transport
from syndb_lab.job import Job
from syndb_lab.job_listing import job_listing, job_path, resolve_id
from syndb_lab.sql.dry_run import DryRun
from syndb_lab.sql.parameters import BoundQuery, bind, require_values
from syndb_lab.sql.references import bind_references
from syndb_lab.sql.row_limit import LimitedQuery, limit_query
from syndb_lab.user_data import job_journal

if TYPE_CHECKING:
    from syndb_lab.notebook.composer import Composer
    from syndb_lab.notebook.monitor import Monitor

Format = Literal["arrow", "parquet", "csv"]


@convert_errors
class Lab:
    """A connection to a service, as one user.

    Parameters
    ----------
    url : str
        Address of the service.
    token : str, optional
        An API token.
    mount : httpx.BaseTransport, optional
        The httpx transport that sends the requests, in tests.

    Notes
    -----
    It may be used by several threads and processes; each process opens its own connections. A process may
    fork while other threads use it. If a process has used polars, its forked children can't: ``to_polars()``
    raises there. Other libraries may not support forks either; ``multiprocessing.get_context("spawn")``
    starts processes that inherit nothing.

    Examples
    --------
    >>> from syndb_lab import connect
    >>> with connect() as lab:
    ...     lab.graph("celegans_varshney_2011").answer()["connection_count"]
    2194
    """

    def __init__(
        self, url: str, token: str | None = None, *, mount: httpx.BaseTransport | None = None
    ) -> None:
        self._transport = Transport(url, token, mount=mount)

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle the address; loading takes the token stored for that address."""
        return _lab, (type(self), self._transport.url, self._transport.key)

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return self

    @property
    def url(self) -> str:
        """Address of the service."""
        return self._transport.url

    def __repr__(self) -> str:
        return f"Lab({self.url!r})"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection; the jobs go on."""
        self._transport.close()

    def health(self) -> dict[str, Any]:
        """Fetch the health of the service.

        Examples
        --------
        >>> lab.health()["status"]
        'ok'
        """
        health: dict[str, Any] = self._transport.get("/health")
        return health

    def sql(
        self,
        query: str,
        *,
        parameters: Mapping[str, Any] | None = None,
        jobs: Mapping[str, Job | str] | None = None,
        format: Format = "arrow",  # noqa: A002 - the wire's own word
        label: str | None = None,
        time_limit_s: float | None = None,
        limit: int | None = None,
        reproducible: bool = False,
        wait: bool = False,
    ) -> Job:
        """Submit a query.

        Parameters
        ----------
        query : str
            One SELECT in DuckDB's SQL.
        parameters : mapping, optional
            Values for ``:name`` (or ``$name``) in it: numbers, text, dates, times, true or false, None, or
            lists. A date, a time or a ``Decimal`` keeps its type: the query is sent with
            ``CAST($name AS DATE)``.
        jobs : mapping, optional
            Finished jobs (or their ids) for ``{{name}}`` in it: ``FROM {{name}}`` reads the stored result
            instead of running the query again.
        format : {'arrow', 'parquet', 'csv'}
            Format of the result file; ``docs/types.md`` lists how each type is stored.
        label : str, optional
            A name for the job.
        time_limit_s : float, optional
            Maximum run time in seconds; a job that exceeds it fails.
        limit : int, optional
            Maximum number of rows: the first ones in the query's own order.
        reproducible : bool
            Make each run on the same data write the same file, byte by byte. The job then runs on one thread,
            which may take several times as long. Without it, sums of floating-point numbers and the order of
            rows may differ between runs; ``job.record["not_deterministic"]`` names what may.
        wait : bool
            Whether to wait until the job ends.

        Returns
        -------
        Job
            The submitted job; with ``wait`` it has ended.

        Raises
        ------
        QueryError
            The SQL is invalid or not allowed; the message says where and why.
        ParameterError
            A value can't be bound, or an argument is invalid.

        Examples
        --------
        >>> query = "SELECT name FROM neurons WHERE dataset_id = :worm AND cell_class = :kind"
        >>> worm = lab.datasets().named("celegans_varshney_2011").id
        >>> lab.sql(query, parameters={"worm": worm, "kind": "motor"}).to_polars().height
        117
        >>> motor = lab.sql(query, parameters={"worm": worm, "kind": "motor"}, wait=True)
        >>> lab.sql("SELECT min(name) AS first FROM {{motor}}", jobs={"motor": motor}).to_polars().item()
        'AS1'
        """
        options = {"format": format, **drop_none(label=label, time_limit_s=seconds(time_limit_s))}
        if not isinstance(reproducible, bool):
            raise ParameterError(
                f"reproducible is {format_value(reproducible)}; it takes True or False",
                hint="For example: lab.sql(query, reproducible=True).",
            )
        if reproducible:
            options["reproducible"] = True
        if isinstance(query, str) and isinstance(parameters, Mapping | None):
            require_values(query, parameters or {})
        job = self._to_job(self._send_sql("/v1/jobs", query, parameters, jobs, limit, options))
        return job.wait() if wait else job

    def validate(
        self,
        query: str,
        *,
        parameters: Mapping[str, Any] | None = None,
        jobs: Mapping[str, Job | str] | None = None,
        limit: int | None = None,
    ) -> DryRun:
        """Check a query without running it: its columns, its tables, the estimated number of rows.

        Raises
        ------
        QueryError
            The SQL is invalid or not allowed; the message says where and why.

        Examples
        --------
        >>> lab.validate("SELECT name FROM neurons").columns
        {'name': 'string'}
        """
        answer = self._send_sql("/v1/jobs/validate", query, parameters, jobs, limit, {})
        return DryRun(answer, lambda: {dataset.id: dataset.name for dataset in self.datasets()})

    def _send_sql(
        self,
        path: str,
        query: str,
        parameters: Mapping[str, Any] | None,
        jobs: Mapping[str, Job | str] | None,
        limit: int | None,
        options: Mapping[str, Any],
    ) -> dict[str, Any]:
        """Send SQL; map the position of an error back to the text that the caller gave."""
        if not isinstance(jobs, Mapping | None):
            raise ParameterError(
                f"jobs is {article(jobs)}, no mapping", hint='For example: jobs={"motor": job}.'
            )
        referred = bind_references(query, jobs or {}) if isinstance(query, str) else BoundQuery(query, {})
        cut = limit_query(referred.sql, limit) if isinstance(query, str) else LimitedQuery(query)
        bound = bind(cut.sql, {} if parameters is None else parameters)
        body = {"query": bound.sql, **drop_none(parameters=bound.values or None), **options}
        try:
            answer: dict[str, Any] = self._transport.post(path, body, query=query)
            if answer.get("valid") is False:
                raise query_error(answer.get("error") or {}, query)
        except QueryError as error:
            column = cut.column(error.line, bound.column(error.line, error.column))
            error.column = referred.column(error.line, column)
            raise
        return answer

    def _to_job(self, record: dict[str, Any]) -> Job:
        job_journal.record_job(record, self.url)
        return Job(self._transport, record)

    def graph(
        self,
        dataset: str | uuid.UUID | Dataset,
        analysis: str = "full",
        *,
        min_synapses: int | None = None,
        max_edges: int | None = None,
        top_hubs: int | None = None,
        seed: int | None = None,
        label: str | None = None,
        time_limit_s: float | None = None,
        **options: Any,
    ) -> Job:
        """Submit a graph analysis of a dataset's connections.

        Parameters
        ----------
        dataset : str, UUID or Dataset
            A name, an id, or one of ``datasets()``.
        analysis : str
            The analysis: ``full``, ``metrics``, ``motifs``, ``hubs``, ``reachability``, ``shortest_path``,
            ``rich_club``, ``communities``, ``compare`` or ``motif_significance``.
        min_synapses : int, optional
            Minimum synapses of a connection; weaker ones are left out.
        max_edges : int, optional
            Reject a graph with more connections: at the submission, or, under filters by neuron or
            transmitter, before the graph is built. No connection is left out.
        top_hubs : int, optional
            Number of hubs to list.
        seed : int, optional
            Seed of random samples.
        label : str, optional
            A name for the job.
        time_limit_s : float, optional
            Maximum run time in seconds; a job that exceeds it fails.
        **options
            Further filters (``neurotransmitter``, ``cell_class``, ``brain_structure``, ``neuron_ids``,
            ``include``); ``node_table=True`` for a table of measures with one row for each neuron
            (``job.to_polars(part="neurons")``); and the options of the analysis, such as ``source`` and
            ``target``, ``samples``, ``keep_reciprocity``, ``resolution``, ``column`` or ``by``. Their names
            are those of the HTTP API.

        Returns
        -------
        Job

        Raises
        ------
        UnknownDataset
            No dataset has this name, or this id.

        Examples
        --------
        >>> path = lab.graph("celegans_varshney_2011", "shortest_path", source="ASEL", target="DA1").answer()
        >>> [neuron["name"] for neuron in path["shortest_path"]["path"]][-1]
        'DA1'
        >>> lab.graph("celegans_varshney_2011", min_synapses=2).answer()["connection_count"]
        1174
        """
        if not isinstance(dataset, str | uuid.UUID | Dataset):
            raise ParameterError(
                f"dataset is {article(dataset)}; it takes a name, an id or one of lab.datasets()",
                hint="lab.datasets() lists them.",
            )
        if isinstance(dataset, str) and not is_dataset_id(dataset):
            dataset = self.datasets().named(dataset)
        dataset_id = dataset.id if isinstance(dataset, Dataset) else str(dataset)
        body = drop_none(
            min_synapses=min_synapses,
            max_edges=max_edges,
            top_hubs=top_hubs,
            seed=seed,
            label=label,
            time_limit_s=seconds(time_limit_s),
        )
        body |= drop_none(**options) | {"dataset_id": dataset_id, "analysis": analysis}
        return self._to_job(self._transport.post("/v1/jobs/graph", body))

    def datasets(self) -> Datasets:
        """List the datasets that you may query.

        Examples
        --------
        >>> [dataset.name for dataset in lab.datasets()]
        ['celegans_varshney_2011', 'celegans_white_1986']
        """
        return Datasets(self._transport.get("/v1/datasets")["datasets"])

    def job(self, job_id: str) -> Job:
        """Open a job by its id, or the beginning of it, wherever it was submitted.

        Raises
        ------
        JobNotFound
            There is no job with this id, or it belongs to another user.

        Examples
        --------
        >>> lab.job(job.id).status
        'completed'
        """
        return Job(self._transport, self._transport.get(job_path(resolve_id(self._transport, job_id))))

    def composer(self, sql: str | None = None) -> Composer:
        """Open an editor in the notebook: SQL with completion and live checks, or a graph analysis.

        It completes tables, columns (also through aliases), datasets and functions, underlines errors while
        you type, lists the columns of the result, and runs the query with Shift-Enter; the job's card appears
        below. A saved notebook keeps the SQL and the card as static HTML. Running the cell again, also in a
        new kernel on the same computer, opens a new editor with the text of the last one.

        Parameters
        ----------
        sql : str, optional
            The first text of the editor. It is ignored if the cell's last editor was opened with the same
            ``sql``: then the editor opens with the text of the last one.

        Returns
        -------
        Composer
            ``sql`` is the text of the editor and can be set; ``job`` is the last job that it ran, or None;
            ``close()`` closes it.

        Raises
        ------
        SyndbError
            The code does not run in a notebook.

        Examples
        --------
        In a notebook::

            composer = lab.composer()
            composer.job.to_polars()  # in a later cell, once something was run
        """
        from syndb_lab.notebook.composer import Composer, in_this_notebook

        namespace = in_this_notebook()
        return Composer(self, lambda: self._transport.get("/openapi.json"), namespace, sql).show()

    def monitor(self, limit: int = 200) -> Monitor:
        """Show your jobs in a live table with filters; each can be cancelled, rerun or loaded.

        Parameters
        ----------
        limit : int
            Maximum number of jobs, up to 500: the newest.

        Returns
        -------
        Monitor
            Its ``close()`` stops the updates and keeps the table.

        Raises
        ------
        ParameterError
            ``limit`` is no number from 1 to 500.
        """
        from syndb_lab.notebook.monitor import Monitor, notebook_namespace

        monitor = Monitor(self._transport, limit, notebook_namespace(), Job)
        monitor.show()
        return monitor

    def jobs(
        self,
        status: str | Sequence[str] | None = None,
        kind: str | None = None,
        limit: int = 50,
    ) -> Listing[Job]:
        """List your jobs, newest first.

        Parameters
        ----------
        status : str or sequence of str, optional
            List only jobs with these statuses.
        kind : {'query', 'graph'}, optional
            List only jobs of this kind.
        limit : int
            Maximum number of jobs, at least 1.

        Examples
        --------
        >>> lab.jobs(status="completed", kind="query", limit=1)
        status     kind   rows  created              job  id
        completed  query  ...
        """
        return job_listing(self._transport, status, kind, limit)


def _lab(kind: type[Lab], url: str, key: str) -> Lab:
    """Rebuild a connection that was pickled."""
    lab = kind.__new__(kind)
    lab._transport = reopen(url, key)
    return lab


def drop_none(**options: Any) -> dict[str, Any]:
    """Return the options that are not None; the service has defaults for the others."""
    return {name: value for name, value in options.items() if value is not None}
