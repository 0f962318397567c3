"""Connections as directed graphs of NetworkX and igraph."""

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
INTEGER: Final = re.compile(r"-?[0-9]{1,39}")


def query_graph(edges: pyarrow.Table, *, across_datasets: bool) -> networkx.DiGraph[Any]:
    """Build a graph from the result of a query, with a check that it is of one dataset.

    Parameters
    ----------
    edges : pyarrow.Table
        As for ``directed_graph``. Its datasets are in a column ``dataset_id``, or else in the provenance of
        the schema's metadata.
    across_datasets : bool
        Whether each node is a pair ``(dataset_id, neuron_id)``.

    Raises
    ------
    ResultUnsuitable
        The result is of several datasets and ``across_datasets`` is not set, or its datasets are unknown.

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
    """Raise if the rows are of several datasets, or their datasets are unknown."""
    if not edges.num_rows:
        return
    recorded = json.loads((edges.schema.metadata or {}).get(b"syndb.datasets", b"null"))
    names = {dataset["id"]: dataset["name"] for dataset in recorded or ()}
    if DATASET in edges.column_names:
        dataset_ids = sorted(str(value) for value in edges[DATASET].unique().to_pylist())
    elif recorded is None:
        raise ResultUnsuitable(
            "this result does not say of which dataset its neurons are",
            hint='Select dataset_id, too, or submit the query with format="arrow", which says it.',
        )
    else:
        dataset_ids = sorted(names)
    if len(dataset_ids) > 1:
        several_datasets_error(dataset_ids, names)


def several_datasets_error(dataset_ids: Sequence[str], names: Mapping[str, str]) -> NoReturn:
    """Raise because neuron ids of several datasets may be equal."""
    shown = ", ".join(f"{names[id_]} ({id_})" if id_ in names else id_ for id_ in dataset_ids)
    raise ResultUnsuitable(
        f"the result is of {len(dataset_ids)} datasets, and each numbers its neurons on its own: {shown}",
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
        ``pre_neuron_id`` and ``post_neuron_id`` (or ``pre`` and ``post``). Further columns become attributes;
        ``weight`` or else ``synapse_count`` is the weight, and without either each row counts 1. The weights
        of rows with the same pair add up; other attributes are those of the first row.
    neurons : pyarrow.Table, optional
        ``neuron_id`` and attributes of the nodes; neurons without a connection are in the graph, too.
    dataset : str, optional
        The column of the dataset id; with it each node is a pair ``(dataset_id, neuron_id)``.

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
            attributes = {**row, "weight": row[counted[-1]] if counted else 1}
            graph.add_edges_from([(source, target, attributes)])  # a column may have an argument's name
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
    for sequence, rows in (
        (built.vs, [attributes for _, attributes in graph.nodes(data=True)]),
        (built.es, [attributes for *_, attributes in graph.edges(data=True)]),
    ):
        for name in dict.fromkeys(name for attributes in rows for name in attributes):
            sequence["label" if name == "name" and sequence is built.vs else name] = [
                attributes.get(name) for attributes in rows
            ]
    return built


def amount(value: Any, name: str, source: Any, target: Any) -> Any:
    """Return the weight of a connection as a number; raise for any other value."""
    if isinstance(value, int | float | Decimal) and not isinstance(value, bool):
        return value
    if isinstance(value, str) and INTEGER.fullmatch(value):
        return int(value)  # Arrow has no type as wide as a sum's and holds it as text
    what = "NULL" if value is None else format_value(value)
    raise ResultUnsuitable(
        f"the connection {source} → {target} has {what} as {name}, which adds up to no weight",
        hint=f"Leave such rows out (WHERE {name} IS NOT NULL), or select coalesce({name}, 0) AS {name}.",
    )


def refuse_no_id(column: str, value: Any) -> None:
    """Raise for a value that can't be a neuron id: a list, a struct, a boolean or NaN."""
    if isinstance(value, list | dict | bool) or value != value:
        raise ResultUnsuitable(
            f"{column} holds {format_value(value)}, which is no neuron id",
            hint=f"Select the neurons' ids, which are whole numbers: {column}::BIGINT.",
        )


def ends(columns: list[str]) -> tuple[str, str]:
    """Find the columns of the pre and the post neuron.

    Raises
    ------
    ResultUnsuitable
        There are no such columns, or several with the same name.
    """
    for pre, post in ENDS:
        if pre in columns and post in columns:
            twice = [name for name in (pre, post, *WEIGHTS) if columns.count(name) > 1]
            if twice:
                raise ResultUnsuitable(
                    f"the result has several columns {twice[0]}, so it is ambiguous which one counts",
                    hint=f"Select one of them, or call the others something else: … AS other_{twice[0]}.",
                )
            return pre, post
    raise ResultUnsuitable(
        f"no graph can be made of the columns {', '.join(columns)}",
        hint="Select pre_neuron_id and post_neuron_id (and synapse_count, for the weights).",
    )
