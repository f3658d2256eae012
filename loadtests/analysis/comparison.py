"""Paired comparison of two sides: ratio b ÷ a, t interval, sign-flip test, Holm's correction, verdict (pure).

Also findings with a known answer: whether a figure or a proportion meets its target, with the exact binomial
(Clopper-Pearson) interval for the share in the long run.
"""

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from loadtests.experiment.plan import MIN_BLOCKS
from loadtests.records.summary import Verdict

ALPHA = 0.05
LEVEL = 1 - ALPHA
WORTH = 1.10
"""A ratio from which on a difference is worth having."""
LEAST_PAIRS = 3
"""Pairs of slices in a block from which on a robust mean differs from the ordinary one."""
WIDEST_SPREAD = 0.2
"""Standard deviation of the pairs' log ratios in a block above which their robust mean is biased."""
MARGIN = math.log(WORTH)
"""Half-width of the zone in which two sides count as equivalent, on the log scale: ± 10 %."""
MARGIN_PERCENT = round(100 * (WORTH - 1))
"""The same in percent, for texts."""
SIGN_FLIP_FROM = 8
"""Blocks from which on the exact sign-flip test can confirm a verdict; with 5 its smallest p is 0.06."""
SIGN_FLIP_EXACT = 16
"""Blocks up to which all sign flips are tried; beyond, the t interval stands alone."""
Status = Literal["met", "missed", "undecided"]
Unit = Literal["%", "ms", "×"]
Range = tuple[float, float]


@dataclass(frozen=True)
class Estimate:
    """A geometric mean over blocks.

    Attributes:
        value: the mean, in the unit of its input.
        interval: its 95 % confidence interval; None from a single block.
        p: two-sided p-value of the mean being 1; None from a single block.
        blocks: how many blocks it is made of.
    """

    value: float
    interval: tuple[float, float] | None
    p: float | None
    blocks: int


def estimate(values: Sequence[float]) -> Estimate:
    """Return exp(mean ± t·se) of the logarithms of ``values``, which must be positive and at least one.

    Not a percentile bootstrap: over 6 blocks its real coverage is about 87 %.
    """
    from scipy.special import stdtr, stdtrit  # noqa: PLC0415 - it takes a second, and constants are all most readers need

    logs = np.log(np.asarray(values, dtype=float))
    n, mean = len(logs), float(logs.mean())
    if n < 2:
        return Estimate(math.exp(mean), None, None, n)
    se = float(logs.std(ddof=1)) / math.sqrt(n)
    t = float(stdtrit(n - 1, 1 - ALPHA / 2))
    p = 2 * float(stdtr(n - 1, -abs(mean) / se)) if se else float(mean == 0)
    return Estimate(math.exp(mean), (math.exp(mean - t * se), math.exp(mean + t * se)), p, n)


def hodges_lehmann(values: Sequence[float]) -> float:
    """Return the median of the means of all pairs of values, each with itself included.

    It is nearly as good as the mean where noise is normal, and hardly moved by a few values that lie far off.
    Source: J. L. Hodges and E. L. Lehmann, Estimates of Location Based on Rank Tests, Annals of Mathematical
    Statistics 34 (1963).
    """
    column = np.asarray(values, dtype=float)
    first, second = np.triu_indices(len(column))
    return float(np.median((column[first] + column[second]) / 2))


def block_log_ratio(rates: Sequence[tuple[float, float]], whole: float) -> float:
    """Return ln(b ÷ a) of the throughputs of one block: of neighbouring slices, the Hodges-Lehmann mean.

    A mean of logarithms is that of throughput only while slices are alike. So where fewer than LEAST_PAIRS pairs of
    slices have a ratio, one has none, or they spread wider than WIDEST_SPREAD, it is that of the whole block: study in
    docs/estimators.md.

    Args:
        rates: throughputs of slices that stand side by side, of side a and of side b, in requests per second.
        whole: ln(b ÷ a) of the throughputs over all slices.
    """
    logs = [math.log(b / a) for a, b in rates if a > 0 and b > 0]
    if len(logs) < max(LEAST_PAIRS, len(rates)) or np.std(logs, ddof=1) > WIDEST_SPREAD:
        return whole
    return hodges_lehmann(logs)


def sign_flip_p(ratios: Sequence[float]) -> float:
    """Return the exact two-sided p-value of the sign-flip test on the logarithms of ``ratios``.

    If the sides were alike, each block's logarithm could as well have had the other sign; p is the share of all
    2^n sign patterns whose mean is as far from 0 as the one that was seen.
    """
    logs = np.log(np.asarray(ratios, dtype=float))
    signs = np.array(list(itertools.product((1.0, -1.0), repeat=len(logs))))
    return float(np.mean(np.abs(signs @ logs) >= abs(logs.sum()) - 1e-12))


def holm(p_values: Sequence[float | None], alpha: float = ALPHA) -> list[bool]:
    """Return which hypotheses Holm's procedure rejects at family-wise level ``alpha``, in the input's order.

    An unknown p-value is never rejected, and still counts as one of the family.
    """
    levels = holm_levels(p_values, alpha)
    return [p is not None and p <= level for p, level in zip(p_values, levels, strict=True)]


def holm_levels(p_values: Sequence[float | None], alpha: float = ALPHA) -> list[float]:
    """Return the level at which Holm's procedure tests each hypothesis, in the input's order.

    The smallest p-value is tested at ``alpha`` ÷ their number, each further one at ``alpha`` ÷ those that are left.
    From the first on that is not rejected, all others are tested at its level. A hypothesis is rejected where its
    p-value is no greater than its level: where the interval at that level excludes it.
    """
    known = [1.0 if p is None else p for p in p_values]
    levels = [0.0] * len(known)
    left = len(known)
    for i in sorted(range(len(known)), key=known.__getitem__):
        levels[i] = alpha / left
        if known[i] <= levels[i] and left > 1:
            left -= 1
    return levels


def judge(
    ratio: Estimate, ratios: Sequence[float], *, higher_is_better: bool, certain: bool, least_blocks: int = MIN_BLOCKS
) -> tuple[Verdict, list[str]]:
    """Return the verdict on one comparison and the flags that qualify it.

    Args:
        ratio: b ÷ a over blocks.
        ratios: the same, block by block.
        higher_is_better: whether more of the metric is better (throughput) or worse (latency, CPU).
        certain: whether the difference outlives the correction for many comparisons; pass True for exploratory
            metrics, which carry none.
        least_blocks: from how many blocks on a verdict is given.
    """
    if ratio.interval is None or ratio.blocks < least_blocks:
        return "inconclusive", ["too-few-blocks"]
    low, high = ratio.interval
    inside = math.log(low) >= -MARGIN and math.log(high) <= MARGIN
    doubt = None
    if low <= 1 <= high:
        doubt = ""
    elif SIGN_FLIP_FROM <= len(ratios) <= SIGN_FLIP_EXACT and sign_flip_p(ratios) > ALPHA:
        doubt = "sign-flip"
    elif not certain:
        doubt = "many-comparisons"
    if doubt is None:
        better: Verdict = "b" if (ratio.value > 1) == higher_is_better else "a"
        return better, ["small"] if inside else []
    if inside:  # whichever side it is, the difference is not worth having
        return "equivalent", []
    return "inconclusive", [doubt] if doubt else []


@dataclass(frozen=True)
class Finding:
    """One known answer, what was found, and whether that is good enough.

    Attributes:
        name: what it is about, in a few words.
        unit: of all its figures: shares from 0 to 1 are shown as %, seconds as ms.
        aim: between which values it must lie; infinite where there is no bound.
        truth: the known answer itself, if it is one value.
        found: what was measured.
        interval: of what was measured, 95 %; None where it has none.
        status: whether the target is met.
        note: what it rests on, in a few words.
    """

    name: str
    unit: Unit
    aim: Range
    truth: float | None
    found: float
    interval: Range | None
    status: Status
    note: str


def status_of(found: float, interval: Range | None, aim: Range, *, enough: bool = True) -> Status:
    """Judge a figure.

    *Met* is a figure inside its aim that rests on enough. *Missed* is one that chance can't bring there: outside of
    it, with its whole interval. Anything between is *undecided*.
    """
    low, high = aim
    inside = low <= found <= high
    if inside and enough:
        return "met"
    bottom, top = interval or (found, found)
    return "undecided" if bottom <= high and top >= low else "missed"


@dataclass(frozen=True)
class Proportion:
    """So many of so many.

    Attributes:
        hits: how many there were.
        total: of how many.
    """

    hits: int
    total: int

    @property
    def share(self) -> float | None:
        """The share that was seen, 0 to 1; None of nothing."""
        return self.hits / self.total if self.total else None

    @property
    def interval(self) -> tuple[float, float]:
        """The 95 % confidence interval for the long run, from 0 to 1; all of that from nothing.

        Source: C. J. Clopper and E. S. Pearson, The Use of Confidence or Fiducial Limits Illustrated in the Case of
        the Binomial, Biometrika 26 (1934). It is exact, and never too narrow where trials are independent.
        """
        from scipy.special import betaincinv  # noqa: PLC0415 - see estimate

        tail = (1 - LEVEL) / 2
        hits, misses = self.hits, self.total - self.hits
        low = float(betaincinv(hits, misses + 1, tail)) if hits else 0.0
        high = float(betaincinv(hits + 1, misses, 1 - tail)) if misses else 1.0
        return low, high


def share_finding(
    name: str, share: Proportion, aim: Range, *, least: int, of: str, truth: float | None = None
) -> Finding:
    """Judge how often something happened; nothing at all is undecided.

    Args:
        name: what happened.
        share: how often it did.
        aim: how often it must.
        least: how many there must be to call it met.
        of: what is counted, in the plural.
        truth: how often it should, if that is one value.
    """
    enough = share.total >= least
    found = 0.0 if share.share is None else share.share
    status = status_of(found, share.interval, aim, enough=enough) if share.total else "undecided"
    note = f"{share.hits} of {share.total} {of}" + ("" if enough else f"; {least} are needed to be sure")
    return Finding(name, "%", aim, truth, found, share.interval, status, note)


def figure_finding(
    name: str,
    unit: Unit,
    found: float,
    aim: Range,
    *,
    note: str,
    truth: float | None = None,
    interval: Range | None = None,
) -> Finding:
    """Judge a figure; one whose interval is wider than its aim rests on too little to be met.

    Args:
        name: what it is about.
        unit: of all figures.
        found: what was measured.
        aim: between which values it must lie.
        note: what it rests on.
        truth: the known answer, if it is one value.
        interval: of what was measured, if it has one.
    """
    enough = interval is None or _is_narrow_enough(interval, aim)
    status = status_of(found, interval, aim, enough=enough)
    return Finding(name, unit, aim, truth, found, interval, status, note)


def _is_narrow_enough(interval: Range, aim: Range) -> bool:
    """Return whether an interval says enough: it is no wider than an aim with two ends, or inside one with one."""
    width = aim[1] - aim[0]
    return interval[0] >= aim[0] if math.isinf(width) else interval[1] - interval[0] <= width


def count(events: "list[bool]") -> Proportion:
    """Count how many are true."""
    return Proportion(sum(events), len(events))
