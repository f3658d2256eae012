import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtests.lab.histogram import BUCKETS, bucket_of, median_s, merged, middle_s, p99_s, percentile_s


@given(st.floats(2e-5, 60.0))
def test_a_bucket_tells_a_response_time_to_two_percent(seconds: float) -> None:
    assert middle_s(bucket_of(seconds)) == pytest.approx(seconds, rel=0.011)


def test_what_is_shorter_or_longer_than_all_buckets_is_in_the_first_or_last() -> None:
    assert bucket_of(0.0) == bucket_of(-1.0) == 0
    assert bucket_of(1e12) == BUCKETS - 1


def test_percentiles_are_those_of_the_samples() -> None:
    samples = np.random.default_rng(7).lognormal(-3, 0.8, 5000)
    counts: dict[int, int] = {}
    for sample in samples:
        counts[bucket_of(sample)] = counts.get(bucket_of(sample), 0) + 1
    assert median_s(counts) == pytest.approx(np.quantile(samples, 0.5), rel=0.03)
    assert p99_s(counts) == pytest.approx(np.quantile(samples, 0.99), rel=0.03)


def test_too_few_samples_have_no_percentile() -> None:
    assert percentile_s({}, 0.5) is None
    assert median_s({100: 5}) is None
    assert median_s({100: 6}) is not None
    assert p99_s({100: 367}) is None
    assert p99_s({100: 368}) is not None


def test_histograms_add_up() -> None:
    assert merged([{1: 2, 3: 1}, {3: 4}, {}]) == {1: 2, 3: 5}
