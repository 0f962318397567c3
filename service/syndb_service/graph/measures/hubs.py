"""Hubs: the neurons of highest total degree."""

from __future__ import annotations

from typing import Any

import numpy as np

from syndb_service.graph.measures.degrees import Degrees
from syndb_service.graph.model.connectome import Connectome, Counts, Index


def rank_hubs(degrees: Degrees, max_hubs: int) -> Index:
    """Return the positions of the neurons of highest total degree, highest first, at most ``max_hubs``.

    Of equal neurons the lower id comes first. Neurons without connections are never hubs.
    """
    total = degrees.total
    order = np.argsort(-total, kind="stable")[:max_hubs]
    return order[total[order] > 0].astype(np.int32)


def describe_hubs(connectome: Connectome, degrees: Degrees, max_hubs: int) -> list[dict[str, Any]]:
    """Describe the hubs, ranked by total degree (in-degree plus out-degree).

    Degree is the score by which the rich club of *C. elegans* was found (Towlson et al. 2013,
    doi:10.1523/JNEUROSCI.3784-12.2013), and the measure that van den Heuvel & Sporns 2013
    (doi:10.1016/j.tics.2013.09.012) list first. ``in_degree_rank`` and the other ranks distinguish
    broadcasters from integrators: 1 is the highest, and equal values share a rank.

    Parameters
    ----------
    connectome : Connectome
        The graph.
    degrees : Degrees
        Degrees of the same graph.
    max_hubs : int
        Number of hubs; fewer are returned if fewer neurons have connections.

    Examples
    --------
    >>> from syndb_service.graph.model.connectome import connectome_from_edges
    >>> from syndb_service.graph.measures.degrees import count_degrees
    >>> star = connectome_from_edges(4, [(0, 1), (0, 2), (3, 0)])
    >>> hub = describe_hubs(star, count_degrees(star), 1)[0]
    >>> hub["neuron_id"], hub["score"], hub["out_degree"], hub["in_degree_rank"]
    ('0', 3, 2, 1)
    """
    measures = {
        "in_degree": degrees.in_degree,
        "out_degree": degrees.out_degree,
        "in_strength": degrees.in_strength,
        "out_strength": degrees.out_strength,
    }
    total = degrees.total
    return [
        {
            "rank": rank,
            **neuron_name(connectome, neuron),
            "score": int(total[neuron]),
            **{name: int(values[neuron]) for name, values in measures.items()},
            **{f"{name}_rank": _rank(values, neuron) for name, values in measures.items()},
        }
        for rank, neuron in enumerate(rank_hubs(degrees, max_hubs).tolist(), start=1)
    ]


def neuron_name(connectome: Connectome, neuron: int) -> dict[str, str | None]:
    """Return the identity of a neuron: exact id as a string, name, cell class and neurotransmitter.

    Examples
    --------
    >>> from syndb_service.graph.model.connectome import connectome_from_edges
    >>> neuron_name(connectome_from_edges(1, []), 0)
    {'neuron_id': '0', 'name': None, 'cell_class': None, 'neurotransmitter': None}
    """
    return {
        "neuron_id": str(connectome.neuron_ids[neuron]),
        "name": connectome.names[neuron],
        "cell_class": connectome.cell_classes[neuron],
        "neurotransmitter": connectome.neurotransmitters[neuron],
    }


def _rank(values: Counts, neuron: int) -> int:
    return int(np.count_nonzero(values > values[neuron])) + 1
