"""The handle of one job, with its result in every shape that people work in."""

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

    The result verbs wait for the job to end, fetch its file once, and raise ``JobFailed`` or ``JobCancelled``
    where there is none. A result that was cut at the service's size limit raises unless ``allow_truncated``;
    with ``wait=False`` a job that still runs raises ``ResultNotReady``. ``part="neurons"`` is the table that
    a graph job with ``node_table=True`` has beside its answer, one row a neuron.

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
        """Read the first rows, at most 100, as soon as there are any, also while the job runs.

        Raises
        ------
        ResultNotReady, ResultExpired
            There are none yet, or no longer.

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
        """Open the result as a lazy frame of polars, at once of any size; ``collect()`` reads what it needs.

        Examples
        --------
        >>> job.to_lazy().select("name").head(1).collect().height
        1
        """
        return self._read(data_frames.to_lazy, allow_truncated, wait, part)

    def to_pandas(
        self, *, allow_truncated: bool = False, wait: bool = True, part: Part | None = None
    ) -> pandas.DataFrame:
        """Read the result into a pandas data frame with Arrow columns, which keep ids exact beside NULLs.

        Examples
        --------
        >>> lab.sql("SELECT 720575940600000001 AS neuron_id").to_pandas().dtypes["neuron_id"]
        int64[pyarrow]
        """
        return self._read(data_frames.to_pandas, allow_truncated, wait, part)

    def to_arrow(
        self, *, allow_truncated: bool = False, wait: bool = True, part: Part | None = None
    ) -> pyarrow.Table:
        """Read the result into an Arrow table; its schema's metadata says where it comes from.

        Examples
        --------
        >>> sorted(job.to_arrow().schema.metadata)[:2]
        [b'syndb.created_at', b'syndb.datasets']
        """
        return self._read(data_frames.to_arrow, allow_truncated, wait, part)

    def to_duckdb(
        self, *, allow_truncated: bool = False, wait: bool = True, part: Part | None = None
    ) -> duckdb.DuckDBPyRelation:
        """Read the result into a relation of a fresh in-memory DuckDB, to query further.

        Examples
        --------
        >>> job.to_duckdb().aggregate("count(*)").fetchall()
        [(2,)]
        """
        return self._read(data_frames.to_duckdb, allow_truncated, wait, part)

    def table(
        self, *, allow_truncated: bool = False, wait: bool = True, part: Part | None = None
    ) -> ResultTable:
        """Look at the result as a table that a notebook pages through, sorts and filters, however long.

        As the last line of a cell it shows itself. Only the rows in view go to the page, every cell as text,
        so that ids are exact; the kernel sorts and filters, on the result file. A click on a heading sorts
        (with Shift by a further column). What is typed above a column filters: a text that the cells contain,
        ``NULL``, ``not NULL``, ``= 5``, ``> 5``, ``>= 5 and < 10``. A saved notebook keeps the first 20 rows.

        Returns
        -------
        ResultTable
            Its ``close()`` lets the file go, and so does the next run of the cell.

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
        """Build a directed graph, pre to post.

        Of a query job: from its ``pre_neuron_id`` and ``post_neuron_id`` columns; further columns become
        attributes of the edge, and ``weight`` (or else ``synapse_count``) its weight. Rows of a pair add up.
        Each dataset numbers its neurons on its own, so the result has to be of one: ``WHERE dataset_id = …``.
        With ``across_datasets`` it may be of several: it needs its ``dataset_id`` column, and each node is a
        pair ``(dataset_id, neuron_id)``.

        Of a graph job: the graph that was analysed. Its result holds figures and no edges, so this submits
        two more query jobs, for the connections and the neurons that the job's filters let pass. Names,
        classes and neurotransmitters become attributes of the nodes; with gap junctions, their number is the
        edge's ``gap_junctions``.

        Raises
        ------
        ResultUnsuitable
            The result is no list of connections, or one of several datasets.

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
        """Build the graph of ``to_networkx`` in igraph: ids are in the vertices' ``name``, exact.

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
        """Read what a graph analysis found.

        Examples
        --------
        >>> lab.graph("celegans_varshney_2011").answer()["neuron_count"]
        279
        """
        if self.kind != "graph":
            raise ResultUnsuitable("a query job has a table, no answer", hint="Read it with job.to_polars().")
        self._require_result(wait=wait)
        found: dict[str, Any] = self._open(lambda path: json.loads(path.read_bytes()), None)
        return found

    def plot(self) -> matplotlib.figure.Figure:
        """Draw what a graph analysis found: all of it on a page, or the panels of one analysis.

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
        """Look around in a part of the graph: search, colour, size, and click neurons into ``view.selected``.

        Of a graph job: what it analysed, with all its filters, around its hubs (or its path, or its source);
        ``node_table=True`` adds its table's scores: ``community``, ``pagerank_whole``. Of a query job: the
        connections it lists, as ``to_networkx`` reads them. Of the connections only those shown are fetched,
        by further query jobs. In a notebook it shows itself below the cell.

        Parameters
        ----------
        neurons : int, str or a sequence of these, optional
            The neurons in the middle, by id or name.
        hops : int, optional
            How many steps around them, from 0 to 5; one where neurons are given, and otherwise as many as the
            limit allows.
        limit : int
            Neurons at most, up to 2,000: the nearest to the middle, then those that share the most synapses.
        connections : int
            Connections at most, up to 20,000: the strongest.
        min_synapses : int, optional
            Leaves out weaker connections.
        color : str or None
            A column of ``neurons`` or a score; by default the class, or else what there is. None for one.
        size : str or None
            A score or a column of numbers; by default the degree in the whole graph. None for one size.
        seed : int
            Of the layout.
        allow_truncated : bool
            Whether a result that was cut may be shown.

        Returns
        -------
        Explorer
            ``selected`` are the exact ids; ``color``, ``size`` and ``selected`` may be set.

        Raises
        ------
        ParameterError
            A neuron or a column that is not there (with the nearest), or a number that can't be.
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
        from syndb_lab.subnetwork import fetch as gathering

        limit, connections, hops, min_synapses, seed = gathering.validate_options(
            limit, connections, hops, min_synapses, seed
        )
        steps = 1 if hops is None and neurons is not None else hops
        wish = SubnetworkRequest(hops=steps, limit=limit, connections=connections)
        if self.kind == "graph":
            part = gathering.fetch_from_analysis(
                self._run_queries, self.answer(), wish, neurons, min_synapses
            )
            part = with_table(part, lambda: self.to_arrow(part="neurons"))
        else:
            graph_objects.ends([column["name"] for column in self._result_record(allow_truncated)["columns"]])
            datasets = read_provenance(self._transport, self.record).get("datasets")
            part = gathering.fetch_from_query(
                self._run_queries, self.record, datasets, wish, neurons, min_synapses
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
        """Run query jobs on the way to something else."""
        told = f"read for job {self.id[:8]}"
        records = [self._transport.post("/v1/jobs", {"label": told, **body}) for body in bodies]
        jobs = [Job(self._transport, record, cache=self._cache) for record in records]
        return [job.wait(progress=progress).to_arrow(allow_truncated=allow_truncated) for job in jobs]
