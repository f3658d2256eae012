"""Small recordings and summaries for tests, each value chosen by the test."""

import math
from collections.abc import Sequence

import numpy as np

from loadtests.analysis.trial_summary import Summary
from loadtests.records.samples import Failure, Recording, Samples, Slice


def samples(
    spans: Sequence[tuple[float, float]], failures: Sequence[Failure] | None = None, status: int = 200
) -> Samples:
    """Return samples sent and ended at the given seconds; ended NaN is cut off."""
    sent = np.array([span[0] for span in spans], dtype=float)
    ended = np.array([span[1] for span in spans], dtype=float)
    count = len(spans)
    return Samples(
        scheduled_s=sent,
        sent_s=sent,
        first_byte_s=ended,
        ended_s=ended,
        status=np.full(count, status, np.uint16),
        failure=np.array(failures if failures is not None else [Failure.NONE] * count, np.uint8),
        request=np.zeros(count, np.uint16),
    )


def recording(
    spans: Sequence[tuple[float, float]],
    *windows_s: tuple[float, float],
    failures: Sequence[Failure] | None = None,
    server_cpu_s: float | None = None,
    stalled: str | None = None,
    status: int = 200,
) -> Recording:
    """Return a trial with one slice a window, each drained when the next one opens."""
    opened = [window[0] for window in windows_s]
    slices = tuple(
        Slice(window[0], window[1], drained, server_cpu_s, 0.0, 0.0)
        for window, drained in zip(windows_s, [*opened[1:], math.inf], strict=False)
    )
    return Recording(samples(spans, failures, status), 0.0, slices, 7, 3, stalled)


def back_to_back(users: int, took_s: float, until_s: float) -> list[tuple[float, float]]:
    """Return the requests of users who each send the next one as soon as the last is answered."""
    starts = np.arange(0.0, until_s, took_s)
    return [(float(start), float(start + took_s)) for start in starts for _ in range(users)]


def summary(rps: float, latency_s: float = 0.01, cpu_s: float | None = 0.001, collapsed: str | None = None) -> Summary:
    """Return the summary of a trial in which every request took ``latency_s``."""
    return Summary(
        throughput_rps=0.0 if collapsed else rps,
        requests=1000,
        failures={},
        latencies_s=np.full(1000, math.inf if collapsed else latency_s),
        cpu_per_request_s=None if collapsed else cpu_s,
        rss_bytes=None if collapsed else 100_000_000,
        threads=None if collapsed else 7,
        driver_busy=0.2,
        collapsed=collapsed,
    )
