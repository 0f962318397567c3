"""Graphs of many shapes, as neuron count and distinct connections, self-connections excluded."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable

import duckdb
import numpy as np
from hypothesis import strategies as st

Shape = tuple[int, list[tuple[int, int]]]
Holder = Callable[[Iterable[int], Iterable[tuple[int, int, int]]], duckdb.DuckDBPyConnection]


def random_shape(n: int, m: int, seed: int) -> Shape:
    rng = np.random.default_rng(seed)
    places = rng.choice(n * n, min(m, n * n), replace=False)
    return n, [(int(p // n), int(p % n)) for p in places if p // n != p % n]


def heavy_tailed(n: int, m: int, seed: int) -> Shape:
    """A few neurons take most of the connections; a third of all are returned."""
    rng = np.random.default_rng(seed)
    share = rng.pareto(1.2, n) + 0.1
    ends = rng.choice(n, (m, 2), p=share / share.sum())
    pairs = {(int(a), int(b)) for a, b in ends if a != b}
    returned = {(b, a) for a, b in pairs if rng.random() < 1 / 3}
    return n, sorted(pairs | returned)


def complete(n: int) -> Shape:
    return n, list(itertools.permutations(range(n), 2))


SHAPES: dict[str, Shape] = {
    "empty": (0, []),
    "one neuron": (1, []),
    "two neurons apart": (2, []),
    "one connection": (2, [(0, 1)]),
    "two-cycle": (2, [(0, 1), (1, 0)]),
    "isolated neurons": (6, []),
    "two-cycles and isolated neurons": (7, [(0, 1), (1, 0), (3, 5), (5, 3)]),
    "feedforward triangle": (3, [(0, 1), (1, 2), (0, 2)]),
    "directed ring": (12, [(i, (i + 1) % 12) for i in range(12)]),
    "directed line": (9, [(i, i + 1) for i in range(8)]),
    "out star": (8, [(0, i) for i in range(1, 8)]),
    "in star": (8, [(i, 0) for i in range(1, 8)]),
    "complete": complete(9),
    "several components": (11, [*complete(4)[1], (4, 5), (5, 6), (6, 4), (8, 9)]),
    "sparse": random_shape(60, 70, 1),
    "medium": random_shape(50, 400, 2),
    "dense": random_shape(24, 500, 3),
    "more than a word of sources": random_shape(150, 900, 4),
    "heavy-tailed": heavy_tailed(120, 1200, 5),
}


@st.composite
def shapes(draw: st.DrawFn, largest: int = 14) -> Shape:
    n = draw(st.integers(0, largest))
    possible = list(itertools.permutations(range(n), 2))
    edges = draw(st.lists(st.sampled_from(possible), unique=True)) if possible else []
    return n, edges
