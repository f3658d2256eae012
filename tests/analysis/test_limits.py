"""Which limit a side meets, told from lighter loads; and what is not told."""

from dataclasses import replace

import pytest

from loadtests.analysis.model.capacity import Resources
from loadtests.analysis.model.demand import demand_of
from loadtests.analysis.model.limits import with_limits, worded
from loadtests.analysis.model.side_resources import resources
from loadtests.experiment.sides import SideLabel
from loadtests.records.manifest import SideRecord
from loadtests.records.summary import CellResult, Interval, Limit, Outcome
from tests.made_up_runs import Run, make_run

# Response time alone in seconds, CPU with one user and under load in seconds: a call to an API of 50 ms.
ALONE_S, COLD_S, WARM_S = 0.052, 0.0015, 0.0007


def measured(run: Run, rates: dict[tuple[int, SideLabel], float]) -> Outcome:
    """Put measured figures into a made-up run."""

    def figures(cell: CellResult) -> CellResult:
        users = int(cell.load.size)
        rate = 1 / ALONE_S if users == 1 else rates[users, cell.label]
        cpu_s = COLD_S if users == 1 else WARM_S
        return replace(cell, throughput=Interval(rate, None), cpu_per_request=Interval(cpu_s, None))

    manifest, outcome = run
    return with_limits(replace(outcome, cells=[figures(cell) for cell in outcome.cells]), manifest)


def found(outcome: Outcome) -> dict[tuple[int, SideLabel], tuple[float | None, Limit | None]]:
    return {(int(c.load.size), c.label): (c.predicted_rps, c.limit) for c in outcome.cells}


RATES: dict[tuple[int, SideLabel], float] = {(32, "a"): 615, (32, "b"): 620, (128, "a"): 780, (128, "b"): 1350}


def test_each_side_is_told_its_own_limit() -> None:
    outcome = measured(make_run(["external_api"], [1, 32, 128]), RATES)
    cells = found(outcome)
    assert cells[1, "a"] == (None, None)  # nothing lighter tells
    assert cells[32, "a"][1] == cells[32, "b"][1] == "users"
    assert (cells[128, "a"][1], cells[128, "b"][1]) == ("threads", "cpu")
    assert cells[128, "a"][0] == pytest.approx(40 / 0.0512, rel=0.02)
    assert cells[128, "b"][0] == pytest.approx(1 / WARM_S, rel=0.1)


def test_what_the_client_adds_is_no_wait_of_the_server() -> None:
    """2 of the 52 ms that a request of a single user takes are the client's; so more of them fit into 40 threads."""
    manifest, outcome = make_run(["external_api"], [1, 32, 128])
    known = measured((manifest.model_copy(update={"driver_overhead_s": 0.002}), outcome), RATES)
    heaviest = next(cell for cell in known.cells if (cell.load.size, cell.label) == (128, "a"))
    demand = demand_of(heaviest, known.cells, 0.002)
    assert demand is not None
    assert demand.wait_s == pytest.approx(ALONE_S - COLD_S - 0.002)
    unknown = found(measured((manifest, outcome), RATES))[128, "a"][0]
    assert unknown is not None
    assert heaviest.predicted_rps == pytest.approx(unknown * 0.0512 / 0.0492, rel=0.005)


def test_the_verdict_says_why() -> None:
    outcome = measured(make_run(["external_api"], [1, 32, 128]), RATES)
    headline = next(c for c in outcome.comparisons if c.metric == "throughput" and c.load.size == 128)
    assert "sync is limited by its 40 threads: the model predicts 7" in headline.explanation
    assert "async is limited by its core" in headline.explanation
    other = next(c for c in outcome.comparisons if c.metric == "p50" and c.load.size == 128)
    assert "model" not in other.explanation


def test_a_cell_never_predicts_itself() -> None:
    """Whatever was measured with 128 users changes nothing about what is predicted for them."""
    one = found(measured(make_run(["external_api"], [1, 32, 128]), RATES))
    two = found(measured(make_run(["external_api"], [1, 32, 128]), {**RATES, (128, "a"): 1.0, (128, "b"): 9e9}))
    assert one == two


def test_where_no_user_was_alone_the_fewest_tell_how_long_a_request_waits() -> None:
    alone = found(measured(make_run(["external_api"], [1, 32, 128]), RATES))
    cells = found(measured(make_run(["external_api"], [32, 128]), RATES))
    assert cells[32, "a"] == (None, None)  # nothing lighter tells
    limits: dict[SideLabel, Limit] = {"a": "threads", "b": "cpu"}
    for label, limit in limits.items():
        predicted, found_limit = cells[128, label]
        assert predicted == pytest.approx(alone[128, label][0], rel=0.03)
        assert found_limit == limit


def test_a_core_that_is_full_hides_how_long_a_request_waits() -> None:
    rates: dict[tuple[int, SideLabel], float] = {(32, "a"): 0.95 / WARM_S, (32, "b"): 620, (128, "a"): 1, (128, "b"): 1}
    cells = found(measured(make_run(["external_api"], [32, 128]), rates))
    assert cells[128, "a"] == (None, None)
    assert cells[128, "b"] != (None, None)


def test_of_users_who_think_the_model_says_nothing() -> None:
    manifest, outcome = make_run(["reader"], [1, 32, 128])
    [scenario] = manifest.scenarios
    thinking = manifest.model_copy(update={"scenarios": [scenario.model_copy(update={"kind": "journey"})]})
    assert set(found(measured((thinking, outcome), RATES)).values()) == {(None, None)}


def test_any_request_to_a_build_meets_what_the_build_has() -> None:
    cells = found(measured(make_run(["GET /x"], [1, 32, 128]), RATES))
    assert (cells[128, "a"][1], cells[128, "b"][1]) == ("threads", "cpu")


@pytest.mark.parametrize(
    ("settings", "scenario", "expected"),
    [
        ({}, "external_api", Resources(1, threads=40)),
        ({}, "query[wait_ms=5]", Resources(1, threads=40, connections=15)),
        ({"session_limit": "4"}, "query", Resources(1, threads=40, connections=4)),
        ({"workers": "2", "thread_limit": "10"}, "get_post", Resources(2, threads=20, connections=30)),
        ({"session_limit": "none"}, "query", None),  # it may stand still
        ({"session_limit": "none"}, "hash", Resources(1, threads=40)),
        ({"app": "async_app.main:app", "session_limit": "none"}, "query", Resources(1, connections=15)),
        ({"app": "other:app"}, "hash", None),
    ],
)
def test_what_a_side_has(settings: dict[str, str], scenario: str, expected: Resources | None) -> None:
    known = {"app": "sync_app.main:app", "workers": 1, "pool_size": 5, "max_overflow": 10, "thread_limit": 40}
    side = SideRecord.model_validate({"spec": "x", "settings": {**known, "session_limit": "pool", **settings}})
    assert resources(side, scenario, cores=2) == expected


def test_limits_are_named_with_their_number() -> None:
    known = {"app": "sync_app.main:app", "workers": 2, "thread_limit": 40, "pool_size": 5, "max_overflow": 10}
    side = SideRecord.model_validate({"spec": "x", "settings": known})
    limits: tuple[Limit, ...] = ("threads", "connections", "cpu", "users")
    assert [worded(limit, side) for limit in limits] == [
        "its 80 threads", "its 30 connections", "its cores", "the number of its users",
    ]  # fmt: skip


def test_a_prediction_that_is_far_off_names_no_limit() -> None:
    outcome = measured(make_run(["external_api"], [1, 128]), {(128, "a"): 770, (128, "b"): 2100})
    (headline,) = [c for c in outcome.comparisons if c.metric == "throughput" and c.load.size == 128]
    assert "The model is wrong about async here" in headline.explanation
    assert "async is limited by" not in headline.explanation


def test_the_simple_bound_stands_beside_the_models_word() -> None:
    """It has the same measurements: one user's throughput, and the CPU time with the next fewer users."""
    run = make_run(["external_api"], [1, 8, 32], noise=0)
    outcome = with_limits(run[1], run[0])
    cells = {(cell.label, cell.load.size): cell for cell in outcome.cells}
    alone, next_lighter, cell = (cells["a", users] for users in (1, 8, 32))
    assert alone.throughput is not None
    assert next_lighter.cpu_per_request is not None
    assert cell.bound_rps == pytest.approx(min(32 * alone.throughput.value, 1 / next_lighter.cpu_per_request.value))
    assert alone.bound_rps is None
