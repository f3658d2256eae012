"""Crossover: from which wait, or from how many users on, side b handles more, by the model and as measured (pure).

The CPU time of a request is known to within an interval, over blocks. The crossover is computed for each combination
of both sides' ends of it; the least and the most of them are its range, which is wider than a 95 % interval would be.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import product

from loadtests.analysis.comparison import WORTH
from loadtests.analysis.model.capacity import Demand, Resources, predict
from loadtests.analysis.model.demand import demand_of
from loadtests.experiment.loads import ClosedLoop, ascending
from loadtests.records.summary import CellResult, Comparison, Interval

MOST_WAIT_S = 60.0
MOST_USERS = 4096
TOLERANCE = 0.001
SHORTEST_S = 1e-6
"""Below a microsecond a wait is none."""
ENDS = (0, 1)
"""Of an interval: the lower and the upper."""


def ratio(a: Resources, b: Resources, demand_a: Demand, demand_b: Demand, users: int) -> float:
    """Return b ÷ a of throughput, without think time."""
    return predict(demand_b, b, users).throughput_rps / predict(demand_a, a, users).throughput_rps


def crossover_wait_s(
    a: Resources, b: Resources, demand_a: Demand, demand_b: Demand, users: int, worth: float = WORTH
) -> float | None:
    """Return the shortest wait from which on b's throughput is ``worth`` times a's; None if there is none.

    Args:
        a: what side a has.
        b: what side b has.
        demand_a: what a request needs of a; its wait is what is varied.
        demand_b: the same of b.
        users: of the closed loop.
        worth: the ratio to reach.
    """

    def enough(wait_s: float) -> bool:
        return ratio(a, b, replace(demand_a, wait_s=wait_s), replace(demand_b, wait_s=wait_s), users) >= worth

    return _least_that_is_enough(enough, 0.0, MOST_WAIT_S)


def crossover_users(a: Resources, b: Resources, demand_a: Demand, demand_b: Demand, worth: float = WORTH) -> int | None:
    """Return the fewest users with whom b's throughput is ``worth`` times a's; None if there are none."""

    def enough(users: int) -> bool:
        return ratio(a, b, demand_a, demand_b, users) >= worth

    if not enough(MOST_USERS):
        return None
    low, high = 0, MOST_USERS
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high


def _least_that_is_enough(enough: Callable[[float], bool], low: float, high: float) -> float | None:
    """Return the least value that is enough, to a thousandth or a microsecond; None if the highest is not."""
    if enough(low):
        return low
    if not enough(high):
        return None
    while high - low > max(TOLERANCE * high, SHORTEST_S):
        middle = (low + high) / 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high


@dataclass(frozen=True)
class Crossover:
    """Where b begins to handle ``WORTH`` times as many requests as a.

    Attributes:
        users: by the model; None if it never does.
        least: the lower end of the range; None if even there it never does.
        most: the upper end; None if there it never does.
        from_users: the lightest load that was measured, from which on it surely did; None if there is none.
        not_yet: the next lighter load that was measured; None if it did at the lightest.
    """

    users: int | None
    least: int | None
    most: int | None
    from_users: int | None
    not_yet: int | None


def crossover_of(
    cells: Sequence[CellResult],
    comparisons: Sequence[Comparison],
    a: Resources,
    b: Resources,
    overhead_s: float | None = None,
) -> Crossover | None:
    """Return where the sides of one scenario part; None if no lighter load tells what a request needs.

    Args:
        cells: of the scenario, both sides.
        comparisons: of their throughputs.
        a: what side a has.
        b: what side b has.
        overhead_s: the client's own part of a request, in seconds; None if unknown.
    """
    heaviest = ascending({cell.load for cell in cells if isinstance(cell.load, ClosedLoop)})[-1:]
    highest = {cell.label: cell for cell in cells if cell.load in heaviest}
    if set(highest) != {"a", "b"}:
        return None
    demands = [_demands(highest["a"], cells, overhead_s, a), _demands(highest["b"], cells, overhead_s, b)]
    if not all(demands):
        return None
    (middle_a, *ends_a), (middle_b, *ends_b) = demands
    found = [crossover_users(a, b, one, other) for one, other in product(ends_a, ends_b)]
    known = sorted(found, key=lambda users: math.inf if users is None else users)
    measured = _measured_crossover(comparisons)
    return Crossover(crossover_users(a, b, middle_a, middle_b), known[0], known[-1], *measured)


def _demands(cell: CellResult, others: Sequence[CellResult], overhead_s: float | None, has: Resources) -> list[Demand]:
    """Return what a request needs by its best estimate, and at both ends of its interval; nothing if it is unknown."""
    found = [
        demand_of(cell, others, overhead_s, has),
        *(demand_of(cell, [_at_end_of_interval(other, end) for other in others], overhead_s, has) for end in ENDS),
    ]
    return [demand for demand in found if demand is not None] if all(found) else []


def _at_end_of_interval(cell: CellResult, end: int) -> CellResult:
    cost = cell.cpu_per_request
    if cost is None or cost.interval is None:
        return cell
    return replace(cell, cpu_per_request=Interval(cost.interval[end], cost.interval))


def _measured_crossover(comparisons: Sequence[Comparison]) -> tuple[int | None, int | None]:
    """Return the lightest load from which on b is surely better by enough, up to the heaviest; and the one before."""
    by_users = sorted((c for c in comparisons if isinstance(c.load, ClosedLoop)), key=lambda c: c.load.size)
    first: int | None = None
    for c in reversed(by_users):
        if c.verdict != "b" or c.ratio is None or c.ratio < WORTH:
            return first, int(c.load.size)
        first = int(c.load.size)
    return first, None
