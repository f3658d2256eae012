import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loadtests.analysis.flow import credit, inside, overlap
from loadtests.analysis.trial_summary import percentile, samples_needed, summarise, unseen_s
from loadtests.records.samples import Failure, Slice
from tests.made_up_samples import back_to_back, recording, samples


@pytest.mark.parametrize(("wanted", "needed"), [(50, 6), (90, 36), (95, 72), (99, 368), (99.9, 3688)])
def test_a_percentile_needs_this_many_requests(wanted: float, needed: int) -> None:
    assert samples_needed(wanted) == needed


def test_a_percentile_is_refused_below_that_number_and_given_from_it_on() -> None:
    assert percentile(np.arange(367.0), 99) is None
    assert percentile(np.arange(368.0), 99) == 364


@pytest.mark.parametrize(("count", "index"), [(4_000, 3_995), (41_000, 40_958), (41_001, 40_959)])
def test_a_percentile_of_a_round_number_of_requests_is_not_rounded_up(count: int, index: int) -> None:
    """99.9 % of 4,000 are 3,996 requests, although 99.9 / 100 * 4,000 is a little more in floating point."""
    assert percentile(np.arange(float(count)), 99.9) == index


def test_a_percentile_among_requests_that_never_ended_is_infinite() -> None:
    latencies = np.array([1.0] * 5 + [math.inf] * 5)
    assert percentile(latencies, 50) == 1
    assert percentile(latencies, 90) is None
    assert percentile(np.array([1.0] * 30 + [math.inf] * 10), 90) == math.inf


@pytest.mark.parametrize(
    ("span", "share"),
    [
        ((0.2, 0.7), 1.0),  # wholly inside
        ((-0.5, 0.5), 0.5),  # began before the window
        ((0.75, 1.75), 0.25),  # ended after it
        ((-1.0, 3.0), 0.25),  # spans it
        ((-2.0, -1.0), 0.0),  # before it
        ((2.0, 3.0), 0.0),  # after it
        ((0.5, math.nan), 0.0),  # never ended
    ],
)
def test_a_request_counts_by_the_share_of_its_time_inside_the_window(span: tuple[float, float], share: float) -> None:
    assert credit(samples([span]), [(0.0, 1.0)])[0] == pytest.approx(share)


@pytest.mark.slow
@settings(deadline=None)
@given(
    users=st.integers(1, 200),
    took_s=st.floats(0.001, 1.0),
    before=st.floats(0.0, 60.0),
    wide=st.floats(0.05, 60.0),
)
def test_throughput_of_a_steady_closed_loop_is_users_over_response_time(
    users: int, took_s: float, before: float, wide: float
) -> None:
    """However short the window is, wherever it lies, and even if all users march in step; counted in answers' times."""
    opened, length = before * took_s, wide * took_s
    spans = back_to_back(users, took_s, until_s=opened + length + 2 * took_s)
    found = summarise(recording(spans, (opened, opened + length)))
    assert found.throughput_rps == pytest.approx(users / took_s, rel=1e-6)


def test_slices_are_added_up_before_they_are_divided() -> None:
    """10 answers in one second and 30 in the next three are 10 a second, whatever happened between the slices."""
    spans = back_to_back(users=1, took_s=0.1, until_s=8.0)
    found = summarise(recording(spans, (1.0, 2.0), (4.0, 7.0)))
    assert found.throughput_rps == pytest.approx(10.0)
    assert found.requests == pytest.approx(40, abs=2)


def test_failures_are_told_apart_and_never_count_as_throughput() -> None:
    spans = [(0.1, 0.2), (0.2, 0.3), (0.3, 0.4), (0.4, math.nan)]
    failures = [Failure.NONE, Failure.STATUS, Failure.STATUS, Failure.CUT_OFF]
    found = summarise(recording(spans, (0.0, 1.0), failures=failures))
    assert found.throughput_rps == pytest.approx(1.0)
    assert found.failures == {Failure.STATUS: 2, Failure.CUT_OFF: 1}
    assert found.requests == 4
    assert list(found.latencies_s) == pytest.approx([0.1, math.inf, math.inf, math.inf])


def test_answers_outside_the_window_are_not_in_the_percentiles() -> None:
    found = summarise(recording([(-0.5, -0.1), (-0.5, 0.5), (0.5, 1.5)], (0.0, 1.0)))
    assert list(found.latencies_s) == pytest.approx([1.0])


def test_cpu_is_divided_by_the_answers_of_the_same_window() -> None:
    spans = back_to_back(users=10, took_s=0.1, until_s=1.5)
    found = summarise(recording(spans, (0.0, 1.0), server_cpu_s=0.5))
    assert found.cpu_per_request_s == pytest.approx(0.005)
    assert (found.rss_bytes, found.threads) == (7, 3)


@pytest.mark.parametrize(
    ("phases", "ratio"),
    [
        (np.linspace(0, 1, 40, endpoint=False), 1.0),
        (np.full(40, 0.02), 0.94),  # just after an answer: the next request's first CPU time is spent, its last is not
    ],
    ids=["windows that open at any instant", "windows that open after an answer"],
)
def test_cpu_per_request_of_one_user_hangs_on_where_windows_open(phases: np.ndarray, ratio: float) -> None:
    """A request of 50 ms uses the CPU for 1 ms when it comes and 2 ms when it goes; windows close anywhere."""
    took_s, cpu_s = 0.05, 0.003
    spans = back_to_back(1, took_s, until_s=60.0)
    busy = np.array([burst for sent, ended in spans for burst in ((sent, sent + 0.001), (ended - 0.002, ended))])
    opens = np.arange(len(phases)) + phases * took_s
    closes = opens + (8 + np.random.default_rng(0).permutation(len(phases)) / len(phases)) * took_s
    found = recording(spans, *zip(opens.tolist(), closes.tolist(), strict=True))
    spent = [
        np.clip(np.minimum(busy[:, 1], c) - np.maximum(busy[:, 0], o), 0, None).sum()
        for o, c in zip(opens, closes, strict=True)
    ]
    slices = tuple(replace(turn, server_cpu_s=float(each)) for turn, each in zip(found.slices, spent, strict=True))
    measured = summarise(replace(found, slices=slices)).cpu_per_request_s
    assert measured == pytest.approx(ratio * cpu_s, rel=0.01)


def test_a_side_that_stalled_has_collapsed_with_the_drivers_words() -> None:
    assert summarise(recording([], stalled="nothing was answered")).collapsed == "nothing was answered"


def test_a_side_without_one_good_answer_has_collapsed_and_says_why() -> None:
    found = summarise(recording([(0.1, 0.2)] * 3, (0.0, 1.0), failures=[Failure.STATUS] * 3, status=404))
    assert found.collapsed == "not one good answer (3 × 404 Not Found)"


def test_answers_to_arrivals_are_counted_whole_in_the_window_in_which_they_come() -> None:
    """A server that falls behind: 10 arrivals in the window, of which it answers 4 there."""
    spans = [(0.1 * i, 0.25 * (i + 1) - 0.01) for i in range(10)]
    assert summarise(recording(spans, (0.0, 1.0)), arrivals=True).throughput_rps == pytest.approx(4)
    assert summarise(recording(spans, (0.0, 1.0))).throughput_rps > 4.5


def test_the_driver_is_as_busy_as_in_its_busiest_second() -> None:
    turns = [Slice(0.0, 2.0, 2.0, None, 0.8, 0.7), Slice(3.0, 3.1, 3.2, None, 0.1, 1.0)]
    found = summarise(replace(recording([(0.1, 0.2)]), slices=tuple(turns)))
    assert found.driver_busy == pytest.approx(0.9 / 2.1)
    assert found.driver_peak == 0.7  # the second slice is too short to say anything by itself


def test_windows_together_count_what_they_count_one_by_one() -> None:
    """Also for requests that span several windows, begin at an edge, or never end."""
    rng = np.random.default_rng(3)
    windows = [(0.5, 1.0), (1.0, 1.75), (3.0, 3.5)]
    sent = np.concatenate((rng.uniform(0, 4, 500), np.ravel(windows)))
    ended = sent + rng.exponential(0.5, len(sent))
    ended[::50] = math.nan
    seen = samples(list(zip(sent.tolist(), ended.tolist(), strict=True)))
    apart = [overlap(seen, [window]) for window in windows]
    np.testing.assert_allclose(overlap(seen, windows), sum(apart), atol=1e-12)
    within = [(sent >= opened) & (sent < closed) for opened, closed in windows]
    np.testing.assert_array_equal(inside(sent, windows), np.any(within, axis=0))
    assert overlap(seen, []).sum() == 0
    assert not inside(sent, []).any()


def covered(window_s: float, times: int = 300) -> float:
    """Return how often the order-statistic interval of six windows together holds p99, with a pause once a second.

    8 users ask a server that takes 20 ms and stops for 45 ms once a second.
    """
    rng = np.random.default_rng(1)
    pauses, sent, took = np.arange(0.5, 400.0), [], []
    for _ in range(8):
        starts = np.cumsum(0.02 * np.exp(rng.normal(0, 0.2, 20_000)))
        response = np.diff(starts)
        hit = np.diff(np.searchsorted(pauses, starts)) > 0
        sent.append(starts[:-1])
        took.append(response + 0.045 * hit)
    order = np.argsort(np.concatenate(sent))
    at, latencies = np.concatenate(sent)[order], np.concatenate(took)[order]
    truth, held = np.quantile(latencies[at < 390], 0.99), 0
    for _ in range(times):
        opened = rng.uniform(0, 380, 6)
        seen = np.sort(np.concatenate([latencies[(at >= o) & (at < o + window_s)] for o in opened]))
        assert len(seen) >= samples_needed(99)
        slack = 1.96 * math.sqrt(len(seen) * 0.01 * 0.99)
        low, high = (min(len(seen) - 1, math.ceil(0.99 * len(seen) + side * slack) - 1) for side in (-1, 1))
        held += bool(seen[low] <= truth <= seen[high])
    return held / times


@pytest.mark.slow
def test_enough_requests_are_not_enough_for_a_pause_that_hits_all_in_flight() -> None:
    """Both have the 368 requests that a p99 needs; what the shorter ones lack is time."""
    assert covered(0.25) < 0.85
    assert covered(1.0) > 0.90


def test_what_comes_once_in_that_time_is_missed_by_one_in_forty() -> None:
    rng = np.random.default_rng(2)
    came = rng.poisson(6.0 / unseen_s(6.0), 100_000)
    assert np.mean(came == 0) == pytest.approx(0.025, abs=0.002)
