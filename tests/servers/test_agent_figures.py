"""An agent's readings become a trial's figures: known answers, on clocks that differ, drift and jump."""

import dataclasses
import math
from collections.abc import Callable
from dataclasses import astuple
from typing import Any

import numpy as np
import pytest

from loadtests.records.samples import ROW, Recording
from loadtests.servers.agent_figures import (
    AFTER_ANSWERS_S,
    Clocks,
    NotKnown,
    Told,
    cores_busy,
    cpu_used,
    machine_s,
    span_of,
    with_figures,
    with_timeline,
)
from loadtests.servers.agent_messages import CpuReading, SizeReading
from loadtests.system.clock_offset import ClockOffset
from tests.made_up_samples import recording

PERIOD_S = 0.02
OURS = Clocks(0.0, ClockOffset(0.0, 0.0), 100.0, ClockOffset(0.0, 0.0))
"""Of an agent that has our clock."""


def cpu(at_s: float, own_s: float, alive_s: dict[int, float] | None = None, ended_s: float = 0.0) -> CpuReading:
    return CpuReading(at_s=at_s, own_s=own_s, alive_s=alive_s or {}, ended_s=ended_s)


def readings(used_s: Callable[[float], float], until_s: float = 10.0, offset_s: float = 0.0) -> list[CpuReading]:
    """Return readings of a server that has used so much CPU time at an instant of our clock."""
    count = round(until_s / PERIOD_S) + 1
    return [cpu(n * PERIOD_S - offset_s, used_s(n * PERIOD_S)) for n in range(count)]


def sizes(*each: tuple[float, int, int]) -> list[SizeReading]:
    return [SizeReading(at_s=at_s, rss_bytes=rss_bytes, threads=threads) for at_s, rss_bytes, threads in each]


def used(seconds: float, doubt_s: float = 0.0) -> Any:
    """Return what equals so much CPU time, but for rounding."""
    return pytest.approx((seconds, doubt_s))


def trial(*windows_s: tuple[float, float], started_s: float = 0.0) -> Recording:
    made = recording([(w[0], w[1]) for w in windows_s], *windows_s)
    slices = [dataclasses.replace(turn, drained_s=turn.closed_s) for turn in made.slices]
    return dataclasses.replace(made, slices=tuple(slices), started_s=started_s, rss_bytes=None, threads=None)


@pytest.mark.parametrize(
    ("since_s", "until_s", "seconds"),
    [
        (0.0, 4.0, 2.0),  # from reading to reading
        (0.5, 1.5, 0.5),  # between them
        (1.1, 1.9, 0.4),  # within two steps
        (1.25, 1.75, 0.25),  # within one
        (3.5, 4.5, 0.5 * 0.5 + 0.5 * 1.0),  # it used more from 4 s on
    ],
)
def test_cpu_time_is_interpolated_between_the_readings_next_to_an_edge(
    since_s: float, until_s: float, seconds: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("loadtests.servers.agent_figures.MOST_GAP_S", 1.0)
    used_s = [0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0]

    found = cpu_used([cpu(at_s, own_s) for at_s, own_s in enumerate(used_s)], since_s, until_s)

    assert astuple(found) == used(seconds)


@pytest.mark.parametrize("edge_s", [(-0.1, 0.1), (0.1, 0.25)])
def test_an_edge_outside_of_all_readings_is_not_known(edge_s: tuple[float, float]) -> None:
    there = [cpu(at_s, at_s) for at_s in np.arange(0.0, 0.21, PERIOD_S)]
    with pytest.raises(NotKnown, match="no readings of CPU time at the edge of a window"):
        cpu_used(there, *edge_s)


def test_a_gap_is_a_doubt_at_an_edge_and_none_between_the_edges() -> None:
    with_a_gap = [each for each in readings(lambda s: s / 2) if not 3.0 < each.at_s < 4.0]
    assert astuple(cpu_used(with_a_gap, 2.0, 6.0)) == used(2.0)
    assert astuple(cpu_used(with_a_gap, 2.0, 3.75)) == used(0.875, 0.75 * 0.5)
    assert astuple(cpu_used(with_a_gap, 3.25, 6.0)) == used(1.375, 0.75 * 0.5)
    assert cores_busy(with_a_gap, 2.0, 6.0) == pytest.approx(0.5)
    assert cores_busy(with_a_gap, 2.0, 3.5) is None
    assert cores_busy(with_a_gap, 2.0, 11.0) is None


def test_a_gap_matters_as_far_as_it_can_change_the_sum_of_all_windows() -> None:
    with_a_gap = [each for each in readings(lambda s: s / 2) if not 2.9 < each.at_s < 3.1]
    many, one = trial((0.1, 1.0), (1.0, 3.0), (4.0, 9.0)), trial((2.0, 3.0))
    found = with_figures(many, Told(with_a_gap, sizes(*((s / 4, 1, 1) for s in range(40)))), OURS)
    assert sum(turn.server_cpu_s or 0.0 for turn in found.slices) == pytest.approx(0.5 * (0.9 + 2.0 + 5.0))
    with pytest.raises(NotKnown, match="too long gaps"):
        with_figures(one, Told(with_a_gap, sizes((3.0, 1, 1))), OURS)


def test_children_count_whether_they_go_on_or_have_ended() -> None:
    there = [
        cpu(0.00, 1.0),
        cpu(0.02, 1.0, {7: 0.01}),
        cpu(0.04, 1.0, {7: 0.03, 8: 0.02}),
        cpu(0.06, 1.0, {7: 0.04}, ended_s=0.03),
        cpu(0.08, 1.0, {7: 0.04}, ended_s=0.03),
    ]
    assert astuple(cpu_used(there, 0.0, 0.07)) == used(0.07)


def test_a_trial_gets_what_a_local_servers_has() -> None:
    made = trial((1.0, 2.0), (3.0, 4.0), started_s=50.0)
    told = Told(
        [cpu(50 + n * PERIOD_S, 0.25 * n * PERIOD_S) for n in range(300)],
        sizes((51.9, 100, 5), (52.05, 110, 6), (53.9, 300, 4), (57.0, 900, 90)),
    )

    found = with_figures(made, told, OURS)

    assert [turn.server_cpu_s for turn in found.slices] == pytest.approx([0.25, 0.25])
    assert [turn.rss_bytes for turn in found.slices] == [110, 300]
    assert (found.rss_bytes, found.threads) == (300, 6)
    assert found.busy_after == pytest.approx(0.25)


@pytest.mark.parametrize("offset_s", [-1e5, 0.0, 12345.678])
def test_a_clock_that_shows_another_time_changes_nothing(offset_s: float) -> None:
    def used_s(at_s: float) -> float:
        return max(0.0, at_s - 1.0)  # busy from 1 s on

    clocks = Clocks(0.0, ClockOffset(offset_s, 1e-4), 10.0, ClockOffset(offset_s, 1e-4))
    told = Told(readings(used_s, offset_s=offset_s), sizes((1.5 - offset_s, 1, 1)))

    [turn] = with_figures(trial((0.5, 1.5)), told, clocks).slices

    assert turn.server_cpu_s == pytest.approx(0.5, abs=1e-6)


def test_a_clock_that_drifts_is_followed() -> None:
    clocks = Clocks(0.0, ClockOffset(0.0, 1e-4), 10.0, ClockOffset(0.005, 1e-4))  # 500 millionths slower
    told = Told([cpu(n * PERIOD_S / 1.0005, n * PERIOD_S) for n in range(500)], sizes((9.0, 1, 1)))

    [turn] = with_figures(trial((8.0, 9.0)), told, clocks).slices

    assert turn.server_cpu_s == pytest.approx(1.0, abs=1e-5)
    assert clocks.theirs_s(9.0) == pytest.approx(9.0 - 0.0045)


def test_a_clock_that_jumped_makes_the_trial_not_known() -> None:
    clocks = Clocks(0.0, ClockOffset(0.0, 1e-4), 10.0, ClockOffset(0.5, 1e-4))
    told = Told(readings(lambda s: s), sizes((2.0, 1, 1)))
    with pytest.raises(NotKnown, match=r"has a clock that jumped by 0\.5 s against this machine's within 10 s"):
        with_figures(trial((1.0, 2.0)), told, clocks)
    with pytest.raises(NotKnown, match="jumped"):
        with_timeline(trial((1.0, 2.0)), told, clocks)


def test_an_uncertain_clock_matters_only_where_the_server_is_not_evenly_busy() -> None:
    uncertain = Clocks(0.0, ClockOffset(0.0, 0.1), 10.0, ClockOffset(0.0, 0.1))
    made, size = trial((1.0, 2.0)), sizes((2.0, 1, 1))

    [turn] = with_figures(made, Told(readings(lambda s: s / 2), size), uncertain).slices
    assert turn.server_cpu_s == pytest.approx(0.5)
    with pytest.raises(NotKnown, match="a clock that is known to 100\\.0 ms only"):
        with_figures(made, Told(readings(lambda s: min(s, 2.0)), size), uncertain)


BOTH = sizes((0.4, 1, 1), (2.0, 1, 1))


@pytest.mark.parametrize(
    ("told", "why"),
    [
        (Told([], BOTH), "no readings of CPU time"),
        (Told(readings(lambda s: s, until_s=1.9), BOTH), "no readings of CPU time"),
        (Told(readings(lambda s: s), []), "no reading of the memory"),
        (Told(readings(lambda s: s), sizes((0.5, 1, 1))), "no reading of the memory"),
    ],
)
def test_what_is_missing_for_one_window_makes_the_trial_not_known(told: Told, why: str) -> None:
    with pytest.raises(NotKnown, match=why):
        with_figures(trial((0.1, 0.4), (1.0, 2.0)), told, OURS)


def test_work_left_behind_is_seen_and_not_known_of_a_server_that_was_given_up() -> None:
    def used_s(at_s: float) -> float:
        return min(at_s, 2.06)  # it went on for 60 ms after its last answer

    told = Told(readings(used_s), sizes((2.0, 1, 1)))
    made = trial((1.0, 2.0))

    assert with_figures(made, told, OURS).busy_after == pytest.approx(0.5)
    assert with_figures(dataclasses.replace(made, abandoned=3), told, OURS).busy_after is None
    until_2_s = Told(readings(lambda s: s, until_s=2.04), sizes((2.0, 1, 1)))
    assert with_figures(made, until_2_s, OURS).busy_after is None


def test_a_trial_without_a_slice_stays_as_it_is() -> None:
    made = dataclasses.replace(trial(), stalled="nothing was answered")
    assert with_figures(made, Told([], []), OURS) is made


def test_pauses_of_the_trials_clock_are_counted() -> None:
    made = dataclasses.replace(trial((1.0, 2.0), (2.0, 3.0), started_s=10.0), pauses=((2.0, 5.0),))

    assert [machine_s(made, at_s) for at_s in (1.0, 2.0, 2.5)] == [11.0, 12.0, 17.5]
    assert span_of(made) == (10.0, 18.0 + AFTER_ANSWERS_S[1])


def test_what_was_seen_inside_is_told_in_the_trials_seconds() -> None:
    rows = np.zeros(4, ROW)
    rows["time_s"] = [99.0, 101.0, 102.0, 200.0]
    rows["in_flight"] = [1, 2, 3, 4]
    clocks = Clocks(0.0, ClockOffset(-50.0, 1e-4), 60.0, ClockOffset(-50.0, 1e-4))
    made = trial((1.0, 2.0), started_s=50.0)

    seen = with_timeline(made, Told([], [], [rows]), clocks).timeline

    assert seen is not None
    assert seen.rows["time_s"] == pytest.approx([1.0, 2.0])
    assert list(seen.rows["in_flight"]) == [2, 3]
    assert list(rows["time_s"]) == [99.0, 101.0, 102.0, 200.0]
    assert with_timeline(made, Told([], []), clocks).timeline is None
    assert math.isfinite(seen.rows["cpu_s"].sum())
