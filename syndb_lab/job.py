"""The handle of one job, with its result in every shape that people work in."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from syndb_lab import frames, journal, network
from syndb_lab.analysed import source_queries
from syndb_lab.errors import (
    JobCancelled,
    JobFailed,
    ResultExpired,
    ResultNotReady,
    ResultTruncated,
    ResultUnsuitable,
)
from syndb_lab.follow import FINAL
from syndb_lab.handle import Handle
from syndb_lab.progress import downloading

if TYPE_CHECKING:
    import duckdb
    import igraph
    import matplotlib.figure
    import networkx
    import pandas
    import polars
    import pyarrow


class Job(Handle):
    """A query or a graph analysis that the service runs.

    The result verbs wait for the job to end, fetch its file once, and raise ``JobFailed`` or ``JobCancelled``
    where there is none. A result that was cut at the service's size limit raises unless ``allow_truncated``;
    with ``wait=False`` a job that still runs raises ``ResultNotReady``.

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
        journal.note(record, self._transport.url)
        return Job(self._transport, record, cache=self._cache)

    def result_path(self, *, wait: bool = True, tell: Callable[[int], None] | None = None) -> Path:
        """Fetch the result file, once, and say where it is; a long download shows a line of progress.

        Parameters
        ----------
        wait : bool
            Whether to wait for the job to end.
        tell : callable, optional
            Told how many bytes are here, while they come, instead of the line.

        Raises
        ------
        JobFailed, JobCancelled, ResultNotReady, ResultExpired
            There is no result: never, not yet, or no longer.

        Examples
        --------
        >>> job.result_path().suffix
        '.arrow'
        """
        if wait:
            self.wait()
        else:
            self.done()
        if self.status == "failed":
            raise JobFailed(self.record)
        if self.status == "cancelled":
            raise JobCancelled(
                f"job {self.id} was cancelled: it has no result", hint="Run it again: job.rerun()"
            )
        if self.status not in FINAL:
            raise ResultNotReady(f"job {self.id} is {self.status}", hint="Wait for it: job.wait()")
        if not self.record.get("result"):
            raise ResultExpired(f"the result of job {self.id} is gone", hint="Run it again: job.rerun()")
        result = self.record["result"]
        if tell is not None:
            return self._cache.fetch(self._transport, self.id, result, tell)
        with downloading(result["bytes"]) as told:
            return self._cache.fetch(self._transport, self.id, result, told)

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
        import pyarrow as pa

        with self._transport.stream(f"/v1/jobs/{self.id}/preview", {}) as response:
            return pa.ipc.open_file(pa.py_buffer(response.read())).read_all()

    def to_polars(self, *, allow_truncated: bool = False, wait: bool = True) -> polars.DataFrame:
        """Read the result into a polars data frame.

        Examples
        --------
        >>> lab.sql("SELECT 720575940600000001 AS neuron_id").to_polars().item()
        720575940600000001
        """
        return frames.to_polars(*self._table(allow_truncated, wait))

    def to_pandas(self, *, allow_truncated: bool = False, wait: bool = True) -> pandas.DataFrame:
        """Read the result into a pandas data frame with Arrow columns, which keep ids exact beside NULLs.

        Examples
        --------
        >>> lab.sql("SELECT 720575940600000001 AS neuron_id").to_pandas().dtypes["neuron_id"]
        int64[pyarrow]
        """
        return frames.to_pandas(*self._table(allow_truncated, wait))

    def to_arrow(self, *, allow_truncated: bool = False, wait: bool = True) -> pyarrow.Table:
        """Read the result into an Arrow table; its schema's metadata says where it comes from.

        Examples
        --------
        >>> sorted(job.to_arrow().schema.metadata)[:2]
        [b'syndb.created_at', b'syndb.datasets']
        """
        return frames.to_arrow(*self._table(allow_truncated, wait))

    def to_duckdb(self, *, allow_truncated: bool = False, wait: bool = True) -> duckdb.DuckDBPyRelation:
        """Read the result into a relation of a fresh in-memory DuckDB, to query further.

        Examples
        --------
        >>> job.to_duckdb().aggregate("count(*)").fetchall()
        [(2,)]
        """
        return frames.to_duckdb(*self._table(allow_truncated, wait))

    def to_networkx(
        self, *, across_datasets: bool = False, allow_truncated: bool = False, wait: bool = True
    ) -> networkx.DiGraph[Any]:
        """Build a directed graph, pre to post.

        Of a query job: from its ``pre_neuron_id`` and ``post_neuron_id`` columns; further columns become
        attributes of the edge, and ``synapse_count`` (or ``weight``) its weight. Rows of one pair add up.
        Each dataset numbers its neurons on its own, so the result has to be of one: ``WHERE dataset_id = …``.
        With ``across_datasets`` it may be of several: it needs its ``dataset_id`` column, and each node is a
        pair ``(dataset_id, neuron_id)``.

        Of a graph job: the graph that was analysed. Its result holds figures and no edges, so this submits
        two more query jobs, for the connections and the neurons that the job's filters leave in; the neurons'
        names, classes and neurotransmitters become attributes of the nodes.

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
            return network.query_graph(edges, across_datasets=across_datasets)
        if across_datasets:
            raise ResultUnsuitable("a graph job is of one dataset", hint="Leave out across_datasets.")
        answer = self.answer(wait=wait)
        jobs = [
            Job(self._transport, self._transport.post("/v1/jobs", body), cache=self._cache)
            for body in source_queries(answer)
        ]
        edges, neurons = (job.to_arrow(allow_truncated=allow_truncated) for job in jobs)
        return network.directed_graph(edges, neurons)

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
        return network.to_igraph(
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
        found: dict[str, Any] = json.loads(self.result_path(wait=wait).read_bytes())
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
        from syndb_lab.drawing import draw
        from syndb_lab.figures import show_in_notebooks

        show_in_notebooks()
        return draw(self.answer())

    def _table(self, allow_truncated: bool, wait: bool) -> tuple[Path, list[dict[str, str]]]:
        if self.kind == "graph":
            raise ResultUnsuitable(
                "a graph job has no table", hint="Use job.answer(), job.plot() or job.to_networkx()."
            )
        path = self.result_path(wait=wait)
        result = self.record["result"]
        if result.get("truncated") and not allow_truncated:
            raise ResultTruncated(
                f"the result was cut at the size limit, after {result['rows']:,} rows",
                hint="Ask for less (columns, WHERE, LIMIT), or take it as it is with allow_truncated=True.",
            )
        return path, result.get("columns") or []
