import re

import pytest

from loadtests.experiment.catalogue import CATALOGUE, REPRESENTATIVE
from loadtests.experiment.scenario_text import parse_scenario
from loadtests.system.errors import UsageError


@pytest.mark.parametrize("name", CATALOGUE)
def test_every_scenario_says_what_it_expects_and_how_a_good_answer_looks(name: str) -> None:
    scenario = parse_scenario(name)
    assert scenario.name == name
    assert len(scenario.hypothesis) > 20
    assert scenario.requests
    assert all(request.contains or request.status == 204 for request in scenario.requests)


def test_the_representative_choice_is_in_the_catalogue() -> None:
    assert set(REPRESENTATIVE) <= set(CATALOGUE)


def test_parameters_reach_the_request_and_the_name() -> None:
    scenario = parse_scenario("mixed[wait_ms=20,cpu_ms=1]")
    assert scenario.name == "mixed[cpu_ms=1,wait_ms=20]"
    assert scenario.requests[0].path == "/api/workloads/mixed?cpu_ms=1&wait_ms=20"
    assert scenario.wait_s == 0.02


def test_calls_one_after_another_wait_one_after_another() -> None:
    """A side is given up when it answers nothing for longer than a request may take by design."""
    assert parse_scenario("fan_out[wait_ms=1000,calls=10]").wait_s == 10


def test_a_parameter_left_out_keeps_its_default() -> None:
    assert "wait_ms=50" in parse_scenario("mixed[cpu_ms=3]").requests[0].path


def test_one_scenario_has_one_name_however_its_parameters_are_ordered() -> None:
    assert parse_scenario("mixed[cpu_ms=1,wait_ms=2]") == parse_scenario("mixed[wait_ms=2.0, cpu_ms=1]")


def test_any_path_of_any_app_can_be_asked_for() -> None:
    scenario = parse_scenario("GET /ping?x=1")
    assert scenario.requests[0].path == "/ping?x=1"
    assert scenario.kind == "custom"


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("extrenal_api", "did you mean 'external_api'"),
        ("zzz", "`bench list` shows them all"),
        ("query[wait=5]", "unknown parameter 'wait'; it takes: wait_ms"),
        ("query[wait_ms=soon]", "wait_ms must be a number"),
        ("query[wait_ms=-1]", "wait_ms must be a number"),
        ("query[wait_ms=nan]", "wait_ms must be a number"),
        ("query[wait_ms]", "wait_ms must be a number"),
        ("noop[x=1]", "it takes: none"),
        ("query[wait_ms=5", "unknown scenario"),
        ("", "unknown scenario"),
        ("GET ping", "unknown scenario"),
    ],
)
def test_what_is_no_scenario_is_named_with_its_mend(text: str, complaint: str) -> None:
    with pytest.raises(UsageError, match=re.escape(complaint)):
        parse_scenario(text)
