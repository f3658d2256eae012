import numpy as np
import pytest

from loadtests.analysis.flow import flow, halves, halves_of_each, together
from loadtests.records.samples import Slice
from tests.made_up_samples import back_to_back, samples


def poisson_arrivals(rate: float, took_s: float, until_s: float) -> list[tuple[float, float]]:
    """Return requests that arrive at random and all take the same time."""
    rng = np.random.default_rng(5)
    starts = np.cumsum(rng.exponential(1 / rate, round(rate * until_s * 1.5)))
    return [(float(start), float(start + took_s)) for start in starts if start < until_s]


def test_a_steady_closed_loop_obeys_littles_law() -> None:
    """8 users who wait 50 ms each: 160 a second, 8 in flight."""
    found = flow(samples(back_to_back(8, 0.05, 4)), [(1.0, 2.0), (2.5, 3.0)])
    assert found.in_flight == pytest.approx(8)
    assert found.answers / found.windows_s == pytest.approx(160)
    assert found.littles_law == pytest.approx(1)


def test_a_steady_open_loop_obeys_littles_law() -> None:
    found = flow(samples(poisson_arrivals(500, 0.02, 30)), [(5.0, 25.0)])
    assert found.in_flight == pytest.approx(10, rel=0.05)
    assert found.littles_law == pytest.approx(1, rel=0.03)


def test_users_whom_the_client_holds_back_are_missing_from_what_is_in_flight() -> None:
    """4 of 8 users never get to send: the server is asked by 4."""
    assert flow(samples(back_to_back(4, 0.05, 4)), [(1.0, 2.0)]).in_flight == pytest.approx(4)


def test_slow_requests_that_are_still_building_up_break_littles_law() -> None:
    """One request in 40 takes 0.6 s; a window that opens 50 ms after the start has hardly any of them in flight."""
    rng = np.random.default_rng(5)
    spans = []
    for _ in range(64):
        start = 0.0
        while start < 3:
            took = 0.6 if rng.random() < 1 / 40 else 0.005
            spans.append((start, start + took))
            start += took
    early, late = (flow(samples(spans), [window]).littles_law for window in ((0.05, 0.15), (1.8, 2.4)))
    assert early is not None
    assert late is not None
    assert abs(early - 1) > 0.3
    assert abs(late - 1) < 0.1


def test_nothing_flowing_is_no_law() -> None:
    assert flow(samples([]), [(0.0, 1.0)]).littles_law is None
    assert together([]).littles_law is None


def test_flows_add_up() -> None:
    whole = flow(samples(back_to_back(8, 0.05, 4)), [(1.0, 2.0), (2.5, 3.0)])
    parts = [flow(samples(back_to_back(8, 0.05, 4)), [window]) for window in ((1.0, 2.0), (2.5, 3.0))]
    assert together(parts) == pytest.approx(whole) or together(parts).answers == pytest.approx(whole.answers)


@pytest.mark.parametrize(
    ("windows", "earlier", "later"),
    [
        ([(0.0, 1.0)], [(0.0, 0.5)], [(0.5, 1.0)]),
        ([(0.0, 1.0), (2.0, 3.0)], [(0.0, 1.0)], [(2.0, 3.0)]),
        ([(0.0, 1.0), (2.0, 5.0)], [(0.0, 1.0), (2.0, 3.0)], [(3.0, 5.0)]),
        ([], [], []),
    ],
)
def test_a_trial_is_halved_by_its_windows_time(
    windows: list[tuple[float, float]], earlier: list[tuple[float, float]], later: list[tuple[float, float]]
) -> None:
    slices = [Slice(opened, closed, closed, None, 0.0, 0.0) for opened, closed in windows]
    assert halves(slices) == (earlier, later)


def test_windows_are_halved_each() -> None:
    slices = [Slice(opened, closed, closed, None, 0.0, 0.0) for opened, closed in ((0.0, 1.0), (2.0, 5.0))]
    assert halves_of_each(slices) == ([(0.0, 0.5), (2.0, 3.5)], [(0.5, 1.0), (3.5, 5.0)])
