"""The search for the highest rate that is kept: it doubles, then halves the gap, and measures nothing (pure)."""

import math
from dataclasses import dataclass, field
from typing import Literal

PRECISION = 1.05
"""The gap between what is kept and what is not, as a ratio, at which the search is over."""
CONFIRMATIONS = 2
"""A rate is missed only if it is missed so many times: one moment of a busy machine is no limit."""

State = Literal["searching", "found", "at-least", "not-found"]


@dataclass
class RateSearch:
    """Where a search stands; ask for ``rate_rps``, measure, and ``tell`` it what came of it.

    Attributes:
        start_rps: where it begins.
        most_rps: the highest rate that can be asked for.
        least_rps: the lowest that can be judged.
        kept_rps: the highest rate that was kept; None while there is none.
        missed_rps: the lowest that was not; None likewise.
        state: ``found``: the two are as close as they should be. ``at-least``: the most that could be asked for was
            kept. ``not-found``: not even the lowest that can be judged was.
    """

    start_rps: float
    most_rps: float
    least_rps: float
    kept_rps: float | None = None
    missed_rps: float | None = None
    state: State = "searching"
    rate_rps: float = field(init=False)
    _misses: int = field(init=False, default=0)

    def __post_init__(self) -> None:
        self.rate_rps = max(self.least_rps, min(self.start_rps, self.most_rps))

    def tell(self, *, kept: bool) -> None:
        """Say whether the rate was kept, and let the search choose the next one."""
        self._misses = 0 if kept else self._misses + 1
        if 0 < self._misses < CONFIRMATIONS:
            return
        self._misses = 0
        if kept:
            self.kept_rps = self.rate_rps
        else:
            self.missed_rps = self.rate_rps
        self._choose()

    def _choose(self) -> None:
        kept, missed = self.kept_rps, self.missed_rps
        if missed is None:
            self.state = "at-least" if self.rate_rps >= self.most_rps else self.state
            self.rate_rps = min(2 * self.rate_rps, self.most_rps)
        elif kept is None:
            self.state = "not-found" if self.rate_rps <= self.least_rps else self.state
            self.rate_rps = max(self.rate_rps / 2, self.least_rps)
        elif missed / kept <= PRECISION:
            self.state = "found"
        else:
            self.rate_rps = math.sqrt(kept * missed)
