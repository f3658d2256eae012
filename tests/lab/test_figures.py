import pytest

from loadtests.lab.figures import KEPT_TURNS, Figures, busy_share, cpu_per_request_s
from loadtests.lab.histogram import middle_s
from tests.lab.made_up import report


def measured(turns: int = 3, each: int = 6) -> Figures:
    figures = Figures()
    for number in range(turns * each):
        figures.add(report(turn=number // each), 0.0)
    return figures


def test_throughput_is_answers_per_second_of_window() -> None:
    now = measured().now(8)
    assert now.rps == pytest.approx(100.0)
    assert now.p50_ms == pytest.approx(1000 * middle_s(400), rel=0.001)
    assert now.p99_ms is None, "180 answers tell no 99th percentile"
    assert now.in_flight == 8
    assert now.errors_per_s == 0.0


def test_a_99th_percentile_is_taken_from_as_many_turns_as_it_needs() -> None:
    assert measured(turns=12).now(8).p99_ms == pytest.approx(1000 * middle_s(400), rel=0.001)


def test_a_window_that_has_just_opened_is_not_shown() -> None:
    figures = measured(turns=1)
    figures.add(report(turn=9, answers=50), 0.0)
    assert figures.now(8).rps == pytest.approx(100.0)


def test_what_belongs_to_another_load_is_forgotten_or_left_out() -> None:
    figures = measured()
    figures.add(report(epoch=2, window_s=0.0, answers=0), 0.0)
    assert figures.now(8).rps is None
    figures.add(report(epoch=1), 0.0)
    assert not figures.turns


def test_a_lane_that_has_stopped_answers_nothing_whatever_it_did_before() -> None:
    now = measured().now(128, stalled=True)
    assert (now.rps, now.p50_ms, now.in_flight) == (0.0, None, 128)


def test_half_an_hour_takes_no_more_memory_than_a_minute() -> None:
    figures = measured(turns=1000, each=1)
    assert len(figures.turns) == KEPT_TURNS


def test_cpu_time_is_of_the_windows_and_unknown_if_a_part_of_it_is() -> None:
    figures = measured()
    turns = figures.last()
    assert cpu_per_request_s(turns) == pytest.approx(0.001)
    assert busy_share(turns, 1) == pytest.approx(0.1)
    figures.add(report(turn=2, cpu_s=None), 0.0)
    assert len([turn for turn in figures.last() if turn.cpu_s is None]) == 1
    assert cpu_per_request_s([turn for turn in figures.last() if turn.cpu_s is None]) is None


def test_a_short_report_does_not_make_the_load_process_look_busy() -> None:
    figures = measured(turns=1)
    figures.add(report(turn=0, passed_s=0.0001, own_cpu_s=0.0001), 0.0)
    assert figures.turns[-1].busy == pytest.approx(0.3, abs=0.01)
