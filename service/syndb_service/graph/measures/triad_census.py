"""The triadic census: the count of each of the 16 motifs of three neurons."""

from __future__ import annotations

from collections import Counter

import numpy as np

from syndb_service.graph.measures.triangles import Kind, Triangles
from syndb_service.graph.model.connectome import BACKWARD, FORWARD, MUTUAL, Connectome, Counts

TRIADS = (
    "003", "012", "102", "021D", "021U", "021C", "111D", "111U",
    "030T", "030C", "201", "120D", "120U", "120C", "210", "300",
)  # fmt: skip
OPEN = {
    (FORWARD, FORWARD): "021D",
    (BACKWARD, BACKWARD): "021U",
    (FORWARD, BACKWARD): "021C",
    (BACKWARD, MUTUAL): "111D",
    (FORWARD, MUTUAL): "111U",
    (MUTUAL, MUTUAL): "201",
}
"""Triads of two dyads, by the two dyads from the view of their common neuron."""

_REVERSED = {FORWARD: BACKWARD, BACKWARD: FORWARD, MUTUAL: MUTUAL}


def triadic_census(connectome: Connectome, triangles: Triangles) -> dict[str, int]:
    """Count the triples of neurons of each of the 16 isomorphism classes of directed triads.

    Names are those of Holland & Leinhardt 1970 (doi:10.1086/224954): the numbers of mutual, asymmetric
    and null dyads, then D(own), U(p), T(ransitive) or C(yclic). Triples with three connected pairs come
    from the enumeration of triangles, those with two from the degrees minus the pairs in triangles, and
    all others by subtraction. All counts are exact integers.

    Parameters
    ----------
    connectome : Connectome
        The graph of n neurons.
    triangles : Triangles
        Triangles of the same graph.

    Returns
    -------
    dict of str to int
        Counts by the 16 names, in their standard order; the sum is n (n-1) (n-2) / 6.

    Examples
    --------
    >>> from syndb_service.graph.model.connectome import connectome_from_edges
    >>> from syndb_service.graph.measures.triangles import enumerate_triangles
    >>> feedforward = connectome_from_edges(4, [(0, 1), (1, 2), (0, 2)])
    >>> census = triadic_census(feedforward, enumerate_triangles(feedforward))
    >>> {name: count for name, count in census.items() if count}
    {'012': 3, '030T': 1}
    """
    n = connectome.neuron_count
    dyad_counts = _dyads_by_neuron(connectome)
    asymmetric, mutual = int(dyad_counts[FORWARD].sum()), int(dyad_counts[MUTUAL].sum()) // 2
    census: Counter[str] = Counter()
    for pair, name in OPEN.items():
        census[name] += _wedges(dyad_counts, *pair)
    for kind, count in triangles.kinds.items():
        census[closed_triad(kind)] += count
        for pair in corners(kind):
            census[OPEN[pair]] -= count
    connected = {name: (int(name[0]), int(name[1])) for name in TRIADS[3:]}
    census["012"] = asymmetric * (n - 2) - sum(a * census[name] for name, (_, a) in connected.items())
    census["102"] = mutual * (n - 2) - sum(m * census[name] for name, (m, _) in connected.items())
    census["003"] = n * (n - 1) * (n - 2) // 6 - sum(census[name] for name in TRIADS[1:])
    return {name: census[name] for name in TRIADS}


def corners(kind: Kind) -> list[tuple[int, int]]:
    """Return the two dyads of each of a triangle's three neurons, in ascending order.

    Examples
    --------
    >>> corners((FORWARD, FORWARD, FORWARD))
    [(1, 1), (1, 2), (2, 2)]
    """
    first, second, third = kind
    sights = [
        (first, second),
        (_REVERSED[first], third),
        (_REVERSED[second], _REVERSED[third]),
    ]
    return [(min(sight), max(sight)) for sight in sights]


def closed_triad(kind: Kind) -> str:
    """Return the name of a triangle's triad.

    Examples
    --------
    >>> closed_triad((FORWARD, FORWARD, FORWARD)), closed_triad((FORWARD, BACKWARD, FORWARD))
    ('030T', '030C')
    """
    sights = corners(kind)
    mutual = kind.count(MUTUAL)
    if mutual == 3:
        return "300"
    if mutual == 2:
        return "210"
    if mutual == 0:
        return "030T" if (FORWARD, FORWARD) in sights else "030C"
    if (FORWARD, FORWARD) in sights:
        return "120D"
    return "120U" if (BACKWARD, BACKWARD) in sights else "120C"


def _dyads_by_neuron(connectome: Connectome) -> dict[int, Counts]:
    """Return the number of dyads of each neuron, by kind from its view."""
    dyads, n = connectome.dyads, connectome.neuron_count
    row = np.repeat(np.arange(n, dtype=np.int32), dyads.partners)
    return {kind: np.bincount(row[dyads.kind == kind], minlength=n) for kind in (FORWARD, BACKWARD, MUTUAL)}


def _wedges(dyad_counts: dict[int, Counts], kind: int, other: int) -> int:
    """Count the pairs of dyads of these kinds that share a neuron, open or closed."""
    if kind == other:
        return int((dyad_counts[kind] * (dyad_counts[kind] - 1) // 2).sum())
    return int((dyad_counts[kind] * dyad_counts[other]).sum())
