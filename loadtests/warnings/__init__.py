"""Results that criticise themselves (pure)."""

from collections.abc import Sequence

from loadtests.experiment.loads import Load
from loadtests.records.outcome import SideLabel
from loadtests.summary import Summary
from loadtests.warnings.client import busy_client, unbalanced
from loadtests.warnings.conditions import Conditions
from loadtests.warnings.flag import MEANING, NO_VERDICT, Flag
from loadtests.warnings.noise import noise
from loadtests.warnings.steadiness import overloaded, unsteady

__all__ = ["MEANING", "NO_VERDICT", "Conditions", "Flag", "flags_of"]

LABELS: tuple[SideLabel, SideLabel] = ("a", "b")
FAILURES_LIMIT = 0.01


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
            queueing = overloaded(load, good, label)
            balanced = queueing or thinking
            bound = [*busy_client(load, good, conditions), *([] if balanced else unbalanced(load, good))]
            found += [Flag("driver-bound", label, "; ".join(bound))] if bound else []
            found += queueing or unsteady(load, good, label, thinking=thinking)
    return found + noise(load, pairs, conditions)
