"""What an app runs for a scenario is told by its own process; what can't be told keeps no run from starting."""

from pathlib import Path

import pytest

from loadtests.experiment.loads import ClosedLoop
from loadtests.experiment.plan import Experiment
from loadtests.experiment.request_options import TypedOption, custom_scenarios
from loadtests.experiment.scenario_text import parse_scenario
from loadtests.experiment.side_parser import parse_side
from loadtests.records.handler_record import HandlerRecord
from loadtests.servers.app_check import check_sides
from loadtests.servers.endpoints import MOST_ASKED_CHARACTERS, Endpoint, endpoints_told, handlers_of_apps, requests_of

APP = """
import os
from fastapi import FastAPI
app = FastAPI()
@app.get("/orders/{number}")
async def order(number: int) -> str:
    return "hunter22 is no secret in code, they say"
@app.get("/orders")
def orders() -> list[int]:
    return []
"""


def handlers(scenario: str, *, a: str, b: str = "sync") -> HandlerRecord:
    """Return what side a runs, as a run would find it out."""
    experiment = Experiment(parse_side(a), parse_side(b), (parse_scenario(scenario),), (ClosedLoop(1),), 1, 0.1, 0.1, 0)
    checked = check_sides((experiment.a,), requests=requests_of(experiment))
    return handlers_of_apps(experiment, checked.endpoints)[scenario]["a"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "main.py").write_text(APP)
    (tmp_path / ".env").write_text("PASSWORD=hunter22\n")
    return tmp_path


def test_handlers_stand_one_below_the_other_with_their_file_and_line(folder: Path) -> None:
    record = handlers("GET /orders/${id} /orders?page=3 /orders", a=f"main:app,dir={folder},env_file=.env")
    assert record.files == ["main.py:5", "main.py:8"]
    assert record.runs == ["async def", "def"]
    assert record.lines[:2] == ['@app.get("/orders/{number}")', "async def order(number: int) -> str:"]
    assert record.lines[3:6] == ["", "", '@app.get("/orders")']
    assert record.missing == ""


def test_a_value_of_a_side_s_secrets_stands_in_no_source(folder: Path) -> None:
    shown = "\n".join(handlers("GET /orders/1", a=f"main:app,dir={folder},env_file=.env").lines)
    assert "hunter22" not in shown
    assert "${PASSWORD} is no secret in code" in shown


def test_each_side_s_own_request_is_looked_for_below_its_base_path(tmp_path: Path) -> None:
    (tmp_path / "main.py").write_text(APP.replace('("/orders', '("/v1/orders'))
    [scenario] = custom_scenarios(
        ["/orders/1"], [TypedOption(1, "--b-request", "/orders")], sequence=False, values=None
    )
    side = parse_side(f"main:app,dir={tmp_path},path=/v1")
    experiment = Experiment(side, side, (scenario,), (ClosedLoop(1),), 1, 0.1, 0.1, 0)
    checked = check_sides((side, side), requests=requests_of(experiment))
    found = handlers_of_apps(experiment, checked.endpoints)[scenario.name]
    assert {label: (record.runs, record.files) for label, record in found.items()} == {
        "a": (["async def"], ["main.py:5"]),
        "b": (["def"], ["main.py:8"]),
    }


def test_an_app_behind_a_command_is_looked_into_as_well(folder: Path) -> None:
    command = "command='{python} -m uvicorn {app} --port {port}'"
    assert handlers("GET /orders", a=f"main:app,dir={folder},{command}").runs == ["def"]
    (folder / "main.py").write_text("raise RuntimeError('not here')")
    record = handlers("GET /orders", a=f"main:app,dir={folder},{command}")
    assert record.lines == []
    assert "GET /orders: its app could not be imported beside its command" in record.missing
    assert "RuntimeError: not here" in record.missing


@pytest.mark.parametrize(
    ("side", "why"),
    [
        ("http://127.0.0.1:8000", "its server ran already"),
        ("command='serve --port {port}'", "it is started by a command, which names no Python app"),
    ],
)
def test_of_a_side_without_a_python_app_it_is_said_why_its_code_is_not_known(side: str, why: str) -> None:
    experiment = Experiment(
        parse_side(side), parse_side("sync"), (parse_scenario("GET /x"),), (ClosedLoop(1),), 1, 0.1, 0.1, 0
    )
    found = handlers_of_apps(experiment, {})["GET /x"]
    assert set(found) == {"a"}  # what a build runs is read elsewhere
    assert why in found["a"].missing


def test_what_was_found_is_kept_beside_what_was_not() -> None:
    scenario = parse_scenario("GET /a /b /c")
    experiment = Experiment(parse_side("main:app"), parse_side("sync"), (scenario,), (ClosedLoop(1),), 1, 0.1, 0.1, 0)
    told = {
        ("GET", "/a"): Endpoint(file="a.py", line=1, lines=["def a(): ..."]),
        ("GET", "/b"): Endpoint(missing="no route of the app takes it"),
    }
    record = handlers_of_apps(experiment, {"main:app": told})["GET /a /b /c"]["a"]
    assert record.lines == ["def a(): ..."]
    assert record.missing == "GET /b: no route of the app takes it; GET /c: it was not looked for"


@pytest.mark.parametrize("which", [[], [0], [0, 2], ["x", 0]])
def test_what_is_told_of_other_requests_than_were_asked_is_refused(which: list[object]) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - pydantic's, or ours
        endpoints_told([("GET", "/a"), ("GET", "/b")], {"endpoints": [{"missing": "x"}], "which": which})


def test_a_request_whose_handler_was_left_out_says_so() -> None:
    told = endpoints_told([("GET", "/a"), ("GET", "/b")], {"endpoints": [{"missing": "x"}], "which": [0, -1]})
    assert [each.missing for each in told.values()] == ["x", "there are more handlers than are kept"]


def test_what_is_asked_fits_into_one_argument() -> None:
    scenarios = tuple(parse_scenario(f"GET /{'x' * 2000}{number}") for number in range(100))
    experiment = Experiment(parse_side("x:app"), parse_side("y:app"), scenarios, (ClosedLoop(1),), 1, 0.1, 0.1, 0)
    asked = requests_of(experiment)
    assert sum(len(path) for _, path in asked) <= MOST_ASKED_CHARACTERS
    assert 10 < len(asked) < 100
