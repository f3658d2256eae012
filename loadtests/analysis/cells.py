"""Compare the sides of each cell on every metric, and give each side's figures (pure)."""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from loadtests.analysis.answer_sizes import pooled
from loadtests.analysis.comparison import Estimate, block_log_ratio, estimate, holm, judge
from loadtests.analysis.control import control_in_words
from loadtests.analysis.failed_requests import added_up
from loadtests.analysis.flag_checks import flags_of
from loadtests.analysis.flags import Conditions, Flag, explain, withheld
from loadtests.analysis.flow import together
from loadtests.analysis.model.observed import seen_in
from loadtests.analysis.trial_figures import TrialFigures, block_figures, figures_of, usable
from loadtests.analysis.trial_summary import PERCENTILES, Column, Summary, percentiles
from loadtests.experiment.loads import Load
from loadtests.experiment.plan import MIN_BLOCKS
from loadtests.experiment.sides import LABELS, SideLabel
from loadtests.records.summary import (
    UNITS,
    CellResult,
    Comparison,
    Interval,
    Metric,
    Outcome,
    Value,
    Verdict,
    headline_of,
)
from loadtests.records.trial_file import CONTROL

UNKNOWN = Conditions()


@dataclass(frozen=True)
class CellTrials:
    """All that was measured of one cell.

    Attributes:
        scenario: its name.
        load: its load.
        blocks: block number → side → summary; a block may lack a side if the run was interrupted.
        thinking: whether users pause by design.
    """

    scenario: str
    load: Load
    blocks: dict[int, dict[SideLabel, Summary]]
    thinking: bool = False

    def of(self, label: SideLabel) -> list[Summary]:
        """Return one side's summaries, in the order of blocks."""
        return [sides[label] for _, sides in sorted(self.blocks.items()) if label in sides]

    @cached_property
    def figures(self) -> dict[int, dict[SideLabel, TrialFigures]]:
        """What each trial says, by block and side."""
        return {
            block: {label: figures_of(summary) for label, summary in sides.items()}
            for block, sides in sorted(self.blocks.items())
        }

    def pairs(self) -> list[tuple[Summary, Summary]]:
        """Return the blocks that have both sides."""
        return [(s["a"], s["b"]) for _, s in sorted(self.blocks.items()) if "a" in s and "b" in s]


def compare_with_itself(cell: CellTrials, side: str, least_blocks: int = MIN_BLOCKS) -> Comparison:
    """Compare a side with itself, in the metric that the run's verdicts are about."""
    metric = headline_of(cell.load)
    measured = _measure(cell, metric)
    comparison = _compare(cell, (side, side), metric, measured, [], certain=True, least_blocks=least_blocks)
    comparison = replace(comparison, scenario=cell.scenario.removeprefix(CONTROL))
    return replace(comparison, explanation=control_in_words(comparison, side))


def compare_cells(
    run: str,
    *,
    complete: bool,
    sides: tuple[str, str],
    cells: Sequence[CellTrials],
    conditions: Conditions = UNKNOWN,
    least_blocks: int = MIN_BLOCKS,
) -> Outcome:
    """Compare the two sides of every cell on every metric; Holm's correction spans all cells, metric by metric."""
    results = [_cell_result(cell, label, side) for cell in cells for label, side in zip(LABELS, sides, strict=True)]
    measured = {metric: [_measure(cell, metric) for cell in cells] for metric in UNITS}
    certain = {metric: holm([m.ratio.p if m.ratio else None for m in family]) for metric, family in measured.items()}
    comparisons = []
    for number, cell in enumerate(cells):
        doubts = flags_of(cell.load, cell.pairs(), conditions, thinking=cell.thinking)
        comparisons += [
            _compare(
                cell,
                sides,
                metric,
                measured[metric][number],
                doubts,
                certain=certain[metric][number],
                least_blocks=least_blocks,
            )
            for metric in UNITS
        ]
    return Outcome(run=run, complete=complete, comparisons=comparisons, cells=results)


@dataclass(frozen=True)
class _Measured:
    """One metric of one cell: each side's value by block, and the ratio of those blocks that have both.

    A value is None where there are too few samples for it, infinite where the side failed to give one.
    """

    pairs: list[tuple[float | None, float | None]]
    ratios: list[float]
    ratio: Estimate | None

    @property
    def failed(self) -> list[int]:
        """In how many blocks each side failed to give a value."""
        return [sum(value == math.inf for value in column) for column in zip(*self.pairs, strict=True)]

    @property
    def one_sided(self) -> bool:
        """Whether one side failed in every block, and the other in none."""
        return bool(self.pairs) and sorted(self.failed) == [0, len(self.pairs)]


def _measure(cell: CellTrials, metric: Metric) -> _Measured:
    both = [sides for sides in cell.figures.values() if "a" in sides and "b" in sides]
    pairs = [(sides["a"].by_metric[metric], sides["b"].by_metric[metric]) for sides in both]
    ratios = [y / x for a, b in pairs if (x := usable(a)) and (y := usable(b))]
    if metric == "throughput" and len(ratios) == len(pairs):
        ratios = [robust_ratio(a, b) for a, b in cell.pairs()]
    return _Measured(pairs, ratios, estimate(ratios) if ratios else None)


def robust_ratio(a: Summary, b: Summary) -> float:
    """Return b ÷ a of the throughputs of one block, from its slices where they are alike."""
    pairs = zip(a.rates_rps, b.rates_rps, strict=False)
    return math.exp(block_log_ratio(list(pairs), math.log(b.throughput_rps / a.throughput_rps)))


def _compare(
    cell: CellTrials,
    sides: tuple[str, str],
    metric: Metric,
    measured: _Measured,
    doubts: Sequence[Flag],
    *,
    certain: bool,
    least_blocks: int = MIN_BLOCKS,
) -> Comparison:
    values = [[v for v in map(usable, column) if v] for column in zip(*measured.pairs, strict=True)]
    a, b = (estimate(v).value if v else None for v in values or [[], []])
    verdict, qualified = _verdict_of(measured, metric, certain=certain, least_blocks=least_blocks)
    flags = [*map(Flag, qualified), *doubts]
    left_out = not measured.one_sided and withheld(verdict, metric, flags)
    if left_out:
        verdict = "inconclusive"
    # A ratio over those blocks alone that have one would be a biased choice.
    if "too-few-samples" in qualified:
        measured = replace(measured, ratios=[], ratio=None)
    elif any(measured.failed):
        measured = replace(measured, ratio=None)
    interval = measured.ratio.interval if measured.ratio else None
    comparison = Comparison(
        scenario=cell.scenario,
        load=cell.load,
        metric=metric,
        a=Value(sides[0], a),
        b=Value(sides[1], b),
        unit=UNITS[metric],
        ratio=measured.ratio.value if measured.ratio else None,
        interval=interval,
        blocks=len(measured.ratios),
        verdict=verdict,
        flags=[str(flag) for flag in flags],
    )
    collapses = {label: [summary.collapsed for summary in cell.of(label)] for label in LABELS}
    return replace(comparison, explanation=explain(comparison, flags, collapses, left_out=left_out))


def _verdict_of(measured: _Measured, metric: Metric, *, certain: bool, least_blocks: int) -> tuple[Verdict, list[str]]:
    if any(measured.failed):
        # Where one side gives nothing in any block and the other always does, no interval is needed.
        if measured.one_sided:
            enough = len(measured.pairs) >= least_blocks
            return ("b" if measured.failed[0] else "a", []) if enough else ("inconclusive", ["too-few-blocks"])
        return "inconclusive", []
    if metric == "cpu_per_request" and len(measured.ratios) < len(measured.pairs):
        return "inconclusive", []  # the CPU time of a server that ran already is not known
    if measured.ratio is None:
        return "inconclusive", ["too-few-samples"] if measured.pairs else []
    if len(measured.ratios) < len(measured.pairs):
        return "inconclusive", ["too-few-samples"]
    return judge(
        measured.ratio,
        measured.ratios,
        higher_is_better=metric == "throughput",
        certain=certain,
        least_blocks=least_blocks,
    )


def _cell_result(cell: CellTrials, label: SideLabel, side: str) -> CellResult:
    summaries = cell.of(label)
    good = [s for s in summaries if s.collapsed is None]
    failures: dict[str, int] = {}
    for summary in summaries:
        for reason, count in summary.failures.items():
            failures[reason.name.lower()] = failures.get(reason.name.lower(), 0) + count
    whole = together([s.flow for s in good])
    return CellResult(
        scenario=cell.scenario,
        load=cell.load,
        label=label,
        side=side,
        throughput=_mean_over_blocks([s.throughput_rps for s in good]),
        cpu_per_request=_mean_over_blocks([s.cpu_per_request_s for s in good if s.cpu_per_request_s]),
        latency_s=_pooled_percentiles([s.latencies_s for s in good]),
        service_s=_pooled_percentiles([s.service_s for s in good]),
        lag_s=_pooled_percentiles([s.lags_s for s in good]),
        offered=float(np.mean([s.offered_rps for s in good])) if good else 0.0,
        in_flight=whole.in_flight,
        littles_law=whole.littles_law,
        response_mean_s=whole.response_mean_s,
        latency_samples=sum(len(s.latencies_s) for s in good),
        requests=sum(s.requests for s in summaries),
        failures=failures,
        statuses=_by_status([s.statuses for s in summaries]),
        failed=added_up([s.failed for s in summaries]),
        answer_sizes=pooled([s.answer_sizes for s in summaries]),
        rss_bytes=max((s.rss_bytes for s in good if s.rss_bytes), default=None),
        threads=max((s.threads for s in good if s.threads), default=None),
        driver_busy=float(np.mean([s.driver_busy for s in good])) if good else 0.0,
        driver_peak=max((s.driver_peak for s in good), default=0.0),
        collapsed=[s.collapsed for s in summaries if s.collapsed is not None],
        windows_s=whole.windows_s,
        seen=seen_in([s.timeline for s in good if s.timeline is not None]),
        by_block=[
            block_figures(block, cell.blocks[block][label], sides[label])
            for block, sides in cell.figures.items()
            if label in sides
        ],
    )


def _by_status(counts: Iterable[Mapping[int, int]]) -> dict[int, int]:
    """Add up counts by status, the most frequent first."""
    return dict(sum((Counter(each) for each in counts), Counter[int]()).most_common())


def _pooled_percentiles(columns: Sequence[Column]) -> dict[str, float | None]:
    """Return the percentiles of all trials' requests together, by name; None where there are too few, or failures."""
    known = percentiles(np.concatenate(columns)) if columns else dict.fromkeys(PERCENTILES)
    return {f"p{p:g}": value if value is not None and math.isfinite(value) else None for p, value in known.items()}


def _mean_over_blocks(values: Sequence[float]) -> Interval | None:
    if not values:
        return None
    over_blocks = estimate(values)
    return Interval(over_blocks.value, over_blocks.interval)
