"""Whether a run's figures keep the thresholds that were set for them (pure).

A threshold is met or missed where a whole interval says so, else it is not decided. The intervals are those of Holm's
correction over all thresholds, cells and sides of an invocation: that even one threshold is called missed by chance
happens in at most 5 % of invocations.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from loadtests.analysis.comparison import Range, Status, holm_levels
from loadtests.analysis.figure_intervals import FailedShare, FigureOverBlocks, MeanOverBlocks
from loadtests.analysis.flags import NO_WAITING_VERDICT
from loadtests.analysis.trial_figures import among_failed
from loadtests.analysis.verdict_kinds import NO_VERDICT
from loadtests.experiment.loads import Load
from loadtests.experiment.plan import MIN_BLOCKS
from loadtests.experiment.sides import SideLabel
from loadtests.experiment.thresholds import Threshold, ThresholdMetric
from loadtests.records.summary import BlockFigures, CellResult, Comparison, Outcome

PERCENTS: Mapping[ThresholdMetric, float] = {"p50": 50, "p95": 95, "p99": 99}
"""Metrics of the response time, with the share of requests that are faster."""
OF_THE_PROCESS: frozenset[ThresholdMetric] = frozenset({"cpu", "memory"})
"""Metrics of which a collapse in some block says nothing."""
UNTOUCHED: frozenset[ThresholdMetric] = frozenset({"errors", "memory"})
"""Metrics that a busy driver, and work that is left, do not change."""
Reason = Literal["collapsed", "failed-requests", "too-few-samples", "too-few-blocks", "not-measured", "unknown"]
"""Why there is no interval."""


@dataclass(frozen=True)
class Judged:
    """One threshold on one cell, and on one side unless it is about a ratio, with what was found.

    Attributes:
        threshold: with nothing left open.
        scenario: of the cell, its name.
        load: of the cell.
        status: whether it was met.
        found: the figure, in the threshold's unit; None where there is none.
        interval: of the figure, as wide as the correction asks for; None where there is none.
        reason: why there is none; None where there is one.
        flag: what takes a decision away that the interval would allow; None if nothing does.
    """

    threshold: Threshold
    scenario: str
    load: Load
    status: Status
    found: float | None = None
    interval: Range | None = None
    reason: Reason | None = None
    flag: str | None = None


@dataclass(frozen=True)
class Judgement:
    """All thresholds of an invocation.

    Attributes:
        judged: each threshold on each cell, in the order in which they were given.
        comparisons: how many of them Holm's correction spans.
    """

    judged: tuple[Judged, ...]
    comparisons: int

    def of(self, *statuses: Status) -> list[Judged]:
        """Return those with some statuses."""
        return [each for each in self.judged if each.status in statuses]


@dataclass(frozen=True)
class _Evidence:
    """What is known of one figure: the figure with its interval, or why there is none and what follows from that."""

    figure: FigureOverBlocks | None = None
    status: Status = "undecided"
    reason: Reason | None = None


def judge_thresholds(thresholds: Sequence[Threshold], outcome: Outcome, *, least_blocks: int = MIN_BLOCKS) -> Judgement:
    """Judge each threshold on each of the cells that it is about.

    Args:
        thresholds: of one invocation.
        outcome: of the run.
        least_blocks: from how many blocks on an interval decides.
    """
    cells: dict[tuple[str, Load], dict[SideLabel, CellResult]] = {}
    for result in outcome.cells:
        cells.setdefault((result.scenario, result.load), {})[result.label] = result
    compared = {(c.scenario, c.load): c for c in outcome.comparisons if c.metric == "throughput"}
    asked = [each for threshold in thresholds for each in threshold.each(cells)]
    found = [
        _evidence(one, {label: cells[cell][label] for label in one.sides}, compared[cell], least_blocks)
        for one, cell in asked
    ]
    # What collapsed is decided without statistics: it is no comparison that could come out so by chance.
    p_values = {
        number: each.figure.p(asked[number][0].value) if each.figure else None
        for number, each in enumerate(found)
        if each.status == "undecided"
    }
    levels = dict(zip(p_values, holm_levels([*p_values.values()]), strict=True))
    judged = [
        _judged(one, cell, found[number], levels.get(number), compared[cell].flags)
        for number, (one, cell) in enumerate(asked)
    ]
    return Judgement(tuple(judged), len(p_values))


def _judged(
    threshold: Threshold, cell: tuple[str, Load], evidence: _Evidence, level: float | None, flags: Sequence[str]
) -> Judged:
    figure = evidence.figure
    if figure is None or level is None:
        return Judged(threshold, *cell, evidence.status, reason=evidence.reason)
    interval = figure.interval(level)
    bad = [threshold.forbids(end) for end in interval]
    status: Status = "missed" if all(bad) else "undecided" if any(bad) else "met"
    flag = _objection(threshold, figure.value, flags) if status != "undecided" else None
    return Judged(threshold, *cell, "undecided" if flag else status, figure.value, interval, flag=flag)


def _evidence(
    threshold: Threshold, sides: Mapping[SideLabel, CellResult], compared: Comparison, least_blocks: int
) -> _Evidence:
    """Return what is known of a side's figure, or of the ratio of both sides' figures."""
    by_block = [{each.block: each for each in cell.by_block} for cell in sides.values()]
    blocks = sorted(set.intersection(*(set(each) for each in by_block)))
    if not blocks:
        return _Evidence(reason="not-measured")
    columns = [[each[block] for block in blocks] for each in by_block]
    if any(cell.collapsed for cell in sides.values()):
        return _Evidence(status=_of_collapse(threshold, sides, least_blocks), reason="collapsed")
    if len(blocks) < least_blocks:
        return _Evidence(reason="too-few-blocks")
    if threshold.metric == "errors":
        counts = tuple((each.failures, each.requests) for each in columns[0])
        enough = any(requests for _, requests in counts)
        return _Evidence(FailedShare(counts)) if enough else _Evidence(reason="too-few-samples")
    return _of_means(threshold, columns, compared)


def _of_means(threshold: Threshold, columns: Sequence[Sequence[BlockFigures]], compared: Comparison) -> _Evidence:
    """Return what is known of a figure of which each block has one: of a side, or of both and their ratio."""
    values = [[_value(each, threshold.metric) for each in column] for column in columns]
    if any(value == math.inf for column in values for value in column):
        return _Evidence(status=_of_failures(threshold, values), reason="failed-requests")
    known = [[value for value in column if value is not None] for column in values]
    if known != values:
        return _Evidence(reason="too-few-samples" if threshold.metric in PERCENTS else "unknown")
    if not threshold.is_ratio:
        return _Evidence(MeanOverBlocks.of(known[0]))
    if threshold.metric == "throughput" and compared.ratio and compared.interval:  # paired slice by slice
        return _Evidence(MeanOverBlocks.of_interval(compared.ratio, compared.interval, compared.blocks))
    return _Evidence(MeanOverBlocks.of([b / a for a, b in zip(*known, strict=True)]))


def _value(block: BlockFigures, metric: ThresholdMetric) -> float | None:
    """Return a side's figure in one block; infinite if it is a percentile that falls among failed requests."""
    match metric:
        case "throughput":
            return block.throughput
        case "cpu":
            return block.cpu_per_request
        case "memory":
            return block.rss_bytes
        case "p50" | "p95" | "p99":
            beyond = among_failed(PERCENTS[metric], block.requests, block.failures)
            return math.inf if beyond else {"p50": block.p50, "p95": block.p95, "p99": block.p99}[metric]
        case _:
            raise ValueError(f"{metric} is no mean over blocks")


def _of_collapse(threshold: Threshold, sides: Mapping[SideLabel, CellResult], least_blocks: int) -> Status:
    """Return what follows from a collapse: a side that gives no answers serves none a second, and lets all wait."""
    gone = [label for label, cell in sides.items() if cell.collapsed]
    whole = any(all(each.collapsed for each in sides[label].by_block) for label in gone)
    if threshold.metric in OF_THE_PROCESS:
        return "missed" if whole else "undecided"
    if len(gone) == len(sides):  # the one that it is about, or both
        return "missed"
    vanishes = (gone == ["b"]) == (threshold.metric == "throughput")
    if threshold.forbids(0.0 if vanishes else math.inf):
        return "missed"
    return "met" if whole and len(sides[gone[0]].by_block) >= least_blocks else "undecided"


def _of_failures(threshold: Threshold, values: Sequence[Sequence[float | None]]) -> Status:
    """Return what follows where a percentile falls among failed requests: something only if it always does."""
    beyond = [all(value == math.inf for value in column) for column in values]
    others = [any(value == math.inf for value in column) for column in values]
    if beyond != others or sum(beyond) != 1:
        return "undecided"
    vanishes = threshold.is_ratio and beyond[0]
    return "missed" if threshold.forbids(0.0 if vanishes else math.inf) else "met"


def _objection(threshold: Threshold, found: float, flags: Sequence[str]) -> str | None:
    """Return the flag that takes a decision away; None if what it doubts could only make the decision surer."""
    way = 1 if found > threshold.value else -1
    return next((flag for flag, truth in _doubts(threshold, flags) if truth != way), None)


def _doubts(threshold: Threshold, flags: Sequence[str]) -> Iterator[tuple[str, int]]:
    """Yield the flags that doubt a figure, with where the truth then lies: 1 above it, -1 below it, 0 either way."""
    metric = threshold.metric
    for flag in flags:
        name, _, label = flag.partition(":")
        if label not in threshold.sides:
            continue
        more = -1 if threshold.is_ratio and label == "a" else 1
        if name in NO_VERDICT and metric not in UNTOUCHED:
            yield flag, 0
        elif name in NO_WAITING_VERDICT and metric in PERCENTS:
            yield flag, more
        elif name == "failures" and threshold.is_ratio and metric not in UNTOUCHED:
            yield flag, -more if metric == "throughput" else more
