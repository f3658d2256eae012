import itertools
import math

import pytest

from loadtests.experiment.rate_schedule import (
    ENOUGH,
    MOST_INTERVALS,
    Part,
    RateSchedule,
    clock,
    duration,
    is_schedule,
    parse_schedule,
)
from loadtests.system.errors import UsageError


def parsed(text: str) -> RateSchedule:
    return parse_schedule(text, "poisson")


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("0..400/s in 2m", [Part(120, 0, 400)]),
        ("100/s for 1m, 200/s for 1m", [Part(60, 100, 100), Part(60, 200, 200)]),
        ("100/s for 30s,800/s for 5s , 100/s for 30s", [Part(30, 100, 100), Part(5, 800, 800), Part(30, 100, 100)]),
        ("500/s for 2h", [Part(7200, 500, 500)]),
        ("400..0/s in 1.5m", [Part(90, 400, 0)]),
        ("2.5..7.5 /s in 10s, 0/s for 5s", [Part(10, 2.5, 7.5), Part(5, 0, 0)]),
    ],
)
def test_a_schedule_is_parsed_part_by_part(text: str, parts: list[Part]) -> None:
    schedule = parsed(text)
    assert list(schedule.parts) == parts
    assert parsed(str(schedule)) == schedule


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("0..400/s for 2m", "'0..400/s for 2m' is not a part of a schedule"),
        ("400/s in 2m", "or a constant rate and how long it lasts"),
        ("400/s", "'400/s' is not a part of a schedule"),
        ("100/s for 1m,", "an empty part"),
        ("100/s for 1m; rm", "is not a part"),
        ("-5..10/s in 1m", "is not a part"),
        ("1e3/s for 1m", "is not a part"),
        ("100/s for 0s", "whole seconds"),
        ("100/s for 1.5s", "whole seconds"),
        ("0..30000/s in 1m", "more than 20000 arrivals per second"),
        ("1/s for 25h", "that lasts 25h; write at most 24h"),
        ("0/s for 1m", "that is 0 arrivals"),
        ("20000/s for 2h", "that is 144,000,000 arrivals"),
        (",".join(["1/s for 1s"] * 101), "101 parts"),
    ],
)
def test_what_is_no_schedule_is_told_in_a_line(text: str, says: str) -> None:
    with pytest.raises(UsageError) as raised:
        parsed(text)
    assert says in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("text", ["200", "200,400", "1e3", "0.5", "inf", "nan", "x", ""])
def test_plain_rates_are_no_schedule(text: str) -> None:
    assert not is_schedule(text)


@pytest.mark.parametrize("text", ["0..400", "400/s", "400/s for 1m", "400 for 1m", "0..400/s in 2m"])
def test_what_is_meant_as_a_schedule_is_told_from_rates(text: str) -> None:
    assert is_schedule(text)


def test_the_rate_follows_the_parts() -> None:
    schedule = parsed("0..400/s in 2m, 50/s for 1m")
    assert [schedule.rate_at(at) for at in (0, 60, 119.7, 120, 180, 200)] == pytest.approx([0, 200, 399, 50, 50, 50])
    assert schedule.seconds == 180
    assert schedule.expected == 24_000 + 3000
    assert schedule.peak_rps == 400


@pytest.mark.parametrize("part", [Part(120, 0, 400), Part(60, 400, 0), Part(10, 100, 100), Part(10, 3, 7)])
def test_when_is_the_inverse_of_the_integrated_rate(part: Part) -> None:
    for share in (0.0, 0.001, 0.25, 0.5, 0.999, 1.0):
        at = part.when(share * part.arrivals)
        assert part.arrivals_by(at) == pytest.approx(share * part.arrivals)


@pytest.mark.parametrize("arrivals", ["poisson", "constant"])
@pytest.mark.parametrize("text", ["0..400/s in 2m", "100/s for 30s, 900/s for 5s, 0/s for 5s, 300..0/s in 20s"])
def test_arrivals_are_as_many_as_the_rate_says_wherever_one_looks(text: str, arrivals: str) -> None:
    schedule = parse_schedule(text, "poisson" if arrivals == "poisson" else "constant")
    due = list(schedule.schedule(7))
    assert due == list(schedule.schedule(7)) == sorted(due)
    assert due != list(schedule.schedule(8))
    assert due[0] >= 0
    assert due[-1] <= schedule.seconds
    for interval in schedule.intervals():
        expected = interval.rate_rps * (interval.end_s - interval.begin_s)
        found = sum(interval.begin_s <= at < interval.end_s for at in due)
        allowed = 6 * math.sqrt(expected) if arrivals == "poisson" else 1.001
        assert abs(found - expected) <= allowed


def test_constant_arrivals_of_a_constant_rate_are_evenly_spaced_across_parts() -> None:
    due = list(parse_schedule("10/s for 3s, 10/s for 2s", "constant").schedule(1))
    assert [later - earlier for earlier, later in itertools.pairwise(due)] == pytest.approx([0.1] * 49)


@pytest.mark.parametrize(
    "text", ["0..400/s in 2m", "500/s for 2h", "100/s for 1m, 800/s for 10s, 100/s for 1m", "1/s for 1h", "20/s for 5s"]
)
def test_intervals_cover_the_schedule_and_hold_enough_arrivals(text: str) -> None:
    schedule = parsed(text)
    intervals = schedule.intervals()
    assert [intervals[0].begin_s, intervals[-1].end_s] == [0, schedule.seconds]
    assert all(earlier.end_s == later.begin_s for earlier, later in itertools.pairwise(intervals))
    assert set(schedule.begins_s) <= {each.begin_s for each in intervals} | {schedule.seconds}
    assert len(intervals) <= MOST_INTERVALS + len(schedule.parts)
    if len(intervals) > len(schedule.parts):
        assert min(each.rate_rps * (each.end_s - each.begin_s) for each in intervals) >= ENOUGH


def test_durations_and_instants_are_written_as_people_do() -> None:
    assert [duration(seconds) for seconds in (1, 60, 90, 3600, 5400, 7200)] == ["1s", "1m", "90s", "1h", "90m", "2h"]
    assert [clock(seconds) for seconds in (0, 9.9, 94, 3727)] == ["0:00", "0:09", "1:34", "1:02:07"]


@pytest.mark.parametrize(
    ("begin_s", "end_s", "expected"),
    [
        (0, 20, 1000),  # the whole ramp: 100/s at its end
        (19, 21, 97.5 + 30),  # the end of the ramp, and the beginning of what comes next
        (-5, 2, 10),  # before the schedule nothing is due
        (29, 99, 30),  # nor after it
    ],
)
def test_arrivals_between_two_instants_are_the_integrated_rate(begin_s: float, end_s: float, expected: float) -> None:
    schedule = parse_schedule("0..100/s in 20s, 30/s for 10s", "poisson")
    assert schedule.arrivals_between(begin_s, end_s) == pytest.approx(expected)
