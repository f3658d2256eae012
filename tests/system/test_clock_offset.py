import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtests.system.clock_offset import ClockOffset, Ping, clock_offset

SECONDS = st.floats(0, 1)
ERROR_S = 1e-6
"""What is lost where clocks show days."""


def test_an_answer_given_halfway_tells_the_offset_exactly() -> None:
    assert clock_offset([Ping(sent_s=100.0, theirs_s=7.5, received_s=101.0)]) == ClockOffset(93.0, 0.5)


def test_the_ping_with_the_shortest_round_trip_counts() -> None:
    slow, quick = Ping(0.0, 5.0, 2.0), Ping(3.0, 3.0, 3.5)

    assert clock_offset([slow, quick, slow]) == clock_offset([quick]) == ClockOffset(0.25, 0.25)


@given(
    offset_s=st.floats(-1e6, 1e6),
    ways=st.lists(st.tuples(SECONDS, SECONDS), min_size=1, max_size=8),
)
def test_the_true_offset_is_never_further_away_than_the_uncertainty(
    offset_s: float, ways: list[tuple[float, float]]
) -> None:
    pings = [
        Ping(sent, sent + there_s - offset_s, sent + there_s + back_s)
        for sent, (there_s, back_s) in enumerate(ways, start=100)
    ]

    estimate = clock_offset(pings)

    assert abs(estimate.offset_s - offset_s) <= estimate.uncertainty_s + ERROR_S
    assert estimate.uncertainty_s == pytest.approx(min(there + back for there, back in ways) / 2, abs=ERROR_S)


@pytest.mark.parametrize(
    ("other", "agrees"),
    [(ClockOffset(1.0, 0.1), True), (ClockOffset(1.25, 0.15), True), (ClockOffset(1.5, 0.1), False)],
)
def test_estimates_agree_if_one_offset_can_explain_both(other: ClockOffset, *, agrees: bool) -> None:
    assert ClockOffset(1.0, 0.2).agrees_with(other) is agrees
    assert other.agrees_with(ClockOffset(1.0, 0.2)) is agrees


def test_clocks_may_drift_apart_by_what_ntp_corrects_in_that_time() -> None:
    before = ClockOffset(1.0, 0.001)

    assert before.agrees_with(ClockOffset(1.05, 0.001), apart_s=60.0)
    assert before.agrees_with(ClockOffset(0.95, 0.001), apart_s=-60.0)
    assert not before.agrees_with(ClockOffset(1.05, 0.001), apart_s=1.0)
    assert not before.agrees_with(ClockOffset(1.07, 0.001), apart_s=60.0)


@pytest.mark.parametrize(
    "pings", [[], [Ping(1.0, math.nan, 2.0)], [Ping(1.0, math.inf, 2.0)], [Ping(2.0, 5.0, 1.0), Ping(1.0, 5.0, 2.0)]]
)
def test_what_tells_no_time_is_an_error(pings: list[Ping]) -> None:
    with pytest.raises(ValueError, match="no clock can be told"):
        clock_offset(pings)
