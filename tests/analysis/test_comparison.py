import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtests.analysis.comparison import estimate, holm, judge, sign_flip_p


def test_an_estimate_is_the_geometric_mean_with_its_t_interval() -> None:
    """By hand: logs of 2 and 8 are ln2 and 3 ln2, mean 2 ln2, se ln2, t(1 df) = 12.706."""
    found = estimate([2.0, 8.0])
    assert found.value == pytest.approx(4.0)
    assert found.interval is not None
    assert found.interval[0] == pytest.approx(4.0 / 2**12.7062, rel=1e-4)
    assert found.interval[1] == pytest.approx(4.0 * 2**12.7062, rel=1e-4)
    assert found.p == pytest.approx(2 * (0.5 - math.atan(2) / math.pi))  # t with 1 degree of freedom is Cauchy


def test_a_single_block_has_no_interval() -> None:
    assert estimate([1.5]).interval is None


@given(st.lists(st.floats(0.1, 10), min_size=2, max_size=12))
def test_swapping_the_sides_turns_everything_round(ratios: list[float]) -> None:
    there, back = estimate(ratios), estimate([1 / r for r in ratios])
    assert there.interval is not None
    assert back.interval is not None
    assert there.value == pytest.approx(1 / back.value)
    assert there.interval == pytest.approx((1 / back.interval[1], 1 / back.interval[0]), rel=1e-6)
    assert there.p == pytest.approx(back.p)


def test_the_interval_covers_the_truth_as_often_as_it_says() -> None:
    rng = np.random.default_rng(1)
    covered = 0
    for _ in range(2000):
        low, high = estimate(list(np.exp(rng.normal(math.log(1.3), 0.1, size=6)))).interval or (0, 0)
        covered += low <= 1.3 <= high
    assert 0.935 <= covered / 2000 <= 0.965


def test_the_sign_flip_test_by_hand() -> None:
    """All of one sign: of 2^5 patterns only that one and its mirror are as extreme."""
    assert sign_flip_p([2.0] * 5) == pytest.approx(2 / 32)
    assert sign_flip_p([2.0, 0.5, 2.0, 0.5]) == 1.0


def test_holm_by_hand() -> None:
    """Ordered: .01 ≤ .05/4, .015 ≤ .05/3, .03 > .05/2, so it stops there, although .04 ≤ .05."""
    assert holm([0.03, 0.01, 0.04, 0.015]) == [False, True, False, True]


def test_holm_counts_a_comparison_without_a_p_value_as_one_of_the_family() -> None:
    assert holm([0.03]) == [True]
    assert holm([0.03, None]) == [False, False]


def test_holm_keeps_false_verdicts_of_a_whole_run_rare() -> None:
    rng = np.random.default_rng(2)
    runs = [any(holm(list(rng.uniform(size=28)))) for _ in range(2000)]
    assert sum(runs) / len(runs) < 0.065


ALIKE = [0.99, 1.01, 1.0, 1.02, 0.98, 1.0]
FASTER = [1.48, 1.52, 1.5, 1.51, 1.49, 1.5]
SLIGHTLY = [1.04, 1.05, 1.045, 1.05, 1.04, 1.045]
NOISY = [0.7, 1.5, 0.9, 1.3, 1.1, 0.8]


@pytest.mark.parametrize(
    ("ratios", "higher_is_better", "certain", "expected"),
    [
        (FASTER, True, True, ("b", [])),
        ([1 / r for r in FASTER], True, True, ("a", [])),
        (FASTER, False, True, ("a", [])),  # more latency is worse
        (ALIKE, True, True, ("equivalent", [])),
        (SLIGHTLY, True, True, ("b", ["small"])),
        (NOISY, True, True, ("inconclusive", [])),
        (FASTER, True, False, ("inconclusive", ["many-comparisons"])),
        (SLIGHTLY, True, False, ("equivalent", [])),  # not sure which side, but sure that it hardly matters
        (FASTER[:5], True, True, ("inconclusive", ["too-few-blocks"])),
        (FASTER[:1], True, True, ("inconclusive", ["too-few-blocks"])),
    ],
)
def test_verdicts(ratios: list[float], higher_is_better: bool, certain: bool, expected: tuple[str, list[str]]) -> None:
    assert judge(estimate(ratios), ratios, higher_is_better=higher_is_better, certain=certain) == expected


def test_from_eight_blocks_on_the_sign_flip_test_can_veto() -> None:
    """The t interval excludes 1 by a hair; of 256 sign patterns 14 are as extreme, which is not rare enough."""
    ratios = [1.089, 1.02, 1.041, 0.983, 0.968, 1.128, 1.124, 1.19]
    found = estimate(ratios)
    assert found.interval is not None
    assert found.interval[0] > 1
    assert sign_flip_p(ratios) == pytest.approx(14 / 256)
    assert judge(found, ratios, higher_is_better=True, certain=True) == ("inconclusive", ["sign-flip"])
