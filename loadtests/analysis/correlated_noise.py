"""How well levels explain a series of figures whose noise lasts from one to the next (pure).

The noise of each figure keeps a share of the noise before it (an autoregressive process of order 1). The share is
estimated along with the levels: from 0 on, for noise does not swing back from day to day, and with a preference for
what is usual, because a few dozen figures alone hardly tell it. A model without a change may thus explain a change by
noise that lasts longer, and the change must be better than that. Source for the model: S. Chakar et al., A robust
approach for estimating change-points in the mean of an AR(1) process, Bernoulli 23 (2017).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

SHARES = np.arange(0, 0.81, 0.05)
"""The shares that are tried."""
USUAL, SPREAD = 0.3, 0.2
"""Mean and standard deviation of the share that is expected; the study in docs/over-time.md is what they rest on."""
LEAST_VARIANCE = 1e-18
Vector = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Fit:
    """The best levels of some segments.

    Attributes:
        criterion: -2 × the logarithm of the likelihood, up to a constant; lower is better.
        covariance: of the levels.
    """

    criterion: float
    covariance: Vector


def fit(logs: Vector, ends: Sequence[int], least_error: float) -> Fit:
    """Fit a level to each segment by generalised least squares.

    Args:
        logs: the series.
        ends: of the segments, 0 and the length included.
        least_error: the noise has at least this standard deviation.
    """
    shares = SHARES[:, None]
    begins, lengths = np.asarray(ends[:-1]), np.diff(ends).astype(float)
    count = len(lengths)
    around = np.zeros(len(logs))
    around[1:] += logs[:-1]
    around[:-1] += logs[1:]
    sums = (1 + shares**2) * np.add.reduceat(logs, begins) - shares * np.add.reduceat(around, begins)
    diagonal = (1 + shares**2) * lengths - 2 * shares * (lengths - 1)
    for end, value in ((0, logs[0]), (-1, logs[-1])):  # the first and the last figure have one neighbour
        sums[:, end] -= SHARES**2 * value
        diagonal[:, end] -= SHARES**2
    normal = np.zeros((len(SHARES), count, count))
    which = np.arange(count)
    normal[:, which, which] = diagonal
    normal[:, which[1:], which[:-1]] = normal[:, which[:-1], which[1:]] = -shares
    levels = np.linalg.solve(normal, sums[:, :, None])[:, :, 0]
    squares = (1 + SHARES**2) * (logs @ logs) - SHARES**2 * (logs[0] ** 2 + logs[-1] ** 2)
    squares = np.maximum(squares - 2 * SHARES * (logs[1:] @ logs[:-1]) - (sums * levels).sum(axis=1), 0.0)
    least = np.maximum(least_error**2 * (1 - SHARES**2), LEAST_VARIANCE)
    variance = np.maximum(squares / len(logs), least)
    criteria = len(logs) * (np.log(variance) - 1) + squares / variance - np.log1p(-(SHARES**2))
    criteria += ((SHARES - USUAL) / SPREAD) ** 2
    best = int(np.argmin(criteria))
    noise = max(float(squares[best]) / max(1, len(logs) - count), float(least[best]))
    return Fit(float(criteria[best]), noise * np.linalg.inv(normal[best]))


def p_value(without: Fit, with_them: Fit, changes: int, figures: int, levels: int) -> float:
    """Return the p-value of one or two changes by an F test of the ratio of likelihoods.

    With noise that does not last it is the usual F test, which for one change is the t test.

    Args:
        without: the fit without the changes.
        with_them: the fit with them.
        changes: how many they are, 1 or 2.
        figures: how long the series is.
        levels: how many levels there are with the changes.
    """
    from scipy.special import fdtrc  # noqa: PLC0415 - it takes a second

    freedom = figures - levels
    gained = max(0.0, without.criterion - with_them.criterion)
    return float(fdtrc(changes, freedom, freedom / changes * math.expm1(min(gained / figures, 500.0))))
