"""Errors of measures on a sample, which account for the values that were not drawn.

A sample of equal values has no variance, although it may have missed a few other values: a mean of 0.0 ± 0.0
over the leaves of a star is wrong, because its hub was not drawn. The errors therefore also use the bounds of
the values.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt

CONFIDENCE: Final = 0.95
_Z: Final = 1.959963984540054
_UNSEEN: Final = 2
"""Values added to a sample at each bound: two, as in Agresti & Coull 1998."""


def standard_error(values: npt.NDArray[np.float64], population: int, bounds: tuple[float, float]) -> float:
    """Return the standard error of the mean of values drawn without replacement; 0 if all were drawn.

    Two values at each bound are added to the sample (Agresti & Coull 1998, "Approximate is better than
    'exact' for interval estimation of binomial proportions", doi:10.1080/00031305.1998.10480550), so that a
    sample without variance has an error, too; with finite-population correction (Cochran 1977, section 2.6).

    Parameters
    ----------
    values : float array of shape (k,)
        The sample.
    population : int
        Size of the population.
    bounds : tuple of two floats
        Lower and upper bound of the values in the population.

    Examples
    --------
    >>> standard_error(np.zeros(512), 512, (0.0, 1.0))
    0.0
    >>> round(standard_error(np.zeros(512), 10_000, (0.0, 1.0)), 4)
    0.0027
    """
    drawn = len(values)
    if drawn >= population:
        return 0.0
    known = np.concatenate([values, np.repeat(bounds, _UNSEEN)])
    return float(known.std(ddof=1) / np.sqrt(len(known)) * np.sqrt(_left(drawn, population)))


def intervals(means: Sequence[float], drawn: int, population: int) -> dict[str, Any]:
    """Return the interval of each mean of values from 0 to 1, drawn without replacement.

    The score interval of Wilson 1927 (doi:10.1080/01621459.1927.10502953) with finite-population correction.
    It is defined for proportions. Values between 0 and 1 have at most the variance of a proportion of the
    same mean (Bhatia & Davis 2000, doi:10.1080/00029890.2000.12005203), so it is never too narrow for them.

    Returns
    -------
    dict
        ``confidence``, and ``low`` and ``high``, each as long as ``means``.

    Examples
    --------
    >>> found = intervals([0.0, 0.5], 512, 10_000)
    >>> [round(each, 4) for each in found["low"]], [round(each, 4) for each in found["high"]]
    ([0.0, 0.458], [0.0071, 0.542])
    """
    spread = _Z**2 * _left(drawn, population) / drawn
    low, high = [], []
    for mean in means:
        middle = (mean + spread / 2) / (1 + spread)
        half = np.sqrt(spread * mean * (1 - mean) + spread**2 / 4) / (1 + spread)
        low.append(min(max(0.0, float(middle - half)), mean))
        high.append(max(min(1.0, float(middle + half)), mean))
    return {"confidence": CONFIDENCE, "low": low, "high": high}


def _left(drawn: int, population: int) -> float:
    """Return the share of the population that was not drawn: the finite-population correction."""
    return (population - drawn) / (population - 1)
