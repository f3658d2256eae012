"""Where a series of figures changes its level: PELT proposes, a t test confirms (pure).

PELT finds the segments of constant level with the least squared error, where each further change costs a penalty.
Source: R. Killick, P. Fearnhead and I. A. Eckley, Optimal Detection of Changepoints With a Linear Computational Cost,
Journal of the American Statistical Association 107 (2012), as implemented in the library ruptures. Its penalty assumes
that the noise is known. So each change is then tested against the noise inside all segments, and the weakest is removed
until all that remain are significant, as in Hunter (M. Fleming et al., https://doi.org/10.1145/3578244.3583719, 2023).
A single figure far from those on either side is no level, so it is first moved close to them. Noise that lasts from one
figure to the next looks like a level, so standard errors are widened by the correlation of neighbours.

docs/over-time.md tells how often true changes and false ones are found.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

LEAST_SIDE = 3
"""Figures that a change needs on either side: one or two alone may be a bad day."""
OUTLYING = 3.5
"""Standard deviations by which an outlier differs from the figures before it, and from those after it."""
LEAST_LENGTH = 6
"""Figures that a series needs to be searched for changes."""
FALSE_SHARE = 0.05
"""How often a whole set of series may show a false change."""
LEAST_CHANGE = 0.02
"""A smaller change of level, as a share, is not reported: it does not matter, and no machine is that steady."""
MAD_TO_DEVIATION = 1.4826
"""Standard deviation of normal noise ÷ its median absolute deviation."""


@dataclass(frozen=True)
class ChangePoint:
    """A change of level.

    Attributes:
        index: of the first figure at the new level.
        ratio: the new level ÷ the old one, which are geometric means.
        interval: the 95 % interval of the ratio.
        p: two-sided p-value of no change there, not corrected.
    """

    index: int
    ratio: float
    interval: tuple[float, float]
    p: float


def change_points(
    values: Sequence[float], standard_errors: Sequence[float | None] = (), series: int = 1
) -> list[ChangePoint]:
    """Return where a series changes its level, in order; none if it is shorter than LEAST_LENGTH.

    Args:
        values: positive figures, in the order in which they were measured.
        standard_errors: of their logarithms, if known: the noise between figures is at least as large.
        series: how many series are searched: FALSE_SHARE is divided among them.
    """
    logs = np.log(np.asarray(values, dtype=float))
    if len(logs) < LEAST_LENGTH:
        return []
    splits = len(logs) - 2 * LEAST_SIDE + 1
    level = FALSE_SHARE / series / splits
    known = [error for error in standard_errors if error is not None]
    noise = max(_noise(logs), float(np.median(known)) if known else 0.0)
    logs = _without_outliers(logs, noise)
    ends = _proposed(logs, noise, level)
    widened = _correlation_factor(logs, ends)
    while len(ends) > 2:
        found = [_tested(logs, ends, number, widened) for number in range(1, len(ends) - 1)]
        weakest = max(range(len(found)), key=lambda number: (found[number].p, -abs(math.log(found[number].ratio))))
        if found[weakest].p <= level and all(abs(math.log(each.ratio)) >= math.log1p(LEAST_CHANGE) for each in found):
            return found
        if found[weakest].p <= level:
            weakest = min(range(len(found)), key=lambda number: abs(math.log(found[number].ratio)))
        del ends[weakest + 1]
    return []


def _noise(logs: npt.NDArray[np.float64]) -> float:
    """Return the standard deviation of a series' noise; a few changes of its level hardly affect it."""
    steps = np.diff(logs)
    return MAD_TO_DEVIATION * float(np.median(np.abs(steps))) / math.sqrt(2)


def _without_outliers(logs: npt.NDArray[np.float64], noise: float) -> npt.NDArray[np.float64]:
    """Return a series in which each outlier is replaced by the nearer median of its neighbours on either side."""
    calm = logs.copy()
    for number, value in enumerate(logs):
        before, after = logs[max(0, number - LEAST_SIDE) : number], logs[number + 1 : number + 1 + LEAST_SIDE]
        near = [float(np.median(each)) for each in (before, after) if len(each)]
        if min(abs(value - each) for each in near) > OUTLYING * noise:
            calm[number] = min(near, key=lambda each: abs(value - each))
    return calm


def _correlation_factor(logs: npt.NDArray[np.float64], ends: Sequence[int]) -> float:
    """Return the factor by which correlated neighbours widen a standard error: sqrt((1 + r) ÷ (1 - r)), at least 1."""
    off = np.concatenate([logs[begin:end] - logs[begin:end].mean() for begin, end in pairwise(ends)])
    whole = float(off @ off)
    if whole == 0:
        return 1.0
    # Subtracting the mean of a short segment removes a part of the correlation: about 1 ÷ its length.
    correlation = float(off[1:] @ off[:-1]) / whole + (len(ends) - 1) / len(logs)
    correlation = min(max(correlation, 0.0), 0.9)
    return math.sqrt((1 + correlation) / (1 - correlation))


def _proposed(logs: npt.NDArray[np.float64], noise: float, level: float) -> list[int]:
    """Return the ends of the segments, 0 and the length included."""
    import ruptures  # noqa: PLC0415 - it takes a second
    from scipy.special import chdtri  # noqa: PLC0415 - likewise

    if noise == 0:  # figures that repeat: any step is one
        noise = max(float(np.std(logs)) / 10, 1e-9)
    penalty = float(chdtri(1, level))
    found = ruptures.Pelt(model="l2", min_size=LEAST_SIDE, jump=1).fit_predict(logs / noise, penalty)
    return [0, *map(int, found)]


def _tested(logs: npt.NDArray[np.float64], ends: Sequence[int], number: int, widened: float) -> ChangePoint:
    """Test one change against the noise inside all segments."""
    from scipy.special import stdtr, stdtrit  # noqa: PLC0415 - see above

    segments = [logs[begin:end] for begin, end in pairwise(ends)]
    freedom = len(logs) - len(segments)
    variance = sum(float(((each - each.mean()) ** 2).sum()) for each in segments) / freedom
    before, after = segments[number - 1], segments[number]
    change = float(after.mean() - before.mean())
    error = widened * math.sqrt(variance * (1 / len(before) + 1 / len(after)))
    p = 2 * float(stdtr(freedom, -abs(change) / error)) if error else 0.0
    spread = float(stdtrit(freedom, 0.975)) * error
    return ChangePoint(ends[number], math.exp(change), (math.exp(change - spread), math.exp(change + spread)), p)
