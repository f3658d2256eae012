"""Response times as counts in buckets that each span 2 %: as small after half an hour as after a second (pure)."""

import math
from collections.abc import Iterable, Mapping

SHORTEST_S = 1e-5
"""The first bucket holds everything shorter."""
GROWTH = 1.02
"""A bucket's upper end ÷ its lower end; this determines how exact a percentile is."""
BUCKETS = 1024
"""The last one ends far beyond the longest timeout."""
MEDIAN_NEEDS = 6
P99_NEEDS = 368
"""Requests that a percentile needs before it is shown, as in a run's report."""
_PER_LOG = 1 / math.log(GROWTH)

Counts = Mapping[int, int]
"""How many response times are in each bucket, by its number."""


def bucket_of(seconds: float) -> int:
    """Return the number of the bucket that a response time belongs to."""
    if seconds <= SHORTEST_S:
        return 0
    return min(BUCKETS - 1, int(math.log(seconds / SHORTEST_S) * _PER_LOG))


def middle_s(bucket: int) -> float:
    """Return the geometric middle of a bucket, in seconds."""
    return SHORTEST_S * math.exp((bucket + 0.5) / _PER_LOG)


def merged(parts: Iterable[Counts]) -> dict[int, int]:
    """Return the counts of several histograms together."""
    total: dict[int, int] = {}
    for part in parts:
        for bucket, count in part.items():
            total[bucket] = total.get(bucket, 0) + count
    return total


def percentile_s(counts: Counts, share: float) -> float | None:
    """Return the response time that so many requests do not exceed, in seconds; None of no requests.

    Args:
        counts: of the requests.
        share: of all requests, 0 to 1.
    """
    wanted = share * sum(counts.values())
    passed = 0
    for bucket in sorted(counts):
        passed += counts[bucket]
        if passed >= wanted:
            return middle_s(bucket)
    return None


def median_s(counts: Counts) -> float | None:
    """Return the median, in seconds; None of too few requests."""
    return percentile_s(counts, 0.5) if sum(counts.values()) >= MEDIAN_NEEDS else None


def p99_s(counts: Counts) -> float | None:
    """Return the 99th percentile, in seconds; None of too few requests."""
    return percentile_s(counts, 0.99) if sum(counts.values()) >= P99_NEEDS else None
