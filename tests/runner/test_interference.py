"""What else the machine did, by value: no clock is read and nothing is slept through."""

import pytest

from loadtests.runner.cell import InterferenceMonitor, total_usage
from loadtests.system.cores import Cores
from loadtests.system.resources import Reading, Usage, read_usage, usage_between


def test_foreign_time_is_what_the_cores_worked_beyond_our_own() -> None:
    before = Reading(at_s=10.0, busy_s=100.0, steal_s=1.0, own_s=50.0)
    after = Reading(at_s=12.0, busy_s=103.0, steal_s=1.5, own_s=52.0)
    assert usage_between(before, after) == Usage(seconds=2.0, steal_s=0.5, foreign_s=1.0)


@pytest.mark.parametrize(("before", "after"), [(None, 1.0), (1.0, None), (None, None)])
def test_steal_is_unknown_where_it_is_not_counted(before: float | None, after: float | None) -> None:
    assert usage_between(Reading(0, 0, before, 0), Reading(1, 0, after, 0)).steal_s is None


@pytest.mark.parametrize(
    ("usages", "cores", "steal", "foreign", "why"),
    [
        ([Usage(1.0, 0.2, 0.4)], 2, 0.1, 0.2, "shares are of all the cores' time"),
        ([Usage(1.0, 0.2, 0.4)], 1, 0.2, 0.4, "and of one core's where there is one"),
        ([Usage(1.0, 0.0, 0.3), Usage(3.0, 0.4, 0.1)], 1, 0.1, 0.1, "cells are weighed by their length"),
        ([Usage(1.0, 0.0, -0.02), Usage(1.0, 0.0, 0.02)], 1, 0.0, 0.0, "ticks even out before anything is cut off"),
        ([Usage(1.0, 0.0, -0.02)], 1, 0.0, 0.0, "a share is never below 0"),
        ([Usage(1.0, 0.0, 1.02)], 1, 0.0, 1.0, "nor above 1"),
        ([Usage(1.0, None, 0.1), Usage(1.0, 0.1, 0.1)], 1, None, 0.1, "steal that is known in part is not known"),
        ([Usage(0.0, 0.0, 0.0)], 1, 0.0, 0.0, "no time, no share"),
    ],
)
def test_a_block_sums_up_its_cells(
    usages: list[Usage], cores: int, steal: float | None, foreign: float, why: str
) -> None:
    record = total_usage(3, usages, cores)
    assert (record.block, record.steal, record.foreign) == (3, steal, foreign), why
    assert record.seconds == sum(usage.seconds for usage in usages)


@pytest.mark.parametrize(
    ("lost", "share", "why"),
    [
        ([0.1, 0.3], 0.1, "a share of all the cores' time, cells weighed by their length"),
        ([0.0, 0.0], 0.0, "a quota that stopped nothing"),
        ([None, None], None, "no quota"),
        ([None, 0.3], None, "a quota that came in between"),
        ([9.0, 9.0], 1.0, "groups within each other, stopped at the same time"),
    ],
)
def test_what_a_quota_took_is_summed_up(lost: list[float | None], share: float | None, why: str) -> None:
    first, second = lost
    usages = [
        usage_between(Reading(0, 0, 0, 0, 5.0), Reading(1, 0, 0, 0, None if first is None else 5.0 + first)),
        usage_between(Reading(4, 0, 0, 0, 7.0), Reading(5, 0, 0, 0, None if second is None else 7.0 + second)),
    ]
    assert total_usage(0, usages, 2).throttled == share, why


def test_one_record_a_block_and_none_where_nothing_was_driven(monkeypatch: pytest.MonkeyPatch) -> None:
    readings = iter([Reading(0, 0, 0, 0), Reading(1, 1, 0, 0.5), Reading(5, 9, 0, 1), Reading(6, 9.5, 0, 1.5)])
    monkeypatch.setattr("loadtests.runner.cell.read_usage", lambda _cores: next(readings))
    monkeypatch.setattr("loadtests.runner.cell.core_times", lambda _cores: [{}, {}])
    watch = InterferenceMonitor(Cores((0,), (1,)), servers_are_ours=True)
    assert watch.finish(0) == []
    with watch.cell():
        pass
    with watch.cell():
        pass
    [record] = watch.finish(1)
    assert (record.block, record.seconds, record.foreign) == (1, 2, 0.125)
    assert watch.finish(2) == []


def test_strangers_cannot_be_told_from_a_server_that_ran_already() -> None:
    watch = InterferenceMonitor(Cores((), ()), servers_are_ours=False)
    with watch.cell():
        pass
    [record] = watch.finish(0)
    assert record.foreign is None


@pytest.mark.parametrize("cores", [(), (0,), (0, 99_999)])
def test_counters_only_grow_whichever_cores_they_are_of(cores: tuple[int, ...]) -> None:
    before, after = read_usage(cores), read_usage(cores)
    assert after.at_s >= before.at_s
    assert after.busy_s >= before.busy_s
    assert after.own_s >= before.own_s
