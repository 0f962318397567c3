"""Clustering coefficients: the share of connected pairs among a neuron's partners."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from syndb_service.graph.measures.degrees import Degrees
from syndb_service.graph.measures.triangles import Triangles
from syndb_service.graph.model.connectome import Connectome, Counts

Shares = npt.NDArray[np.float64]


def directed_clustering(connectome: Connectome, degrees: Degrees, triangles: Triangles) -> Shares:
    """Return each neuron's share of the directed triangles that its connections allow, shape (n,).

    ``T / (d (d - 1) - 2 r)`` with T directed triangles, d the total degree and r the number of
    reciprocal partners; 0 where no triangle is possible. Fagiolo 2007
    (doi:10.1103/PhysRevE.76.026107), as in NetworkX's ``clustering`` of a directed graph.

    Examples
    --------
    >>> from syndb_service.graph.model.connectome import connectome_from_edges
    >>> from syndb_service.graph.measures.degrees import count_degrees
    >>> from syndb_service.graph.measures.triangles import enumerate_triangles
    >>> loop = connectome_from_edges(3, [(0, 1), (1, 2), (2, 0)])
    >>> directed_clustering(loop, count_degrees(loop), enumerate_triangles(loop)).tolist()
    [0.5, 0.5, 0.5]
    """
    total = degrees.total
    reciprocal = total - connectome.dyads.partners
    return _shares(triangles.directed, total * (total - 1) - 2 * reciprocal)


def undirected_clustering(connectome: Connectome, triangles: Triangles) -> Shares:
    """Return each neuron's share of pairs of partners that are connected, shape (n,).

    Direction is ignored; 0 for neurons with fewer than two partners. Watts & Strogatz 1998
    (doi:10.1038/30918), as in NetworkX's ``clustering`` of an undirected graph.

    Examples
    --------
    >>> from syndb_service.graph.model.connectome import connectome_from_edges
    >>> from syndb_service.graph.measures.triangles import enumerate_triangles
    >>> graph = connectome_from_edges(4, [(0, 1), (1, 2), (2, 0), (2, 3)])
    >>> undirected_clustering(graph, enumerate_triangles(graph)).round(3).tolist()
    [1.0, 1.0, 0.333, 0.0]
    """
    partners = connectome.dyads.partners
    return _shares(2 * triangles.undirected, partners * (partners - 1))


def mean(shares: Shares) -> float | None:
    """Return the mean over all neurons, correctly rounded; None without neurons."""
    return math.fsum(shares) / len(shares) if len(shares) else None


def _shares(closed: Counts, possible: Counts) -> Shares:
    return np.divide(closed, possible, out=np.zeros(len(closed)), where=possible > 0)
