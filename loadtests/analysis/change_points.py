"""Where a series of figures changes its level: PELT proposes, an F test confirms (pure).

PELT finds the segments of constant level with the least squared error, where each further change costs a penalty.
Source: R. Killick, P. Fearnhead and I. A. Eckley, Optimal Detection of Changepoints With a Linear Computational Cost,
Journal of the American Statistical Association 107 (2012), as implemented in the library ruptures. Its penalty assumes
that the noise is known and does not last from one figure to the next. So each change is then tested: how much worse is
the series explained without it, by noise that may last (``correlated_noise``)? The weakest is removed until all that
remain are significant, as in Hunter (M. Fleming et al., https://doi.org/10.1145/3578244.3583719, 2023). Two changes
close to each other can be at many more places than one, so neighbours are also tested together.

A single figure far from those on either side is no level, so it is first moved close to them. Which run is the first at
the new level is judged by a likelihood with heavy tails (Student's t): a figure far from both levels says little then.

docs/over-time.md tells how often true changes and false ones are found.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

import numpy as np
import numpy.typing as npt

from loadtests.analysis.correlated_noise import fit, p_value

LEAST_SIDE = 3
"""Figures that a change needs on either side: one or two alone may be a bad day."""
OUTLYING = 3.5
"""Standard deviations by which an outlier differs from the figures before it, and from those after it."""
LEAST_LENGTH = 6
"""Figures that a series needs to be searched for changes."""
FALSE_SHARE = 0.04
"""How often a whole set of series may show a false change; the rest up to 5 % is for noise that lasts."""
LEAST_CHANGE = 0.02
"""A smaller change of level, as a share, is not reported: it does not matter, and no machine is that steady."""
MAD_TO_DEVIATION = 1.4826
"""Standard deviation of normal noise ÷ its median absolute deviation."""
TAILS = 3
"""Degrees of freedom of the Student's t distribution that a change's place is judged by."""
REACH = LEAST_SIDE
"""By how many figures the place may differ from what PELT proposes."""


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
    raw = np.log(np.asarray(values, dtype=float))
    if len(raw) < LEAST_LENGTH:
        return []
    splits = len(raw) - 2 * LEAST_SIDE + 1
    level, level_of_two = (FALSE_SHARE / series / max(1, math.comb(splits, many)) for many in (1, 2))
    known = [error for error in standard_errors if error is not None]
    least_error = float(np.median(known)) if known else 0.0
    noise = max(_noise(raw), least_error)
    logs = _without_outliers(raw, noise)
    ends = _proposed(logs, noise, level)
    while len(ends) > 2:
        ends = _placed(raw, ends, least_error)
        weakest = _weakest(logs, ends, least_error, level, level_of_two)
        if weakest is None:
            return _described(logs, ends, least_error)
        del ends[weakest]
    return []


def _noise(logs: npt.NDArray[np.float64]) -> float:
    """Return the standard deviation of a series' noise; a few changes of its level hardly affect it."""
    steps = np.diff(logs)
    return MAD_TO_DEVIATION * float(np.median(np.abs(steps))) / math.sqrt(2)


def _without_outliers(logs: npt.NDArray[np.float64], noise: float) -> npt.NDArray[np.float64]:
    """Return a series in which each outlier is replaced by the nearer median of its neighbours on either side."""
    values, calm = logs.tolist(), logs.copy()
    for number, value in enumerate(values):
        before, after = values[max(0, number - LEAST_SIDE) : number], values[number + 1 : number + 1 + LEAST_SIDE]
        near = [median(each) for each in (before, after) if each]
        if min(abs(value - each) for each in near) > OUTLYING * noise:
            calm[number] = min(near, key=lambda each: abs(value - each))
    return calm


def _proposed(logs: npt.NDArray[np.float64], noise: float, level: float) -> list[int]:
    """Return the ends of the segments, 0 and the length included."""
    import ruptures  # noqa: PLC0415 - it takes a second
    from scipy.special import chdtri  # noqa: PLC0415 - likewise

    if noise == 0:  # figures that repeat: any step is one
        noise = max(float(np.std(logs)) / 10, 1e-9)
    # Least squares are its linear kernel: PELT in C, where ruptures.Pelt is in Python.
    search = ruptures.KernelCPD(kernel="linear", min_size=LEAST_SIDE)
    found = search.fit_predict((logs / noise)[:, None], pen=float(chdtri(1, level)))
    return [0, *map(int, found)]


def _placed(raw: npt.NDArray[np.float64], ends: Sequence[int], least_error: float) -> list[int]:
    """Return the ends with each change at the place nearby that is the most likely between the levels beside it."""
    placed = list(ends)
    for number in range(1, len(ends) - 1):
        begin, here, end = placed[number - 1 : number + 2]
        before, after = raw[begin:here], raw[here:end]
        levels = [float(np.median(each)) for each in (before, after)]
        off = np.abs(np.concatenate([before - levels[0], after - levels[1]]))
        noise = max(MAD_TO_DEVIATION * float(np.median(off)), least_error, 1e-9)
        at_old, at_new = (np.log1p(((raw[begin:end] - each) / noise) ** 2 / TAILS) for each in levels)
        places = np.arange(max(begin + LEAST_SIDE, here - REACH), min(end - LEAST_SIDE, here + REACH) + 1)
        loss = np.cumsum(at_old - at_new)[places - 1 - begin] + 1e-9 * np.abs(places - here)
        placed[number] = int(places[np.argmin(loss)])
    return placed


def _weakest(
    logs: npt.NDArray[np.float64], ends: Sequence[int], least_error: float, level: float, level_of_two: float
) -> int | None:
    """Return which of the ends is to be removed; None if all changes are significant and large enough."""
    whole, count = fit(logs, ends, least_error), len(ends) - 1

    def p_of(*removed: int) -> float:
        rest = [end for number, end in enumerate(ends) if number not in removed]
        return p_value(fit(logs, rest, least_error), whole, len(removed), len(logs), count)

    means = [float(logs[begin:end].mean()) for begin, end in pairwise(ends)]
    sizes = {number: abs(means[number] - means[number - 1]) for number in range(1, count)}
    alone = {number: p_of(number) for number in sizes}
    least = max(alone, key=lambda number: (alone[number], -sizes[number]))
    if alone[least] > level:
        return least
    together = {number: p_of(number, number + 1) for number in range(1, count - 1)}
    if together and together[least := max(together, key=together.__getitem__)] > level_of_two:
        return max(least, least + 1, key=alone.__getitem__)
    smallest = min(sizes, key=sizes.__getitem__)
    return smallest if sizes[smallest] < math.log1p(LEAST_CHANGE) else None


def _described(logs: npt.NDArray[np.float64], ends: Sequence[int], least_error: float) -> list[ChangePoint]:
    from scipy.special import stdtrit  # noqa: PLC0415 - it takes a second

    whole, count = fit(logs, ends, least_error), len(ends) - 1
    means = [float(logs[begin:end].mean()) for begin, end in pairwise(ends)]
    t = float(stdtrit(len(logs) - count, 0.975))
    found = []
    for number in range(1, count):
        change = means[number] - means[number - 1]
        pair = whole.covariance[number - 1 : number + 1, number - 1 : number + 1]
        spread = t * math.sqrt(float(pair[0, 0] + pair[1, 1] - 2 * pair[0, 1]))
        rest = fit(logs, [*ends[:number], *ends[number + 1 :]], least_error)
        p = p_value(rest, whole, 1, len(logs), count)
        interval = (math.exp(change - spread), math.exp(change + spread))
        found.append(ChangePoint(ends[number], math.exp(change), interval, p))
    return found
