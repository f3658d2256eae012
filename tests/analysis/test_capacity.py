"""The model against what follows from theory, and from common sense."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtests.analysis.model.capacity import Demand, Resources, bound_rps, predict
from loadtests.analysis.model.crossover import crossover_users, crossover_wait_s
from loadtests.records.summary import Limit

SYNC, ASYNC = Resources(threads=40), Resources()
seconds = st.floats(0.0001, 1.0)
users = st.integers(1, 300)


@pytest.mark.parametrize(
    ("demand", "resources", "with_users", "expected", "limit"),
    [
        # Published ceilings: workers × 40 ÷ service time (shared with the harness's claims).
        (Demand(0.0001, 3.0), SYNC, 100, 13.3, "threads"),
        (Demand(0.0001, 0.5), SYNC, 50, 80.0, "threads"),
        (Demand(0.0001, 0.05), Resources(2, threads=80), 200, 1600, "threads"),
        # A pool binds both builds alike.
        (Demand(0.0001, 0.05), Resources(threads=40, connections=15), 128, 300, "connections"),
        (Demand(0.0001, 0.05), Resources(connections=15), 128, 300, "connections"),
        # One user waits for itself alone.
        (Demand(0.002, 0.05), SYNC, 1, 1 / 0.052, "users"),
        (Demand(0.002, 0.05), ASYNC, 1, 1 / 0.052, "users"),
        # Work without a wait is bound by the core, whoever does it.
        (Demand(0.005, 0.0), SYNC, 128, 200, "cpu"),
        (Demand(0.005, 0.0), ASYNC, 128, 200, "cpu"),
        (Demand(0.005, 0.0), Resources(2), 128, 400, "cpu"),
        # Few users who wait long are their own limit.
        (Demand(0.0005, 0.05), ASYNC, 32, 32 / 0.0505, "users"),
    ],
)
def test_what_is_known_beforehand(
    demand: Demand, resources: Resources, with_users: int, expected: float, limit: Limit
) -> None:
    found = predict(demand, resources, with_users)
    assert found.throughput_rps == pytest.approx(expected, rel=0.02)
    assert found.limit == limit


@given(cpu_s=seconds, wait_s=seconds, users=users, threads=st.integers(1, 100), cores=st.integers(1, 4))
def test_no_bound_is_exceeded_and_more_users_never_answer_less(
    cpu_s: float, wait_s: float, users: int, threads: int, cores: int
) -> None:
    demand, resources = Demand(cpu_s, wait_s), Resources(cores, threads=threads)
    found = predict(demand, resources, users)
    asymptotic_bounds = users / demand.alone_s, cores / cpu_s, threads / demand.alone_s
    assert found.throughput_rps <= min(asymptotic_bounds) * (1 + 1e-9)
    assert predict(demand, resources, users + 1).throughput_rps >= found.throughput_rps * (1 - 1e-9)


@given(cpu_s=seconds, wait_s=seconds, users=users, think_s=st.floats(0.01, 10.0))
def test_users_who_think_ask_less(cpu_s: float, wait_s: float, users: int, think_s: float) -> None:
    demand = Demand(cpu_s, wait_s)
    thinking = predict(demand, SYNC, users, think_s)
    assert thinking.throughput_rps <= predict(demand, SYNC, users).throughput_rps * (1 + 1e-9)
    assert thinking.throughput_rps <= users / (think_s + demand.alone_s) * (1 + 1e-6)


def test_thinking_users_agree_with_the_textbooks_recursion() -> None:
    """With nobody kept out, think time is one more delay: exact mean value analysis gives the same."""
    demand, think_s, number, queued, rate = Demand(0.01, 0.03), 0.2, 25, 0.0, 0.0
    for inside in range(1, number + 1):
        at_cpu_s = demand.cpu_s * (1 + queued)
        rate = inside / (at_cpu_s + demand.wait_s + think_s)
        queued = rate * at_cpu_s
    assert predict(demand, Resources(), number, think_s).throughput_rps == pytest.approx(rate, rel=1e-9)


def test_async_begins_to_win_near_threads_times_cpu() -> None:
    """FINDINGS: the crossing lies near wait = threads × cpu."""
    demand = Demand(0.001, 0.0)
    wait_s = crossover_wait_s(SYNC, ASYNC, demand, demand, 128)
    assert wait_s is not None
    assert 0.02 < wait_s < 0.08


def test_async_begins_to_win_beyond_as_many_users_as_there_are_threads() -> None:
    demand = Demand(0.0005, 0.05)
    assert crossover_users(SYNC, ASYNC, demand, demand) == pytest.approx(45, abs=3)
    assert crossover_users(SYNC, SYNC, demand, demand) is None
    assert crossover_wait_s(SYNC, SYNC, demand, demand, 128) is None


def test_a_limit_that_the_other_side_has_not_is_where_they_part() -> None:
    few, many = Resources(connections=5), Resources(connections=15)
    demand = Demand(0.0001, 0.05)
    both = [predict(demand, each, 64).throughput_rps for each in (few, many)]
    assert both[1] / both[0] == pytest.approx(3, rel=0.02)


def test_nothing_at_all_is_not_limited() -> None:
    assert math.isinf(predict(Demand(0.0, 0.0), ASYNC, 1).throughput_rps)


@pytest.mark.parametrize(
    ("resources", "users", "alone_rps", "bound"),
    [
        (Resources(threads=40), 8, None, 8 / 0.055),  # each as fast as one alone
        (Resources(threads=40), 128, None, 200.0),  # the core: 1 ÷ 5 ms
        (Resources(threads=40, connections=2), 128, None, 2 / 0.055),
        (Resources(cores=2), 8, 15.0, 120.0),  # one user was measured
        (Resources(cores=2), 128, None, 400.0),
    ],
)
def test_three_divisions(resources: Resources, users: int, alone_rps: float | None, bound: float) -> None:
    demand = Demand(cpu_s=0.005, wait_s=0.050)
    assert bound_rps(demand, resources, users, alone_rps) == pytest.approx(bound)
    if alone_rps is None:
        assert predict(demand, resources, users).throughput_rps <= bound * (1 + 1e-9)
