"""Service demand: what a request needs of its server, told from lighter loads than the one that is predicted (pure).

Its wait is the response time of a user who is alone, without what the client is known to add to it; where none was
alone, it is the wait with which the model gives the throughput of the fewest. Its CPU time is what the server's clocks
say under the next lighter load. (A user alone finds the server asleep and its caches cold: a request costs up to three
times as much CPU then as under load.) In a dial, where there is one load, the wait is what the scenario asks for, and
the CPU time is that of the cell beside it: the same computation with a shorter wait.
"""

from collections.abc import Sequence

from loadtests.analysis.model.capacity import Demand, Resources, wait_that_gives
from loadtests.experiment.catalogue import mixed_ms
from loadtests.experiment.loads import ClosedLoop
from loadtests.records.summary import CellResult


def demand_of(
    cell: CellResult, others: Sequence[CellResult], overhead_s: float | None = None, has: Resources | None = None
) -> Demand | None:
    """Return what a request of a cell needs; None if no other cell of that side tells.

    Args:
        cell: whose demand it is.
        others: of both sides and any scenario.
        overhead_s: the client's own part of a request, in seconds; None if unknown.
        has: what the side has; None to go without a wait where no user was alone.
    """
    same = [other for other in others if other.label == cell.label]
    return _demand_from_lighter_load(
        cell, [other for other in same if other.scenario == cell.scenario], overhead_s or 0.0, has
    ) or _demand_from_cell_beside(cell, same)


def _demand_from_lighter_load(
    cell: CellResult, same: Sequence[CellResult], overhead_s: float, has: Resources | None
) -> Demand | None:
    lighter = sorted((c for c in same if c.load.size < cell.load.size), key=lambda c: c.load.size)
    if not lighter or (next_lighter := lighter[-1]).cpu_per_request is None:
        return None
    wait = wait_s(lighter[0], overhead_s, has)
    return None if wait is None else Demand(next_lighter.cpu_per_request.value, wait)


def wait_s(lightest: CellResult, overhead_s: float, has: Resources | None) -> float | None:
    """Return how long a request waits by what was measured with the fewest users; None if that does not tell.

    Args:
        lightest: that cell.
        overhead_s: the client's own part of a request, in seconds.
        has: what the side has; without it only a user who was alone tells.
    """
    if not (lightest.throughput and lightest.cpu_per_request):
        return None
    cpu_s = lightest.cpu_per_request.value
    if lightest.load.size == 1:
        return max(0.0, 1 / lightest.throughput.value - cpu_s - overhead_s)
    if has is None or not isinstance(lightest.load, ClosedLoop):
        return None
    found = wait_that_gives(lightest.throughput.value, cpu_s, has, lightest.load.users)
    return None if found is None else max(0.0, found - overhead_s)


def _demand_from_cell_beside(cell: CellResult, same: Sequence[CellResult]) -> Demand | None:
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
