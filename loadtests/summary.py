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
        throughput_rps: successful answers per second, over the windows of all slices.
        requests: requests that were sent inside a window, or were cut off.
        failures: how many of them failed, by reason.
        latencies_s: response times of those requests in seconds, ascending; a failed one is infinite.
        cpu_per_request_s: the server's CPU time per successful answer, in seconds; None if unknown.
        rss_bytes: the server's resident memory; None if unknown.
        threads: the server's threads; None if unknown.
        driver_busy: share of the windows in which the driver was on the CPU, 0 to 1.
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


def credit(samples: Samples, opened_s: float, closed_s: float) -> npt.NDArray[np.float64]:
    """Return for each request the share of its response time that lies inside a window, from 0 to 1.

    Summed over a window and divided by its length this is the throughput. Counting whole answers tends to the same
    value, for over all time a request's shares add up to one; but where answers come in waves, as they do from users
    who wait alike or threads that share a core, a count in a short window is off by up to a wave. The shares are not:
    while every request takes R seconds, N users are counted as N ÷ R, wherever the window lies.
    """
    took = np.maximum(samples.ended_s - samples.sent_s, 1e-9)
    inside = np.minimum(samples.ended_s, closed_s) - np.maximum(samples.sent_s, opened_s)
    return np.nan_to_num(np.clip(inside / took, 0.0, 1.0), nan=0.0)


def summarise(recording: Recording) -> Summary:
    """Turn one trial's samples into its summary."""
    samples, slices = recording.samples, recording.slices
    succeeded = samples.failure == Failure.NONE
    windows_s = sum(turn.closed_s - turn.opened_s for turn in slices)
    answers = float(sum(credit(samples, turn.opened_s, turn.closed_s)[succeeded].sum() for turn in slices))
    rate = answers / windows_s if answers else 0.0
    inside = np.isnan(samples.ended_s)
    for turn in slices:  # by when it was sent: a slow request of the window ends long after it
        inside |= (samples.sent_s >= turn.opened_s) & (samples.sent_s < turn.closed_s)
    latencies = np.where(succeeded, samples.ended_s - samples.sent_s, np.inf)[inside]
    failures = np.bincount(samples.failure[inside], minlength=len(Failure))
    cpu = [turn.server_cpu_s for turn in slices if turn.server_cpu_s is not None]
    return Summary(
        throughput_rps=rate,
        requests=int(inside.sum()),
        failures={reason: int(failures[reason]) for reason in Failure if reason and failures[reason]},
        latencies_s=np.sort(latencies),
        cpu_per_request_s=sum(cpu) / answers if cpu and answers else None,
        rss_bytes=recording.rss_bytes,
        threads=recording.threads,
        driver_busy=sum(turn.driver_cpu_s for turn in slices) / windows_s if windows_s else 0.0,
        collapsed=_collapse(recording.stalled, rate, failures),
    )


def _collapse(stalled: str | None, rate: float, counts: Sequence[int] | npt.NDArray[np.int64]) -> str | None:
    if stalled is not None:
        return stalled
    if rate > 0:
        return None
    reasons = [
        f"{counts[reason]} {reason.name.lower().replace('_', ' ')}" for reason in Failure if reason and counts[reason]
    ]
    return "not one good answer" + (f" ({', '.join(reasons)})" if reasons else "")


def pooled(summaries: Sequence[Summary]) -> dict[float, float | None]:
    """Return the percentiles of all trials' response times together, in seconds, for the charts."""
    together = np.sort(np.concatenate([s.latencies_s for s in summaries])) if summaries else np.array([])
    return {wanted: percentile(together, wanted) for wanted in PERCENTILES}
