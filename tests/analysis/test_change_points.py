"""Changes of level: found where they are, and seldom where there are none."""

import math

import numpy as np
import pytest

from loadtests.analysis.change_points import LEAST_LENGTH, LEAST_SIDE, change_points
from loadtests.analysis.correlated_noise import fit, p_value
from tests.benchmarks.change_points import (
    Noise,
    best_possible,
    between,
    correlated,
    none,
    outliers,
    study,
    two,
    within,
)


def test_a_planted_change_of_10_percent_is_found_in_95_of_100_series() -> None:
    """At the right run, among 30 runs whose intervals are ± 3 %."""
    for change in (1.1, 0.9):
        found = study(within, change, series=100, seed=1)
        assert found.right >= 95
        assert found.false <= 5


def test_it_is_found_too_where_runs_vary_more_than_their_intervals_say() -> None:
    found = study(between, 1.1, series=100, seed=2)
    assert found.near >= 95
    assert found.false <= 5


@pytest.mark.parametrize("noise", [within, between, correlated, outliers])
def test_a_false_change_is_found_in_5_of_100_series_at_the_most(noise: Noise) -> None:
    assert study(noise, 1.0, series=200, seed=3).false <= 5


def test_it_is_found_too_where_errors_last_from_run_to_run() -> None:
    found = study(correlated, 1.1, series=300, seed=8)
    assert found.right >= 95
    assert found.false <= 5


def test_with_outliers_it_is_found_nearly_as_often_as_by_one_who_knows_them() -> None:
    found = study(outliers, 1.1, series=300, seed=9)
    assert found.right >= best_possible(2000, seed=9) - 3
    assert found.near >= 97
    assert found.false <= 5


def test_two_changes_are_found_where_errors_last() -> None:
    found = study(correlated, 1.1, series=100, seed=10, places=two)
    assert found.near >= 95
    assert found.false <= 6


def test_a_short_and_a_long_series_without_a_change_have_none() -> None:
    for runs, series in ((10, 200), (100, 100)):
        assert study(correlated, 1.0, series=series, seed=11, runs=runs, places=none).false <= 8


def test_an_f_test_without_lasting_noise_is_the_t_test() -> None:
    """Where noise swings back, the share that lasts is 0 in both fits."""
    from scipy.stats import ttest_ind

    sides = [np.tile([0.01, -0.01], 10), np.tile([0.013, -0.007], 10)]
    logs = np.concatenate(sides)
    whole, without = fit(logs, [0, 20, 40], 0.0), fit(logs, [0, 40], 0.0)
    assert p_value(without, whole, 1, 40, 2) == pytest.approx(ttest_ind(*sides).pvalue, rel=0.15)


def test_noise_that_lasts_makes_levels_less_certain() -> None:
    rng = np.random.default_rng(12)
    lasting, fresh = np.cumsum(rng.normal(0, 0.01, 40)), rng.normal(0, 0.01, 40)
    fresh *= lasting.std() / fresh.std()
    assert fit(lasting, [0, 20, 40], 0.0).covariance[0, 0] > 2 * fit(fresh, [0, 20, 40], 0.0).covariance[0, 0]


def test_the_search_in_c_proposes_what_the_one_in_python_does() -> None:
    import ruptures

    rng = np.random.default_rng(13)
    for runs in rng.integers(LEAST_LENGTH, 40, 20):
        series = rng.normal(size=(int(runs), 1)) + 2.0 * (np.arange(runs) >= runs // 2)[:, None]
        penalty = float(rng.uniform(2, 12))
        slow = ruptures.Pelt(model="l2", min_size=LEAST_SIDE, jump=1).fit_predict(series, penalty)
        assert ruptures.KernelCPD(kernel="linear", min_size=LEAST_SIDE).fit_predict(series, pen=penalty) == slow


def test_a_change_has_its_size_and_an_interval() -> None:
    logs = np.where(np.arange(20) < 12, 0.0, math.log(0.8)) + np.random.default_rng(4).normal(0, 0.01, 20)
    [found] = change_points(np.exp(logs).tolist())
    assert found.index == 12
    assert found.interval[0] < 0.8 < found.interval[1]
    assert found.p < 1e-9


def test_two_changes_are_two() -> None:
    logs = np.repeat([0.0, 0.2, 0.1], 8) + np.random.default_rng(5).normal(0, 0.01, 24)
    assert [each.index for each in change_points(np.exp(logs).tolist())] == [8, 16]


def test_one_run_that_is_off_is_no_change() -> None:
    logs = np.random.default_rng(6).normal(0, 0.01, 20)
    logs[9] += 0.3
    assert change_points(np.exp(logs).tolist()) == []


def test_a_short_series_is_not_looked_at() -> None:
    values = [1.0] * 3 + [2.0] * 2
    assert len(values) < LEAST_LENGTH
    assert change_points(values) == []
    assert [each.index for each in change_points([*values, 2.0])] == [3]


def test_figures_that_repeat_have_no_change() -> None:
    assert change_points([5.0] * 12) == []


def test_noise_is_no_less_than_the_figures_own_errors_say() -> None:
    """Six figures that happen to lie close do not make a change of 3 % a sure one where each is known to ± 8 %."""
    values = [1.0, 1.001, 0.999, 1.03, 1.031, 1.029]
    assert change_points(values)
    assert change_points(values, [0.03] * 6) == []


def test_false_changes_are_divided_among_all_series_of_a_history() -> None:
    assert study(within, 1.0, series=50, seed=7, many=84).false <= 5
    assert study(within, 1.1, series=50, seed=7, many=84).near >= 95
