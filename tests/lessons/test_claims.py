"""Every claim can be refuted, supported and left open, each from samples; and what else lessons rest on."""

import math
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from loadtests.analysis.cells import CellTrials, compare_cells
from loadtests.analysis.trial_summary import Summary, summarise
from loadtests.experiment.blog import SIZES_OF_THE_DATA
from loadtests.experiment.loads import ClosedLoop, Load, OpenLoop
from loadtests.experiment.request import in_turn
from loadtests.experiment.scenario_text import parse_scenario
from loadtests.experiment.side_parser import parse_side
from loadtests.experiment.sides import LABELS, SideLabel
from loadtests.lessons import text
from loadtests.lessons.catalogue import CLAIMS, LESSONS, Claim, judge, lesson_named
from loadtests.lessons.lesson import Collapse, Expectation, Judgement, Measure, Memory, Rate, Ratio, Standing
from loadtests.lessons.measure import run_options
from loadtests.lessons.record import (
    ClaimsRecord,
    Evidence,
    claim_result,
    claim_results,
    claims_covered_by,
    judge_expectations,
)
from loadtests.records.summary import Outcome
from loadtests.system.errors import UsageError
from tests.made_up_runs import make_run
from tests.made_up_samples import back_to_back, recording

TESTABLE = [claim for claim in CLAIMS if claim.expects]
BLOCKS = 6
WINDOW = (20.0, 30.0)
UNTIL_S = 60.0
"""Seconds of load: users who wait for 8 s are in the middle of it when the window opens, and when it closes."""


HUNG = "nothing was answered for 5 s, with 64 requests in flight"


def measured(
    expectation: Expectation, rates: tuple[float, float], noise: float = 0.01, collapse: str | None = None
) -> Outcome:
    """Return what samples say in which side a answers so many requests a second, and side b so many.

    Where the claim is about the slowest requests, a higher rate stands for a shorter response.
    """
    rng = np.random.default_rng(5)
    why = collapse or (expectation.because if isinstance(expectation, Collapse) else "") or HUNG
    load: Load = OpenLoop(expectation.size) if expectation.open_loop else ClosedLoop(int(expectation.size))
    blocks: dict[int, dict[SideLabel, Summary]] = {}
    for block in range(BLOCKS):
        for label, rate in zip(LABELS, rates, strict=True):
            blocks.setdefault(block, {})[label] = _summary(rate * math.exp(rng.normal(0, noise)), load, why)
    cell = CellTrials(expectation.scenario, load, blocks)
    return compare_cells("made up", complete=True, sides=("sync", "async"), cells=[cell])


def _summary(rate: float, load: Load, collapse: str) -> Summary:
    if not rate:
        return summarise(recording([], WINDOW, stalled=collapse))
    if isinstance(load, OpenLoop):
        sent = np.arange(0.0, UNTIL_S, 1 / load.rate)
        return summarise(recording([(float(at), float(at + 1 / rate)) for at in sent], WINDOW), arrivals=True)
    return summarise(recording(back_to_back(load.users, load.users / rate, UNTIL_S), WINDOW))


def rates_for(expectation: Expectation, wanted: Standing) -> tuple[float, float]:
    """Return both sides' rates in a world in which an expectation is supported, or refuted."""
    match expectation:
        case Ratio(low=low, high=high, metric=metric):
            inside = math.sqrt(low * high) if low > 0 and high < math.inf else low * 1.5 if low else high * 0.5
            outside = low / 1.5 if low else high * 1.5
            ratio = inside if wanted == "supported" else outside
            return (100.0, 100.0 * ratio) if metric == "throughput" else (100.0, 100.0 / ratio)
        case Rate(low=low, high=high, label=label):
            inside = (low + high) / 2 if high < math.inf else low * 2
            rate = inside if wanted == "supported" else low / 2 or high * 2
            return (rate, 100.0) if label == "a" else (100.0, rate)
        case Collapse(label=label):
            dead = 0.0 if wanted == "supported" else 80.0
            return (dead, 100.0) if label == "a" else (100.0, dead)
    raise AssertionError(expectation)


def expectations() -> list[Expectation]:
    return [
        *(each for claim in TESTABLE for each in claim.expects),
        *(each for lesson in LESSONS.values() for each in lesson.expects),
    ]


@pytest.mark.parametrize("claim", TESTABLE, ids=lambda claim: claim.name)
@pytest.mark.parametrize("wanted", ["supported", "refuted"])
def test_every_claim_can_hold_and_can_be_refuted(claim: Claim, wanted: Standing) -> None:
    seen = [each.judge(measured(each, rates_for(each, wanted))) for each in claim.expects]
    judged = judge(claim, seen)
    assert judged.standing == wanted
    assert judged.figure


@pytest.mark.parametrize("claim", TESTABLE, ids=lambda claim: claim.name)
def test_one_expectation_that_fails_refutes_the_claim(claim: Claim) -> None:
    for wrong in range(len(claim.expects)):
        seen = [
            each.judge(measured(each, rates_for(each, "refuted" if number == wrong else "supported")))
            for number, each in enumerate(claim.expects)
        ]
        assert judge(claim, seen).standing == "refuted"


@pytest.mark.parametrize("expectation", [each for each in expectations() if isinstance(each, Ratio)], ids=str)
def test_noise_that_spans_an_end_leaves_it_open(expectation: Ratio) -> None:
    end = expectation.low or expectation.high
    rates = (100.0, 100.0 * end if expectation.metric == "throughput" else 100.0 / end)
    assert expectation.judge(measured(expectation, rates, noise=0.2)).standing == "inconclusive"


@pytest.mark.parametrize("expectation", expectations(), ids=str)
def test_what_was_not_measured_is_not_judged(expectation: Expectation) -> None:
    elsewhere = measured(Ratio("", "noop", 7), (100.0, 100.0))
    assert expectation.judge(elsewhere).standing == "not tested"


def test_a_side_that_hangs_now_and_then_is_no_collapse() -> None:
    expectation = Collapse("", "get_post", 64, label="a")
    outcome = measured(expectation, (100.0, 100.0))
    mixed = measured(expectation, (0.0, 100.0))
    some = Outcome(
        run="x",
        complete=True,
        comparisons=outcome.comparisons,
        cells=[
            *(cell for cell in outcome.cells if cell.label == "b"),
            *(cell for cell in mixed.cells if cell.label == "a"),
        ],
    )
    assert expectation.judge(some).standing == "inconclusive"


def test_a_client_that_may_have_been_the_limit_decides_nothing() -> None:
    expectation = Ratio("", "noop", 32, low=1.1)
    outcome = measured(expectation, (100.0, 200.0))
    flagged = [replace(c, flags=[*c.flags, "driver-bound:b"]) for c in outcome.comparisons]
    found = expectation.judge(replace(outcome, comparisons=flagged))
    assert (found.standing, found.why) == ("inconclusive", "the load driver may have been the limit")


def test_a_side_that_fails_requests_supports_nothing() -> None:
    """Half of its requests failed, so it gives fewer good answers: that is not what "handles no more" means."""
    no_more, at_most = Ratio("", "noop", 32, high=1.0), Rate("", "noop", 32, "b", high=60.0)
    outcome = measured(no_more, (100.0, 50.0))
    assert no_more.judge(outcome).standing == at_most.judge(outcome).standing == "supported"
    flagged = replace(outcome, comparisons=[replace(c, flags=[*c.flags, "failures:b"]) for c in outcome.comparisons])
    for expectation in (no_more, at_most):
        found = expectation.judge(flagged)
        assert (found.standing, found.why) == ("inconclusive", "too many requests failed: async")
    assert Rate("", "noop", 32, "a", low=90.0).judge(flagged).standing == "supported"


@pytest.mark.parametrize("expectation", [each for each in expectations() if not isinstance(each, Collapse)], ids=str)
@pytest.mark.parametrize("rates", [(0.0, 100.0), (100.0, 0.0), (0.0, 0.0)])
def test_a_side_that_gives_nothing_decides_nothing(expectation: Expectation, rates: tuple[float, float]) -> None:
    """A server that does not start, or dies, says nothing of what is asked; its own rate apart, which the other has."""
    found = expectation.judge(measured(expectation, rates, collapse="exited with status 1 before it was ready"))
    if isinstance(expectation, Rate) and rates[0 if expectation.label == "a" else 1]:
        return
    assert found.standing == "inconclusive"
    assert "exited with status 1" in found.why


@pytest.mark.parametrize("expectation", [each for each in expectations() if isinstance(each, Collapse)], ids=str)
def test_a_collapse_for_another_reason_is_another_matter(expectation: Collapse) -> None:
    rates = (0.0, 100.0) if expectation.label == "a" else (100.0, 0.0)
    found = expectation.judge(measured(expectation, rates, collapse="exited with status 1 before it was ready"))
    assert (found.standing, found.why.partition(":")[0]) == ("inconclusive", "it failed for another reason")
    assert expectation.judge(measured(expectation, (0.0, 0.0))).standing == "inconclusive"


def test_a_rate_of_survivors_is_none() -> None:
    expectation = Rate("", "query", 50, "a", 70, 90)
    whole, dead = measured(expectation, (80.0, 80.0)), measured(expectation, (0.0, 80.0))
    cells = [
        replace(cell, collapsed=dead.cells[0].collapsed[:2]) if cell.label == "a" else cell for cell in whole.cells
    ]
    assert expectation.judge(whole).standing == "supported"
    assert expectation.judge(replace(whole, cells=cells)).standing == "inconclusive"


def test_arrivals_are_no_users() -> None:
    expectation = Ratio("", "external_api", 128, low=1.25)
    outcome = measured(expectation, (100.0, 200.0))
    open_loop = [replace(c, load=OpenLoop(128)) for c in outcome.comparisons]
    assert expectation.judge(replace(outcome, comparisons=open_loop)).standing == "not tested"


def test_what_may_be_chance_decides_nothing() -> None:
    expectation = Ratio("", "noop", 32, low=1.0)
    outcome = measured(expectation, (100.0, 200.0))
    flagged = [replace(c, flags=[*c.flags, "many-comparisons"]) for c in outcome.comparisons]
    assert expectation.judge(outcome).standing == "supported"
    assert expectation.judge(replace(outcome, comparisons=flagged)).standing == "inconclusive"


WORLDS: dict[str, tuple[tuple[float, float], Standing]] = {
    # what both sides answer in a second, and what that says of the claim: written by hand, from its words
    "waiting-pays": ((750, 2000), "supported"),
    "queries-pay": ((700, 700), "refuted"),
    "cpu-does-not": ((170, 300), "refuted"),
    "fast-query": ((1000, 1400), "refuted"),
    "threads-do-not-block": ((50, 50), "refuted"),
    "blocking-is-worse": ((390, 49), "supported"),
    "fan-out": ((16, 76), "supported"),
    "lazy-raises": ((800, 800), "refuted"),
    "lazy-costs": ((400, 360), "refuted"),
    "mixing": ((1100, 600), "refuted"),
    "sync-library": ((390, 390), "refuted"),
    "ceiling-3s": ((20, 30), "refuted"),
    "ceiling-workers": ((398, 900), "supported"),
    "no-io": ((2600, 2600), "refuted"),
    "pool-stall": ((0, 820), "supported"),
    "files-pay": ((1200, 1100), "refuted"),
    "commit-expires": ((0, 500), "supported"),
    "more-connections": ((40, 295), "supported"),
    "modest-win": ((157, 175), "supported"),
    "serialisation": ((95, 95), "supported"),
    "not-faster": ((5780, 4952), "supported"),
    "server-reverses": ((2000, 1200), "supported"),
    "five-calls": ((0.483, 2.083), "supported"),
}


@pytest.mark.parametrize("name", WORLDS)
def test_the_words_of_a_claim_mean_what_is_checked(name: str) -> None:
    (claim,) = [claim for claim in CLAIMS if claim.name == name]
    rates, expected = WORLDS[name]
    seen = [each.judge(measured(each, rates)) for each in claim.expects]
    assert judge(claim, seen).standing == expected


@pytest.mark.parametrize(
    ("a", "b", "shown"),
    [
        ("sync", "async", ("sync", "async")),
        ("sync,loading=lazy", "sync", ("loading=lazy", "sync")),
        ("sync,seed_posts=99,loading=lazy", "sync,seed_posts=99", ("loading=lazy", "sync")),
        ("sync,seed_posts=5000", "async,seed_posts=5000", ("sync", "async")),
        ("sync,workers=2", "async,loop=asyncio", ("sync,workers=2", "async,loop=asyncio")),
        ("my.apps:one", "my.apps:other", ("one", "other")),
    ],
)
def test_a_lessons_table_names_what_differs(a: str, b: str, shown: tuple[str, str]) -> None:
    lesson = replace(LESSONS["waiting"], measure=Measure(["noop"], a=a, b=b, users="1"))
    assert text.sides(lesson) == shown


@pytest.mark.parametrize(
    ("standings", "expected"),
    [
        (["supported", "supported"], "supported"),
        (["supported", "inconclusive"], "inconclusive"),
        (["inconclusive", "not tested"], "not tested"),
        (["not tested", "refuted"], "refuted"),
        ([], "not tested"),
    ],
)
def test_all_must_hold(standings: Sequence[Standing], expected: Standing) -> None:
    seen = [Judgement(standing, "1.0") for standing in standings]
    assert text.standing(seen) == expected
    assert judge(TESTABLE[0], seen).standing == expected


def test_every_claim_is_tested_by_figures_or_by_answers() -> None:
    assert len({claim.name for claim in CLAIMS}) == len(CLAIMS)
    for claim in CLAIMS:
        assert claim.measured_by is not None
        assert bool(claim.expects) == (claim.measured_by.compares != "answers")


def test_every_published_claim_can_be_looked_up() -> None:
    for claim in CLAIMS:
        assert (claim.source is not None) == bool(claim.conditions) == (claim.origin == "published"), claim.name
    (claim,) = [claim for claim in CLAIMS if claim.name == "no-io"]
    shown = claim_result(claim, [Judgement("supported", "1.6")])
    assert shown.url.startswith("https://github.com/fastapi/fastapi/")
    assert (shown.source, shown.conditions) == ("fastapi/fastapi#1664", claim.conditions)


@pytest.mark.parametrize("measure", [each.measured_by for each in CLAIMS] + [each.measure for each in LESSONS.values()])
def test_builds_that_are_compared_hold_as_much_data(measure: Measure) -> None:
    a, b = (parse_side(side).settings() if measure.compares == "sides" else {} for side in (measure.a, measure.b))
    assert all(str(a.get(size)) == str(b.get(size)) for size in SIZES_OF_THE_DATA)


def test_memory_is_judged_by_what_both_sides_took_at_the_most() -> None:
    expectation = Memory("", "external_api", 128, low=0.8, high=1.25)
    outcome = measured(expectation, (100.0, 100.0))

    def taking(a: int | None, b: int | None) -> Judgement:
        cells = [replace(cell, rss_bytes=a if cell.label == "a" else b) for cell in outcome.cells]
        return expectation.judge(replace(outcome, cells=cells))

    assert taking(200_000_000, 210_000_000) == Judgement("supported", "1.05, sync 200 MB and async 210 MB")
    assert taking(200_000_000, 420_000_000).standing == "refuted"
    assert taking(420_000_000, 200_000_000).standing == "refuted"
    assert taking(None, 200_000_000).standing == "inconclusive"


@pytest.mark.parametrize("claim", TESTABLE, ids=lambda claim: claim.name)
def test_what_a_claim_expects_is_measured(claim: Claim) -> None:
    measure = claim.measured_by
    assert measure is not None
    sizes = {float(size) for size in (measure.rate or measure.users or "").split(",")}
    assert {each.size for each in claim.expects} <= sizes
    assert {each.scenario for each in claim.expects} <= set(measure.scenarios)
    assert claim.lesson is None or claim.lesson in LESSONS


@pytest.mark.parametrize("name", LESSONS)
def test_a_lesson_can_be_measured_and_shows_two_pieces_of_code(name: str, tmp_path: Path) -> None:
    lesson = LESSONS[name]
    sizes = {float(size) for size in (lesson.measure.rate or lesson.measure.users or "").split(",")}
    assert {each.size for each in lesson.expects} <= sizes
    assert {each.scenario for each in lesson.expects} <= set(lesson.measure.scenarios)
    if lesson.measure.compares == "sides":
        experiment = run_options(lesson.measure, tmp_path / "x").experiment()
        assert [scenario.name for scenario in experiment.scenarios] == list(lesson.measure.scenarios)
    one, other = map(text.source, lesson.code)
    assert one.strip()
    assert other.strip()
    assert one != other
    assert lesson.next


def test_claims_are_judged_by_what_was_kept() -> None:
    claim = next(claim for claim in CLAIMS if claim.name == "waiting-pays")
    expectation = claim.expects[0]
    evidence = {"waiting": Evidence(outcome=measured(expectation, rates_for(expectation, "refuted")))}
    record = ClaimsRecord(
        created=datetime.now(UTC),
        seconds=1.0,
        environment=make_run(["noop"], [1])[0].environment,
        claims=["waiting-pays", "ceiling-pg-sleep", "of an older version"],
        evidence={**evidence, "ceiling-pg-sleep": Evidence(why="no PostgreSQL here")},
    )
    back = ClaimsRecord.model_validate_json(record.model_dump_json())
    found = {each.name: (each.standing, each.why) for each in claim_results(back)}
    assert found == {"waiting-pays": ("refuted", ""), "ceiling-pg-sleep": ("not tested", "no PostgreSQL here")}
    assert judge_expectations(claim, {})[0].standing == "not tested"


def test_a_lesson_that_there_is_not() -> None:
    with pytest.raises(UsageError, match="there is no lesson 'x'; choose one of: waiting"):
        lesson_named("x")


def test_a_run_bears_on_the_claims_that_it_has_the_cells_for() -> None:
    manifest, outcome = make_run(["external_api", "hash"], [1, 128])
    found = {each.name: each.standing for each in claims_covered_by(manifest, outcome)}
    assert found["waiting-pays"] == "supported"
    assert found["one-user"] == "supported"
    assert "cpu-does-not" not in found
    manifest, outcome = make_run(["external_api"], [1, 128], a="sync,workers=2")
    assert claims_covered_by(manifest, outcome) == []


def test_two_routes_may_be_asked_in_turn() -> None:
    scenario = parse_scenario("GET /one /other?x=1")
    assert [request.path for request in scenario.requests] == ["/one", "/other?x=1"]
    assert scenario.title == "a GET of /one and /other?x=1 in turn"
    with pytest.raises(UsageError):
        parse_scenario("GET /one other")


def test_large_parameters_stay_whole_numbers() -> None:
    (request,) = parse_scenario("hash[rounds=1000000]").requests
    assert request.path.endswith("rounds=1000000")
    assert parse_scenario("neighbour").requests[0].path.endswith("hash?rounds=1000000")
    assert in_turn(parse_scenario("neighbour").requests) == (0, *[1] * 199)
