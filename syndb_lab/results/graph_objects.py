"""Connections as a directed graph of NetworkX."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final, NoReturn

from syndb_lab.conversion.sql_values import format_value
from syndb_lab.errors import ResultUnsuitable

if TYPE_CHECKING:
    import igraph
    import networkx
    import pyarrow

ENDS: Final = (("pre_neuron_id", "post_neuron_id"), ("pre", "post"))
DATASET: Final = "dataset_id"
WEIGHTS: Final = ("synapse_count", "weight")
WHOLE: Final = re.compile(r"-?[0-9]{1,39}")


def query_graph(edges: pyarrow.Table, *, across_datasets: bool) -> networkx.DiGraph[Any]:
    """Build a graph from a query's result, unless it would take neurons of several datasets for one.

    Parameters
    ----------
    edges : pyarrow.Table
        As for ``directed_graph``; a column ``dataset_id``, or else the provenance in the schema's metadata,
        says of which datasets it is.
    across_datasets : bool
        Whether each node is a pair ``(dataset_id, neuron_id)``.

    Raises
    ------
    ResultUnsuitable
        Neurons of several datasets can't be told apart.

    Examples
    --------
    >>> edges = pa.table({"dataset_id": ["a", "b"], "pre": [1, 1], "post": [2, 2]})
    >>> list(query_graph(edges, across_datasets=True))
    [('a', 1), ('a', 2), ('b', 1), ('b', 2)]
    """
    ends(edges.column_names)
    if not across_datasets:
        refuse_several_datasets(edges)
    elif DATASET not in edges.column_names:
        raise ResultUnsuitable(
            "across_datasets needs the column dataset_id, which says whose neuron is whose",
            hint="Select dataset_id, too.",
        )
    return directed_graph(edges, dataset=DATASET if across_datasets else None)


def refuse_several_datasets(edges: pyarrow.Table) -> None:
    """Raise where the rows are of several datasets, or nobody knows of which."""
    if not edges.num_rows:
        return
    told = json.loads((edges.schema.metadata or {}).get(b"syndb.datasets", b"null"))
    names = {dataset["id"]: dataset["name"] for dataset in told or ()}
    if DATASET in edges.column_names:
        found = sorted(str(value) for value in edges[DATASET].unique().to_pylist())
    elif told is None:
        raise ResultUnsuitable(
            "this result does not say of which dataset its neurons are",
            hint='Select dataset_id, too, or submit the query with format="arrow", which says it.',
        )
    else:
        found = sorted(names)
    if len(found) > 1:
        several_datasets_error(found, names)


def several_datasets_error(found: Sequence[str], names: Mapping[str, str]) -> NoReturn:
    """Say that neurons of several datasets can't be told apart."""
    shown = ", ".join(f"{names[one]} ({one})" if one in names else one for one in found)
    raise ResultUnsuitable(
        f"the result is of {len(found)} datasets, and each numbers its neurons on its own: {shown}",
        hint="Choose one in the query: WHERE dataset_id = '…' (in a join, of every table). "
        "For a graph of all, select dataset_id, too, and call to_networkx(across_datasets=True).",
    )


def directed_graph(
    edges: pyarrow.Table, neurons: pyarrow.Table | None = None, *, dataset: str | None = None
) -> networkx.DiGraph[Any]:
    """Build a graph from a table of connections.

    Parameters
    ----------
    edges : pyarrow.Table
        ``pre_neuron_id`` and ``post_neuron_id`` (or ``pre`` and ``post``); further columns become attributes,
        ``weight`` or else ``synapse_count`` the weight, without which each row weighs 1. Rows of a pair
        add up, and keep the attributes of the first.
    neurons : pyarrow.Table, optional
        ``neuron_id`` and attributes of the nodes; neurons without a connection are in the graph too.
    dataset : str, optional
        The column that makes a node's pair ``(dataset_id, neuron_id)`` with the neuron's id.

    Examples
    --------
    >>> graph = directed_graph(pa.table({"pre": [1, 1], "post": [2, 2]}))
    >>> list(graph.edges(data=True))
    [(1, 2, {'weight': 2})]
    """
    import networkx as nx

    pre, post = ends(edges.column_names)
    counted = [name for name in WEIGHTS if name in edges.column_names]
    graph: networkx.DiGraph[Any] = nx.DiGraph()
    for row in neurons.to_pylist() if neurons is not None else ():
        graph.add_nodes_from([(row.pop("neuron_id"), row)])
    for row in edges.to_pylist():
        source, target = row.pop(pre), row.pop(post)
        if source is None or target is None:
            raise ResultUnsuitable(
                f"a row without {pre if source is None else post} is no connection",
                hint=f"Leave such rows out: WHERE {pre} IS NOT NULL AND {post} IS NOT NULL.",
            )
        for name, end in ((pre, source), (post, target)):
            refuse_no_id(name, end)
        if dataset:
            source, target = (row[dataset], source), (row[dataset], target)
        for name in counted:
            row[name] = amount(row[name], name, source, target)
        if not graph.has_edge(source, target):
            held = {**row, "weight": row[counted[-1]] if counted else 1}
            graph.add_edges_from([(source, target, held)])  # a column may be called as an argument is
            continue
        edge = graph.edges[source, target]
        for name in counted:
            edge[name] += row[name]
        edge["weight"] = edge[counted[-1]] if counted else edge["weight"] + 1
    return graph


def to_igraph(graph: networkx.DiGraph[Any]) -> igraph.Graph:
    """Build the same graph in igraph; ``name`` of a vertex is its node.

    Examples
    --------
    >>> to_igraph(directed_graph(pa.table({"pre": [720575940600000001], "post": [2]}))).vs["name"]
    [720575940600000001, 2]
    """
    try:
        import igraph
    except ImportError:
        raise ResultUnsuitable("igraph is not installed", hint="pip install igraph") from None
    number = {node: index for index, node in enumerate(graph)}
    built = igraph.Graph(
        n=len(number), edges=[(number[pre], number[post]) for pre, post in graph.edges], directed=True
    )
    built.vs["name"] = list(number)
    for sequence, held in (
        (built.vs, [kept for _, kept in graph.nodes(data=True)]),
        (built.es, [kept for *_, kept in graph.edges(data=True)]),
    ):
        for name in dict.fromkeys(name for kept in held for name in kept):
            sequence["label" if name == "name" and sequence is built.vs else name] = [
                kept.get(name) for kept in held
            ]
    return built


def amount(value: Any, name: str, source: Any, target: Any) -> Any:
    """Check what a connection weighs: sums need a number."""
    if isinstance(value, int | float | Decimal) and not isinstance(value, bool):
        return value
    if isinstance(value, str) and WHOLE.fullmatch(value):
        return int(value)  # a sum's type is wider than Arrow's, which holds it as text
    what = "NULL" if value is None else format_value(value)
    raise ResultUnsuitable(
        f"the connection {source} → {target} has {what} as {name}, which adds up to no weight",
        hint=f"Leave such rows out (WHERE {name} IS NOT NULL), or select coalesce({name}, 0) AS {name}.",
    )


def refuse_no_id(column: str, value: Any) -> None:
    """Refuse what stands for no neuron: a list, a struct, a number that is none."""
    if isinstance(value, list | dict | bool) or value != value:
        raise ResultUnsuitable(
            f"{column} holds {format_value(value)}, which is no neuron id",
            hint=f"Select the neurons' ids, which are whole numbers: {column}::BIGINT.",
        )


def ends(columns: list[str]) -> tuple[str, str]:
    """Find the columns that hold the two neurons."""
    for pre, post in ENDS:
        if pre in columns and post in columns:
            twice = [name for name in (pre, post, *WEIGHTS) if columns.count(name) > 1]
            if twice:
                raise ResultUnsuitable(
                    f"the result has several columns {twice[0]}, so nobody knows which one counts",
                    hint=f"Select one of them, or call the others something else: … AS other_{twice[0]}.",
                )
            return pre, post
    raise ResultUnsuitable(
        f"no graph can be made of the columns {', '.join(columns)}",
        hint="Select pre_neuron_id and post_neuron_id (and synapse_count, for the weights).",
    )
