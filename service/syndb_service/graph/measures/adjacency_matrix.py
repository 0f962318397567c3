"""The adjacency matrix, sorted by community and reduced to at most 400 rows for drawing."""

from __future__ import annotations

from typing import Any

import numpy as np

from syndb_service.graph.model.connectome import Connectome, Index

CELLS = 200
MAX_CELLS = 400  # neurons up to which each has its own row


def adjacency_sketch(connectome: Connectome, labels: Index) -> dict[str, Any]:
    """Count the connections between groups of neurons that are adjacent in the order by community.

    Parameters
    ----------
    connectome : Connectome
        The graph.
    labels : int32 array of shape (n,)
        Each neuron's community, 0 the largest.

    Returns
    -------
    dict
        ``cells``: the matrix has this many rows and columns, at most 400; ``neurons_per_cell``; ``pre``,
        ``post`` and ``connections``, three lists of the same length: the cells that have any; ``borders``:
        the neuron, in this order, at which each community begins.

    Examples
    --------
    >>> from syndb_service.graph.model.connectome import connectome_from_edges
    >>> adjacency_sketch(connectome_from_edges(3, [(0, 1), (2, 0)]), np.array([0, 1, 0], np.int32))["pre"]
    [0, 1]
    """
    n = connectome.neuron_count
    cells = n if n <= MAX_CELLS else CELLS
    each = n / cells if cells else 1.0
    place = np.empty(n, np.int64)
    place[np.argsort(labels, kind="stable")] = np.arange(n)
    cell = np.minimum(place * cells // max(n, 1), cells - 1)
    counts = np.bincount(cell[connectome.pre] * cells + cell[connectome.post], minlength=cells * cells)
    used = np.flatnonzero(counts)
    sizes = np.bincount(labels) if n else np.zeros(0, np.int64)
    return {
        "cells": cells,
        "neurons_per_cell": each,
        "pre": (used // max(cells, 1)).tolist(),
        "post": (used % max(cells, 1)).tolist(),
        "connections": counts[used].tolist(),
        "borders": (np.cumsum(sizes) - sizes).tolist(),
    }
