"""Runs side by side: what differs, which comparison is fair, and whether the intervals hold what they promise."""

import math
from dataclasses import replace

import numpy as np
import pytest

from loadtests.analysis.across_runs import Figure, Row, change, compare_runs, judged
from loadtests.analysis.comparison import estimate
from loadtests.analysis.run_differences import SavedRun, cautions, differences, fairness
from loadtests.experiment.loads import ClosedLoop
from loadtests.records.summary import Comparison, Value
from loadtests.system.errors import UsageError
from tests.made_up_runs import collapsing, make_run, slower


def saved(name: str, **options: object) -> SavedRun:
    return SavedRun(name, *make_run(["get_post", "query"], [8, 32], **options))  # type: ignore[arg-type]


def elsewhere(run: SavedRun) -> SavedRun:
    environment = run.manifest.environment.model_copy(update={"cpu": "Another", "cores": 8})
    return replace(run, manifest=run.manifest.model_copy(update={"environment": environment}))


def at_commit(run: SavedRun, commit: str) -> SavedRun:
    a = run.manifest.a.model_copy(update={"commit": commit, "spec": "sync@main"})
    return replace(run, manifest=run.manifest.model_copy(update={"a": a}))


def test_runs_that_are_alike_differ_in_nothing_and_everything_is_fair() -> None:
    found = compare_runs([saved("one"), saved("two", seed=8)])
    assert found.differences == ()
    assert found.fairness.is_absolute
    assert [(row.scenario, row.load.size, row.label) for row in found.absolute[:3]] == [
        ("get_post", 8, "a"),
        ("get_post", 8, "b"),
        ("get_post", 32, "a"),
    ]
    assert {each.verdict for row in found.ratios for each in row.changes if each} == {"equivalent"}


def test_what_has_changed_is_found_in_ratios_and_in_the_side_that_has_changed() -> None:
    found = compare_runs([saved("one"), saved("two", seed=8, change=slower(0.2, ["query"], [8]))])
    verdicts = {(row.scenario, row.load.size, row.label): row.changes[0] for row in (*found.ratios, *found.absolute)}
    changed = {where for where, each in verdicts.items() if each is not None and each.verdict == "down"}
    assert changed == {("query", 8, None), ("query", 8, "b")}
    ratio = verdicts["query", 8, None]
    assert ratio is not None
    assert ratio.interval is not None
    assert 0.75 < ratio.interval[0] < ratio.interval[1] < 0.87


def test_figures_of_another_machine_are_left_out_and_ratios_are_not() -> None:
    found = compare_runs([saved("one"), elsewhere(saved("two"))])
    assert [(each.kind, each.what) for each in found.differences] == [("machine", "processor"), ("machine", "cores")]
    assert found.absolute == ()
    assert len(found.ratios) == 4
    assert "the runs are from different machines" in found.fairness.absolute
    assert "can be compared" in found.fairness.ratios


def test_figures_under_another_load_are_left_out() -> None:
    other = saved("two")
    other = replace(other, manifest=other.manifest.model_copy(update={"driver": "locust", "workers": 2}))
    fair = fairness([saved("one"), other])
    assert not fair.is_absolute
    assert fair.absolute == "Absolute figures can't be compared: driver, workers differ."


def test_two_commits_of_a_side_are_the_same_side() -> None:
    runs = [at_commit(saved("one"), "a" * 40), at_commit(saved("two"), "b" * 40)]
    assert [(each.kind, each.what, each.values) for each in differences(runs)] == [
        ("commit", "side a", ("a" * 12, "b" * 12))
    ]
    assert fairness(runs).is_absolute


def test_other_sides_are_told() -> None:
    runs = [saved("one"), saved("two", a="async", b="async,loop=asyncio")]
    assert "side a and side b are not the same in all of them" in fairness(runs).ratios
    assert ("sides", "side b: loop") in [(each.kind, each.what) for each in differences(runs)]


def test_what_an_older_run_did_not_record_is_no_difference() -> None:
    older = saved("two")
    a = older.manifest.a.model_copy(update={"settings": {"app": "sync_app.main:app"}})
    assert differences([saved("one"), replace(older, manifest=older.manifest.model_copy(update={"a": a}))]) == []


def test_what_casts_doubt_on_a_run_is_a_sentence() -> None:
    biased = Comparison(
        "noop", ClosedLoop(8), "throughput", Value("a", 1), Value("a", 1), "requests/s", 1.2, (1.1, 1.3), 6, "b"
    )
    run = at_commit(saved("one", complete=False), "a" * 40 + "+")
    run = replace(run, outcome=replace(run.outcome, control=biased))
    assert list(cautions(run)) == [
        "one is incomplete: it ended early",
        "one: side a had uncommitted changes, so its commit does not identify the code",
        "one: side a differed from itself, so the setup was biased",
    ]
    clean = at_commit(saved("two"), "a" * 40)
    assert list(cautions(clean)) == ["two: the harness had uncommitted changes"]


def test_cells_that_not_all_runs_have_are_named() -> None:
    fewer = SavedRun("two", *make_run(["get_post"], [8]))
    found = compare_runs([saved("one"), fewer])
    assert [row.scenario for row in found.ratios] == ["get_post"]
    assert found.left_out == ("get_post with 32 users, query with 8 users, query with 32 users: not in two",)


def test_a_scenario_of_the_same_name_that_asks_something_else_is_left_out() -> None:
    other = saved("two")
    scenarios = [
        each.model_copy(update={"requests": tuple(r.model_copy(update={"path": "/x"}) for r in each.requests)})
        if each.name == "query"
        else each
        for each in other.manifest.scenarios
    ]
    other = replace(other, manifest=other.manifest.model_copy(update={"scenarios": scenarios}))
    found = compare_runs([saved("one"), other])
    assert {row.scenario for row in found.ratios} == {"get_post"}
    assert found.left_out == ("query: the runs sent different requests under this name",)


def test_runs_without_a_common_cell_are_refused() -> None:
    with pytest.raises(UsageError, match="no scenario was measured under the same load"):
        compare_runs([saved("one"), SavedRun("two", *make_run(["hash"], [8]))])


def test_a_side_that_collapsed_has_no_figure() -> None:
    found = compare_runs([saved("one"), saved("two", change=collapsing("b", ["query"], [8]))])
    without = {
        (row.scenario, row.load.size, row.label) for row in (*found.ratios, *found.absolute) if None in row.figures
    }
    assert without == {("query", 8, None), ("query", 8, "b")}
    assert all(row.changes == (None,) for row in (*found.ratios, *found.absolute) if None in row.figures)


def flagged(run: SavedRun, scenario: str, size: float, flag: str) -> SavedRun:
    comparisons = [
        replace(c, flags=[*c.flags, flag]) if (c.scenario, c.load.size) == (scenario, size) else c
        for c in run.outcome.comparisons
    ]
    return replace(run, outcome=replace(run.outcome, comparisons=comparisons))


def test_what_may_be_the_driver_gets_no_verdict() -> None:
    """Side b is 20 % slower in the second run, or the driver was too busy to tell."""
    change = slower(0.2, ["query"], [8])
    found = compare_runs([saved("one"), flagged(saved("two", seed=8, change=change), "query", 8, "driver-bound:b")])
    verdicts = {
        (row.scenario, row.load.size, row.label): each.verdict
        for row in (*found.ratios, *found.absolute)
        for each in row.changes
        if each is not None
    }
    assert verdicts["query", 8, None] == "inconclusive"
    assert verdicts["query", 8, "b"] == "inconclusive"
    assert verdicts["query", 8, "a"] == "equivalent"
    assert verdicts["get_post", 8, "b"] == "equivalent"
    assert found.cautions[-1].startswith("two: in query with 8 users the load driver may have been the limit")


def test_a_change_of_runs_of_one_block_has_no_interval() -> None:
    found = change(Figure(1.0, None, 1), Figure(1.1, (1.0, 1.2), 6))
    assert found is not None
    assert found.interval is None
    assert found.ratio == pytest.approx(1.1)


def test_the_interval_of_a_change_holds_the_truth_in_95_of_100_cases() -> None:
    """Blocks of unequal number and noise, as two runs have them."""
    rng = np.random.default_rng(5)
    held, rejected = 0, 0
    for _ in range(1000):
        before = estimate(np.exp(rng.normal(0.0, 0.01, 5)).tolist())
        after = estimate(np.exp(rng.normal(math.log(1.1), 0.04, 8)).tolist())
        found = change(
            Figure(before.value, before.interval, before.blocks), Figure(after.value, after.interval, after.blocks)
        )
        assert found is not None
        assert found.interval is not None
        assert found.p is not None
        held += found.interval[0] <= 1.1 <= found.interval[1]
        rejected += found.p <= 0.05
    assert 930 <= held <= 970
    assert rejected > 950


def test_a_change_is_sure_only_after_holms_correction() -> None:
    one = change(Figure(1.0, (0.95, 1.05), 6), Figure(1.09, (1.02, 1.165), 6))
    assert one is not None
    assert one.p is not None
    assert 0.01 < one.p < 0.05
    row = Row("noop", ClosedLoop(8), "throughput", None, (), (one,))
    assert [each.changes[0].verdict for each in judged([row]) if each.changes[0]] == ["up"]
    many = list(judged([row] * 20))
    assert many[0].changes[0] is not None
    assert many[0].changes[0].verdict == "inconclusive"


def test_a_change_within_the_margin_is_none_that_matters_however_sure_it_is() -> None:
    """3 % more, give or take 0.7 %: the legend says that such an interval is no meaningful change."""
    small = change(Figure(1.0, (0.995, 1.005), 6), Figure(1.03, (1.025, 1.035), 6))
    large = change(Figure(1.0, (0.995, 1.005), 6), Figure(1.12, (1.115, 1.125), 6))
    assert small is not None
    assert small.p is not None
    assert small.p < 0.001
    row = Row("noop", ClosedLoop(8), "throughput", None, (), (small, large))
    [found] = judged([row])
    assert [each.verdict for each in found.changes if each] == ["equivalent", "up"]
