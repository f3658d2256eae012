"""The paired ratio b ÷ a over blocks, its interval and its verdict (pure)."""

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import stdtr, stdtrit

from loadtests.records.outcome import Verdict

ALPHA = 0.05
MARGIN = math.log(1.10)
"""Half-width of the zone in which two sides count as equivalent, on the log scale: ± 10 %."""
MIN_BLOCKS = 6
SIGN_FLIP_FROM = 8
"""Blocks from which on the exact sign-flip test can confirm a verdict; with 5 its smallest p is 0.06."""
SIGN_FLIP_EXACT = 16
"""Blocks up to which all sign flips are tried; beyond, the t interval stands alone."""


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
    logs = np.log(np.asarray(values, dtype=float))
    n, mean = len(logs), float(logs.mean())
    if n < 2:
        return Estimate(math.exp(mean), None, None, n)
    se = float(logs.std(ddof=1)) / math.sqrt(n)
    t = float(stdtrit(n - 1, 1 - ALPHA / 2))
    p = 2 * float(stdtr(n - 1, -abs(mean) / se)) if se else float(mean == 0)
    return Estimate(math.exp(mean), (math.exp(mean - t * se), math.exp(mean + t * se)), p, n)


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
    known = [1.0 if p is None else p for p in p_values]
    rejected = [False] * len(known)
    for rank, i in enumerate(sorted(range(len(known)), key=known.__getitem__)):
        if known[i] > alpha / (len(known) - rank):
            break
        rejected[i] = True
    return rejected


def judge(
    ratio: Estimate, ratios: Sequence[float], *, higher_is_better: bool, certain: bool
) -> tuple[Verdict, list[str]]:
    """Return the verdict on one comparison and the flags that qualify it.

    Args:
        ratio: b ÷ a over blocks.
        ratios: the same, block by block.
        higher_is_better: whether more of the metric is better (throughput) or worse (latency, CPU).
        certain: whether the difference outlives the correction for many comparisons; pass True for exploratory
            metrics, which carry none.
    """
    if ratio.interval is None or ratio.blocks < MIN_BLOCKS:
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
