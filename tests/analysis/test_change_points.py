"""Changes of level: found where they are, and seldom where there are none."""

import math

import numpy as np
import pytest

from loadtests.analysis.change_points import LEAST_LENGTH, change_points
from tests.benchmarks.change_points import between, outliers, study, within


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


@pytest.mark.parametrize("noise", [within, between, outliers])
def test_a_false_change_is_found_in_5_of_100_series_at_the_most(noise: object) -> None:
    assert study(noise, 1.0, series=100, seed=3).false <= 5  # type: ignore[arg-type]


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
