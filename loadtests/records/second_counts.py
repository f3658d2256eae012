"""Requests counted by the second: histograms of their times, with a known error, in which any number has room (pure).

A bucket reaches from one time to 1.01 times that, so that a percentile read from a histogram is off by at most half of
that, whatever its size. Counts of the same second and bucket add up: what is written in pieces is read as one.
"""

import math
from dataclasses import dataclass
from enum import IntEnum
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from loadtests.records.samples import Failure, Samples, Seconds

GROWTH = 1.01
"""The end of a bucket ÷ its beginning."""
RELATIVE_ERROR = 0.005
"""The most by which a time that is read from a bucket differs from the true one, as a share of it."""
SHORTEST_S = 1e-6
"""The end of the first bucket."""
BUCKETS = 2220
"""The last one but one ends beyond an hour; the last one is for what never got a good answer."""
NEVER = BUCKETS - 1
ROW = np.dtype([("second", "<u4"), ("kind", "u1"), ("bucket", "<u2"), ("count", "<u4")])
Buckets = npt.NDArray[np.uint16]


class Kind(IntEnum):
    """What a row counts, and so what its second and its bucket mean."""

    RESPONSE = 0
    """Requests due in that second, by response time from when they were due; NEVER if they failed."""
    LAG = 1
    """Requests due in that second, by the time from when they were due until they were sent."""
    OUTCOME = 2
    """Requests due in that second, by ``Failure``."""
    ANSWERED = 3
    """Good answers that came in that second; the bucket is 0."""


@dataclass(frozen=True)
class Counts:
    """How many requests there were, by second, kind and bucket.

    Attributes:
        rows: of ROW, in any order; several of the same second, kind and bucket add up.
    """

    rows: npt.NDArray[np.void]

    def __len__(self) -> int:
        return len(self.rows)


def buckets_of(times_s: Seconds) -> Buckets:
    """Return the bucket of each time; NaN is NEVER."""
    known = np.nan_to_num(times_s, nan=SHORTEST_S)
    found = np.ceil(np.log(np.maximum(known, SHORTEST_S) / SHORTEST_S) / np.log(GROWTH) - 1e-9)
    return np.where(np.isnan(times_s), NEVER, np.minimum(found, NEVER - 1)).astype(np.uint16)


def time_of(bucket: int) -> float:
    """Return the time that stands for a bucket, in seconds: its middle, as ratios go; infinite for NEVER."""
    return float("inf") if bucket == NEVER else SHORTEST_S * GROWTH ** (bucket - 0.5)


def count(samples: Samples) -> Counts:
    """Count samples whose times run from the beginning of a schedule."""
    good = samples.failure == Failure.NONE
    due = samples.scheduled_s
    parts = [
        (Kind.RESPONSE, due, buckets_of(np.where(good, samples.ended_s - due, np.nan))),
        (Kind.LAG, due, buckets_of(samples.sent_s - due)),
        (Kind.OUTCOME, due, samples.failure.astype(np.uint16)),
        (Kind.ANSWERED, samples.ended_s[good], np.zeros(int(good.sum()), np.uint16)),
    ]
    keys = np.concatenate(
        [
            (np.floor(np.maximum(at_s, 0.0)).astype(np.int64) << 24) | (int(kind) << 16) | bucket
            for kind, at_s, bucket in parts
        ]
    )
    distinct, counts = np.unique(keys, return_counts=True)
    rows = np.empty(len(distinct), ROW)
    rows["second"], rows["kind"], rows["bucket"] = distinct >> 24, (distinct >> 16) & 0xFF, distinct & 0xFFFF
    rows["count"] = counts
    return Counts(rows)


def percentile_of(histogram: npt.NDArray[np.integer], wanted: float, least: int) -> float | None:
    """Return the nearest-rank percentile of a histogram over all buckets, in seconds; None if it holds too few.

    Args:
        histogram: how many requests each bucket holds.
        wanted: the percentile, 99.0 for p99.
        least: how many requests it takes.
    """
    total = int(histogram.sum())
    if total < max(1, least):
        return None
    return time_of(int(np.searchsorted(np.cumsum(histogram), nearest_rank(wanted, total))))


def nearest_rank(percentile: float, count: int) -> int:
    """Return which of ``count`` ascending values is a percentile, from 1: the first that so many do not exceed.

    Computed without floats, in which 99.9 % of 4,000 are a little more than 3,996.
    """
    return math.ceil(Fraction(str(percentile)) * count / 100)
