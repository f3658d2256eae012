"""Whether two apps are the same from outside is said of their answers, and only of them."""

import pytest

from loadtests.experiment.scenario_text import parse_scenario
from loadtests.lessons.catalogue import ALL_SCENARIOS, CLAIMS, judge
from loadtests.lessons.lesson import Standing
from loadtests.lessons.record import claim_result, judge_expectations
from loadtests.lessons.same_app import MEANT_TO_DIFFER, judged
from loadtests.records.answer_differences import Difference, WholeAnswer
from loadtests.runner.same_answers import answered_well

(CLAIM,) = [claim for claim in CLAIMS if claim.name == "same-app"]
BODY = Difference(request="GET /api/posts/1", what="$.title", a="x", b="y")
SQL = Difference(request="GET /api/posts/1", what="statements", a="2", b="3", stops=False)
LAZY = Difference(request=f"GET {MEANT_TO_DIFFER}", what="status", a="200 OK", b="409 Conflict")


@pytest.mark.parametrize(
    ("differences", "expected"),
    [([], "supported"), ([SQL, LAZY], "supported"), ([LAZY, BODY], "refuted"), ([BODY, BODY], "refuted")],
)
def test_an_answer_that_differs_refutes_it(differences: list[Difference], expected: Standing) -> None:
    evidence = judged(70, 70, differences, ["explored 120 requests of 25 routes"])
    seen = judge_expectations(CLAIM, {CLAIM.evidence_name: evidence})
    assert judge(CLAIM, seen).standing == expected
    said = claim_result(CLAIM, seen).why
    assert "70 requests" in said
    assert "explored 120 requests" in said
    assert ("GET /api/posts/1, $.title: x against y" in said) == (expected == "refuted")


@pytest.mark.parametrize(("answered", "expected"), [(70, "supported"), (69, "inconclusive"), (0, "inconclusive")])
def test_answers_that_never_came_are_not_alike(answered: int, expected: Standing) -> None:
    """Where a build hangs at the first request, nothing differs, for nothing was compared."""
    evidence = judged(70, answered, [], [])
    assert evidence.standing == expected
    assert (f"only {answered} of 70" in evidence.why) == (expected == "inconclusive")
    assert judged(70, answered, [BODY], []).standing == "refuted"


def test_only_good_answers_of_both_builds_count() -> None:
    scenario = parse_scenario("get_post")
    count = len(scenario.requests)
    good, bad = [WholeAnswer(200)] * 2, [WholeAnswer(200), WholeAnswer(500)]
    assert answered_well(scenario, {"a": [good] * count, "b": [good] * count}) == count
    assert answered_well(scenario, {"a": [good] * count, "b": [bad] + [good] * (count - 1)}) == count - 1
    assert answered_well(scenario, {"a": [bad] * count, "b": [bad] * count}) == 0
    assert answered_well(scenario, {"a": [good] * count, "b": [good[:1]] * count}) == 0
    assert answered_well(scenario, {"a": [good] * count, "b": []}) == 0


def test_it_says_what_was_not_explored() -> None:
    assert "uv run --extra explore" in judged(70, 70, [], []).why


def test_every_scenario_but_the_pitfalls_is_asked() -> None:
    assert {"get_post", "create_post", "visitors", "home_page"} <= set(ALL_SCENARIOS)
    assert "lazy" not in ALL_SCENARIOS
    assert judge_expectations(CLAIM, {})[0].standing == "not tested"
