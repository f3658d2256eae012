"""How much a validation measures: from the options of ``bench validate`` to a plan, checked before anything starts."""

from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ConfigDict

from loadtests.system.errors import UsageError
from loadtests.validation.agenda import BLOCKS, EFFECTS_SHARE, default_time_s, effects_time_s
from loadtests.validation.record import CHECKS, Check

COMPARISONS = 40
QUICK_COMPARISONS = 4
QUICK_TIME_S = 0.4
MAX_COMPARISONS = 10_000
MIN_BLOCKS = 6
MAX_BLOCKS = 100
MAX_TIME_S = 60.0


class ValidateOptions(BaseModel):
    """The options of ``bench validate``, as typed."""

    model_config = ConfigDict(frozen=True)

    comparisons: int | None = None
    blog: float = 0.25
    blocks: int = BLOCKS
    time_s: float | None = None
    quick: bool = False
    only: str | None = None
    seed: int = 0
    out: Path | None = None

    def sizes(self) -> "Sizes":
        """Check everything; raises UsageError."""
        comparisons = _given(self.comparisons, QUICK_COMPARISONS if self.quick else COMPARISONS)
        time_s = _given(self.time_s, QUICK_TIME_S if self.quick else default_time_s())
        if not 1 <= comparisons <= MAX_COMPARISONS:
            raise UsageError(f"--comparisons {comparisons}: must be from 1 to {MAX_COMPARISONS}")
        if not 0 <= self.blog <= 1:
            raise UsageError(f"--blog {self.blog:g}: must be a share from 0 to 1")
        if not MIN_BLOCKS <= self.blocks <= MAX_BLOCKS:
            raise UsageError(
                f"--blocks {self.blocks}: must be from {MIN_BLOCKS} to {MAX_BLOCKS}; fewer give no verdict"
            )
        if not 0 < time_s <= MAX_TIME_S:
            raise UsageError(f"--time {time_s:g}: must be more than 0 and at most {MAX_TIME_S:g} seconds")
        effects = max(1, round(comparisons * EFFECTS_SHARE))
        return Sizes(
            checks=self._checks(),
            comparisons=comparisons,
            effects=effects,
            blog=self.blog,
            blocks=self.blocks,
            time_s=time_s,
            effects_s=self.time_s or (QUICK_TIME_S if self.quick else effects_time_s()),
            **(_QUICK if self.quick else _USUAL),
        )

    def _checks(self) -> tuple[Check, ...]:
        named = CHECKS if self.only is None else tuple(part.strip() for part in self.only.split(","))
        if unknown := [name for name in named if name not in CHECKS]:
            raise UsageError(f"--only {self.only}: {unknown[0]!r} is no check; there are: {', '.join(CHECKS)}")
        return tuple(check for check in CHECKS if check in named)


_Number = TypeVar("_Number", int, float)


def _given(value: _Number | None, default: _Number) -> _Number:
    return default if value is None else value


class Sizes(BaseModel):
    """How much of everything.

    Attributes:
        checks: those to carry out.
        comparisons: of a side with itself.
        effects: for each addition.
        blog: share of the former that take the blog's builds.
        blocks: fresh starts behind a comparison.
        time_s: seconds for each cell and block where a side is compared with itself.
        effects_s: the same where it is compared with one that does more.
        queue_s: how long the queue is measured.
        stall_s: how long the stalled server is measured, by each loop.
        pace_s: how long the pace is measured.
        rounds: turns of each client beside the others.
        round_s: how long a turn is.
    """

    model_config = ConfigDict(frozen=True)

    checks: tuple[Check, ...]
    comparisons: int
    effects: int
    blog: float
    blocks: int
    time_s: float
    effects_s: float
    queue_s: float
    stall_s: float
    pace_s: float
    rounds: int
    round_s: float


_USUAL = {"queue_s": 60.0, "stall_s": 30.0, "pace_s": 10.0, "rounds": 8, "round_s": 1.0}
_QUICK = {"queue_s": 10.0, "stall_s": 10.0, "pace_s": 3.0, "rounds": 3, "round_s": 1.0}
