"""Intervals at any level, and p-values, of a figure over blocks: a mean, or a share of failed requests (pure).

The unit is the block for both: requests of one block fail together.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from loadtests.analysis.comparison import ALPHA, Range

LEAST_P = 1e-12
"""Smaller p-values of a share are not told apart."""
HALVINGS = 60
LARGEST_LOG = 700.0
"""A greater number has no exponential."""


class FigureOverBlocks(Protocol):
    """A figure with an interval for what it would be in the long run."""

    @property
    def value(self) -> float:
        """The figure itself."""
        ...

    def interval(self, alpha: float = ALPHA) -> Range:
        """Return the two-sided interval that misses the truth in a share ``alpha`` of cases."""
        ...

    def p(self, truth: float) -> float:
        """Return the smallest ``alpha`` at which the interval excludes ``truth``."""
        ...


@dataclass(frozen=True)
class MeanOverBlocks:
    """A geometric mean with Student's t interval, as ``comparison.estimate`` takes it.

    Attributes:
        log: the mean of the logarithms.
        error: its standard error.
        freedom: degrees of freedom, which are the blocks less one.
    """

    log: float
    error: float
    freedom: int

    @classmethod
    def of(cls, values: Sequence[float]) -> "MeanOverBlocks":
        """Take the mean of a value for each block: two or more, all positive."""
        logs = np.log(np.asarray(values, dtype=float))
        return cls(float(logs.mean()), float(logs.std(ddof=1)) / math.sqrt(len(logs)), len(logs) - 1)

    @classmethod
    def of_interval(cls, value: float, interval: Range, blocks: int) -> "MeanOverBlocks":
        """Take back the standard error from a 95 % interval over so many blocks."""
        width = math.log(interval[1] / interval[0])
        return cls(math.log(value), width / 2 / _t(blocks - 1, ALPHA), blocks - 1)

    @property
    def value(self) -> float:
        """The mean, in the unit of its values."""
        return math.exp(self.log)

    def interval(self, alpha: float = ALPHA) -> Range:
        """Return exp(mean ± t·se)."""
        width = _t(self.freedom, alpha) * self.error
        return math.exp(max(self.log - width, -LARGEST_LOG)), math.exp(min(self.log + width, LARGEST_LOG))

    def p(self, truth: float) -> float:
        """Return the two-sided p-value of the mean being ``truth``."""
        from scipy.special import stdtr  # noqa: PLC0415 - see comparison.estimate

        away = abs(self.log - math.log(truth))
        if not self.error:
            return float(away == 0)
        return 2 * float(stdtr(self.freedom, -away / self.error))


@dataclass(frozen=True)
class FailedShare:
    """The share of failed requests, with an interval that knows that they fail together.

    Clopper and Pearson's interval takes each request for independent. Here it is given as many requests as would
    vary as much if they were: fewer, the more the share changes from block to block. Where it is now and then many
    times as large, six blocks may not show it: then the interval ends too low more often than it says, never too high.

    Source: E. L. Korn and B. I. Graubard, Confidence Intervals for Proportions with Small Expected Number of Positive
    Counts Estimated from Survey Data, Survey Methodology 24 (1998).

    Attributes:
        blocks: of each block, how many failed, and how many there were; some in all of them together, and two blocks
            or more.
    """

    blocks: tuple[tuple[int, int], ...]

    @property
    def value(self) -> float:
        """The share, 0 to 1."""
        return self._failed / self._total

    def interval(self, alpha: float = ALPHA) -> Range:
        """Return Clopper and Pearson's interval for that many independent requests."""
        from scipy.special import betaincinv  # noqa: PLC0415 - see comparison.estimate

        total = self._independent(alpha)
        hits = self.value * total
        misses = total - hits
        low = float(betaincinv(hits, misses + 1, alpha / 2)) if self._failed else 0.0
        high = float(betaincinv(hits + 1, misses, 1 - alpha / 2)) if self._failed < self._total else 1.0
        return low, high

    def p(self, truth: float) -> float:
        """Return the smallest ``alpha`` at which the interval excludes ``truth``, by halving."""

        def excluded(alpha: float) -> bool:
            low, high = self.interval(alpha)
            return not low <= truth <= high

        least, most = math.log(LEAST_P), 0.0
        if excluded(LEAST_P):
            return LEAST_P
        for _ in range(HALVINGS):
            middle = (least + most) / 2
            least, most = (least, middle) if excluded(math.exp(middle)) else (middle, most)
        return math.exp(most)

    @property
    def _failed(self) -> int:
        return sum(failed for failed, _ in self.blocks)

    @property
    def _total(self) -> int:
        return sum(requests for _, requests in self.blocks)

    def _independent(self, alpha: float) -> float:
        """Return how many independent requests would say as much."""
        share, total, count = self.value, self._total, len(self.blocks)
        if not 0 < share < 1:  # then nothing tells how they vary
            return float(total)
        spread = sum((failed - share * requests) ** 2 for failed, requests in self.blocks)
        variance = count / (count - 1) * spread / total**2
        few_blocks = (_t(total - 1, alpha) / _t(count - 1, alpha)) ** 2
        return min(float(total), share * (1 - share) / variance * few_blocks) if variance else float(total)


def _t(freedom: int, alpha: float) -> float:
    from scipy.special import stdtrit  # noqa: PLC0415 - see comparison.estimate

    return float(stdtrit(freedom, 1 - alpha / 2))
