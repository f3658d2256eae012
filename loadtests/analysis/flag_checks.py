"""Checks that raise flags: a driver-bound client, overload, no steady state, a noisy machine, a memory leak (pure).

A result criticises itself before a reader has to. The client is doubted for what it shows itself: its CPU time, its
dispatch lag, its share of a request, how near it is to its ceiling, and users whom it keeps waiting. A load has not
settled where throughput or queue drift between two halves, or Little's law does not hold: of that the client is one
cause among others.
"""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np

from loadtests.analysis.answer_sizes import differences, in_words, pooled
from loadtests.analysis.client_share import CLIENT_LIMIT, ClientShare, biased
from loadtests.analysis.comparison import estimate
from loadtests.analysis.condition_checks import core_flags
from loadtests.analysis.failed_requests import added_up, counted_in_words
from loadtests.analysis.flags import FAILURES_LIMIT, Conditions, Flag
from loadtests.analysis.flow import together
from loadtests.analysis.trial_summary import Summary, percentile
from loadtests.experiment.loads import ClosedLoop, Load
from loadtests.experiment.sides import LABELS, SideLabel
from loadtests.records.samples import WORK_LEFT, Failure

DRIVER_BUSY_LIMIT = 0.8
CEILING_SHARE = 0.8
"""Share of the driver's ceiling from which on a rate may be the driver's."""
LAG_SHARE = 0.1
"""Share of the response time, at the median and at the 99th percentile, that may be the client's own delay."""
SPREAD_LIMIT = 0.10
SPREAD_BLOCKS = 4
STEAL_LIMIT = 0.02
FOREIGN_LIMIT = 0.05
ON_TIME_LEAST = 0.99
LITTLES_LAW_LIMIT = 0.03
DRIFT_LIMIT = 0.05
DRIFT_P = 0.01
"""By chance one side in a hundred is said to drift. Where the ratio of the halves varies by 10 % from block to block, a
drift of 20 % is seen in two of three runs of 6 blocks, and one of 10 % in one of five."""
LEAST_BLOCKS = 4
GROWTH_LEAST = 1.2
READINGS_LEAST = 4
"""With fewer in a block, a server that grows can't be told from one that is still warming up."""


def flags_of(
    load: Load, pairs: Sequence[tuple[Summary, Summary]], conditions: Conditions, *, thinking: bool = False
) -> list[Flag]:
    """Return the flags that a cell earns by how it was measured, whatever the metric.

    Args:
        load: of the cell.
        pairs: its blocks.
        conditions: of the run.
        thinking: whether users pause by design, so that not all of them wait for the server all the time.
    """
    found: list[Flag] = []
    for label, column in zip(LABELS, zip(*pairs, strict=True), strict=False):
        if any(s.collapsed for s in column):
            found.append(Flag("collapsed", label))
        requests = sum(s.requests for s in column)
        failed = sum(sum(s.failures.values()) for s in column)
        if requests and failed / requests > FAILURES_LIMIT:
            what = counted_in_words(added_up([s.failed for s in column]))
            found.append(
                Flag("failures", label, f"{failed / requests:.1%} of {requests:,}" + (f": {what}" if what else ""))
            )
        if label in conditions.leaks:
            found.append(Flag("leaking-memory", label, conditions.leaks[label]))
        good = [s for s in column if s.collapsed is None]
        if good:
            queueing = overloaded(load, good, label)
            bound = [*busy_client(load, good, label, conditions)]
            bound += [] if thinking else held_back(load, good, conditions.overhead_s or 0.0)
            left = [s.work_left for s in good if s.work_left is not None]
            if left and float(np.median(left)) > WORK_LEFT:
                busy = f"{float(np.median(left)):.0%} of a core just after the last answer"
                found.append(Flag("work-left", label, busy))
            found += [Flag("driver-bound", label, "; ".join(bound))] if bound else []
            found += queueing or unsteady(load, good, label, thinking=thinking)
    found += [] if thinking else unlike(pairs)
    return [*found, *biased(load, pairs, conditions), *noise(load, pairs, conditions), *core_flags(conditions)]


def unlike(pairs: Sequence[tuple[Summary, Summary]]) -> list[Flag]:
    """Return a flag if the sides' good answers differ in size; users who choose what they ask are no case for it."""
    sizes = [pooled(s.answer_sizes for s in column) for column in zip(*pairs, strict=True)]
    found = differences(*sizes) if sizes else []
    return [Flag("answers-differ", None, in_words(found, "a", "b"))] if found else []


def busy_client(load: Load, good: Sequence[Summary], label: SideLabel, conditions: Conditions) -> Iterator[str]:
    """Yield what the client itself shows of having been the limit."""
    closed = isinstance(load, ClosedLoop)
    rate = float(np.mean([s.throughput_rps if closed else s.offered_rps for s in good]))
    if conditions.ceiling_rps and rate > CEILING_SHARE * conditions.ceiling_rps:
        yield f"{rate:,.0f} requests/s, and the driver can send at most {conditions.ceiling_rps:,.0f}"
    if (share := ClientShare.of(load, good, label, conditions)) and share.of_request > CLIENT_LIMIT:
        yield f"{share.of_request:.0%} of the time that a request takes is the client's own"
    peak = max(s.driver_peak for s in good)
    if (
        closed and peak > DRIVER_BUSY_LIMIT
    ):  # in an open loop it asks the clock until a request is due, and the lag tells
        yield f"in its busiest second the driver's core was {peak:.0%} busy"
    on_time = float(np.mean([s.on_time for s in good]))
    if on_time < ON_TIME_LEAST:
        yield f"only {on_time:.1%} of the requests were sent within their window"
    lags, latencies = (np.sort(np.concatenate([getattr(s, n) for s in good])) for n in ("lags_s", "latencies_s"))
    for wanted in (99.0, 50.0):
        lag, latency = percentile(lags, wanted), percentile(latencies, wanted)
        if lag and latency and math.isfinite(latency) and lag > LAG_SHARE * latency:
            yield (
                f"p{wanted:g} of the dispatch lag was {lag * 1000:.1f} ms, p{wanted:g} of the response time"
                f" {latency * 1000:.1f} ms"
            )
            break


def held_back(load: Load, good: Sequence[Summary], overhead_s: float) -> Iterator[str]:
    """Yield how many of a closed loop's users the client keeps from asking, if too many.

    What the client is known to add to a request is no news, and leaves so many users waiting for it.
    """
    whole = together([s.flow for s in good])
    known = overhead_s * whole.answers / whole.windows_s if whole.windows_s else 0.0
    if (
        isinstance(load, ClosedLoop)
        and whole.windows_s
        and whole.in_flight < (1 - LITTLES_LAW_LIMIT) * load.users - known
    ):
        yield (f"of {load}, on average {whole.in_flight:.1f} were waiting for the server, and the rest for the client")


def noise(load: Load, pairs: Sequence[tuple[Summary, Summary]], conditions: Conditions) -> list[Flag]:
    """Return a flag if others took CPU time, or the ratio jumps from block to block."""
    reasons = []
    if conditions.steal is not None and conditions.steal > STEAL_LIMIT:
        reasons.append(f"the hypervisor took up to {conditions.steal:.0%} of the cores' time in a block")
    if conditions.foreign is not None and conditions.foreign > FOREIGN_LIMIT:
        reasons.append(f"other programs took up to {conditions.foreign:.0%} of the cores' time in a block")
    ratios = [b.throughput_rps / a.throughput_rps for a, b in pairs if a.throughput_rps and b.throughput_rps]
    if isinstance(load, ClosedLoop) and len(ratios) >= SPREAD_BLOCKS:
        spread = float(np.std(np.log(ratios), ddof=1))
        if spread > SPREAD_LIMIT:
            reasons.append(f"the ratio of throughputs varies by ± {spread:.0%} from block to block")
    return [Flag("noisy-machine", None, "; ".join(reasons))] if reasons else []


def deviation(good: Sequence[Summary]) -> str | None:
    """Say how far Little's law is off; None if it holds.

    It breaks where a server lets some requests starve, where a queue still builds up, and in windows as short as a
    response time also by chance. However sure that is, it accuses nobody: evidence against the client is its own.
    """
    law = together([s.flow for s in good]).littles_law
    if law is None or abs(law - 1) <= LITTLES_LAW_LIMIT:
        return None
    return f"throughput × mean response time is {law - 1:+.0%} off the mean number in flight (Little's law)"


def overloaded(load: Load, good: Sequence[Summary], label: SideLabel) -> list[Flag]:
    """Return a flag if a side answers less than what arrives, and its queue grows.

    Each slice of an open loop begins with an idle server, so the queue is looked for in each window: what is in flight
    in its later half, summed over all windows, beside the same of its earlier half.
    """
    if isinstance(load, ClosedLoop):
        return []
    whole, offered = together([s.flow for s in good]), float(np.mean([s.offered_rps for s in good]))
    answered = whole.answers / whole.windows_s if whole.windows_s else 0.0  # well or not: a failure is no queue
    grew = together([s.later for s in good]).in_flight / max(together([s.earlier for s in good]).in_flight, 1e-9)
    cut = any(s.failures.get(Failure.CUT_OFF) for s in good)
    if answered < ON_TIME_LEAST * offered and (cut or grew > 1 + 4 * DRIFT_LIMIT):
        return [Flag("overloaded", label, f"{offered:,.0f} arrivals a second, {answered:,.0f} answers")]
    return []


def unsteady(load: Load, good: Sequence[Summary], label: SideLabel, *, thinking: bool) -> list[Flag]:
    """Return a flag if the later half of the trials differs from the earlier one, or the flow does not add up."""
    reasons = list(_drift(load, good))
    law = None if thinking else deviation(good)
    if law:
        reasons.append(law)
    return [Flag("not-steady", label, "; ".join(reasons))] if reasons else []


def _drift(load: Load, good: Sequence[Summary]) -> Iterator[str]:
    """Compare the later half of each trial's windows with the earlier one: throughput, or what is in flight."""
    changes = []
    for s in good:
        a, b = s.earlier, s.later
        if isinstance(load, ClosedLoop):
            before, after = (f.answers / f.windows_s if f.windows_s else 0.0 for f in (a, b))
        else:
            before, after = a.in_flight, b.in_flight
        if before > 0 and after > 0:
            changes.append(after / before)
    if len(changes) < LEAST_BLOCKS:
        return
    change = estimate(changes)
    if abs(math.log(change.value)) > DRIFT_LIMIT and change.p is not None and change.p < DRIFT_P:
        what = "throughput" if isinstance(load, ClosedLoop) else "the number of requests in flight"
        yield f"{what} changed by {change.value - 1:+.0%} within a trial"


def leak(blocks: Mapping[int, Iterable[Summary]]) -> str | None:
    """Return how a side leaks memory, or None if it doesn't.

    It leaks if the later half of every block made it a fifth larger. A server that warms up grows in the earlier
    half; one that a single cell makes large was not asked by that cell in the later half of every block.

    Args:
        blocks: the side's trials, by block.
    """
    grown = [
        halves for trials in blocks.values() if (halves := _growth_in_later_half(_memory_readings(trials))) is not None
    ]
    if not grown or min(after / before for before, after in grown) < GROWTH_LEAST:
        return None
    before, after = max(grown, key=lambda halves: halves[1] / halves[0])
    return f"its memory grew from {before / 1e6:,.0f} to {after / 1e6:,.0f} MB in the later half of a block"


def _memory_readings(trials: Iterable[Summary]) -> list[int]:
    return [size for _, size in sorted(reading for trial in trials for reading in trial.sizes)]


def _growth_in_later_half(readings: Sequence[int]) -> tuple[int, int] | None:
    if len(readings) < READINGS_LEAST:
        return None
    middle = readings[len(readings) // 2 - 1]
    return (middle, readings[-1]) if middle > 0 else None
