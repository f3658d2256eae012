"""A lesson, and the expectations that its measurement, or a claim's, can support or refute (pure).

An expectation about a ratio or a rate names the range in which the true value lies if it holds. An interval inside the
range supports it, one outside refutes it, and one that spans an end of the range is inconclusive. So is anything that
is no valid measurement: a side that gave no answers or failed too many requests, or a load driver that may have been
the limit.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Literal

from loadtests.analysis.verdict_kinds import NO_VERDICT
from loadtests.experiment.loads import Load, OpenLoop
from loadtests.experiment.options import RunOptions
from loadtests.experiment.plan import MIN_BLOCKS
from loadtests.experiment.sides import LABELS, SideLabel
from loadtests.records.summary import CellResult, Comparison, Metric, Outcome, side_names

DEFAULTS = RunOptions()
Compared = Literal["sides", "clients", "loops", "answers"]
"""What a measurement compares: two sides, as ``bench run`` does; or, on one server, two clients; or, on one that is
paused regularly, both loops; or only the sides' answers, without any figures."""
CLOSED_LOOP_USERS = 4
"""Where loops are compared; their load is given as the rate of the open one."""
Standing = Literal["supported", "refuted", "inconclusive", "not tested"]
SIGNS: dict[Standing, str] = {"supported": "✔", "refuted": "✘", "inconclusive": "?", "not tested": "–"}
BY_CHANCE = ("many-comparisons", "sign-flip")
"""Flags of an interval that excludes 1, although a stricter test finds no difference."""
FAILURES = "failures"
"""Flag of a side that failed too many requests: throughput counts good answers, so it says little of how fast it is."""
WORST_FIRST: tuple[Standing, ...] = ("refuted", "not tested", "inconclusive")
NOT_MEASURED = "this was not measured"


@dataclass(frozen=True)
class Code:
    """A piece of code that a lesson shows.

    Attributes:
        title: what it is.
        text: the Python code; empty where ``handler`` is given.
        handler: a build and the path of one of its routes, whose source is shown.
    """

    title: str
    text: str = ""
    handler: tuple[str, str] | None = None


@dataclass(frozen=True)
class Measure:
    """What is measured: options of ``bench run``, with the same defaults.

    Attributes:
        scenarios: by name, with their parameters.
        a: the side that ratios are divided by.
        b: the other side.
        users: of a closed loop, numbers separated by commas; None with ``rate``.
        rate: of an open loop, in the same form; None with ``users``.
        time_s: seconds for each cell of a block; None for the default.
        slice_s: seconds of a slice; None for the default.
        blocks: fresh starts of both sides.
        database: as for ``bench run``.
        compares: what is compared; ``bench run`` can compare sides only.
    """

    scenarios: Sequence[str]
    a: str = DEFAULTS.a
    b: str = DEFAULTS.b
    users: str | None = None
    rate: str | None = None
    time_s: float | None = None
    slice_s: float | None = None
    blocks: int = MIN_BLOCKS
    database: str = DEFAULTS.database
    compares: Compared = "sides"

    @property
    def command(self) -> str:
        """The command that measures the same."""
        quoted = [f'"{name}"' if set(name) & set("[ ") else name for name in self.scenarios]
        sides = {"a": (self.a, DEFAULTS.a), "b": (self.b, DEFAULTS.b)}
        load = f"--rate {self.rate}" if self.rate else f"--users {self.users}"
        others = {
            "blocks": (self.blocks, DEFAULTS.blocks),  # always given: without it a run has a budget
            "time": (self.time_s, DEFAULTS.time_s),
            "slice": (self.slice_s, DEFAULTS.slice_s),
            "database": (self.database, DEFAULTS.database),
        }
        return " ".join(["bench run", *quoted, *_changed(sides), load, *_changed(others)])


def _changed(options: Mapping[str, tuple[object, object]]) -> list[str]:
    """Return the options whose value is not the default, as typed."""
    return [f"--{name} {value}" for name, (value, default) in options.items() if value != default]


@dataclass(frozen=True)
class Judgement:
    """The judgement on an expectation or a claim.

    Attributes:
        standing: whether it holds.
        figure: the figure with its interval, as shown to a reader.
        why: a few words where there is no figure, or it decides nothing.
    """

    standing: Standing
    figure: str
    why: str = ""


@dataclass(frozen=True)
class Expectation(ABC):
    """What the measurement of one cell must show.

    Attributes:
        says: the same as a sentence.
        scenario: its name, parameters included.
        size: of the load: users, or arrivals per second.
    """

    says: str
    scenario: str
    size: float

    @property
    def open_loop(self) -> bool:
        """Whether the load is a rate of arrivals."""
        return False

    @abstractmethod
    def judge(self, outcome: Outcome) -> Judgement:
        """Compare the expectation with a run's figures."""

    def _matches(self, scenario: str, load: Load) -> bool:
        same_loop = isinstance(load, OpenLoop) == self.open_loop
        return same_loop and (scenario, load.size) == (self.scenario, self.size)

    def _comparison(self, outcome: Outcome, metric: Metric) -> Comparison | None:
        found = (c for c in outcome.comparisons if c.metric == metric and self._matches(c.scenario, c.load))
        return next(found, None)

    def _cell(self, outcome: Outcome, label: SideLabel) -> CellResult | None:
        return next((c for c in outcome.cells if c.label == label and self._matches(c.scenario, c.load)), None)


@dataclass(frozen=True)
class Lesson:
    """A question, a hypothesis, and the measurement that tests it.

    Attributes:
        name: as typed.
        title: a few words.
        question: what is asked.
        hypothesis: the expected answer, stated before anything is measured.
        written: the day on which the hypothesis, or a range that it expects, was last changed.
        code: the two pieces of code that are compared.
        measure: what is measured.
        expects: what the measurement must show if the hypothesis holds.
        why: the mechanism, in a few sentences.
        next: commands to try next, each with what to look for.
        guide: Markdown that its page shows after the reason, sections with code to copy; too long for a terminal.
    """

    name: str
    title: str
    question: str
    hypothesis: str
    written: date
    code: tuple[Code, Code]
    measure: Measure
    expects: tuple[Expectation, ...]
    why: str
    next: tuple[tuple[str, str], ...] = field(default=())
    guide: str = ""


@dataclass(frozen=True)
class Ratio(Expectation):
    """The true ratio b ÷ a lies between ``low`` and ``high``."""

    low: float = 0.0
    high: float = math.inf
    metric: Metric = "throughput"

    @property
    def open_loop(self) -> bool:
        """Whether the load is a rate of arrivals: a verdict on p99 is one of the open loop."""
        return self.metric == "p99"

    def judge(self, outcome: Outcome) -> Judgement:
        """Compare the expectation with a run's figures."""
        c = self._comparison(outcome, self.metric)
        if c is None:
            return Judgement("not tested", "", NOT_MEASURED)
        if c.ratio is None or c.interval is None:
            cells = [cell for label in LABELS if (cell := self._cell(outcome, label)) is not None]
            collapses = [f"{cell.side}: {cell.collapsed[0]}" for cell in cells if cell.collapsed]
            return Judgement("inconclusive", "", "; ".join(collapses) or "there is no interval")
        figure = f"{c.ratio:.2f} ({c.interval[0]:.2f} to {c.interval[1]:.2f})"
        names = {flag.partition(":")[0] for flag in c.flags}
        if names & set(NO_VERDICT):
            return Judgement("inconclusive", figure, "the load driver may have been the limit")
        if FAILURES in names:
            return Judgement("inconclusive", figure, _failed(c))
        if names & set(BY_CHANCE):
            return Judgement("inconclusive", figure, "a stricter test does not confirm the difference")
        return Judgement(_standing(c.interval, self.low, self.high), figure)


@dataclass(frozen=True)
class Rate(Expectation):
    """One side's throughput lies between ``low`` and ``high`` requests a second."""

    label: SideLabel = "a"
    low: float = 0.0
    high: float = math.inf

    def judge(self, outcome: Outcome) -> Judgement:
        """Compare the expectation with a run's figures."""
        cell, c = self._cell(outcome, self.label), self._comparison(outcome, "throughput")
        if cell is None or c is None:
            return Judgement("not tested", "", NOT_MEASURED)
        if cell.collapsed or cell.throughput is None:
            return Judgement("inconclusive", "", cell.collapsed[0] if cell.collapsed else "there were no answers")
        value, interval = cell.throughput.value, cell.throughput.interval
        if interval is None:
            return Judgement("inconclusive", f"{value:,.4g}/s", "there is no interval")
        figure = f"{value:,.4g}/s ({interval[0]:,.4g} to {interval[1]:,.4g})"
        if any(flag in (name, f"{name}:{self.label}") for flag in c.flags for name in NO_VERDICT):
            return Judgement("inconclusive", figure, "the load driver may have been the limit")
        if f"{FAILURES}:{self.label}" in c.flags:
            return Judgement("inconclusive", figure, _failed(c))
        return Judgement(_standing(interval, self.low, self.high), figure)


@dataclass(frozen=True)
class Memory(Expectation):
    """The ratio b ÷ a of the most resident memory that was seen lies between ``low`` and ``high``.

    It is that of all processes of a side together, over the whole run, so there is no interval.
    """

    low: float = 0.0
    high: float = math.inf

    def judge(self, outcome: Outcome) -> Judgement:
        """Compare the expectation with a run's figures."""
        cells = [cell for label in LABELS if (cell := self._cell(outcome, label)) is not None]
        if len(cells) < len(LABELS):
            return Judgement("not tested", "", NOT_MEASURED)
        if collapses := [f"{cell.side}: {cell.collapsed[0]}" for cell in cells if cell.collapsed]:
            return Judgement("inconclusive", "", "; ".join(collapses))
        a, b = (cell.rss_bytes for cell in cells)
        if not a or not b:
            return Judgement("inconclusive", "", "the memory of a side is not known")
        names = side_names(cells[0].side, cells[1].side)
        figure = f"{b / a:.2f}, {names[0]} {a / 1e6:,.0f} MB and {names[1]} {b / 1e6:,.0f} MB"
        return Judgement(_standing((b / a, b / a), self.low, self.high), figure)


@dataclass(frozen=True)
class Collapse(Expectation):
    """One side gives no good answer in any block, for a stated reason; the other side gives some in every block.

    Attributes:
        label: the side that gives none.
        because: what the sentence about each collapse must contain; a collapse for another reason is inconclusive.
    """

    label: SideLabel = "a"
    because: str = ""

    def judge(self, outcome: Outcome) -> Judgement:
        """Compare the expectation with a run's figures."""
        c, cell = self._comparison(outcome, "throughput"), self._cell(outcome, self.label)
        if c is None or cell is None:
            return Judgement("not tested", "", NOT_MEASURED)
        other = c.b if self.label == "a" else c.a
        if other.value is None or (cell.collapsed and cell.throughput is not None):
            blocks = len(cell.collapsed)
            why = f"collapsed in {blocks} block{'s' if blocks != 1 else ''}" if other.value else "neither side answered"
            return Judgement("inconclusive", "", why)
        if cell.throughput is not None:
            return Judgement("refuted", f"{cell.throughput.value:,.0f}/s")
        if not all(self.because in sentence for sentence in cell.collapsed):
            return Judgement("inconclusive", "", f"it failed for another reason: {cell.collapsed[0]}")
        if c.verdict not in ("a", "b"):
            return Judgement("inconclusive", "", "there were too few fresh starts to be sure")
        names = dict(zip(LABELS, side_names(c.a.side, c.b.side), strict=True))
        serves = names["b" if self.label == "a" else "a"]
        return Judgement("supported", f"no good answers; {serves} serves {other.value:,.0f}/s")


def combined(standings: Sequence[Standing]) -> Standing:
    """Return the standing of several expectations combined: all must hold, and a single refuted one refutes.

    Of none it is not tested: what nothing was asked of is not supported.
    """
    return next((worst for worst in WORST_FIRST if worst in standings), "supported" if standings else "not tested")


def near(rps: float, within: float = 0.05) -> tuple[float, float]:
    """Return the range around a rate, ``within`` as a share of it."""
    return rps * (1 - within), rps * (1 + within)


def _failed(c: Comparison) -> str:
    """Say which sides failed too many requests."""
    names = dict(zip(LABELS, side_names(c.a.side, c.b.side), strict=True))
    failing = [names[label] for label in LABELS if f"{FAILURES}:{label}" in c.flags]
    return f"too many requests failed: {' and '.join(failing)}"


def _standing(interval: tuple[float, float], low: float, high: float) -> Standing:
    if low <= interval[0] and interval[1] <= high:
        return "supported"
    if interval[1] < low or interval[0] > high:
        return "refuted"
    return "inconclusive"
