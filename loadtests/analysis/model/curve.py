"""Throughput against users: the ceilings of a side, where its curve bends, the model's line, and loads that show it.

A ceiling is one division: threads or connections ÷ the time that a request holds one of them at the least, which is its
wait; cores ÷ the CPU time of a request. Both are measured, the wait with one user, the CPU time under the heaviest load
that there is. (With one user a request costs up to three times as much CPU as under load.) So the height at which a
line ends follows from a measurement; where it bends does not.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from loadtests.analysis.model.capacity import Demand, Resources, throughputs
from loadtests.analysis.model.demand import wait_s
from loadtests.records.summary import CellResult, Limit

NEAR = 1.25
"""How far above the lowest ceiling threads or connections still bind: where both are close, a server meets both."""
LEAST_WAIT_S = 0.002
"""Less may be what network, client and event loop add to any request."""
MATTERS = 2.0
"""How far above the lowest ceiling another one is worth knowing."""
BEYOND = 2.5
"""How many times the users of the last bend are worth looking at."""
BEYOND_ADMITTED = 5
"""The same of a bend where threads or connections run out: with 40 threads, 200 users."""
BEYOND_FIRST = 10
"""The same of the first bend: further away it could not be seen."""
FEWEST_AT_THE_END, MOST_AT_THE_END = 20, 1000
"""Users: more take long to connect, and are left to who asks for them."""
NICE = (1, 1.25, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10)
APART = 1.12
"""Loads that differ by less than this show the same."""


@dataclass(frozen=True)
class Ceiling:
    """The most that one limit allows.

    Attributes:
        limit: which one: ``threads``, ``connections`` or ``cpu``.
        number: how many threads, connections or cores there are.
        each_s: how long a request occupies one of them at the least, in seconds.
        bend: from how many users on all of them are occupied.
    """

    limit: Limit
    number: int
    each_s: float
    bend: float

    @property
    def rps(self) -> float:
        """Answers per second."""
        return self.number / self.each_s


@dataclass(frozen=True)
class SideCurve:
    """What is known of one side beside the measured points.

    Attributes:
        demand: what a request needs; None where no user was alone, or the CPU time is not known.
        ceilings: the lowest first; none where the CPU time of a request is not known.
        model: answers per second with 1, 2, … users; empty where the model does not know the side.
    """

    demand: Demand | None
    ceilings: tuple[Ceiling, ...]
    model: tuple[float, ...]

    @property
    def waits(self) -> bool:
        """Whether a request waits for longer than it computes, and for more than any request does."""
        return self.demand is not None and self.demand.wait_s > max(self.demand.cpu_s, LEAST_WAIT_S)

    @property
    def worth_knowing(self) -> tuple[Ceiling, ...]:
        """The lowest ceiling, and those that are not far above it."""
        return tuple(each for each in self.ceilings if each.rps <= MATTERS * self.ceilings[0].rps)

    @property
    def first(self) -> Ceiling | None:
        """The ceiling that the side meets first.

        Where threads or connections allow little more than the cores do, it is theirs: both run out together.
        """
        if not self.ceilings:
            return None
        lowest = self.ceilings[0]
        close = [each for each in self.ceilings if each.limit != "cpu" and each.rps <= NEAR * lowest.rps]
        return close[0] if close else lowest


def side_curve(
    cells: Sequence[CellResult], has: Resources | None, cores: int, overhead_s: float | None, most: int
) -> SideCurve:
    """Return what is known of one side of a scenario.

    Args:
        cells: of that side and scenario, at any closed loads.
        has: threads and connections; None where the model does not know the side.
        cores: that it can use at the same time.
        overhead_s: the client's own part of a request, in seconds; None if unknown.
        most: users up to which the model's line goes.
    """
    loaded = [cell for cell in cells if cell.cpu_per_request is not None]
    if not loaded:
        return SideCurve(None, (), ())
    cost = max(loaded, key=lambda cell: cell.load.size).cpu_per_request
    assert cost is not None  # noqa: S101 - see above
    alone = next((cell for cell in cells if cell.load.size == 1), None)
    wait = None if alone is None else wait_s(alone, overhead_s or 0.0, None)
    demand = None if wait is None else Demand(cost.value, wait)
    ceilings = _ceilings(demand, has, cost.value, cores)
    model = throughputs(demand, has, most) if demand is not None and has is not None else []
    return SideCurve(demand, ceilings, tuple(model))


def _ceilings(demand: Demand | None, has: Resources | None, cpu_s: float, cores: int) -> tuple[Ceiling, ...]:
    found = []
    if cpu_s > 0:
        alone_s = cpu_s if demand is None else demand.alone_s
        found.append(Ceiling("cpu", cores, cpu_s, max(1.0, cores * alone_s / cpu_s)))
    if demand is not None and demand.wait_s > 0 and has is not None:
        found += [Ceiling(limit, number, demand.wait_s, number) for limit, number in has.admitted.items()]
    return tuple(sorted(found, key=lambda each: each.rps))


def if_threads_hold_it(curves: Sequence[SideCurve], threads: int) -> Ceiling | None:
    """Return the ceiling of sides of which the model knows nothing, if each of their requests needs a thread.

    Args:
        curves: of both sides.
        threads: that such a side has.

    Returns:
        By the mean of their waits; None where the model knows both sides, or where the others do not mostly wait.
    """
    waits = [curve.demand.wait_s for curve in curves if curve.demand is not None and curve.waits and not curve.model]
    return Ceiling("threads", threads, sum(waits) / len(waits), threads) if waits else None


def range_of(curves: Sequence[SideCurve], admits: int) -> tuple[list[int], int]:
    """Return at how many users the sides' curves should bend, ascending, and up to how many are worth looking at.

    Args:
        curves: of both sides.
        admits: threads of a side of which nothing is known, whose requests may need one each.
    """
    ends = [0.0]
    bends: set[int] = set()
    for curve in curves:
        guess = [] if curve.model or not curve.waits else [float(admits)]
        own = [each.bend for each in curve.worth_knowing if each.limit != "cpu" or each == curve.first]
        bends |= {round(bend) for bend in (*own, *guess)}
        ends += [BEYOND * bend for bend in own]
        ends += [BEYOND_ADMITTED * bend for bend in guess]
        ends += [BEYOND_ADMITTED * each.bend for each in curve.worth_knowing if each.limit != "cpu"]
    first = min((bend for bend in bends if bend > 1), default=MOST_AT_THE_END)
    most = min(MOST_AT_THE_END, _nice(max(FEWEST_AT_THE_END, min(max(ends), BEYOND_FIRST * first))))
    return sorted(bend for bend in bends if bend <= most), most


def _nice(users: float) -> int:
    """Round up to a number that makes a good end of an axis."""
    power = 10.0 ** math.floor(math.log10(users))
    return math.ceil(next(step * power for step in NICE if step * power >= users * 0.999))


def users_to_measure(bends: Sequence[int], most: int, count: int) -> list[int]:
    """Return numbers of users that show how a curve rises, bends and ends, ascending.

    First one user and the most, then the bends, then the loads on either side of each; what is left goes into the
    widest gaps.

    Args:
        bends: where the curves should bend.
        most: users.
        count: how many loads there is time for; at least 2.
    """
    chosen: list[int] = []
    for users in _wanted(bends, most):
        if len(chosen) < count and users not in chosen and all(_apart(users, other) for other in chosen):
            chosen.append(users)
    chosen.sort()
    while len(chosen) < count and (middle := _middle_of_widest_gap(chosen)):
        chosen = sorted([*chosen, middle])
    return chosen


def _middle_of_widest_gap(chosen: Sequence[int]) -> int | None:
    """Return the load in the middle of the widest gap that has room for one; None if none has."""
    gaps = [(high - low, round((low + high) / 2), low, high) for low, high in pairwise(chosen)]
    fits = [(width, middle) for width, middle, low, high in gaps if _apart(low, middle) and _apart(middle, high)]
    return max(fits)[1] if fits else None


def _wanted(bends: Sequence[int], most: int) -> Iterator[int]:
    yield from (1, most)
    inside = [bend for bend in bends if 1 < bend < most]
    yield from inside
    for share in (0.5, 0.8, 1.25, 1.6):
        yield from (max(1, round(share * bend)) for bend in inside if share * bend < most)


def _apart(one: int, other: int) -> bool:
    low, high = sorted((one, other))
    return high >= APART * low
