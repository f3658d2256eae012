import math

import numpy as np
import pytest

from loadtests.analysis.comparison import Proportion, estimate
from loadtests.analysis.figure_intervals import FailedShare, MeanOverBlocks

VALUES = [0.9, 1.1, 1.0, 1.05, 0.95, 1.02]


def test_a_mean_over_blocks_has_the_interval_of_an_estimate() -> None:
    mean, known = MeanOverBlocks.of(VALUES), estimate(VALUES)
    assert mean.value == pytest.approx(known.value)
    assert mean.interval() == pytest.approx(known.interval)
    assert mean.p(1.0) == pytest.approx(known.p)


def test_it_is_had_back_from_a_95_percent_interval() -> None:
    known = estimate(VALUES)
    assert known.interval is not None
    again = MeanOverBlocks.of_interval(known.value, known.interval, known.blocks)
    for alpha in (0.05, 0.05 / 28):
        assert again.interval(alpha) == pytest.approx(MeanOverBlocks.of(VALUES).interval(alpha))


@pytest.mark.parametrize(
    "figure",
    [MeanOverBlocks.of(VALUES), FailedShare(((5, 1000), (8, 1000), (2, 1000), (6, 900), (9, 1100), (4, 1000)))],
)
@pytest.mark.parametrize("times", [0.5, 0.9, 1.1, 1.5])
def test_p_is_the_level_at_which_the_interval_begins_to_exclude(
    figure: MeanOverBlocks | FailedShare, times: float
) -> None:
    truth = times * figure.value
    p = figure.p(truth)
    for alpha, inside in ((0.99 * p, True), (1.01 * p, False)):
        low, high = figure.interval(alpha)
        assert (low <= truth <= high) is inside


def test_blocks_that_do_not_differ_have_an_interval_without_width() -> None:
    same = MeanOverBlocks.of([1.0] * 6)
    assert same.interval() == (1.0, 1.0)
    assert (same.p(1.0), same.p(1.01)) == (1.0, 0.0)


def test_no_failure_at_all_bounds_the_share_as_for_independent_requests() -> None:
    assert FailedShare(((0, 500), (0, 500))).interval() == pytest.approx(Proportion(0, 1000).interval)
    assert FailedShare(((500, 500), (500, 500))).interval() == pytest.approx(Proportion(1000, 1000).interval)


def test_failures_that_come_together_say_less() -> None:
    """Sixty failures in one block of six may have been a single event; ten in each are none."""
    spread = FailedShare(((10, 1000),) * 6)
    burst = FailedShare(((60, 1000), *((0, 1000),) * 5))
    assert spread.value == burst.value == pytest.approx(0.01)
    assert spread.interval() == pytest.approx(Proportion(60, 6000).interval)
    assert burst.interval()[0] < 0.001
    assert burst.interval()[1] > 0.03
    assert spread.interval()[0] > 0.007


@pytest.mark.parametrize(("scatter", "beyond"), [(0.0, 0.025), (0.3, 0.05), (0.7, 0.08)])
def test_a_share_is_hardly_ever_below_its_interval_and_seldom_above(scatter: float, beyond: float) -> None:
    """It is above more often than is said where the chance to fail varies much: six blocks may lack the worst."""
    rng = np.random.default_rng(5)
    truth, below, above, tries = 0.01, 0, 0, 2000
    for _ in range(tries):
        chances = truth * np.exp(rng.normal(-(scatter**2) / 2, scatter, size=6))
        low, high = FailedShare(tuple((int(rng.binomial(4000, p)), 4000) for p in chances)).interval()
        below += truth < low
        above += truth > high
    assert below / tries <= 0.025
    assert above / tries <= beyond


def test_an_interval_that_is_wider_than_any_number_ends_at_the_largest() -> None:
    assert math.isfinite(MeanOverBlocks.of([1e-3, 1e3]).interval(0.05 / 56)[1])
