"""What a request needs, told by other cells than the one that is to be predicted (pure).

Its wait is the response time of a user who is alone, its CPU time what the server's clocks say under the next lighter
load. (A user alone finds the server asleep and its caches cold: a request costs up to three times as much CPU then as
under load.) In a dial, where there is one load, the wait is what the scenario asks for, and the CPU time is that of the
cell beside it: the same computation with a shorter wait.
"""

import re
from collections.abc import Sequence

from loadtests.capacity import Demand
from loadtests.records.outcome import CellResult

_MIXED = re.compile(r"mixed\[cpu_ms=(?P<cpu>[\d.]+),wait_ms=(?P<wait>[\d.]+)\]")


def mixed_ms(scenario: str) -> tuple[float, float] | None:
    """Return for how long a ``mixed`` request computes, and then waits, in milliseconds; None for any other."""
    match = _MIXED.fullmatch(scenario)
    return (float(match["cpu"]), float(match["wait"])) if match else None


def demand_of(cell: CellResult, others: Sequence[CellResult]) -> Demand | None:
    """Return what a request of a cell needs; None if no other cell of that side tells."""
    same = [other for other in others if other.label == cell.label]
    return _from_lighter(cell, [other for other in same if other.scenario == cell.scenario]) or _from_beside(cell, same)


def _from_lighter(cell: CellResult, same: Sequence[CellResult]) -> Demand | None:
    lighter = sorted((c for c in same if c.load.size < cell.load.size), key=lambda c: c.load.size)
    if not lighter or lighter[0].load.size != 1:
        return None
    alone, next_lighter = lighter[0], lighter[-1]
    if not (alone.throughput and alone.cpu_per_request and next_lighter.cpu_per_request):
        return None
    wait_s = max(0.0, 1 / alone.throughput.value - alone.cpu_per_request.value)
    return Demand(next_lighter.cpu_per_request.value, wait_s)


def _from_beside(cell: CellResult, same: Sequence[CellResult]) -> Demand | None:
    """Take the CPU time of the next shorter wait; of the next longer one where there is none shorter."""
    if cell.load.size == 1 or (own := mixed_ms(cell.scenario)) is None:
        return None
    cpu_ms, wait_ms = own
    row = {
        at[1]: other.cpu_per_request.value
        for other in same
        if other.load == cell.load
        and other.cpu_per_request
        and (at := mixed_ms(other.scenario)) is not None
        and at[0] == cpu_ms
        and at[1] != wait_ms
    }
    if not row:
        return None
    shorter = [wait for wait in row if wait < wait_ms]
    return Demand(row[max(shorter) if shorter else min(row)], wait_ms / 1000)
