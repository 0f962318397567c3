"""The handle of one job, with its result in the forms that users work with."""

from __future__ import annotations

import json
from collections.abc import Iterable
from functools import partial
from typing import TYPE_CHECKING, Any

from syndb_lab.conversion.error_conversion import convert_errors
from syndb_lab.errors import ResultUnsuitable
from syndb_lab.result_handle import Part, ResultHandle
from syndb_lab.results import data_frames, graph_objects
from syndb_lab.results.library_startup import start_arrow
from syndb_lab.results.provenance import read_provenance
from syndb_lab.subnetwork import filter_sql
from syndb_lab.subnetwork.neighborhood_sql import SubnetworkRequest
from syndb_lab.subnetwork.neuron_scores import with_table
from syndb_lab.user_data import job_journal

if TYPE_CHECKING:
    import duckdb
    import igraph
    import matplotlib.figure
    import networkx
    import pandas
    import polars
    import pyarrow

    from syndb_lab.notebook.explorer.explorer import Explorer
    from syndb_lab.notebook.table import ResultTable


@convert_errors
class Job(ResultHandle):
    """A query or a graph analysis that the service runs.

    Methods that return the result wait for the job to end, fetch its file once, and raise ``JobFailed`` or
    ``JobCancelled`` if there is none. A result that was truncated at the service's size limit raises unless
    ``allow_truncated``; with ``wait=False`` a job that still runs raises ``ResultNotReady``.
    ``part="neurons"`` is the table of a graph job with ``node_table=True``: one row for each neuron.

    Examples
    --------
    >>> worm = lab.datasets().named("celegans_varshney_2011").id
    >>> query = "SELECT name, cell_class FROM neurons WHERE dataset_id = :worm ORDER BY name LIMIT 2"
    >>> job = lab.sql(query, parameters={"worm": worm})
    >>> job
    <query job ... pending as of ...; .refresh() asks again>
    >>> job.to_polars().rows()
    [('ADAL', 'interneuron'), ('ADAR', 'interneuron')]
    """

    def rerun(self) -> Job:
        """Submit the same job again, on the data as they are now.

        Returns
        -------
        Job
            The new job; this one stays as it is.

        Examples
        --------
        >>> again = job.rerun()
        >>> again.record["rerun_of"] == job.id
        True
        """
        record = self._transport.post(f"/v1/jobs/{self.id}/rerun")
        job_journal.record_job(record, self._transport.url)
        return Job(self._transport, record, cache=self._cache)

    def preview(self) -> pyarrow.Table:
        """Read the first rows, at most 100, as soon as the service has any, also while the job runs.

        Raises
        ------
        ResultNotReady, ResultExpired
            There are no rows yet, or they were destroyed.

        Examples
        --------
        >>> job.preview().num_rows
        2
        """
        if self.kind == "graph":
            raise ResultUnsuitable("a graph job has no rows", hint="Use job.answer() or job.plot().")
        start_arrow()
        import pyarrow as pa

        rows = self._transport.read(f"/v1/jobs/{self.id}/preview")
        return pa.ipc.open_file(pa.py_buffer(rows)).read_all()

    def to_polars(
        self, *, allow_truncated: bool = False, wait: bool = True, part: Part | None = None
    ) -> polars.DataFrame:
        """Read the result into a polars data frame.

        Examples
        --------
        >>> lab.sql("SELECT 720575940600000001 AS neuron_id").to_polars().item()
        720575940600000001
        """
        return self._read(data_frames.to_polars, allow_truncated, wait, part)

    def to_lazy(
        self, *, allow_truncated: bool = False, wait: bool = True, part: Part | None = None
    ) -> polars.LazyFrame:
        """Open the result as a polars lazy frame without reading it; ``collect()`` reads what it needs.

        Examples
        --------
        >>> job.to_lazy().select("name").head(1).collect().height
        1
        """
        return self._read(data_frames.to_lazy, allow_truncated, wait, part)

    def to_pandas(
        self, *, allow_truncated: bool = False, wait: bool = True, part: Part | None = None
    ) -> pandas.DataFrame:
        """Read the result into a pandas data frame with Arrow columns: ids stay exact in columns with NULLs.

        Examples
        --------
        >>> lab.sql("SELECT 720575940600000001 AS neuron_id").to_pandas().dtypes["neuron_id"]
        int64[pyarrow]
        """
        return self._read(data_frames.to_pandas, allow_truncated, wait, part)

    def to_arrow(
        self, *, allow_truncated: bool = False, wait: bool = True, part: Part | None = None
    ) -> pyarrow.Table:
        """Read the result into an Arrow table; its schema's metadata holds the provenance.

        Examples
        --------
        >>> sorted(job.to_arrow().schema.metadata)[:2]
        [b'syndb.created_at', b'syndb.datasets']
        """
        return self._read(data_frames.to_arrow, allow_truncated, wait, part)

    def to_duckdb(
        self, *, allow_truncated: bool = False, wait: bool = True, part: Part | None = None
    ) -> duckdb.DuckDBPyRelation:
        """Read the result into a relation of a new in-memory DuckDB, for further queries.

        Examples
        --------
        >>> job.to_duckdb().aggregate("count(*)").fetchall()
        [(2,)]
        """
        return self._read(data_frames.to_duckdb, allow_truncated, wait, part)

    def table(
        self, *, allow_truncated: bool = False, wait: bool = True, part: Part | None = None
    ) -> ResultTable:
        """Show the result as a table that a notebook pages, sorts and filters, for any number of rows.

        As the last line of a cell it shows itself. Only the visible rows go to the page, every cell as text,
        so that ids are exact; the kernel sorts and filters the result file. A click on a heading sorts
        (with Shift by a further column). The field above a column filters: a text that the cells contain,
        ``NULL``, ``not NULL``, ``= 5``, ``> 5``, ``>= 5 and < 10``. A saved notebook keeps the first 20 rows.

        Returns
        -------
        ResultTable
            Its ``close()``, or the next run of the cell, closes the file.

        Raises
        ------
        ResultUnsuitable
            A graph job has no table.

        Examples
        --------
        >>> lab.sql("SELECT 720575940600000001 AS neuron_id, NULL AS partner_id").table()
                 neuron_id  partner_id
        720575940600000001        NULL
        """
        columns = self._columns(allow_truncated, wait, part)
        from syndb_lab.notebook.table import ResultTable
        from syndb_lab.notebook.table.row_view import RowView

        title = " · ".join(filter(None, (self.label or f"job {self.id[:8]}", part)))
        folder = self._cache.work_folder()
        rows = partial(self._open, lambda path: RowView(path, columns, folder), part)
        return ResultTable(rows, title, truncated=bool(self.record["result"].get("truncated")))

    def to_networkx(
        self, *, across_datasets: bool = False, allow_truncated: bool = False, wait: bool = True
    ) -> networkx.DiGraph[Any]:
        """Build a directed graph, with edges from pre to post.

        For a query job, the edges come from its ``pre_neuron_id`` and ``post_neuron_id`` columns; further
        columns become attributes of the edge, and ``weight`` (or else ``synapse_count``) its weight. Rows of
        the same pair add up. Neuron ids are unique only within a dataset, so the result has to be of one
        dataset: ``WHERE dataset_id = …``. With ``across_datasets`` it may be of several: it needs the column
        ``dataset_id``, and each node is a pair ``(dataset_id, neuron_id)``.

        For a graph job, this is the graph that was analysed. Its result holds measures and no edges, so this
        submits two more query jobs, for the connections and the neurons that match the job's filters. Names,
        classes and neurotransmitters become attributes of the nodes; with gap junctions, their number is the
        edge's ``gap_junctions``.

        Raises
        ------
        ResultUnsuitable
            The result is not a list of connections, or it is of several datasets.

        Examples
        --------
        >>> lab.graph("celegans_varshney_2011").to_networkx()
        <networkx.classes.digraph.DiGraph object at 0x...>
        >>> lab.sql("SELECT * FROM connections").to_networkx(across_datasets=True).number_of_nodes()
        582
        """
        if self.kind == "query":
            edges = self.to_arrow(allow_truncated=allow_truncated, wait=wait)
            return graph_objects.query_graph(edges, across_datasets=across_datasets)
        if across_datasets:
            raise ResultUnsuitable("a graph job is of one dataset", hint="Leave out across_datasets.")
        answer = self.answer(wait=wait)
        bodies = filter_sql.graph_queries(answer["dataset"]["id"], answer["filters"])
        edges, neurons = self._run_queries(bodies, allow_truncated, progress=None)
        return graph_objects.directed_graph(edges, neurons)

    def to_igraph(
        self, *, across_datasets: bool = False, allow_truncated: bool = False, wait: bool = True
    ) -> igraph.Graph:
        """Build the graph of ``to_networkx`` in igraph; the exact ids are in the vertices' ``name``.

        Raises
        ------
        ResultUnsuitable
            As ``to_networkx``.

        Examples
        --------
        >>> graph = lab.graph("celegans_varshney_2011").to_igraph()
        >>> graph.vcount(), graph.ecount(), graph.is_directed()
        (279, 2194, True)
        """
        return graph_objects.to_igraph(
            self.to_networkx(across_datasets=across_datasets, allow_truncated=allow_truncated, wait=wait)
        )

    def answer(self, *, wait: bool = True) -> dict[str, Any]:
        """Read the answer of a graph analysis.

        Examples
        --------
        >>> lab.graph("celegans_varshney_2011").answer()["neuron_count"]
        279
        """
        if self.kind != "graph":
            raise ResultUnsuitable("a query job has a table, no answer", hint="Read it with job.to_polars().")
        self._require_result(wait=wait)
        answer: dict[str, Any] = self._open(lambda path: json.loads(path.read_bytes()), None)
        return answer

    def plot(self) -> matplotlib.figure.Figure:
        """Draw the answer of a graph analysis: a page of all panels, or the panels of one analysis.

        Examples
        --------
        >>> lab.graph("celegans_varshney_2011").plot().savefig("celegans.png")
        """
        if self.kind != "graph":
            raise ResultUnsuitable(
                "plot() draws graph jobs, and this is a query job",
                hint="Submit lab.graph(dataset).plot(), or draw the table yourself: job.to_polars().plot…",
            )
        from syndb_lab.plots import draw
        from syndb_lab.plots.inline_display import show_in_notebooks

        show_in_notebooks()
        return draw(self.answer())

    def explore(
        self,
        *,
        neurons: Any = None,
        hops: int | None = None,
        limit: int = 120,
        connections: int = 800,
        min_synapses: int | None = None,
        color: str | None = "default",
        size: str | None = "default",
        seed: int = 1,
        allow_truncated: bool = False,
    ) -> Explorer:
        """Explore part of the graph interactively: search, color, resize and select (``view.selected``).

        For a graph job, it shows the graph that was analysed, with all its filters, around its hubs, its path
        or its source; ``node_table=True`` adds the scores of the table, such as ``community`` and
        ``pagerank_whole``. For a query job, it shows the connections of the result, as ``to_networkx`` reads
        them. Further query jobs fetch only the connections that are shown. In a notebook the explorer appears
        below the cell.

        Parameters
        ----------
        neurons : int, str or a sequence of these, optional
            The center neurons, by id or name.
        hops : int, optional
            Number of steps around them, from 0 to 5; by default 1 with ``neurons``, and otherwise as many as
            ``limit`` allows.
        limit : int
            Maximum number of neurons, up to 2,000: the nearest to the center, then those with the most shared
            synapses.
        connections : int
            Maximum number of connections, up to 20,000: the strongest.
        min_synapses : int, optional
            Minimum synapses of a connection; weaker ones are left out.
        color : str or None
            A column of ``neurons`` or a score; by default the class, or else another column that has values.
            None for one color.
        size : str or None
            A score or a numeric column; by default the degree in the whole graph. None for one size.
        seed : int
            Seed of the layout.
        allow_truncated : bool
            Whether a truncated result may be shown.

        Returns
        -------
        Explorer
            ``selected`` holds the exact ids; ``color``, ``size`` and ``selected`` may be set.

        Raises
        ------
        ParameterError
            An unknown neuron or column (with the nearest names), or a number out of range.
        ResultUnsuitable
            The result lists no connections, or the graph is empty.

        Examples
        --------
        >>> view = lab.graph("celegans_varshney_2011", "hubs").explore(neurons=["AVAL", "AVAR"], limit=40)
        >>> view
        <Explorer of 40 neurons, ... connections, 0 selected>
        >>> view.selected = view.neurons[:2]
        >>> view.selected
        [55, 54]
        """
        from syndb_lab.notebook.explorer.explorer import Explorer
        from syndb_lab.subnetwork import fetch

        limit, connections, hops, min_synapses, seed = fetch.validate_options(
            limit, connections, hops, min_synapses, seed
        )
        steps = 1 if hops is None and neurons is not None else hops
        request = SubnetworkRequest(hops=steps, limit=limit, connections=connections)
        if self.kind == "graph":
            part = fetch.fetch_from_analysis(self._run_queries, self.answer(), request, neurons, min_synapses)
            part = with_table(part, lambda: self.to_arrow(part="neurons"))
        else:
            graph_objects.ends([column["name"] for column in self._result_record(allow_truncated)["columns"]])
            datasets = read_provenance(self._transport, self.record).get("datasets")
            part = fetch.fetch_from_query(
                self._run_queries, self.record, datasets, request, neurons, min_synapses
            )
        view = Explorer(part, color, size, seed)
        view.show()
        return view

    def _run_queries(
        self,
        bodies: Iterable[dict[str, Any]],
        allow_truncated: bool = False,
        progress: bool | None = False,
    ) -> list[pyarrow.Table]:
        """Run auxiliary query jobs at the same time, and return their results in order."""
        label = f"read for job {self.id[:8]}"
        records = [self._transport.post("/v1/jobs", {"label": label, **body}) for body in bodies]
        jobs = [Job(self._transport, record, cache=self._cache) for record in records]
        return [job.wait(progress=progress).to_arrow(allow_truncated=allow_truncated) for job in jobs]
