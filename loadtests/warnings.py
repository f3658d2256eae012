"""Results that criticise themselves (pure)."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from loadtests.comparison import estimate
from loadtests.flow import together
from loadtests.loads import ClosedLoop, Load
from loadtests.outcome import SideLabel
from loadtests.percentiles import percentile
from loadtests.summary import Summary

LABELS: tuple[SideLabel, SideLabel] = ("a", "b")

FAILURES_LIMIT = 0.01
DRIVER_BUSY_LIMIT = 0.8
CEILING_SHARE = 0.8
"""Share of the driver's ceiling from which on a rate may be the driver's."""
ON_TIME_LEAST = 0.99
LAG_SHARE = 0.1
"""Share of the response time, at the median and at the 99th percentile, that may be the client's own delay."""
LITTLES_LAW_LIMIT = 0.03
DRIFT_LIMIT = 0.05
DRIFT_P = 0.001
SPREAD_LIMIT = 0.10
SPREAD_BLOCKS = 4
STEAL_LIMIT = 0.02
FOREIGN_LIMIT = 0.05

MEANING = {
    "collapsed": "the side could not be measured in at least one block: it died, hung or gave no good answer",
    "failures": "more than 1 % of the side's requests failed; they count as slower than everything",
    "driver-bound": "the load driver may have been the limit, not the server, so there is no verdict; use fewer users "
    "or a lower rate, a slower scenario, or drivers on more cores",
    "overloaded": "the server could not keep up with the arrivals, so its response times grow for as long as one "
    "measures; use a lower --rate to see them in a steady state",
    "not-steady": "the load had not settled, or the machine stopped and started while it was measured; use a longer "
    "--time and --slice",
    "noisy-machine": "the ratio changes from block to block more than a quiet machine would let it, or something else "
    "took CPU time; close other programs, or use more --blocks and a longer --time",
    "leaking-memory": "the later half of every block made the server a fifth larger or more: it keeps what it should "
    "let go; the later cells of a block met another server than the earlier ones, and in the end memory runs out",
    "small": "the difference is sure, but smaller than 10 %: less than that is no reason to rewrite an app",
    "many-comparisons": "the interval excludes 1, but among so many comparisons that can happen by chance; "
    "run this one alone, with more blocks",
    "sign-flip": "the interval excludes 1, but the exact sign-flip test does not confirm it; use more blocks",
    "too-few-blocks": "a verdict needs at least 6 blocks",
    "too-few-samples": "some blocks hold too few requests for this percentile, so that its ratio can't be paired; "
    "use a longer --time",
}
"""What each flag says and what to do, without the ``:a`` or ``:b`` that tells whom it concerns."""

NO_VERDICT = frozenset({"driver-bound"})
"""Flags that take a cell out of the headlines: what was measured may be the client."""


@dataclass(frozen=True)
class Flag:
    """A reason to doubt one cell.

    Attributes:
        name: a key of MEANING.
        label: the side it concerns; None if it is both.
        reason: what was seen, with its figure; may be empty.
    """

    name: str
    label: SideLabel | None = None
    reason: str = ""

    def __str__(self) -> str:
        return f"{self.name}:{self.label}" if self.label else self.name


@dataclass(frozen=True)
class Conditions:
    """What is known of a run beside its samples.

    Attributes:
        ceiling_rps: what the driver reaches against a server that does nothing, in requests/s; None if unknown.
        steal: the largest share of the cores' time that the hypervisor took in a block; None if unknown.
        foreign: the largest share of the cores' time that other programs took in a block; None if unknown.
        leaks: how a side's memory grew, where it did.
    """

    ceiling_rps: float | None = None
    steal: float | None = None
    foreign: float | None = None
    leaks: Mapping[SideLabel, str] = field(default_factory=dict)


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
            found.append(Flag("failures", label, f"{failed / requests:.1%} of {requests:,}"))
        if label in conditions.leaks:
            found.append(Flag("leaking-memory", label, conditions.leaks[label]))
        good = [s for s in column if s.collapsed is None]
        if good:
            overloaded = _overloaded(load, good, label)
            balanced = overloaded or thinking
            bound = [*_driver_bound(load, good, conditions), *([] if balanced else _unbalanced(load, good))]
            found += [Flag("driver-bound", label, "; ".join(bound))] if bound else []
            found += overloaded or _unsteady(load, good, label, thinking=thinking)
    return found + _noise(load, pairs, conditions)


def _driver_bound(load: Load, good: Sequence[Summary], conditions: Conditions) -> Iterator[str]:
    """Yield what speaks for the client being the limit."""
    closed = isinstance(load, ClosedLoop)
    rate = float(np.mean([s.throughput_rps if closed else s.offered_rps for s in good]))
    if conditions.ceiling_rps and rate > CEILING_SHARE * conditions.ceiling_rps:
        yield f"{rate:,.0f} requests/s, of {conditions.ceiling_rps:,.0f} that the driver can send at all"
    peak = max(s.driver_peak for s in good)
    if peak > DRIVER_BUSY_LIMIT:
        yield f"the driver's core was busy {peak:.0%} in some second"
    on_time = float(np.mean([s.on_time for s in good]))
    if on_time < ON_TIME_LEAST:
        yield f"only {on_time:.1%} of the requests were sent while their window was open"
    lags, latencies = (np.sort(np.concatenate([getattr(s, n) for s in good])) for n in ("lags_s", "latencies_s"))
    for wanted in (99.0, 50.0):
        lag, latency = percentile(lags, wanted), percentile(latencies, wanted)
        if lag and latency and math.isfinite(latency) and lag > LAG_SHARE * latency:
            yield f"p{wanted:g} of the dispatch lag was {lag * 1000:.1f} ms, of the response {latency * 1000:.1f} ms"
            break


@dataclass(frozen=True)
class _Law:
    """How far Little's law is off, where that is too far.

    Attributes:
        sure: whether that is beyond chance; in windows as short as a response time, chance can do a lot.
        reason: in words.
    """

    sure: bool
    reason: str


def _law(good: Sequence[Summary]) -> _Law | None:
    law = together([s.flow for s in good]).littles_law
    if law is None or abs(law - 1) <= LITTLES_LAW_LIMIT:
        return None
    blocks = [value for s in good if (value := s.flow.littles_law)]
    p = estimate(blocks).p if len(blocks) >= SPREAD_BLOCKS else None
    reason = f"throughput × mean response time is {law - 1:+.0%} off the mean number in flight (Little's law)"
    return _Law(p is not None and p < DRIFT_P, reason)


def _unbalanced(load: Load, good: Sequence[Summary]) -> Iterator[str]:
    """Yield where the flow of requests does not add up, as it would in a steady state without a client in the way."""
    whole = together([s.flow for s in good])
    if (law := _law(good)) and law.sure:
        yield law.reason
    if isinstance(load, ClosedLoop) and whole.windows_s and whole.in_flight < (1 - LITTLES_LAW_LIMIT) * load.users:
        yield f"of {load}, {whole.in_flight:.1f} were waiting for the server on average; the others for the client"


def _overloaded(load: Load, good: Sequence[Summary], label: SideLabel) -> list[Flag]:
    if isinstance(load, ClosedLoop):
        return []
    offered, answered = (float(np.mean([getattr(s, n) for s in good])) for n in ("offered_rps", "throughput_rps"))
    grew = together([s.later for s in good]).in_flight / max(together([s.earlier for s in good]).in_flight, 1e-9)
    cut = any(s.failures for s in good)
    if answered < ON_TIME_LEAST * offered and (cut or grew > 1 + 4 * DRIFT_LIMIT):
        return [Flag("overloaded", label, f"{offered:,.0f} arrivals a second, {answered:,.0f} answers")]
    return []


def _unsteady(load: Load, good: Sequence[Summary], label: SideLabel, *, thinking: bool) -> list[Flag]:
    reasons = list(_drift(load, good))
    law = None if thinking else _law(good)
    if law and not law.sure:
        reasons.append(law.reason)
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
    if len(changes) < SPREAD_BLOCKS:
        return
    change = estimate(changes)
    if abs(math.log(change.value)) > DRIFT_LIMIT and change.p is not None and change.p < DRIFT_P:
        what = "throughput" if isinstance(load, ClosedLoop) else "what is in flight"
        yield f"{what} changed by {change.value - 1:+.0%} within a trial"


def _noise(load: Load, pairs: Sequence[tuple[Summary, Summary]], conditions: Conditions) -> list[Flag]:
    reasons = []
    if conditions.steal is not None and conditions.steal > STEAL_LIMIT:
        reasons.append(f"the hypervisor took up to {conditions.steal:.0%} of the cores' time in a block")
    if conditions.foreign is not None and conditions.foreign > FOREIGN_LIMIT:
        reasons.append(f"other programs took up to {conditions.foreign:.0%} of the cores' time in a block")
    ratios = [b.throughput_rps / a.throughput_rps for a, b in pairs if a.throughput_rps and b.throughput_rps]
    if isinstance(load, ClosedLoop) and len(ratios) >= SPREAD_BLOCKS:
        spread = float(np.std(np.log(ratios), ddof=1))
        if spread > SPREAD_LIMIT:
            reasons.append(f"from block to block the ratio of throughputs varies by ± {spread:.0%}")
    return [Flag("noisy-machine", None, "; ".join(reasons))] if reasons else []
