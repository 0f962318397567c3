"""A synthetic connectome of a given size: its connections and their numbers of synapses.

The defaults are the published statistics of the fly's whole brain, FlyWire 783: Lin A et al. 2024, Network
statistics of the whole-brain connectome of *Drosophila*, Nature 634: 153–165, doi:10.1038/s41586-024-07968-y.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Index = npt.NDArray[np.int64]
Weights = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Shape:
    """The size and the statistics of a connectome.

    Parameters
    ----------
    neurons, connections : int
        Their numbers; connections join distinct neurons, at most one each way.
    reciprocity : float
        Share of connections that are returned.
    locality : float
        Share of connections to near neurons; a larger share gives more clustering.
    neighbourhood : float
        Scale, in neurons, of the exponential distance of these connections.
    spread : float
        Standard deviation of the logarithm of a neuron's expected degree, which sets the tail.
    least_synapses : int
        Synapses of the weakest connection.
    mean_synapses : float
        Mean number of synapses of a connection; the tail falls with the power 1 + `TAIL`.
    """

    neurons: int = 139_255
    connections: int = 2_701_601
    reciprocity: float = 0.138
    locality: float = 0.62
    neighbourhood: float = 60.0
    spread: float = 1.2
    least_synapses: int = 5
    mean_synapses: float = 12.6


WHOLE_BRAIN = Shape()
UNTHRESHOLDED = Shape(connections=15_000_000, least_synapses=1, mean_synapses=3.6)

TAIL = 2.2
MOST_SYNAPSES = 2_400


@dataclass(frozen=True, slots=True, eq=False)
class Wiring:
    """Connections between neurons 0 … n-1: ``pre``, ``post`` and ``synapses``, in random order."""

    pre: Index
    post: Index
    synapses: Index


def wire(shape: Shape, seed: int) -> Wiring:
    """Draw a connectome.

    Each neuron has an expected in- and out-degree with a heavy tail. Neurons are arranged on a line; a
    connection starts at a neuron drawn by its out-degree and ends, in proportion to in-degrees, either near
    it on that line or anywhere. Pairs of neurons are distinct, so that the numbers of connections and of
    returned ones are exactly those requested.

    Parameters
    ----------
    shape : Shape
        Size and statistics of the connectome.
    seed : int
        The same seed gives the same connectome.

    Examples
    --------
    >>> wiring = wire(Shape(neurons=500, connections=4_000), seed=1)
    >>> len(wiring.pre), len(set(zip(wiring.pre.tolist(), wiring.post.tolist())))
    (4000, 4000)
    """
    rng = np.random.default_rng(seed)
    mutual = round(shape.reciprocity * shape.connections / 2)
    pairs = _distinct_pairs(shape, shape.connections - mutual, rng)
    pre, post = pairs // shape.neurons, pairs % shape.neurons
    order = rng.permutation(shape.connections)
    pre, post = np.concatenate([pre, post[:mutual]])[order], np.concatenate([post, pre[:mutual]])[order]
    scale = (shape.mean_synapses - shape.least_synapses + 0.5) * (TAIL - 1)
    synapses = shape.least_synapses + (rng.pareto(TAIL, shape.connections) * max(scale, 0.0)).astype(np.int64)
    return Wiring(pre, post, np.minimum(synapses, MOST_SYNAPSES))


def _distinct_pairs(shape: Shape, wanted: int, rng: np.random.Generator) -> Index:
    """Draw distinct pairs of neurons, packed as pre * n + post."""
    n = shape.neurons
    if wanted > n * (n - 1) // 2:
        raise ValueError(f"{n:,} neurons can't have {wanted:,} connected pairs")
    out, into = _expected_degrees(shape, rng)
    chosen = np.zeros(0, np.int64)
    while len(chosen) < wanted:
        drawn = int((wanted - len(chosen)) * 1.15) + 64
        pre = np.searchsorted(out, rng.random(drawn) * out[-1])
        near = rng.random(drawn) < shape.locality
        away = rng.exponential(shape.neighbourhood * into[-1] / n, drawn) * rng.choice([-1.0, 1.0], drawn)
        target = np.where(near, into[np.minimum(pre, n - 1)] + away, rng.random(drawn) * into[-1])
        post = np.searchsorted(into, target % into[-1])
        packed = np.concatenate([chosen, (pre * n + post)[pre != post]])
        low, high = np.minimum(packed // n, packed % n), np.maximum(packed // n, packed % n)
        chosen = packed[np.unique(low * n + high, return_index=True)[1]]
    return rng.permutation(chosen)[:wanted]


def _expected_degrees(shape: Shape, rng: np.random.Generator) -> tuple[Weights, Weights]:
    """Return the cumulated expected out- and in-degrees, which are correlated as in the fly."""
    both = rng.normal(0, 1, shape.neurons)
    own = rng.normal(0, 1, (2, shape.neurons))
    out, into = np.exp(shape.spread * (0.8 * both + 0.6 * own))
    return np.cumsum(out), np.cumsum(into)
