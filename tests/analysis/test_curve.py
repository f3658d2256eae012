"""Where a curve bends and ends follows from what a request needs, and the loads that are chosen show it."""

from dataclasses import replace
from itertools import pairwise

import pytest

from loadtests.analysis.model.capacity import Demand, Resources, predict, throughputs
from loadtests.analysis.model.curve import (
    MOST_AT_THE_END,
    SideCurve,
    if_threads_hold_it,
    range_of,
    side_curve,
    users_to_measure,
)
from loadtests.records.summary import CellResult, Interval
from tests.made_up_runs import make_run

THREADS, LOOP = Resources(1, threads=40), Resources(1)
WAITING = Demand(0.001, 0.05)


def cells(demand: Demand, users: int = 64) -> list[CellResult]:
    """Make up one side's cells: a user alone, who needs twice the CPU time, and many."""
    _, outcome = make_run(["external_api"], [1, users])
    alone, many = (cell for cell in outcome.cells if cell.label == "a")
    rate = 1 / (2 * demand.cpu_s + demand.wait_s + 0.0001)
    return [
        replace(alone, throughput=Interval(rate, None), cpu_per_request=Interval(2 * demand.cpu_s, None)),
        replace(many, cpu_per_request=Interval(demand.cpu_s, None)),
    ]


def side(demand: Demand, has: Resources | None) -> SideCurve:
    return side_curve(cells(demand), has, 1, 0.0001, 200)


def test_a_ceiling_is_a_division_of_what_was_measured() -> None:
    known = side(WAITING, THREADS)
    assert known.demand is not None
    assert [known.demand.cpu_s, known.demand.wait_s] == pytest.approx([0.001, 0.05])
    threads, core = known.ceilings
    assert [(each.limit, each.number) for each in known.ceilings] == [("threads", 40), ("cpu", 1)]
    assert [threads.rps, threads.bend] == pytest.approx([800, 40])
    assert [core.rps, core.bend] == pytest.approx([1000, 51])
    assert known.first == threads
    assert known.waits


def test_the_model_s_line_is_the_model_with_each_number_of_users() -> None:
    known = side(WAITING, THREADS)
    assert known.demand is not None
    assert len(known.model) == 200
    for users in (1, 39, 40, 41, 200):
        assert known.model[users - 1] == pytest.approx(predict(known.demand, THREADS, users).throughput_rps)
    assert throughputs(WAITING, LOOP, 3) == [predict(WAITING, LOOP, users).throughput_rps for users in (1, 2, 3)]


def test_threads_are_the_limit_where_the_core_ends_a_little_below_them() -> None:
    """The threads end at 800/s: a core that ends at 740 is full at about the same time, one at 400 long before."""
    close, far = side(Demand(0.00135, 0.05), THREADS), side(Demand(0.0025, 0.05), THREADS)
    assert [each.limit for each in close.ceilings] == ["cpu", "threads"]
    assert close.first is not None
    assert far.first is not None
    assert (close.first.limit, far.first.limit) == ("threads", "cpu")


def test_of_another_app_only_the_core_is_known() -> None:
    known = side(WAITING, None)
    assert [each.limit for each in known.ceilings] == ["cpu"]
    assert known.model == ()


def test_without_a_user_alone_the_wait_is_not_known_and_without_cpu_time_nothing_is() -> None:
    _, many = cells(WAITING)
    assert side_curve([many], THREADS, 1, None, 200).demand is None
    assert [each.rps for each in side_curve([many], THREADS, 1, None, 200).ceilings] == [1000]
    free = replace(many, cpu_per_request=None)
    assert side_curve([free], THREADS, 1, None, 200) == SideCurve(None, (), ())


def test_a_call_of_50_ms_is_looked_at_up_to_200_users_with_the_threads_and_both_bends() -> None:
    bends, most = range_of([side(WAITING, THREADS), side(Demand(0.0009, 0.05), LOOP)], 40)
    assert (bends, most) == ([40, 57], 200)
    chosen = users_to_measure(bends, most, 12)
    assert chosen == [1, 20, 28, 32, 40, 46, 57, 71, 91, 118, 146, 200]
    assert users_to_measure(bends, most, 5) == [1, 20, 40, 57, 200]


def test_of_an_app_that_waits_the_default_number_of_threads_is_looked_at() -> None:
    bends, most = range_of([side(WAITING, None), side(WAITING, None)], 40)
    assert bends == [40, 51]
    assert most == 200
    assert range_of([side(Demand(0.01, 0.001), None)], 40)[0] == [1]


def test_what_only_computes_is_not_asked_by_hundreds() -> None:
    bends, most = range_of([side(Demand(0.01, 0.0), THREADS), side(Demand(0.01, 0.0), LOOP)], 40)
    assert (bends, most) == ([1], 20)
    assert range_of([SideCurve(None, (), ())], 40) == ([], 20)


def test_a_first_bend_stays_in_sight_of_one_that_is_far_away() -> None:
    bends, most = range_of([side(WAITING, THREADS), side(Demand(0.00005, 0.1), LOOP)], 40)
    assert (bends, most) == ([40], 400)
    alone = range_of([side(Demand(0.001, 0.3), LOOP)], 40)
    assert alone == ([301], 800)


def test_what_def_routes_could_do_is_said_of_sides_that_are_not_known() -> None:
    known, unknown = side(WAITING, THREADS), side(Demand(0.0005, 0.1), None)
    ceiling = if_threads_hold_it([known, unknown], 40)
    assert ceiling is not None
    assert (ceiling.limit, ceiling.number, ceiling.bend) == ("threads", 40, 40)
    assert ceiling.rps == pytest.approx(400)
    assert if_threads_hold_it([known, known], 40) is None
    assert if_threads_hold_it([side(Demand(0.01, 0.001), None)], 40) is None


def test_nobody_is_asked_for_thousands_of_users_unawares() -> None:
    bends, most = range_of([side(Demand(0.0005, 4.0), LOOP)], 40)
    assert most == MOST_AT_THE_END
    assert bends == []


@pytest.mark.parametrize("count", [2, 3, 5, 12, 40])
@pytest.mark.parametrize(("bends", "most"), [([40, 57], 200), ([1], 16), ([], 4), ([15], 80), ([2, 3], 1000)])
def test_loads_go_from_one_user_to_the_most_and_are_apart(bends: list[int], most: int, count: int) -> None:
    chosen = users_to_measure(bends, most, count)
    assert chosen == sorted(set(chosen))
    assert (chosen[0], chosen[-1]) == (1, most)
    assert len(chosen) <= count
    assert all(high > 1.1 * low for low, high in pairwise(chosen))
    if count == 40:
        assert {bend for bend in bends if 1 < bend < most} <= set(chosen)
