import math
from itertools import pairwise

import numpy as np
import pytest

from loadtests.experiment.loads import Arrivals, ClosedLoop, OpenLoop, parse_rates, parse_users
from loadtests.system.errors import UsageError


def test_loads_come_in_ascending_order_without_repeats() -> None:
    assert parse_users("64, 1,16,1") == (ClosedLoop(1), ClosedLoop(16), ClosedLoop(64))


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("0", "outside 1 to 4096"),
        ("-3", "outside 1 to 4096"),
        ("5000", "outside 1 to 4096"),
        ("1,,2", "an empty part"),
        ("", "an empty part"),
        ("many", "'many' is not a whole number"),
        ("1.5", "'1.5' is not a whole number"),
    ],
)
def test_what_is_no_number_of_users_is_named(text: str, complaint: str) -> None:
    with pytest.raises(UsageError, match=complaint):
        parse_users(text)


def test_rates_come_in_ascending_order_and_know_how_requests_arrive() -> None:
    assert parse_rates("400,200,0.5", "constant") == tuple(OpenLoop(rate, "constant") for rate in (0.5, 200, 400))


@pytest.mark.parametrize("text", ["0", "-1", "nan", "inf", "1e9", "fast", ""])
def test_what_is_no_rate_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="--rate"):
        parse_rates(text, "poisson")


def test_loads_have_names_for_people_and_for_files() -> None:
    loads = (ClosedLoop(1), ClosedLoop(32), OpenLoop(200), OpenLoop(0.5, "constant"))
    assert [str(load) for load in loads] == ["1 user", "32 users", "200/s", "0.5/s"]
    assert [load.slug for load in loads] == ["u1", "u32", "r200", "c0.5"]


def test_constant_arrivals_are_evenly_spaced_from_a_random_phase() -> None:
    due = list(OpenLoop(100, "constant").schedule(seed=3, seconds=1))
    assert len(due) == 100
    assert 0 <= due[0] < 0.01
    assert all(b - a == pytest.approx(0.01) for a, b in pairwise(due))


def test_poisson_arrivals_have_exponential_gaps() -> None:
    """Mean and standard deviation of an exponential distribution are the same; so is its median × 1/ln 2."""
    due = list(OpenLoop(1000).schedule(seed=3, seconds=20))
    gaps = np.diff(due)
    assert len(due) == pytest.approx(20_000, rel=0.03)
    assert gaps.mean() == pytest.approx(0.001, rel=0.03)
    assert gaps.std() == pytest.approx(0.001, rel=0.05)
    assert np.median(gaps) == pytest.approx(0.001 * math.log(2), rel=0.05)


@pytest.mark.parametrize("arrivals", ["poisson", "constant"])
def test_a_schedule_follows_from_its_seed(arrivals: Arrivals) -> None:
    load = OpenLoop(50, arrivals)
    assert list(load.schedule(1, 2)) == list(load.schedule(1, 2)) != list(load.schedule(2, 2))
    assert all(0 <= due < 2 for due in load.schedule(1, 2))
