"""Small recordings and summaries for tests, each value chosen by the test."""

import math
from collections.abc import Sequence

import numpy as np

from loadtests.samples import Failure, Recording, Samples, ServerUse
from loadtests.summary import Summary, summarise


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
    window_s: tuple[float, float] | None = (0.0, 1.0),
    failures: Sequence[Failure] | None = None,
    server: ServerUse | None = None,
    stalled: str | None = None,
) -> Recording:
    return Recording(samples(spans, failures), 0.0, window_s, server, 0.0, stalled)


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


__all__ = ["back_to_back", "recording", "samples", "summarise", "summary"]
