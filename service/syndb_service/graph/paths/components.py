"""Components: sets of neurons that can reach each other, along or regardless of direction."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from syndb_service.graph.kernels.bindings import kernel
from syndb_service.graph.model.connectome import Connectome, Index


@dataclass(frozen=True, slots=True, eq=False)
class Components:
    """A division of the neurons into components.

    Parameters
    ----------
    count : int
        Number of components.
    labels : int32 array of shape (n,)
        Each neuron's component; connections between strong components go from higher to lower labels.
    members : int32 array of shape (k,)
        Positions of the neurons of the largest component, ascending; of several of that size, the one
        with the lowest neuron id.
    """

    count: int
    labels: Index
    members: Index

    @property
    def largest(self) -> int:
        """Number of neurons in the largest component; 0 without neurons."""
        return len(self.members)


def find_components(connectome: Connectome, connection: Literal["weak", "strong"]) -> Components:
    """Find the weakly or the strongly connected components.

    In a weak component every two neurons are joined by a path that ignores direction; in a strong one,
    by a directed path each way (Tarjan 1972, doi:10.1137/0201010). Of several largest components,
    ``members`` are those of the one with the lowest neuron id.

    Examples
    --------
    >>> from syndb_service.graph.model.connectome import connectome_from_edges
    >>> two_cycle_and_tail = connectome_from_edges(4, [(0, 1), (1, 0), (1, 2)])
    >>> strong = find_components(two_cycle_and_tail, "strong")
    >>> strong.count, strong.members.tolist()
    (3, [0, 1])
    >>> find_components(two_cycle_and_tail, "weak").count
    2
    """
    n = connectome.neuron_count
    labels = np.empty(n, np.int32)
    if connection == "weak":
        count = kernel("find_weak")(n, connectome.start, connectome.post, np.empty(n, np.int32), labels)
    else:
        scratch = [np.empty(n, np.int32) for _ in range(4)]
        count = kernel("find_strong")(
            n, connectome.start, connectome.post, *scratch, np.empty(n, np.int64), labels
        )
    if not count:
        return Components(0, labels, labels)
    sizes = np.bincount(labels, minlength=count)
    chosen = labels[np.argmax(sizes[labels])]
    return Components(count, labels, np.flatnonzero(labels == chosen).astype(np.int32))
