"""A thread pool for kernels, which run in parallel because they release the interpreter's lock."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import numpy.typing as npt

Report = Callable[[float], None]
Item = TypeVar("Item")
Output = TypeVar("Output")

BLOCKS = 64


@dataclass(frozen=True, slots=True)
class ThreadPool:
    """A thread pool that reports its progress.

    Parameters
    ----------
    threads : int
        Number of threads, at least 1.
    report : callable
        Receives the fraction of the work that is done, after each item.

    Examples
    --------
    >>> ThreadPool(2).map(lambda number: number**2, [1, 2, 3])
    [1, 4, 9]
    """

    threads: int = 1
    report: Report = lambda _: None

    def map(
        self, work: Callable[[Item], Output], items: Sequence[Item], weights: Sequence[float] | None = None
    ) -> list[Output]:
        """Apply a function to every item; return the results in the order of the items.

        Parameters
        ----------
        work : callable
            Receives an item; runs in any thread.
        items : sequence
            The items.
        weights : sequence of float, optional
            Each item's share of the work, in any unit; equal by default.
        """
        shares = [1.0] * len(items) if weights is None else list(weights)
        total, done = sum(shares) or 1.0, 0.0
        if self.threads == 1 or len(items) < 2:
            outputs = []
            for item, share in zip(items, shares, strict=True):
                outputs.append(work(item))
                done += share
                self.report(min(done / total, 1.0))
            return outputs
        with ThreadPoolExecutor(self.threads) as pool:
            futures = {pool.submit(work, item): share for item, share in zip(items, shares, strict=True)}
            for future in as_completed(futures):
                future.result()
                done += futures[future]
                self.report(min(done / total, 1.0))
            return [future.result() for future in futures]


def blocks(work: npt.NDArray[np.int64], min_work: int) -> Iterator[tuple[int, int, int]]:
    """Divide positions 0 … len(work) into at most 64 ranges of similar work, each of at least ``min_work``.

    Yields
    ------
    tuple of int
        First position, the position after the last one, and the work between.

    Examples
    --------
    >>> list(blocks(np.array([5, 1, 1, 4]), 5))
    [(0, 1, 5), (1, 4, 6)]
    """
    done = np.cumsum(work)
    total = int(done[-1]) if len(work) else 0
    size, first, before = max(min_work, total // BLOCKS, 1), 0, 0
    while first < len(work):
        last = min(int(np.searchsorted(done, before + size)) + 1, len(work))
        yield first, last, int(done[last - 1]) - before
        first, before = last, int(done[last - 1])
