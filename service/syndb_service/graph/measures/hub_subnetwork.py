"""The strongest sub-network around the best-connected neurons: small enough to draw."""

from __future__ import annotations

from typing import Any

import numpy as np

from syndb_service.graph.measures.degrees import Degrees
from syndb_service.graph.measures.hubs import neuron_name, rank_hubs
from syndb_service.graph.model.connectome import Connectome, Index

CENTRES = 10
MOST_NEURONS = 36
MOST_CONNECTIONS = 90


def strongest_subnetwork(connectome: Connectome, degrees: Degrees, top_hubs: int) -> dict[str, Any]:
    """Choose the best-connected neurons, those most strongly connected to them, and the connections.

    Up to 10 neurons of highest total degree come first, whatever ``top_hubs`` is. Connections that touch
    one are then taken by synapse count, strongest first (ties by neuron ids), each bringing in the neuron
    at its other end, until there are 36 neurons. Of the connections among those, the ones that brought a
    neuron in and then the strongest are kept, up to 90 in all. Counts are exact; the choice is for drawing,
    not for statistics.

    Parameters
    ----------
    connectome : Connectome
        The graph.
    degrees : Degrees
        Of the same graph.
    top_hubs : int
        How many neurons the answer lists as hubs: ``is_hub`` is true for these alone.

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
    ranked = among[np.lexsort((among, -connectome.synapse_count[among], ~brought))][:MOST_CONNECTIONS]
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


def _gather(connectome: Connectome, centres: Index) -> tuple[list[int], list[int]]:
    """Return the neurons, the centres first, and the positions of the connections that brought others in."""
    central = np.zeros(connectome.neuron_count, np.bool_)
    central[centres] = True
    touching = np.flatnonzero(central[connectome.pre] | central[connectome.post])
    touching = touching[np.argsort(-connectome.synapse_count[touching], kind="stable")]
    neurons = dict.fromkeys(centres.tolist())
    carriers = []
    for position in touching.tolist():
        if len(neurons) >= MOST_NEURONS:
            break
        ends = (int(connectome.pre[position]), int(connectome.post[position]))
        if any(end not in neurons for end in ends):
            neurons.update(dict.fromkeys(ends))
            carriers.append(position)
    return list(neurons), carriers
