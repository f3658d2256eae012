"""What a claim expects of a run's figures, so precisely that figures can refute it (pure).

A claim about a ratio names the range in which the true ratio lies if it holds. An interval that lies inside the range
supports it, one that lies outside refutes it, and one that straddles an end leaves it open.
"""

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Literal

from loadtests.outcome import CellResult, Comparison, Metric, Outcome, SideLabel
from loadtests.warnings import NO_VERDICT

Standing = Literal["supported", "refuted", "inconclusive", "not tested"]
WORDS: dict[Metric, str] = {
    "throughput": "requests/s",
    "p50": "median response time",
    "p99": "response time of the slowest 1 %",
    "cpu_per_request": "CPU per request",
}


@dataclass(frozen=True)
class Judged:
    """What a run says of an expectation.

    Attributes:
        standing: whether it holds.
        figure: the figure with its interval, as a reader should see it.
        why: a few words where there is no figure, or it does not count.
    """

    standing: Standing
    figure: str
    why: str = ""


@dataclass(frozen=True)
class Expectation(ABC):
    """One thing that should be seen in one cell.

    Attributes:
        says: what should be seen, as a sentence.
        scenario: its name, parameters included.
        size: of the load: users, or arrivals per second.
    """

    says: str
    scenario: str
    size: float

    @abstractmethod
    def judge(self, outcome: Outcome) -> Judged:
        """Return what a run's figures say of it."""

    def _comparison(self, outcome: Outcome, metric: Metric) -> Comparison | None:
        return next(
            (
                c
                for c in outcome.comparisons
                if (c.scenario, c.load.size, c.metric) == (self.scenario, self.size, metric)
            ),
            None,
        )

    def _cell(self, outcome: Outcome, label: SideLabel) -> CellResult | None:
        return next(
            (c for c in outcome.cells if (c.scenario, c.load.size, c.label) == (self.scenario, self.size, label)), None
        )


@dataclass(frozen=True)
class Ratio(Expectation):
    """The true ratio b ÷ a lies between ``low`` and ``high``."""

    low: float = 0.0
    high: float = math.inf
    metric: Metric = "throughput"

    def judge(self, outcome: Outcome) -> Judged:
        """Return what a run's figures say of it."""
        c = self._comparison(outcome, self.metric)
        if c is None:
            return Judged("not tested", "", "this was not measured")
        if failed := _failed(c):
            # A side that gives nothing in any block, beside one that always does: no interval is needed.
            at = 0.0 if (failed == "b") == (self.metric == "throughput") else math.inf
            return Judged(_place((at, at), self.low, self.high), f"{failed} gives no answer")
        if c.ratio is None or c.interval is None:
            return Judged("inconclusive", "", "there is no interval")
        figure = f"{c.ratio:.2f} ({c.interval[0]:.2f} to {c.interval[1]:.2f})"
        if any(flag.partition(":")[0] in NO_VERDICT for flag in c.flags):
            return Judged("inconclusive", figure, "the client may have been the limit")
        return Judged(_place(c.interval, self.low, self.high), figure)


@dataclass(frozen=True)
class Rate(Expectation):
    """One side's throughput is so many requests a second, within a share of it."""

    label: SideLabel = "a"
    rps: float = 0.0
    within: float = 0.05

    def judge(self, outcome: Outcome) -> Judged:
        """Return what a run's figures say of it."""
        cell = self._cell(outcome, self.label)
        if cell is None:
            return Judged("not tested", "", "this was not measured")
        if cell.throughput is None:
            return Judged("refuted", "no answers")
        value, interval = cell.throughput.value, cell.throughput.interval
        if interval is None:
            return Judged("inconclusive", f"{value:,.4g}/s", "there is no interval")
        figure = f"{value:,.4g}/s ({interval[0]:,.4g} to {interval[1]:,.4g})"
        return Judged(_place(interval, self.rps * (1 - self.within), self.rps * (1 + self.within)), figure)


@dataclass(frozen=True)
class Collapse(Expectation):
    """One side gives no good answer at all, the other one does."""

    label: SideLabel = "a"

    def judge(self, outcome: Outcome) -> Judged:
        """Return what a run's figures say of it."""
        c, cell = self._comparison(outcome, "throughput"), self._cell(outcome, self.label)
        if c is None or cell is None:
            return Judged("not tested", "", "this was not measured")
        blocks = len(cell.collapsed)
        other = c.b if self.label == "a" else c.a
        if _failed(c) == self.label:
            return Judged("supported", f"none, beside {other.value:,.0f}/s" if other.value else "none")
        if not blocks and cell.throughput is not None:
            return Judged("refuted", f"{cell.throughput.value:,.0f}/s")
        return Judged("inconclusive", f"collapsed in {blocks} block{'s' if blocks != 1 else ''}")


def _failed(c: Comparison) -> SideLabel | None:
    """Return the side that gave nothing in any block while the other one always did; None if it is not so."""
    if c.ratio is not None or c.verdict not in ("a", "b"):
        return None
    return "b" if c.verdict == "a" else "a"


def _place(interval: tuple[float, float], low: float, high: float) -> Standing:
    if low <= interval[0] and interval[1] <= high:
        return "supported"
    if interval[1] < low or interval[0] > high:
        return "refuted"
    return "inconclusive"
