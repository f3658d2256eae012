"""How often something happened, and how often it may happen in the long run (pure)."""

from dataclasses import dataclass

from scipy.special import betaincinv

LEVEL = 0.95


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
        tail = (1 - LEVEL) / 2
        hits, misses = self.hits, self.total - self.hits
        low = float(betaincinv(hits, misses + 1, tail)) if hits else 0.0
        high = float(betaincinv(hits + 1, misses, 1 - tail)) if misses else 1.0
        return low, high


def count(events: "list[bool]") -> Proportion:
    """Count how many are true."""
    return Proportion(sum(events), len(events))
