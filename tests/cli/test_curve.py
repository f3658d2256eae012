"""What `bench curve` asks: what a run asks, of one scenario, with loads that a first look chose."""

import time
from collections.abc import Mapping
from pathlib import Path

import pytest

from loadtests.analysis.model.capacity import Demand, Resources
from loadtests.analysis.model.curve import SideCurve, side_curve
from loadtests.cli import curve
from loadtests.cli.curve import FEWEST_LOADS, MOST_LOADS, curve_, loads_that_fit
from loadtests.cli.run import run_
from loadtests.experiment.options import RunOptions
from loadtests.experiment.sides import LABELS, SideLabel
from loadtests.runner.next_rows import NextRows
from tests.analysis.test_curve import cells
from tests.e2e.harness import bench_here

NEEDS: Mapping[SideLabel, tuple[Demand, Resources]] = {
    "a": (Demand(0.001, 0.05), Resources(1, threads=40)),
    "b": (Demand(0.0009, 0.05), Resources(1)),
}


def look(_chosen: RunOptions, next_rows: NextRows) -> dict[SideLabel, SideCurve]:
    """See a call of 50 ms, and use seven rows of a file."""
    next_rows.rows["orders.csv"] = 7
    return {label: side_curve(cells(demand), has, 1, 0.0001, 1) for label, (demand, has) in NEEDS.items()}


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch) -> list[RunOptions]:
    """Let the first look see a call of 50 ms, and return the options of each run that would be measured."""
    asked: list[RunOptions] = []
    monkeypatch.setattr(curve, "_first_look", look)
    monkeypatch.setattr(curve, "measure", lambda chosen, *_: asked.append(chosen))
    monkeypatch.setattr(curve, "show_report", lambda _: None)
    return asked


def test_it_takes_the_options_of_a_run_but_for_rates_and_thresholds() -> None:
    own = {parameter.name for parameter in curve_.params}
    of_a_run = {parameter.name for parameter in run_.params}
    assert own - of_a_run == {"most"}
    assert of_a_run - own == {
        "rate", "arrivals", "slo", "alone", "full", "resume", "fail_if", "not_decided", "junit", "markdown"
    }  # fmt: skip


def test_loads_are_those_that_show_the_bends(measured: list[RunOptions], tmp_path: Path) -> None:
    status, output, errors = bench_here("curve", "external_api", "--out", str(tmp_path / "run"), "--seed", "3")
    assert (status, errors) == (0, "")
    [options] = measured
    assert options.users == "1,20,28,32,40,46,57,71,91,118,146,200"
    assert (options.scenarios, options.seed, options.out) == (("external_api",), 3, tmp_path / "run")
    assert options.experiment().budget_s == pytest.approx(240, abs=1)
    assert "one request takes 1.00 ms of CPU and 50.0 ms of wait with sync and 0.90 ms" in output
    assert "146 and 200 users" in output


def test_a_short_budget_takes_fewer_loads_and_a_fixed_design_as_many_as_there_are(measured: list[RunOptions]) -> None:
    for given in (["--budget", "90s"], ["--blocks", "2"], ["--most", "100"]):
        assert bench_here("curve", "external_api", *given)[0] == 0
    short, fixed, nearer = measured
    assert short.users == "1,20,40,57,200"
    assert fixed.users is not None
    assert len(fixed.users.split(",")) == MOST_LOADS
    assert (fixed.blocks, fixed.budget) == (2, None)
    assert nearer.users is not None
    assert nearer.users.endswith(",100")


def test_loads_can_be_named(measured: list[RunOptions]) -> None:
    assert bench_here("curve", "external_api", "--users", "1,40,80")[0] == 0
    assert [options.users for options in measured] == ["1,40,80"]


def test_a_request_of_an_app_of_one_s_own_is_a_scenario(measured: list[RunOptions]) -> None:
    own = ["--a", "before.main:app", "--b", "after.main:app"]
    assert bench_here("curve", "POST /orders", "--json", '{"item": "tea"}', *own)[0] == 0
    [options] = measured
    [scenario] = options.experiment().scenarios
    assert scenario.requests[0].body == b'{"item": "tea"}'
    assert (options.a, options.b) == ("before.main:app", "after.main:app")


def test_a_file_says_what_is_asked_but_not_with_how_many_users(
    measured: list[RunOptions], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("bench.toml").write_text(
        'users = [1, 2]\nfail_if = ["throughput.ratio < 0.9"]\n[a]\napp = "x:app"\n[b]\napp = "y:app"\n'
        '[[scenario]]\nname = "list"\nrequest = "GET /items"\n'
    )
    assert bench_here("curve")[0] == 0
    [options] = measured
    assert options.a.startswith("x:app")
    assert options.users is not None
    assert options.users.startswith("1,20,")
    assert [scenario.name for scenario in options.experiment().scenarios] == ["list"]


def test_rows_go_on_from_the_first_look_and_time_counts_from_the_command_on(
    measured: list[RunOptions], monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[tuple[float, NextRows]] = []

    def measure(_chosen: RunOptions, begun_s: float, _slowness: float, next_rows: NextRows) -> None:
        given.append((begun_s, next_rows))

    monkeypatch.setattr(curve, "measure", measure)
    before_s = time.monotonic()
    assert bench_here("curve", "POST /orders", "--json", '{"n": ${counter}}', "--b", "x:app")[0] == 0
    [(begun_s, next_rows)] = given
    assert before_s <= begun_s <= time.monotonic()
    assert next_rows.rows == {"orders.csv": 7}
    assert measured == []


def test_side_b_may_be_asked_something_else_of_the_same_app(measured: list[RunOptions]) -> None:
    given = ["GET /stock/sync", "--b-request", "/stock/async", "--a", "shop:app"]
    assert bench_here("curve", *given)[0] == 0
    [options] = measured
    assert (options.a, options.b) == ("shop:app", "shop:app")
    [scenario] = options.experiment().scenarios
    assert [str(scenario.requests_of(label)[0]) for label in LABELS] == ["GET /stock/sync", "GET /stock/async"]


@pytest.mark.parametrize(
    ("arguments", "mend"),
    [
        ([], "bench curve takes one scenario; choose one of: get_post,"),
        (["hash", "noop"], "bench curve takes one scenario; choose one of: hash, noop"),
        (["hash", "--users", "1,2", "--most", "9"], "leave out one of them"),
        (["hash", "--most", "1"], "--most"),
        (["nosuch"], "unknown scenario 'nosuch'"),
        (["hash", "--rate", "9"], "No such option '--rate'"),
    ],
)
def test_bad_usage_is_one_line(arguments: list[str], mend: str) -> None:
    status, output, errors = bench_here("curve", *arguments)
    assert status == 2
    assert mend in errors
    assert len(errors.splitlines()) == 1
    assert output == ""


@pytest.mark.parametrize(
    ("left_s", "alone_s", "look_s", "loads"),
    [
        (None, 9.0, 60, MOST_LOADS),
        (230, 0.05, 10, MOST_LOADS),
        (120, 0.05, 10, 6),
        (20, 0.05, 10, FEWEST_LOADS),
        (230, 1.0, 10, FEWEST_LOADS),
        (210, 0.05, 27, 6),
    ],
)
def test_as_many_loads_as_there_is_time_for(left_s: float | None, alone_s: float, look_s: float, loads: int) -> None:
    assert loads_that_fit(left_s, alone_s, look_s) == loads
