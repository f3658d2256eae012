import re
import shlex
from typing import Any

import click
import pytest

from loadtests.cli.run import chosen_options, run_, typed_options
from loadtests.experiment.options import RunOptions
from loadtests.experiment.scenario_text import parse_scenario
from loadtests.experiment.side_parser import parse_side
from loadtests.experiment.sides import SideLabel
from loadtests.lab.command import run_command, words_of_requests
from loadtests.lab.controls import changed, controls, first_settings, side_with
from loadtests.lab.scenarios import OFFERED, OWN_EXPECTED_S, expected_s, offers_of_catalogue, waiting_line
from loadtests.lab.state import Change, Settings
from loadtests.servers.handlers import handlers_of
from loadtests.system.errors import UsageError

SIDES: dict[SideLabel, Any] = {"a": parse_side("sync"), "b": parse_side("async")}
OFFERS = {offer.name: offer for offer in offers_of_catalogue()}
GIVEN = controls(SIDES, has_parameters=True)


def settings(**new: Any) -> Settings:
    return changed(first_settings("external_api", SIDES), Change(**new), OFFERS, GIVEN)


def test_first_settings_are_the_blogs_own_or_what_sides_were_given() -> None:
    own = first_settings("noop", SIDES)
    assert (own.threads, own.connections, own.session_limit) == (40, 15, 15)
    given = first_settings("noop", {**SIDES, "a": parse_side("sync,thread_limit=20,session_limit=none")})
    assert (given.threads, given.session_limit) == (20, None)


def test_a_session_limit_at_the_connections_follows_them() -> None:
    assert settings(connections=30).session_limit == 30
    assert settings(connections=30, session_limit=15).session_limit == 15
    assert settings(session_limit=None).session_limit is None


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"scenario": "nope"}, "there is no scenario 'nope' here; choose one of: external_api"),
        ({"users": None}, "users needs a value"),
    ],
)
def test_what_can_not_be_is_refused_in_one_sentence(change: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=re.escape(message)):
        settings(**change)


def test_controls_of_an_app_that_is_not_the_blog_say_why_they_do_not_apply() -> None:
    own: dict[SideLabel, Any] = {"a": parse_side("main:app,dir=."), "b": parse_side("main:app,dir=..")}
    given = {control.name: control for control in controls(own, has_parameters=False)}
    assert not given["users"].why_not
    assert "only the blog" in given["threads"].why_not
    assert "as you typed it" in given["wait_ms"].why_not
    with pytest.raises(UsageError, match="Threads can't be changed: only the blog has this setting"):
        changed(first_settings("GET /", own), Change(threads=3), {"GET /": None}, list(given.values()))


def test_threads_are_the_sync_lanes_alone() -> None:
    given = {control.name: control for control in GIVEN}
    assert given["threads"].applies_to == "a"
    assert given["connections"].applies_to == "both"
    assert given["session_limit"].allows_null
    assert [name for name, control in given.items() if control.restarts] == ["threads", "connections", "session_limit"]


@pytest.mark.parametrize(
    ("new", "a", "b"),
    [
        ({}, "sync", "async"),
        ({"threads": 20}, "sync,thread_limit=20", "async"),
        ({"connections": 3}, "sync,pool_size=3,max_overflow=0", "async,pool_size=3,max_overflow=0"),
        ({"session_limit": None}, "sync,session_limit=none", "async,session_limit=none"),
        ({"session_limit": 7}, "sync,session_limit=7", "async,session_limit=7"),
    ],
)
def test_a_side_has_the_settings_that_are_its_own(new: dict[str, Any], a: str, b: str) -> None:
    assert [side_with(SIDES[label], settings(**new)).spec for label in ("a", "b")] == [a, b]


def test_other_settings_of_a_side_stay() -> None:
    side = parse_side("sync,loop=asyncio,thread_limit=7")
    assert side_with(side, settings(threads=9)).spec == "sync,loop=asyncio,thread_limit=9"


@pytest.mark.parametrize("name", OFFERED)
def test_settings_go_into_the_request_and_into_the_scenarios_name(name: str) -> None:
    new = settings(scenario=name, wait_ms=123, cpu_ms=4)
    scenario = OFFERS[name].make(new)
    assert parse_scenario(scenario.name) == scenario
    assert ("wait_ms=123" in scenario.requests[-1].path) is ("wait_ms" in OFFERS[name].uses)
    assert ("cpu_ms=4" in scenario.requests[-1].path) is ("cpu_ms" in OFFERS[name].uses)


@pytest.mark.parametrize(
    ("spec", "new", "seconds"),
    [
        ("sync", {"users": 8}, 0.05),
        ("sync", {"users": 128}, 0.2),
        ("async", {"users": 128}, 0.05),
        ("async", {"scenario": "query", "users": 30}, 0.1),
        ("async", {"scenario": "blocking", "users": 30, "wait_ms": 20}, 0.6),
        ("sync", {"scenario": "noop", "users": 300}, 0.0),
    ],
)
def test_an_answer_may_take_as_long_as_those_before_it_wait(spec: str, new: dict[str, Any], seconds: float) -> None:
    at = settings(**new)
    assert expected_s(OFFERS[at.scenario].make(at), parse_side(spec), at) == pytest.approx(seconds)


def test_of_a_request_of_ones_own_nothing_is_known() -> None:
    assert expected_s(parse_scenario("GET /slow"), parse_side("main:app"), settings()) == OWN_EXPECTED_S


def parsed(command: str) -> RunOptions:
    """Parse a command as ``bench run`` does."""
    bench, run, *words = shlex.split(command)
    assert (bench, run) == ("bench", "run")
    with run_.make_context("run", words) as context:
        options = {name: value for name, value in context.params.items() if name != "resume"}
        typed = {**typed_options(context, options), "scenarios": options["scenarios"], "typed": options["typed"]}
        return chosen_options(None, typed, options)


@pytest.mark.parametrize("name", OFFERED)
def test_the_command_measures_the_very_settings(name: str) -> None:
    new = settings(scenario=name, users=41, wait_ms=75, cpu_ms=2.5, threads=20, connections=30, session_limit=None)
    scenario = OFFERS[name].make(new)
    sides: dict[SideLabel, Any] = {label: side_with(side, new) for label, side in SIDES.items()}
    experiment = parsed(run_command([scenario.name], sides, new.users)).experiment()
    assert experiment.scenarios == (scenario,)
    assert (experiment.a, experiment.b) == (sides["a"], sides["b"])
    assert [load.size for load in experiment.loads] == [41]


def test_defaults_are_left_out_of_the_command() -> None:
    assert run_command(["noop"], SIDES, 8) == "bench run noop --users=8"


def test_the_command_repeats_a_request_with_its_options(tmp_path: Any) -> None:
    typed = ["POST /orders?a=b&c", "--json", '{"n": 1}', "--expect", "201", "--header", "x-one: it's two"]
    wanted = parsed(shlex.join(["bench", "run", *typed, "--a=http://127.0.0.1:9", "--b=http://127.0.0.1:8"]))
    (words,) = words_of_requests(wanted.scenarios, wanted.typed)
    sides: dict[SideLabel, Any] = {"a": parse_side(wanted.a), "b": parse_side(wanted.b)}
    found = parsed(run_command(words, sides, 3))
    assert found.experiment().scenarios == wanted.experiment().scenarios
    assert (found.a, found.b, found.users) == (wanted.a, wanted.b, "3")


def test_the_command_repeats_a_sequence() -> None:
    typed = ["--sequence", "POST /login", "--form=a=b", "--take=t=$.t", "--once", "/me", "--header=x: ${t}"]
    wanted = parsed(shlex.join(["bench", "run", *typed]))
    (words,) = words_of_requests(wanted.scenarios, wanted.typed, sequence=True)
    assert parsed(run_command(words, SIDES, 3)).experiment().scenarios == wanted.experiment().scenarios


def test_the_line_that_waits_is_found_in_each_handler() -> None:
    found = handlers_of(RunOptions(scenarios=OFFERED, users="1").experiment())
    for name in OFFERED:
        for record in found[name].values():
            line = waiting_line("\n".join(record.lines), computes=name in ("hash", "neighbour"))
            assert line is not None or name == "noop"
            if line is not None:
                assert re.search(r"fetch|sleep|db\.|cpu\.|cpu_bound", record.lines[line - 1])


def test_a_docstring_waits_for_nothing() -> None:
    assert waiting_line('def f():\n    """Call sleep(1)."""\n    # db.get()\n    return 1\n') is None


def test_click_refuses_what_the_command_would_not_hold() -> None:
    with pytest.raises(click.UsageError):
        parsed("bench run noop --users")
