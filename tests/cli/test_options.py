"""What a command does when nothing is given: what its options are in code that gives nothing either."""

import pytest

from loadtests.cli.deadlock import deadlock_
from loadtests.cli.dial import dial_
from loadtests.cli.run import run_
from loadtests.experiment.options import RunOptions, dial_options
from loadtests.experiment.request_options import TypedOption
from loadtests.experiment.thresholds import ThresholdOptions
from loadtests.lessons.deadlock import DeadlockOptions


def test_a_run_defaults_to_the_options_of_a_run() -> None:
    given = run_.make_context("run", []).params
    assert given.pop("resume") is None
    asked = {name: given.pop(name) for name in ThresholdOptions.model_fields}
    assert ThresholdOptions.model_validate(asked) == ThresholdOptions()
    assert (given.pop("config"), given.pop("no_config")) == (None, False)
    assert given.keys() == RunOptions.model_fields.keys() - {"offered"}
    assert RunOptions.model_validate(given) == RunOptions()


def test_a_dial_defaults_to_the_options_of_a_run_but_for_its_grid_users_and_times() -> None:
    found = dial_options(**dial_.make_context("dial", []).params)
    own = {"scenarios", "users", "time_s"}
    assert found.model_dump(exclude=own) == RunOptions().model_dump(exclude=own)


def test_the_deadlock_defaults_to_its_grid() -> None:
    assert DeadlockOptions(**deadlock_.make_context("deadlock", []).params) == DeadlockOptions()


@pytest.mark.parametrize("join", [False, True], ids=["--name value", "--name=value"])
def test_it_is_known_behind_which_request_an_option_was_typed(join: bool) -> None:
    words = [
        ["--users", "2"], ["--header", "A: all"], ["POST /login"], ["--once"], ["--no-control"], ["--take", "t=$.t"],
        ["--a", "x:app"],
        ["--curl", "curl h/y"], ["--header", "B: --b"], ["--sequence"], ["--curl", "@file"], ["--", "--odd"],
    ]  # fmt: skip
    typed = [word for each in words for word in (["=".join(each)] if join and each[0][2:] and each[1:] else each)]
    given = run_.make_context("run", typed).params
    assert given["scenarios"] == ("POST /login", "curl h/y", "curl @file", "--odd")
    assert given["typed"] == (
        TypedOption(0, "--header", "A: all"),
        TypedOption(1, "--once", ""),
        TypedOption(1, "--take", "t=$.t"),
        TypedOption(2, "--header", "B: --b"),
    )
    assert (given["users"], given["a"], given["sequence"], given["b"]) == ("2", "x:app", True, "async")
