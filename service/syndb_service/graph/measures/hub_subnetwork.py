"""The strongest sub-network around the neurons of highest degree, small enough to draw."""

from __future__ import annotations

from typing import Any

import numpy as np

from syndb_service.graph.measures.degrees import Degrees
from syndb_service.graph.measures.hubs import neuron_name, rank_hubs
from syndb_service.graph.model.connectome import Connectome, Index

CENTRES = 10
MAX_NEURONS = 36
MAX_CONNECTIONS = 90


def strongest_subnetwork(connectome: Connectome, degrees: Degrees, top_hubs: int) -> dict[str, Any]:
    """Select the neurons of highest degree, those most strongly connected to them, and their connections.

    First come up to 10 neurons of highest total degree, whatever ``top_hubs`` is. Their connections are then
    visited by synapse count, strongest first (ties by neuron ids), and each adds the neuron at its other end,
    until there are 36 neurons. Of the connections among these, those that added a neuron and then the
    strongest are returned, up to 90 in total. Counts are exact; the selection is for drawing, not for
    statistics.

    Parameters
    ----------
    connectome : Connectome
        The graph.
    degrees : Degrees
        Degrees of the same graph.
    top_hubs : int
        Number of hubs in the answer: ``is_hub`` is true only for these.

    Returns
    -------
    dict
        ``neurons`` (identity, ``is_hub`` and ``degree`` in the whole graph), ``connections`` (ids of
        ``pre`` and ``post``, ``synapse_count``), strongest first, and ``connections_among_neurons``,
        the number that exist among these neurons.

    Examples
    --------
    >>> from syndb_service.graph.model.connectome import connectome_from_edges
    >>> from syndb_service.graph.measures.degrees import count_degrees
    >>> graph = connectome_from_edges(3, [(0, 1), (1, 2)], [7, 9])
    >>> strongest_subnetwork(graph, count_degrees(graph), 10)["connections"][0]
    {'pre': '1', 'post': '2', 'synapse_count': 9}
    """
    neurons, carriers = _gather(connectome, rank_hubs(degrees, CENTRES))
    chosen = np.zeros(connectome.neuron_count, np.bool_)
    chosen[neurons] = True
    among = np.flatnonzero(chosen[connectome.pre] & chosen[connectome.post])
    brought = np.isin(among, carriers)
    ranked = among[np.lexsort((among, -connectome.synapse_count[among], ~brought))][:MAX_CONNECTIONS]
    shown = ranked[np.lexsort((ranked, -connectome.synapse_count[ranked]))]
    hubs = set(rank_hubs(degrees, top_hubs).tolist())
    return {
        "neurons": [
            {
                **neuron_name(connectome, neuron),
                "is_hub": neuron in hubs,
                "degree": int(degrees.total[neuron]),
            }
            for neuron in neurons
        ],
        "connections": [
            {
                "pre": str(connectome.neuron_ids[connectome.pre[position]]),
                "post": str(connectome.neuron_ids[connectome.post[position]]),
                "synapse_count": int(connectome.synapse_count[position]),
            }
            for position in shown.tolist()
        ],
        "connections_among_neurons": len(among),
    }


def _gather(connectome: Connectome, centers: Index) -> tuple[list[int], list[int]]:
    """Return the neurons, the centers first, and the positions of the connections that added the others."""
    central = np.zeros(connectome.neuron_count, np.bool_)
    central[centers] = True
    touching = np.flatnonzero(central[connectome.pre] | central[connectome.post])
    touching = touching[np.argsort(-connectome.synapse_count[touching], kind="stable")]
    neurons = dict.fromkeys(centers.tolist())
    carriers = []
    for position in touching.tolist():
        if len(neurons) >= MAX_NEURONS:
            break
        ends = (int(connectome.pre[position]), int(connectome.post[position]))
        if any(end not in neurons for end in ends):
            neurons.update(dict.fromkeys(ends))
            carriers.append(position)
    return list(neurons), carriers
