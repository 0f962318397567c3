"""Threads that share a piece of work: kernels release the interpreter's lock, so they run at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import numpy.typing as npt

Report = Callable[[float], None]
Item = TypeVar("Item")
Made = TypeVar("Made")

BLOCKS = 64


@dataclass(frozen=True, slots=True)
class ThreadPool:
    """How many threads work, and who is told how far they are.

    Parameters
    ----------
    threads : int
        At least 1.
    report : callable
        Is told the fraction of the work that is done, after each piece.

    Examples
    --------
    >>> ThreadPool(2).map(lambda number: number**2, [1, 2, 3])
    [1, 4, 9]
    """

    threads: int = 1
    report: Report = lambda _: None

    def map(
        self, work: Callable[[Item], Made], items: Sequence[Item], weights: Sequence[float] | None = None
    ) -> list[Made]:
        """Do the work on every item; results come in the order of the items, whoever did them when.

        Parameters
        ----------
        work : callable
            Takes an item; runs in any thread.
        items : sequence
            What there is to do.
        weights : sequence of float, optional
            What share of the work each item is, in any unit; equal where not given.
        """
        shares = [1.0] * len(items) if weights is None else list(weights)
        total, done = sum(shares) or 1.0, 0.0
        if self.threads == 1 or len(items) < 2:
            made = []
            for item, share in zip(items, shares, strict=True):
                made.append(work(item))
                done += share
                self.report(min(done / total, 1.0))
            return made
        with ThreadPoolExecutor(self.threads) as pool:
            futures = {pool.submit(work, item): share for item, share in zip(items, shares, strict=True)}
            for future in as_completed(futures):
                future.result()
                done += futures[future]
                self.report(min(done / total, 1.0))
            return [future.result() for future in futures]


def blocks(work: npt.NDArray[np.int64], least: int) -> Iterator[tuple[int, int, int]]:
    """Cut places 0 … len(work) into at most 64 ranges of about equal work, none of less than ``least``.

    Yields
    ------
    tuple of int
        First place, the place after the last one, and the work between.

    Examples
    --------
    >>> list(blocks(np.array([5, 1, 1, 4]), 5))
    [(0, 1, 5), (1, 4, 6)]
    """
    done = np.cumsum(work)
    total = int(done[-1]) if len(work) else 0
    size, first, before = max(least, total // BLOCKS, 1), 0, 0
    while first < len(work):
        last = min(int(np.searchsorted(done, before + size)) + 1, len(work))
        yield first, last, int(done[last - 1]) - before
        first, before = last, int(done[last - 1])
