"""Errors of what is measured on a sample, which cover what was not drawn.

A sample of equal values has no spread, and says nothing of the few others that it may have missed: a mean of
0.0 ± 0.0 over the leaves of a star is wrong, since nobody drew its hub. So the bounds between which every
value lies count as well.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt

CONFIDENCE: Final = 0.95
_Z: Final = 1.959963984540054
_UNSEEN: Final = 2
"""Values at either bound that are added to a sample: two and two, as Agresti & Coull 1998 have it."""


def standard_error(values: npt.NDArray[np.float64], population: int, bounds: tuple[float, float]) -> float:
    """Return the standard error of the mean of values drawn without replacement; 0 where all were drawn.

    Two values at either bound are added to the sample (Agresti & Coull 1998, "Approximate is better than
    'exact' for interval estimation of binomial proportions", doi:10.1080/00031305.1998.10480550), so that a
    sample without spread has an error, too; with finite-population correction (Cochran 1977, section 2.6).

    Parameters
    ----------
    values : float array of shape (k,)
        Of the sample.
    population : int
        From how many it was drawn.
    bounds : tuple of two floats
        Between which the values of the population lie.

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
    It is a proportion's; values between 0 and 1 have no more variance than a proportion of the same mean
    (Bhatia & Davis 2000, doi:10.1080/00029890.2000.12005203), so that it is never too narrow for them.

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
