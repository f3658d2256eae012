from typing import Any

import pytest

from loadtests.experiment.side_parser import parse_side
from loadtests.experiment.sides import SideLabel
from loadtests.lab.controls import changed, controls, first_settings
from loadtests.lab.limits import LaneFacts
from loadtests.lab.preset_progress import DOUBT, PresetProgress
from loadtests.lab.presets import PRESETS, Evidence, Outcome, Step, preset_named
from loadtests.lab.scenarios import offers_of_catalogue
from loadtests.lessons.catalogue import LESSONS
from loadtests.system.errors import UsageError
from tests.lab.made_up import facts, inside

SIDES: dict[SideLabel, Any] = {"a": parse_side("sync"), "b": parse_side("async")}


def judged(name: str, a: LaneFacts, b: LaneFacts, **given: Any) -> Outcome | None:
    usual: dict[str, Any] = {"steps": [], "watched_s": 20.0, "stopped": {}, "done": True}
    return preset_named(name).judge(Evidence({"a": a, "b": b}, **{**usual, **given}))


@pytest.mark.parametrize("preset", PRESETS, ids=lambda each: each.shown.name)
def test_a_preset_is_named_after_a_lesson_and_can_be_applied(preset: Any) -> None:
    assert preset.shown.lesson in LESSONS
    offers = {offer.name: offer for offer in offers_of_catalogue()}
    given = controls(SIDES, has_parameters=True)
    settings = changed(first_settings("noop", SIDES), preset.change, offers, given)
    assert settings.model_dump(include=preset.change.model_fields_set) == preset.change.model_dump(exclude_unset=True)
    assert offers[settings.scenario].make(settings).requests


@pytest.mark.parametrize("preset", PRESETS, ids=lambda each: each.shown.name)
def test_nothing_is_claimed_before_it_was_measured(preset: Any) -> None:
    unmeasured = facts(rps=None, p50_s=None, p99_s=None, inside=None)
    lanes: dict[SideLabel, LaneFacts] = {"a": unmeasured, "b": unmeasured}
    assert preset.judge(Evidence(lanes, [], 1.0, {}, done=False)) is None


STEPS = [Step(40, {"a": 198.0, "b": 199.0}), Step(41, {"a": 199.0, "b": 204.0}), Step(80, {"a": 200.0, "b": 396.0})]


def test_at_41_users_the_line_that_bends_is_told_from_what_was_measured() -> None:
    found = judged("41-users", facts(), facts("async"), steps=STEPS)
    assert found == Outcome(
        "From 40 to 80 users, sync went from 198 requests/s to 200 requests/s; async went from 199 requests/s to 396"
        " requests/s: the line of sync, with its 40 threads, bends.",
        "a",
    )
    other = [STEPS[0], Step(80, {"a": 390.0, "b": 396.0})]
    found = judged("41-users", facts(), facts("async"), steps=other)
    assert found is not None
    assert found.answer == "neither"
    assert judged("41-users", facts(), facts("async"), steps=STEPS[:1], done=False) is None


def test_a_blocked_loop_is_said_to_be_one_only_if_it_was_seen() -> None:
    found = judged("blocked-loop", facts(rps=390.0), facts("async", rps=49.0, inside=inside(lag_s=0.14)))
    assert found == Outcome(
        "sync answers 390 requests/s, async 49 requests/s: the event loop of async is blocked (140 ms late).", "fewer"
    )
    found = judged("blocked-loop", facts(rps=390.0), facts("async", rps=395.0))
    assert found == Outcome("sync answers 390 requests/s, async 395 requests/s.", "same")


def test_a_deadlock_is_said_to_be_one_only_if_it_was_seen() -> None:
    stopped = {"a": "sync has stopped answering: all 40 threads wait for a database connection"}
    found = judged("deadlock", facts(rps=0.0), facts("async", rps=812.0), stopped=stopped)
    assert found == Outcome(f"{stopped['a']}; async answers 812 requests/s.", "a")
    found = judged("deadlock", facts(rps=300.0), facts("async", rps=812.0))
    assert found == Outcome(
        "Nothing stopped within 20 s: sync answers 300 requests/s and async answers 812 requests/s.", "neither"
    )
    assert judged("deadlock", facts(), facts("async"), watched_s=5.0) is None
    assert judged("deadlock", facts(rps=None), facts("async", rps=None)) is None, "nothing was measured"
    assert judged("deadlock", facts(rps=0.0), facts("async", rps=None), stopped=stopped, watched_s=5.0) is None


def test_an_outcome_stays_unless_a_lane_stops_later() -> None:
    progress = PresetProgress(preset_named("deadlock"), chosen=1)
    said = []
    seen: list[tuple[float, dict[SideLabel, str]]] = [
        (0.0, {}),
        (16.0, {}),
        (17.0, {"a": "sync has stopped answering"}),
        (30.0, {}),
    ]
    for now_s, stopped in seen:
        lanes: dict[SideLabel, LaneFacts] = {"a": facts(rps=300.0), "b": facts("async", rps=812.0)}
        progress.advance(
            now_s,
            lanes,
            {"a": 5, "b": 5},
            stopped,
            applies=True,
            guessed=True,
            trusted=True,
            go_on_with=lambda *_: None,
        )
        said.append(progress.outcome and progress.outcome.answer)
    assert said == [None, "neither", "a", "a"]


@pytest.mark.parametrize(("trusted", "stopped"), [(True, False), (False, False), (False, True)])
def test_an_outcome_says_that_its_figures_are_not_to_be_trusted(trusted: bool, stopped: bool) -> None:
    """That a lane stopped is seen, whatever the light says; a figure is not."""
    progress = PresetProgress(preset_named("deadlock"), chosen=1)
    for now_s in (0.0, 16.0):
        progress.advance(
            now_s,
            {"a": facts(rps=300.0), "b": facts("async", rps=812.0)},
            {"a": 5, "b": 5},
            {"a": "sync has stopped answering"} if stopped else {},
            applies=True,
            guessed=True,
            trusted=trusted,
            go_on_with=lambda *_: None,
        )
    assert progress.outcome is not None
    assert progress.outcome.sentence.endswith(DOUBT) is (not trusted and not stopped)


def test_a_starved_neighbour_is_told_by_the_slowest_requests() -> None:
    a, b = facts(p50_s=0.012, p99_s=0.05), facts("async", p50_s=0.011, p99_s=0.4)
    found = judged("starved-neighbour", a, b)
    assert found == Outcome(
        "The slowest 1 % take 50 ms or more with sync and 400 ms or more with async; the medians are 12 ms and 11 ms.",
        "b",
    )
    found = judged("starved-neighbour", b, a)
    assert found is not None
    assert found.answer == "a"


def test_a_guess_is_one_of_the_options() -> None:
    assert preset_named("deadlock").option("a").label == "sync"
    with pytest.raises(UsageError, match="there is no answer 'c' to this question"):
        preset_named("deadlock").option("c")
    with pytest.raises(UsageError, match="there is no preset 'x'; choose one of: 41-users"):
        preset_named("x")


def test_users_are_added_once_somebody_has_guessed_and_each_number_has_its_time() -> None:
    progress = PresetProgress(preset_named("41-users"), chosen=1)
    asked: list[tuple[int, int]] = []
    users = 40

    def go_on_with(number: int, chosen: int) -> None:
        asked.append((number, chosen))

    def outcome() -> Outcome | None:
        return progress.outcome

    def advance(now_s: float, turns: int, *, guessed: bool = True, applies: bool = True) -> None:
        lanes: dict[SideLabel, LaneFacts] = {"a": facts(rps=199.0), "b": facts("async", rps=5.0 * users)}
        progress.advance(
            now_s,
            lanes,
            {"a": turns, "b": turns},
            {},
            applies=applies,
            guessed=guessed,
            trusted=True,
            go_on_with=go_on_with,
        )

    advance(0.0, 5, applies=False)
    advance(1.0, 5, guessed=False)
    advance(20.0, 5, guessed=False)
    assert not asked, "nobody has guessed"
    advance(21.0, 1)
    assert not asked, "the lanes have had too few turns"
    now_s = 21.0
    for expected in (41, 60, 80):
        advance(now_s + 1.0, 5)
        assert asked[-1] == (expected, 1)
        users = expected
        advance(now_s + 3.0, 5)
        assert asked[-1] == (expected, 1), "it has not had its time"
        now_s += 6.0
    assert outcome() is None
    advance(now_s + 1.0, 5)
    found = outcome()
    assert found is not None
    assert found.answer == "a"
    assert len(asked) == 3
