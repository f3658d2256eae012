"""Had the load settled? Drift, queues that grow, and Little's law (pure)."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from loadtests.comparison import estimate
from loadtests.experiment.loads import ClosedLoop, Load
from loadtests.flow import together
from loadtests.records.outcome import SideLabel
from loadtests.records.samples import Failure
from loadtests.summary import Summary
from loadtests.warnings.flag import Flag

ON_TIME_LEAST = 0.99
LITTLES_LAW_LIMIT = 0.03
DRIFT_LIMIT = 0.05
SURE_P = 0.001
"""From here on chance is no explanation any more."""
LEAST_BLOCKS = 4


@dataclass(frozen=True)
class Deviation:
    """How far Little's law is off, where that is too far.

    Attributes:
        sure: whether that is beyond chance; in windows as short as a response time, chance can do a lot.
        reason: in words.
    """

    sure: bool
    reason: str


def deviation(good: Sequence[Summary]) -> Deviation | None:
    """Return how far Little's law is off, or None if it holds."""
    law = together([s.flow for s in good]).littles_law
    if law is None or abs(law - 1) <= LITTLES_LAW_LIMIT:
        return None
    blocks = [value for s in good if (value := s.flow.littles_law)]
    p = estimate(blocks).p if len(blocks) >= LEAST_BLOCKS else None
    reason = f"throughput × mean response time is {law - 1:+.0%} off the mean number in flight (Little's law)"
    return Deviation(p is not None and p < SURE_P, reason)


def overloaded(load: Load, good: Sequence[Summary], label: SideLabel) -> list[Flag]:
    """Return a flag if a side answers less than what arrives, and its queue grows."""
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
    if len(changes) < LEAST_BLOCKS:
        return
    change = estimate(changes)
    if abs(math.log(change.value)) > DRIFT_LIMIT and change.p is not None and change.p < SURE_P:
        what = "throughput" if isinstance(load, ClosedLoop) else "what is in flight"
        yield f"{what} changed by {change.value - 1:+.0%} within a trial"
