"""The shortest path from one neuron to another, with its neurons and connections."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np

from syndb_service.graph.kernels.bindings import kernel
from syndb_service.graph.measures.hubs import neuron_name
from syndb_service.graph.model.connectome import Connectome


def shortest_path(connectome: Connectome, source: int, target: int, weight: str) -> dict[str, Any]:
    """Find the shortest directed path: with the fewest hops, or with the smallest sum of 1 / synapses.

    Of several shortest paths the search always returns the same one; Dijkstra 1959
    (doi:10.1007/BF01386390).

    Parameters
    ----------
    connectome : Connectome
        The graph.
    source, target : int
        Positions of the neurons.
    weight : str
        ``hops`` or ``synapses``.

    Returns
    -------
    dict
        ``source`` and ``target``, ``found``, ``hops`` and ``length`` (None without a path), ``path`` (the
        neurons, from source to target, empty without one) and the ``connections`` between them.

    Examples
    --------
    >>> from syndb_service.graph.model.connectome import connectome_from_edges
    >>> graph = connectome_from_edges(4, [(0, 3), (0, 1), (1, 3)], [1, 10, 10])
    >>> [neuron["neuron_id"] for neuron in shortest_path(graph, 0, 3, "hops")["path"]]
    ['0', '3']
    >>> found = shortest_path(graph, 0, 3, "synapses")
    >>> found["hops"], found["length"], found["connections"][0]
    (2, 0.2, {'pre': '0', 'post': '1', 'synapse_count': 10})
    """
    n = connectome.neuron_count
    if weight == "synapses":
        length = 1 / connectome.synapse_count.astype(np.float64)
    else:
        length = np.ones(connectome.connection_count)
    far, before = np.empty(n), np.empty(n, np.int32)
    scratch = [np.empty(n, np.int32) for _ in range(2)]
    found = kernel("find_path")(
        n, connectome.start, connectome.post, length, source, target, far, before, *scratch
    )
    path = [target] if found else []
    while path and path[-1] != source:
        path.append(int(before[path[-1]]))
    path.reverse()
    return {
        "source": neuron_name(connectome, source),
        "target": neuron_name(connectome, target),
        "weight": weight,
        "found": bool(found),
        "hops": len(path) - 1 if found else None,
        "length": float(far[target]) if found else None,
        "path": [neuron_name(connectome, neuron) for neuron in path],
        "connections": [_connection(connectome, *ends) for ends in pairwise(path)],
    }


def _connection(connectome: Connectome, pre: int, post: int) -> dict[str, Any]:
    first, last = connectome.start[pre], connectome.start[pre + 1]
    place = first + int(np.searchsorted(connectome.post[first:last], post))
    return {
        "pre": str(connectome.neuron_ids[pre]),
        "post": str(connectome.neuron_ids[post]),
        "synapse_count": int(connectome.synapse_count[place]),
    }
