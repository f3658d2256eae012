"""One rule says what kind of verdict a comparison has; within ± 10 % no side wins, however sure its lead is."""

import pytest

from loadtests.analysis.comparison import estimate, judge
from loadtests.analysis.verdict_kinds import alike_in_words, is_alike, kind_of, lead, winner
from loadtests.experiment.loads import ClosedLoop
from loadtests.records.summary import UNITS, Comparison, Metric, Value, Verdict


def comparison(verdict: Verdict, ratio: float | None, *flags: str, metric: Metric = "throughput") -> Comparison:
    sides = Value("sync", 1.0), Value("async", ratio)
    return Comparison(
        "hash", ClosedLoop(8), metric, *sides, UNITS[metric], ratio, None, blocks=6, verdict=verdict, flags=[*flags]
    )


@pytest.mark.parametrize(
    ("found", "kind", "better"),
    [
        (comparison("b", 1.5), "b", "b"),
        (comparison("a", 0.92), "a", "a"),  # its interval reaches beyond the margin
        (comparison("b", 1.03, "small"), "equivalent", None),
        (comparison("a", 0.97, "small", "noisy-machine"), "equivalent", None),
        (comparison("equivalent", 1.01), "equivalent", None),
        (comparison("inconclusive", 1.3), "inconclusive", None),
        (comparison("inconclusive", 1.3, "sign-flip"), "unconfirmed", None),
        (comparison("inconclusive", 1.03, "small", "driver-bound:a"), "driver-bound", None),
        (comparison("inconclusive", 2.0, "work-left:b"), "work-left", None),
        (comparison("b", None, "collapsed:a"), "collapsed", "b"),
        (comparison("a", None, "failures:b"), "a", "a"),
    ],
)
def test_kinds(found: Comparison, kind: str, better: str | None) -> None:
    assert (kind_of(found), winner(found), is_alike(found)) == (kind, better, kind == "equivalent")


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (comparison("b", 1.01, "small"), "no meaningful difference (async +1 %)"),
        (comparison("a", 0.95, "small"), "no meaningful difference (sync +5 %)"),
        (comparison("b", 1.006, "small"), "no meaningful difference (async +0.6 %)"),
        (comparison("b", 1.0004, "small"), "no meaningful difference (async +0.04 %)"),
        (comparison("b", 0.96, "small", metric="p99"), "no meaningful difference (async −4 %)"),
        (comparison("a", 1.05, "small", metric="p99"), "no meaningful difference (sync −5 %)"),
        (comparison("a", 1.02, "small", metric="cpu_per_request"), "no meaningful difference (sync −2 %)"),
        (comparison("equivalent", 1.01), "no meaningful difference"),
    ],
)
def test_a_lead_within_the_margin_has_the_better_sides_name_and_a_sign_that_fits_the_metric(
    found: Comparison, said: str
) -> None:
    assert alike_in_words(found, "sync", "async") == said


def test_only_a_sure_lead_within_the_margin_is_told() -> None:
    assert lead(comparison("equivalent", 1.01)) is None
    assert lead(comparison("b", 1.5)) is None
    assert lead(comparison("inconclusive", 1.05, "many-comparisons")) is None
    assert lead(comparison("b", 1.25, "small")) == ("b", 0.25)


@pytest.mark.parametrize(("low", "high", "kind"), [(0.89, 0.96, "a"), (0.93, 0.98, "equivalent"), (1.04, 1.16, "b")])
def test_an_interval_that_leaves_the_margin_is_a_win(low: float, high: float, kind: str) -> None:
    ratios = [low, high] * 3
    found = estimate(ratios)
    assert found.interval is not None
    assert (found.interval[0] < 1 / 1.1 or found.interval[1] > 1.1) == (kind != "equivalent")
    verdict, flags = judge(found, ratios, higher_is_better=True, certain=True)
    assert kind_of(comparison(verdict, found.value, *flags)) == kind
