"""Percentiles that are printed only where the samples support them (pure)."""

import math

import numpy as np
import numpy.typing as npt

PERCENTILES = (50.0, 90.0, 95.0, 99.0, 99.9)


def samples_needed(percentile: float) -> int:
    """Return how many requests a percentile needs before it is printed: p99 needs 368, p99.9 needs 3,688.

    With fewer, the largest of them is more likely than 2.5 % to lie below the percentile, so that no 95 %
    interval for it has an upper end.
    """
    return math.ceil(math.log(0.025) / math.log(percentile / 100))


def percentile(ascending: npt.NDArray[np.floating], wanted: float) -> float | None:
    """Return the nearest-rank percentile in the unit of its input, or None if there are too few values.

    It is infinite where the percentile falls among requests that never got their answer.
    """
    count = len(ascending)
    if count < samples_needed(wanted):
        return None
    return float(ascending[math.ceil(wanted / 100 * count) - 1])


def percentiles(values: npt.NDArray[np.floating]) -> dict[float, float | None]:
    """Return all of PERCENTILES of values in any order, in their unit."""
    ascending = np.sort(values)
    return {wanted: percentile(ascending, wanted) for wanted in PERCENTILES}
