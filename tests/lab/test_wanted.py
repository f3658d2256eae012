from typing import Any

import pytest

from loadtests.experiment.side_parser import parse_side
from loadtests.experiment.sides import SideLabel
from loadtests.lab.controls import controls, first_settings
from loadtests.lab.presets import PRESETS
from loadtests.lab.scenarios import offers_of_catalogue
from loadtests.lab.state import Change
from loadtests.lab.wanted import Wanted
from loadtests.system.errors import UsageError

SIDES: dict[SideLabel, Any] = {"a": parse_side("sync"), "b": parse_side("async")}


def wanted(idle_s: float = 180.0, presets: Any = PRESETS) -> Wanted:
    offers = {offer.name: offer for offer in offers_of_catalogue()}
    given = controls(SIDES, has_parameters=True)
    return Wanted(
        first_settings("external_api", SIDES), offers, given, {each.shown.name: each for each in presets}, idle_s
    )


def test_a_preset_hides_the_figures_until_somebody_has_guessed() -> None:
    found = wanted()
    found.choose("deadlock")
    assert found.settings.users == 128
    assert found.settings.session_limit is None
    guesses = [found.guess]
    for guess in ("a", "b"):
        found.reveal(guess)
        guesses.append(found.guess)
    assert guesses == [None, "a", "a"], "the first guess counts"
    found.choose("deadlock")
    assert found.guess is None, "chosen anew, it is asked anew"


def test_a_change_by_hand_leaves_the_preset() -> None:
    found = wanted()
    found.choose("deadlock")
    found.change(Change(users=3))
    assert found.preset is None
    with pytest.raises(UsageError, match="no preset is shown"):
        found.reveal("a")


def test_users_that_a_preset_adds_do_not_leave_it_and_do_not_outlive_it() -> None:
    found = wanted()
    found.choose("41-users")
    found.go_on_with(60, found.chosen)
    assert found.preset is not None
    assert found.settings.users == 60
    found.change(Change(users=3))
    found.go_on_with(80, found.chosen)
    assert found.settings.users == 3
    found.choose("blocked-loop")
    found.go_on_with(80, found.chosen - 1)
    assert found.settings.users == 8


def test_what_is_wrong_changes_nothing() -> None:
    found = wanted()
    before = found.settings
    with pytest.raises(UsageError, match="there is no scenario"):
        found.change(Change(scenario="nope", users=3))
    with pytest.raises(UsageError, match="there is no preset 'nope' here"):
        found.choose("nope")
    with pytest.raises(UsageError, match="presets need the blog"):
        wanted(presets=()).choose("deadlock")
    found.choose("deadlock")
    with pytest.raises(UsageError, match="there is no answer"):
        found.reveal("nope")
    assert found.guess is None
    assert before == wanted().settings


def test_the_load_pauses_once_nobody_has_watched_for_long() -> None:
    found = wanted(idle_s=0.0)
    paused = [found.paused is not None]
    with found.viewer():
        paused.append(found.paused is not None)
        with found.viewer():
            pass
        paused.append(found.paused is not None)
    paused.append(found.paused is not None)
    assert paused == [True, False, False, True], "of two viewers one still watches"
    assert wanted().paused is None


def test_a_restart_is_asked_for_once() -> None:
    found = wanted()
    found.restart("a")
    assert not found.take_restart("b")
    assert found.take_restart("a")
    assert not found.take_restart("a")
