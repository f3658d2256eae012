"""What the samples of one trial say (pure)."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from loadtests.samples import Failure, Recording, Samples

PERCENTILES = (50.0, 90.0, 95.0, 99.0, 99.9)


@dataclass(frozen=True)
class Summary:
    """One trial in a few numbers.

    Attributes:
        throughput_rps: successful answers per second of the window.
        requests: requests that ended inside the window, or were cut off.
        failures: how many of them failed, by reason.
        latencies_s: response times of those requests in seconds, ascending; a failed one is infinite.
        cpu_per_request_s: the server's CPU time per successful answer, in seconds; None if unknown.
        rss_bytes: the server's resident memory; None if unknown.
        threads: the server's threads; None if unknown.
        driver_busy: share of the window in which the driver was on the CPU, 0 to 1.
        collapsed: a sentence if the side could not be measured at all, else None.
    """

    throughput_rps: float
    requests: int
    failures: dict[Failure, int]
    latencies_s: npt.NDArray[np.float64]
    cpu_per_request_s: float | None
    rss_bytes: int | None
    threads: int | None
    driver_busy: float
    collapsed: str | None


def samples_needed(percentile: float) -> int:
    """Return how many requests a percentile needs before it is printed: p99 needs 368, p99.9 needs 3,688.

    With fewer, the largest of them is more likely than 2.5 % to lie below the percentile, so that no 95 %
    interval for it has an upper end.
    """
    return math.ceil(math.log(0.025) / math.log(percentile / 100))


def percentile(ascending: npt.NDArray[np.float64], wanted: float) -> float | None:
    """Return the nearest-rank percentile in the unit of its input, or None if there are too few values.

    It is infinite where the percentile falls among requests that never got their answer.
    """
    count = len(ascending)
    if count < samples_needed(wanted):
        return None
    return float(ascending[math.ceil(wanted / 100 * count) - 1])


def credit(samples: Samples, window_s: tuple[float, float]) -> npt.NDArray[np.float64]:
    """Return for each request the part of its response time that lies inside the window, from 0 to 1.

    Their sum over the window's length is the throughput. Counting whole answers instead would be off by up to
    one at the edges for every user, more than 10 % where a request takes a tenth of the window; each request's
    credits over all time add up to one either way, so both tend to the same value.
    """
    opened, closed = window_s
    took = np.maximum(samples.ended_s - samples.sent_s, 1e-9)
    inside = np.minimum(samples.ended_s, closed) - np.maximum(samples.sent_s, opened)
    return np.nan_to_num(np.clip(inside / took, 0.0, 1.0), nan=0.0)


def summarise(recording: Recording) -> Summary:
    """Turn one trial's samples into its summary."""
    samples = recording.samples
    opened, closed = recording.window_s or (0.0, math.inf)
    succeeded = samples.failure == Failure.NONE
    never_ended = np.isnan(samples.ended_s)
    inside = never_ended | ((samples.ended_s >= opened) & (samples.ended_s < closed))
    latencies = np.where(succeeded, samples.ended_s - samples.sent_s, np.inf)[inside]
    answers, throughput = 0.0, 0.0
    if recording.window_s is not None:
        answers = float(credit(samples, recording.window_s)[succeeded].sum())
        throughput = answers / (closed - opened)
    counts = np.bincount(samples.failure[inside], minlength=len(Failure))
    use = recording.server
    return Summary(
        throughput_rps=throughput,
        requests=int(inside.sum()),
        failures={reason: int(counts[reason]) for reason in Failure if reason and counts[reason]},
        latencies_s=np.sort(latencies),
        cpu_per_request_s=use.cpu_s / answers if use is not None and answers else None,
        rss_bytes=use.rss_bytes if use else None,
        threads=use.threads if use else None,
        driver_busy=recording.driver_cpu_s / (closed - opened),
        collapsed=_collapse(recording.stalled, throughput, counts),
    )


def _collapse(stalled: str | None, throughput: float, counts: Sequence[int] | npt.NDArray[np.int64]) -> str | None:
    if stalled is not None:
        return stalled
    if throughput > 0:
        return None
    reasons = [
        f"{counts[reason]} {reason.name.lower().replace('_', ' ')}" for reason in Failure if reason and counts[reason]
    ]
    return "not one good answer" + (f" ({', '.join(reasons)})" if reasons else "")


def pooled(summaries: Sequence[Summary]) -> dict[float, float | None]:
    """Return the percentiles of all trials' response times together, in seconds, for the charts."""
    together = np.sort(np.concatenate([s.latencies_s for s in summaries])) if summaries else np.array([])
    return {wanted: percentile(together, wanted) for wanted in PERCENTILES}
