import math
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest

from loadtests.analysis import trial_figures
from loadtests.analysis.cells import CellTrials, compare_cells
from loadtests.analysis.comparison import hodges_lehmann
from loadtests.analysis.flow import Flow
from loadtests.analysis.trial_summary import Summary, percentile
from loadtests.experiment.loads import ClosedLoop, OpenLoop
from loadtests.experiment.sides import SideLabel
from loadtests.records.samples import Failure
from loadtests.records.summary import Comparison, Outcome
from tests.made_up_samples import summary

USERS = ClosedLoop(64)


def cell(a: list[Summary], b: list[Summary], scenario: str = "query") -> CellTrials:
    blocks: dict[int, dict[SideLabel, Summary]] = {}
    for label, summaries in (("a", a), ("b", b)):
        for number, each in enumerate(summaries):
            blocks.setdefault(number, {})[label] = each  # type: ignore[index]
    return CellTrials(scenario, USERS, blocks)


def outcome_of(*cells: CellTrials) -> Outcome:
    return compare_cells("run", complete=True, sides=("sync", "async"), cells=cells)


def found(outcome: Outcome, metric: str, scenario: str = "query") -> Comparison:
    return next(c for c in outcome.comparisons if (c.metric, c.scenario) == (metric, scenario))


STEADY = [1000.0, 1010.0, 990.0, 1005.0, 995.0, 1000.0]


def test_ratios_are_paired_by_block() -> None:
    """A machine that is twice as fast in half of the blocks changes nothing about the ratio."""
    speeds = [1.0, 2.0, 1.0, 2.0, 1.0, 2.0]
    outcome = outcome_of(cell([summary(100 * s) for s in speeds], [summary(150 * s) for s in speeds]))
    throughput = found(outcome, "throughput")
    assert throughput.ratio == pytest.approx(1.5)
    assert throughput.interval == pytest.approx((1.5, 1.5))
    assert throughput.verdict == "b"


def test_less_latency_and_less_cpu_is_better() -> None:
    a = [summary(rps, latency_s=0.020, cpu_s=0.001) for rps in STEADY]
    b = [summary(rps, latency_s=0.010, cpu_s=0.002) for rps in STEADY]
    outcome = outcome_of(cell(a, b))
    assert found(outcome, "p50").verdict == "b"
    assert found(outcome, "p99").verdict == "b"
    assert found(outcome, "cpu_per_request").verdict == "a"
    assert found(outcome, "throughput").verdict == "equivalent"


def test_the_explanation_names_the_better_side_the_ratio_and_the_interval() -> None:
    a, b = [summary(r) for r in STEADY], [summary(2 * r) for r in reversed(STEADY)]
    text = found(outcome_of(cell(a, b)), "throughput").explanation
    assert text.startswith("async is better: async ÷ sync in throughput is 2.00, 95 % interval ")
    assert "over 6 blocks" in text


def test_a_side_that_collapsed_in_every_block_loses_without_an_interval() -> None:
    stalled = summary(0, collapsed="nothing was answered for 5 s, with 64 requests in flight")
    outcome = outcome_of(cell([stalled] * 6, [summary(r) for r in STEADY]))
    throughput = found(outcome, "throughput")
    assert (throughput.verdict, throughput.ratio, throughput.a.value) == ("b", None, None)
    assert throughput.b.value == pytest.approx(1000, rel=0.01)
    assert "collapsed:a" in throughput.flags
    assert "nothing was answered for 5 s, with 64 requests in flight" in throughput.explanation


def test_a_collapse_is_no_verdict_from_fewer_than_six_blocks() -> None:
    dead = summary(0, collapsed="it died")
    throughput = found(outcome_of(cell([dead], [summary(1000)])), "throughput")
    assert throughput.verdict == "inconclusive"
    assert "too-few-blocks" in throughput.flags


def test_a_side_that_collapsed_in_half_of_the_blocks_does_not_lose_for_that() -> None:
    a = [summary(0, collapsed="it died")] * 3 + [summary(2000)] * 3
    assert found(outcome_of(cell(a, [summary(1000)] * 6)), "throughput").verdict == "inconclusive"


def test_a_side_that_collapsed_once_leaves_the_question_open() -> None:
    a = [summary(0, collapsed="it died"), *(summary(r) for r in STEADY[1:])]
    throughput = found(outcome_of(cell(a, [summary(2 * r) for r in STEADY])), "throughput")
    assert throughput.verdict == "inconclusive"
    assert "collapsed:a" in throughput.flags
    assert throughput.blocks == 5


def test_both_sides_collapsed_is_no_verdict() -> None:
    dead = [summary(0, collapsed="it died")] * 6
    assert found(outcome_of(cell(dead, dead)), "throughput").verdict == "inconclusive"


def test_an_interrupted_run_uses_the_blocks_that_have_both_sides() -> None:
    outcome = compare_cells(
        "run",
        complete=False,
        sides=("sync", "async"),
        cells=[cell([summary(r) for r in STEADY], [summary(r) for r in STEADY[:3]])],
    )
    throughput = found(outcome, "throughput")
    assert (throughput.blocks, throughput.verdict) == (3, "inconclusive")
    assert "too-few-blocks" in throughput.flags


def test_a_cell_that_was_never_tried_is_there_and_empty() -> None:
    outcome = outcome_of(CellTrials("query", USERS, {}))
    assert found(outcome, "throughput").ratio is None
    assert all(each.throughput is None for each in outcome.cells)


def test_holm_spans_the_throughput_cells_of_the_run() -> None:
    """p = 0.02 passes alone, and not as one of twenty."""
    logs = [0.05, 0.30, 0.10, 0.25, 0.0, 0.275]
    a, b = [summary(1000) for _ in logs], [summary(1000 * math.exp(x)) for x in logs]
    assert found(outcome_of(cell(a, b)), "throughput").verdict == "b"
    many = [cell(a, b, f"scenario{i}") for i in range(20)]
    crowded = found(outcome_of(*many), "throughput", "scenario0")
    assert crowded.verdict == "inconclusive"
    assert "many-comparisons" in crowded.flags


def test_a_busy_driver_casts_doubt() -> None:
    busy = Summary(**{**summary(1000).__dict__, "driver_peak": 0.95})
    throughput = found(outcome_of(cell([summary(1000)] * 6, [busy] * 6)), "throughput")
    assert "driver-bound:b" in throughput.flags
    assert throughput.verdict == "inconclusive"
    assert "in its busiest second the driver's core was 95% busy" in throughput.explanation


def test_each_side_has_its_own_figures_with_an_interval() -> None:
    result = outcome_of(cell([summary(r) for r in STEADY], [summary(r) for r in STEADY])).cells[0]
    assert result.throughput is not None
    assert result.throughput.value == pytest.approx(1000, rel=0.001)
    assert result.latency_s["p99"] == pytest.approx(0.01)
    assert result.requests == 6000


def test_each_metric_is_measured_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A percentile of millions of response times is no work to do twice."""
    asked: list[float] = []

    def counted(ascending: npt.NDArray[np.floating], wanted: float) -> float | None:
        asked.append(wanted)
        return percentile(ascending, wanted)

    monkeypatch.setattr(trial_figures, "percentile", counted)
    outcome_of(cell([summary(rps) for rps in STEADY], [summary(rps) for rps in STEADY]))
    assert (asked.count(50), asked.count(95), asked.count(99)) == (12, 12, 12)


def overloaded(rps: float, p99_s: float) -> Summary:
    """Return a trial at 1,000 arrivals a second whose queue grows, unless all are answered."""
    half = Flow(windows_s=1.0, answers=rps, in_flight_s=10.0, crossings=1000, residence_s=10.0)
    whole = Flow(windows_s=2.0, answers=2 * rps, in_flight_s=20.0, crossings=2000, residence_s=20.0)
    later = half if rps == 1000 else replace(half, in_flight_s=30.0)
    return replace(summary(rps, p99_s), offered_rps=1000.0, flow=whole, earlier=half, later=later)


def test_response_times_of_an_overloaded_server_have_no_verdict_and_its_throughput_has() -> None:
    a, b = [overloaded(1000, 0.010)] * 6, [overloaded(800 + i, 0.800) for i in range(6)]
    outcome = outcome_of(replace(cell(a, b), load=OpenLoop(1000)))
    for metric in ("p50", "p99"):
        waits = found(outcome, metric)
        assert "overloaded:b" in waits.flags
        assert waits.verdict == "inconclusive"
        assert waits.explanation.startswith("No verdict")
    assert found(outcome, "throughput").verdict == "a"


@pytest.mark.parametrize(
    ("failing", "rps", "verdict"),
    [
        ({"b"}, 1300.0, "inconclusive"),  # it refuses one request in fifty, and answers more of the others
        ({"b"}, 700.0, "a"),
        ({"a"}, 1300.0, "b"),
        ({"b"}, 1000.0, "inconclusive"),
        ({"a", "b"}, 1000.0, "equivalent"),
        (set(), 1300.0, "b"),
    ],
)
def test_a_side_that_fails_requests_is_not_called_better(failing: set[SideLabel], rps: float, verdict: str) -> None:
    def trial(label: SideLabel, rate: float) -> Summary:
        return replace(summary(rate), failures={Failure.STATUS: 20} if label in failing else {})

    rates = [1.0, 1.01, 0.99, 1.0, 1.005, 0.995]
    outcome = outcome_of(cell([trial("a", 1000)] * 6, [trial("b", rps * each) for each in rates]))
    throughput = found(outcome, "throughput")
    assert throughput.verdict == verdict
    assert throughput.ratio == pytest.approx(rps / 1000, rel=0.01)
    for label in failing:
        assert f"failures:{label}" in throughput.flags
        assert "never called better than, or equal to, one that answers" in throughput.explanation


def test_one_slow_slice_of_a_block_hardly_moves_the_ratio() -> None:
    """Slices that stand side by side are paired, and their robust mean is what the block says."""
    a, b = summary(1000), summary(1200)
    spoilt = [1200.0, 1200.0, 400.0, 1200.0, 1200.0, 1200.0]
    pairs = [(replace(a, rates_rps=(1000.0,) * 6), replace(b, rates_rps=tuple(spoilt)))] * 6
    throughput = found(outcome_of(cell([x for x, _ in pairs], [y for _, y in pairs])), "throughput")
    assert throughput.ratio == pytest.approx(1.2, rel=0.001)


def test_a_side_that_answers_in_bursts_is_compared_by_whole_blocks() -> None:
    """The mean of logarithms would call 90, 10, 90, 10 … answers 60 % of what they are."""
    a = replace(summary(50), rates_rps=(90.0, 10.0) * 8)
    b = replace(summary(100), rates_rps=(100.0,) * 16)
    throughput = found(outcome_of(cell([a] * 6, [b] * 6)), "throughput")
    assert throughput.ratio == pytest.approx(2.0)


def test_a_slice_without_an_answer_is_not_left_out_of_the_ratio() -> None:
    a = replace(summary(80), rates_rps=(100.0, 100.0, 100.0, 100.0, 0.0))
    b = replace(summary(100), rates_rps=(100.0,) * 5)
    assert found(outcome_of(cell([a] * 6, [b] * 6)), "throughput").ratio == pytest.approx(1.25)


def test_two_slices_have_no_robust_mean() -> None:
    a = [replace(summary(1000), rates_rps=(1000.0, 1000.0))] * 6
    b = [replace(summary(800), rates_rps=(1200.0, 400.0))] * 6
    assert found(outcome_of(cell(a, b)), "throughput").ratio == pytest.approx(0.8)


def test_the_hodges_lehmann_mean_is_the_median_of_the_means_of_pairs() -> None:
    assert hodges_lehmann([1.0]) == 1.0
    assert hodges_lehmann([1.0, 2.0, 9.0]) == pytest.approx(3.5)  # of 1, 1.5, 5, 2, 5.5 and 9
