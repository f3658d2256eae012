"""Summary of one trial: throughput, percentiles of the response time, failures, CPU time per request (pure).

A percentile is given only where the samples support it. Response times run from the instant a request was due, so
that there is no coordinated omission.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from loadtests.analysis.answer_sizes import sizes_of
from loadtests.analysis.failed_requests import counted_in_words, failed_of, statuses_of
from loadtests.analysis.flow import Flow, Windows, credit, flow, halves, halves_of_each, inside
from loadtests.records.samples import Failure, Recording, Samples, Timeline
from loadtests.records.second_counts import nearest_rank
from loadtests.records.summary import AnswerSize, FailedRequests

Column = npt.NDArray[np.float32]
UNLIKELY = 0.025
"""Half of what a 95 % interval leaves out."""
NOT_ONE = "not one good answer"
PERCENTILES = (50.0, 90.0, 95.0, 99.0, 99.9)


@dataclass(frozen=True)
class Summary:
    """One trial in a few numbers.

    Attributes:
        throughput_rps: successful answers per second, over the windows of all slices.
        requests: requests that were due inside a window; those that were cut off if no window was completed.
        failures: how many of them failed, by reason.
        statuses: how many of them had another status than they should, by status.
        failed: the same in full, with examples.
        answer_sizes: how large good answers were, by request, lead-ins included.
        answers: answers of whatever status, lead-ins included.
        latencies_s: response times of those requests in seconds, from when they were due, ascending; a failed one is
            infinite.
        service_s: the same from when they were sent.
        lags_s: from when they were due until they were sent, ascending; all 0 in a closed loop.
        offered_rps: requests per second that were due inside the windows.
        on_time: share of those that were also sent before their window closed, 0 to 1.
        cpu_per_request_s: the server's CPU time per successful answer, in seconds; None if unknown.
        rss_bytes: the server's resident memory; None if unknown.
        threads: the server's threads; None if unknown.
        driver_busy: share of the windows in which the driver was on the CPU, 0 to 1.
        driver_peak: the same in the busiest second, or in all windows together if they are shorter than that.
        flow: what went through the windows.
        earlier: the same of the earlier half of their time; of arrivals, which find an empty server in every slice, of
            the earlier half of each window.
        later: the same of the rest.
        sizes: the server's resident memory in bytes at the end of each window, with the instant in seconds.
        collapsed: a sentence if the side could not be measured at all, else None.
        timeline: what was seen inside the server in the windows; None if nobody looked.
        rates_rps: throughput_rps of each slice.
        work_left: how many cores the server kept busy after its last answer, beyond what it does without load; None if
            that is not known.
    """

    throughput_rps: float
    requests: int
    failures: dict[Failure, int]
    latencies_s: Column
    cpu_per_request_s: float | None
    rss_bytes: int | None
    threads: int | None
    driver_busy: float
    collapsed: str | None
    driver_peak: float = 0.0
    offered_rps: float = 0.0
    on_time: float = 1.0
    service_s: Column = field(default_factory=lambda: np.empty(0, np.float32))
    lags_s: Column = field(default_factory=lambda: np.empty(0, np.float32))
    flow: Flow = field(default_factory=Flow)
    earlier: Flow = field(default_factory=Flow)
    later: Flow = field(default_factory=Flow)
    sizes: tuple[tuple[float, int], ...] = ()
    timeline: Timeline | None = None
    rates_rps: tuple[float, ...] = ()
    work_left: float | None = None
    statuses: dict[int, int] = field(default_factory=dict)
    failed: tuple[FailedRequests, ...] = ()
    answer_sizes: tuple[AnswerSize, ...] = ()
    answers: int = 0


def summarise(recording: Recording, *, arrivals: bool = False) -> Summary:
    """Turn one trial's samples into its summary.

    Args:
        recording: the trial.
        arrivals: whether requests arrived by a schedule (an open loop). Its answers are then counted whole, in the
            window in which they came: a server that falls behind has no steady state in which shares would be right.
    """
    samples, slices = recording.samples, recording.slices
    succeeded = samples.failure == Failure.NONE
    windows = [(turn.opened_s, turn.closed_s) for turn in slices]
    windows_s = sum(closed - opened for opened, closed in windows)
    answered = inside(samples.ended_s, windows) if arrivals else credit(samples, windows)
    answers = float(answered[succeeded].sum())
    rate = answers / windows_s if answers else 0.0
    # Due in a window, not ended in one: a slow request of the window ends long after it.
    due = inside(samples.scheduled_s, windows)
    on_time = _sent_in_time(samples, windows)[due]
    counted = due if windows else np.isnan(samples.ended_s)
    failures = np.bincount(samples.failure[counted], minlength=len(Failure))
    failed = tuple(failed_of(recording, counted))
    cpu = [turn.server_cpu_s for turn in slices if turn.server_cpu_s is not None]
    busy = sum(turn.driver_cpu_s for turn in slices) / windows_s if windows_s else 0.0
    seconds = [turn.driver_peak for turn in slices if turn.closed_s - turn.opened_s >= 1.0]
    earlier, later = halves_of_each(slices) if arrivals else halves(slices)
    return Summary(
        throughput_rps=rate,
        requests=int(np.count_nonzero(counted)),
        failures={reason: int(failures[reason]) for reason in Failure if reason and failures[reason]},
        latencies_s=_ascending(np.where(succeeded, samples.ended_s - samples.scheduled_s, np.inf)[counted]),
        service_s=_ascending(np.where(succeeded, samples.ended_s - samples.sent_s, np.inf)[counted]),
        lags_s=_ascending((samples.sent_s - samples.scheduled_s)[counted]),
        offered_rps=float(due.sum()) / windows_s if windows_s else 0.0,
        on_time=float(on_time.mean()) if len(on_time) else 1.0,
        cpu_per_request_s=sum(cpu) / answers if cpu and answers else None,
        rss_bytes=recording.rss_bytes,
        threads=recording.threads,
        driver_busy=busy,
        driver_peak=max([busy, *seconds]),
        flow=flow(samples, windows),
        earlier=flow(samples, earlier),
        later=flow(samples, later),
        sizes=tuple(
            (recording.started_s + turn.closed_s, turn.rss_bytes) for turn in slices if turn.rss_bytes is not None
        ),
        collapsed=_collapse(recording.stalled, rate, failed),
        timeline=recording.timeline.inside(windows) if recording.timeline is not None else None,
        rates_rps=slice_rates(recording, arrivals=arrivals),
        work_left=None if recording.busy_after is None else recording.busy_after - (recording.busy_before or 0.0),
        statuses=statuses_of(recording, counted),
        failed=failed,
        answer_sizes=tuple(sizes_of(recording)),
        answers=int(np.count_nonzero(samples.status)),
    )


def slice_rates(recording: Recording, *, arrivals: bool = False) -> tuple[float, ...]:
    """Return the throughput of each slice, in successful answers per second; none of a trial that stalled."""
    if recording.stalled is not None:
        return ()
    windows = [(turn.opened_s, turn.closed_s) for turn in recording.slices]
    return tuple(_rates(recording.samples, windows, arrivals=arrivals))


def _rates(samples: Samples, windows: Windows, *, arrivals: bool) -> Iterator[float]:
    succeeded = samples.failure == Failure.NONE
    took = samples.ended_s - samples.sent_s
    longest_s = float(np.nanmax(took)) if np.isfinite(took).any() else 0.0
    for opened, closed in windows:
        # Requests are in the order in which they ended: those that were in flight in a window are together.
        first, last = np.searchsorted(samples.ended_s, (opened, closed + longest_s))
        ended, sent = samples.ended_s[first:last], samples.sent_s[first:last]
        if arrivals:
            shares = (ended < closed).astype(float)
        else:
            shares = np.clip(np.minimum(ended, closed) - np.maximum(sent, opened), 0.0, None)
            shares /= np.maximum(ended - sent, 1e-9)
        yield float(shares[succeeded[first:last]].sum()) / (closed - opened) if closed > opened else 0.0


def _sent_in_time(samples: Samples, windows: Windows) -> npt.NDArray[np.bool_]:
    """Return for each request that was due in a window whether it was sent before the window closed."""
    closes = np.array([closed for _, closed in windows] or [np.inf])
    due_in = np.searchsorted(closes, samples.scheduled_s, side="right")
    return samples.sent_s < closes[np.minimum(due_in, len(closes) - 1)]


def _ascending(values: npt.NDArray[np.float64]) -> Column:
    return np.sort(values.astype(np.float32))


def _collapse(stalled: str | None, rate: float, failed: Sequence[FailedRequests]) -> str | None:
    if stalled is not None:
        return stalled
    if rate > 0:
        return None
    return NOT_ONE + (f" ({counted_in_words(failed)})" if failed else "")


def samples_needed(percentile: float) -> int:
    """Return how many requests a percentile needs before it is printed: p99 needs 368, p99.9 needs 3,688.

    With fewer, the largest of them is more likely than 2.5 % to lie below the percentile, so that no 95 %
    interval for it has an upper end. That takes requests to be independent, which those that one pause delays are not:
    see ``unseen_s`` for what no number of requests makes up for.
    """
    return math.ceil(math.log(UNLIKELY) / math.log(percentile / 100))


def unseen_s(windows_s: float) -> float:
    """Return how rare something must be, once in so many seconds, to be missed by windows with a chance above 2.5 %.

    A pause of the server delays all requests in flight at once, and windows in which it did not come know nothing of
    it, however many requests they hold. At random times, once in T seconds, it misses windows with exp(-windows ÷ T).

    Args:
        windows_s: how long all windows are together, in seconds.
    """
    return windows_s / -math.log(UNLIKELY)


def percentile(ascending: npt.NDArray[np.floating], wanted: float) -> float | None:
    """Return the nearest-rank percentile in the unit of its input, or None if there are too few values.

    It is infinite where the percentile falls among requests that never got their answer.
    """
    count = len(ascending)
    if count < samples_needed(wanted):
        return None
    return float(ascending[nearest_rank(wanted, count) - 1])


def percentiles(values: npt.NDArray[np.floating]) -> dict[float, float | None]:
    """Return all of PERCENTILES of values in any order, in their unit."""
    ascending = np.sort(values)
    return {wanted: percentile(ascending, wanted) for wanted in PERCENTILES}
