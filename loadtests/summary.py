"""What the samples of one trial say (pure)."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from loadtests.samples import Failure, Recording

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


def throughput(ended_s: npt.NDArray[np.float64], window_s: tuple[float, float]) -> float:
    """Return answers per second, from the first answer after the window opens to the first after it closes.

    Both edges are answers, so that no part of the time between two answers is cut off: with one user and six
    answers, counting from edge to edge of the window would be off by up to a sixth, depending on where it lies.
    When a request was sent does not matter.

    Args:
        ended_s: when successful answers were complete, in seconds, ascending.
        window_s: start and end of the steady window.
    """
    first, after = np.searchsorted(ended_s, window_s)
    if first == after:
        return 0.0
    if after == len(ended_s):  # it stopped answering inside the window
        return float(after - first) / (window_s[1] - window_s[0])
    return float(after - first) / float(ended_s[after] - ended_s[first])


def summarise(recording: Recording) -> Summary:
    """Turn one trial's samples into its summary."""
    samples = recording.samples
    opened, closed = recording.window_s or (0.0, math.inf)
    succeeded = samples.failure == Failure.NONE
    never_ended = np.isnan(samples.ended_s)
    inside = never_ended | ((samples.ended_s >= opened) & (samples.ended_s < closed))
    latencies = np.where(succeeded, samples.ended_s - samples.sent_s, np.inf)[inside]
    rate = throughput(np.sort(samples.ended_s[succeeded]), recording.window_s) if recording.window_s else 0.0
    counts = np.bincount(samples.failure[inside], minlength=len(Failure))
    use = recording.server
    return Summary(
        throughput_rps=rate,
        requests=int(inside.sum()),
        failures={reason: int(counts[reason]) for reason in Failure if reason and counts[reason]},
        latencies_s=np.sort(latencies),
        cpu_per_request_s=use.cpu_s / (rate * (closed - opened)) if use is not None and rate else None,
        rss_bytes=use.rss_bytes if use else None,
        threads=use.threads if use else None,
        driver_busy=recording.driver_cpu_s / (closed - opened),
        collapsed=_collapse(recording.stalled, rate, counts),
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
