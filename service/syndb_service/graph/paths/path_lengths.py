"""Lengths of shortest paths, and the neurons reached within k hops."""

from __future__ import annotations

from typing import Any

import numpy as np

from syndb_service.graph.kernels.thread_pool import ThreadPool
from syndb_service.graph.measures.hubs import neuron_name
from syndb_service.graph.model.connectome import Connectome, Counts, Index, connectome_from_edges, sort_by_row
from syndb_service.graph.paths.breadth_first_search import Hops, count_hops
from syndb_service.graph.paths.components import Components
from syndb_service.graph.paths.sampling_error import intervals, standard_error

EXACT_UP_TO = 5_000  # neurons up to which every neuron is a source
SAMPLED_SOURCES = 512  # sources in larger graphs
MAX_HOPS = 100


def shortest_paths(
    connectome: Connectome, members: Index, seed: int, thread_pool: ThreadPool | None = None
) -> dict[str, Any]:
    """Measure the directed, unweighted shortest paths within the largest strongly connected component.

    Of several largest components, the one with the lowest neuron id is used.

    Exact for components of up to 5,000 neurons. Larger ones are sampled: all paths from 512 neurons
    drawn without replacement with the seed. The mean then has a standard error that accounts for neurons
    that were not drawn (`sampling_error.standard_error`), and the diameter is a lower bound.

    Parameters
    ----------
    connectome : Connectome
        The graph.
    members : int array of shape (s,)
        Positions of the component's neurons, ascending.
    seed : int
        Seed of the sample, if there is one.
    thread_pool : ThreadPool, optional
        Runs the work; one thread by default.

    Returns
    -------
    dict
        ``mean_shortest_path`` and ``diameter`` in hops, None if the component has fewer than two
        neurons; ``exact``, ``sources``, ``component_size``, ``standard_error`` (0 if exact),
        ``diameter_is_lower_bound``, ``distribution`` of path lengths from the sources.

    Examples
    --------
    >>> from syndb_service.graph.model.connectome import connectome_from_edges
    >>> cycle = connectome_from_edges(4, [(0, 1), (1, 2), (2, 0), (2, 3)])
    >>> found = shortest_paths(cycle, np.array([0, 1, 2], np.int32), seed=0)
    >>> found["mean_shortest_path"], found["diameter"], found["exact"], found["sources"]
    (1.5, 2, True, 3)
    """
    inside = _induced_subgraph(connectome, members)
    size = len(members)
    sources, exact = _sources(size, seed)
    found = count_hops(inside, sources, thread_pool=thread_pool)
    others = size - 1
    defined = others > 0
    return {
        "mean_shortest_path": int(found.lengths.sum()) / (len(sources) * others) if defined else None,
        "diameter": len(found.pairs) - 1 if defined else None,
        "exact": exact,
        "component_size": size,
        "sources": len(sources),
        "standard_error": _path_error(inside, sources, found, exact) if defined else None,
        "diameter_is_lower_bound": not exact,
        "distribution": {
            "hops": list(range(1, len(found.pairs))),
            "paths": found.pairs[1:].tolist(),
        },
    }


def reachability(
    connectome: Connectome, seed: int, thread_pool: ThreadPool | None = None, max_hops: int = MAX_HOPS
) -> dict[str, Any]:
    """Measure the fraction of the other neurons that a neuron reaches within k hops, on average.

    Up to 5,000 neurons, every neuron is a source; above that, 512 drawn with the seed. Paths are followed
    for at most ``max_hops`` hops.

    Returns
    -------
    dict
        ``hops`` (0 … k) and ``mean_fraction_reached`` of the same length, empty below two neurons;
        ``interval``, of the same length, the 95 % interval of each fraction if they are sampled, None if
        they are exact; ``exact``, ``sources``, ``complete`` (False if there are neurons beyond the last hop
        or not every neuron was a source) and ``standard_error`` of the last fraction.

    Examples
    --------
    >>> from syndb_service.graph.model.connectome import connectome_from_edges
    >>> curve = reachability(connectome_from_edges(3, [(0, 1), (1, 2)]), seed=0)
    >>> curve["hops"], curve["mean_fraction_reached"]
    ([0, 1, 2], [0.0, 0.3333333333333333, 0.5])
    """
    n = connectome.neuron_count
    sources, exact = _sources(n, seed)
    found = count_hops(connectome, sources, max_hops, thread_pool)
    within = np.cumsum(found.pairs[1:], dtype=np.int64)
    defined = n > 1
    pairs = len(sources) * (n - 1)
    means = [0.0, *(int(total) / pairs for total in within)] if defined else []
    return {
        "hops": list(range(len(found.pairs))) if defined else [],
        "mean_fraction_reached": means,
        "interval": None if exact else intervals(means, len(sources), n),
        "exact": exact,
        "sources": len(sources),
        "complete": exact and found.complete,
        "standard_error": standard_error(found.reached / (n - 1), n, (0.0, 1.0)) if defined else None,
    }


def reachability_from(connectome: Connectome, source: int, max_hops: int = MAX_HOPS) -> dict[str, Any]:
    """Count the neurons that one neuron reaches within k hops; exact.

    Returns
    -------
    dict
        ``source``; ``hops`` (0 … k), ``neurons_reached`` within them (the source itself not counted) and
        ``mean_fraction_reached`` of the other neurons, of the same length; ``exact``, ``sources``,
        ``complete`` and ``standard_error`` as in `reachability`.

    Examples
    --------
    >>> from syndb_service.graph.model.connectome import connectome_from_edges
    >>> reachability_from(connectome_from_edges(4, [(0, 1), (1, 2)]), 0)["neurons_reached"]
    [0, 1, 2]
    """
    others = connectome.neuron_count - 1
    found = count_hops(connectome, np.array([source], np.int32), max_hops)
    within = (np.cumsum(found.pairs) - 1).tolist()
    return {
        "source": neuron_name(connectome, source),
        "hops": list(range(len(within))),
        "neurons_reached": within,
        "mean_fraction_reached": [count / others for count in within] if others else [0.0],
        "interval": None,
        "exact": True,
        "sources": 1,
        "complete": found.complete,
        "standard_error": 0.0,
    }


def reachable(connectome: Connectome, strong: Components, thread_pool: ThreadPool | None = None) -> Counts:
    """Count the other neurons that each neuron reaches, exactly, shape (n,).

    Neurons of one strong component reach the same neurons, so the search runs on components.

    Examples
    --------
    >>> from syndb_service.graph.paths.components import find_components
    >>> from syndb_service.graph.model.connectome import connectome_from_edges
    >>> graph = connectome_from_edges(4, [(0, 1), (1, 0), (1, 2)])
    >>> reachable(graph, find_components(graph, "strong")).tolist()
    [2, 2, 0, 0]
    """
    labels = strong.labels
    ends = np.stack([labels[connectome.pre], labels[connectome.post]], axis=1)
    between = np.unique(ends[ends[:, 0] != ends[:, 1]], axis=0)
    sizes = np.bincount(labels, minlength=strong.count)
    found = count_hops(
        connectome_from_edges(strong.count, between),
        np.arange(strong.count, dtype=np.int32),
        None,
        thread_pool,
        sizes,
    )
    counts: Counts = (found.reached + sizes - 1)[labels]
    return counts


def _sources(size: int, seed: int) -> tuple[Index, bool]:
    """Return the positions of the sources, ascending, and whether they are all neurons."""
    if size <= EXACT_UP_TO:
        return np.arange(size, dtype=np.int32), True
    drawn = np.random.default_rng(seed).choice(size, SAMPLED_SOURCES, replace=False)
    return np.sort(drawn).astype(np.int32), False


def _induced_subgraph(connectome: Connectome, members: Index) -> Connectome:
    """Return the subgraph of the members, which are renumbered in their order."""
    place = np.full(connectome.neuron_count, -1, np.int32)
    place[members] = np.arange(len(members), dtype=np.int32)
    pre, post = place[connectome.pre], place[connectome.post]
    kept = (pre >= 0) & (post >= 0)
    rows = sort_by_row(len(members), pre[kept], post[kept], connectome.synapse_count[kept])
    return Connectome(
        neuron_ids=connectome.neuron_ids[members],
        names=connectome.names[members],
        cell_classes=connectome.cell_classes[members],
        neurotransmitters=connectome.neurotransmitters[members],
        pre=rows.pre,
        post=rows.post,
        synapse_count=rows.synapse_count,
        start=rows.start,
    )


def _path_error(inside: Connectome, sources: Index, found: Hops, exact: bool) -> float:
    """Return the standard error of the mean path; 0 if every neuron is a source.

    Every neuron's mean path has at least 1 hop, and at most the hops to the first source plus those from it.
    """
    if exact:
        return 0.0
    means = found.lengths / (inside.neuron_count - 1)
    backwards = connectome_from_edges(inside.neuron_count, np.stack([inside.post, inside.pre], axis=1))
    to_first = len(count_hops(backwards, sources[:1]).pairs) - 1
    return standard_error(means, inside.neuron_count, (1.0, to_first + float(means[0])))
