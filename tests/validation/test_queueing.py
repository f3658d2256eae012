"""Theory against simulation against theory: each has to find the other."""

import math

import numpy as np
import pytest

from loadtests.validation.response_times import Queue, bands, departures, simulate

HALF_BUSY = Queue(arrivals_rps=50, service_s=0.01)


@pytest.mark.parametrize(
    ("arrivals", "services", "left"),
    [
        ([0.0, 5.0, 10.0], [1.0, 1.0, 1.0], [1.0, 6.0, 11.0]),  # nobody waits
        ([0.0, 0.0, 0.0], [1.0, 2.0, 3.0], [1.0, 3.0, 6.0]),  # everybody waits for those before
        ([0.0, 0.5, 5.0, 5.1], [1.0, 1.0, 1.0, 0.1], [1.0, 2.0, 6.0, 6.1]),  # the queue runs empty in between
    ],
)
def test_departures_follow_lindleys_recursion(arrivals: list[float], services: list[float], left: list[float]) -> None:
    assert departures(np.array(arrivals), np.array(services)) == pytest.approx(left)


def test_departures_are_those_of_the_loop_they_replace() -> None:
    rng = np.random.default_rng(3)
    arrivals, services = np.sort(rng.uniform(0, 10, 500)), rng.exponential(0.01, 500)
    left, free = [], 0.0
    for came, service in zip(arrivals, services, strict=True):
        free = max(came, free) + service
        left.append(free)
    assert departures(arrivals, services) == pytest.approx(left)


def test_percentiles_of_the_theory() -> None:
    assert HALF_BUSY.percentile_s(50) == pytest.approx(math.log(2) / 50)
    assert HALF_BUSY.percentile_s(99) == pytest.approx(math.log(100) / 50)


def test_a_long_simulation_finds_the_theory() -> None:
    times = simulate(HALF_BUSY, 4, settling_s=5, window_s=5000, rng=np.random.default_rng(1))
    assert len(times) == pytest.approx(4 * 50 * 5000, rel=0.01)
    assert np.percentile(times, 50) == pytest.approx(HALF_BUSY.percentile_s(50), rel=0.02)
    assert np.percentile(times, 99) == pytest.approx(HALF_BUSY.percentile_s(99), rel=0.03)


def test_the_band_holds_the_theory_and_narrows_with_time() -> None:
    short, long = (bands(HALF_BUSY, 4, (50.0, 99.0), settling_s=3, window_s=s, seed=0, times=300) for s in (10.0, 90.0))
    for wanted in (50.0, 99.0):
        low, high = long[wanted]
        assert low < HALF_BUSY.percentile_s(wanted) < high
        assert (high - low) < 0.5 * (short[wanted][1] - short[wanted][0])


def test_the_band_is_wider_than_that_of_independent_requests() -> None:
    """Neighbours in a queue wait for each other."""
    low, high = bands(HALF_BUSY, 4, (50.0,), settling_s=3, window_s=10, seed=0, times=500)[50.0]
    rng = np.random.default_rng(0)
    alone = [np.median(rng.exponential(1 / 50, 2000)) for _ in range(500)]
    assert high - low > 1.3 * float(np.subtract(*np.percentile(alone, (99.5, 0.5))))
