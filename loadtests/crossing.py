"""Where one side begins to win: how long a wait, or how many users, it takes (pure)."""

from collections.abc import Callable
from dataclasses import replace

from loadtests.capacity import Demand, Resources, predict

WORTH = 1.10
"""A ratio of throughputs from which on it is worth having."""
MOST_WAIT_S = 60.0
MOST_USERS = 4096
TOLERANCE = 0.001
SHORTEST_S = 1e-6
"""Below a microsecond a wait is none."""


def ratio(a: Resources, b: Resources, demand_a: Demand, demand_b: Demand, users: int) -> float:
    """Return b ÷ a of throughput, without think time."""
    return predict(demand_b, b, users).throughput_rps / predict(demand_a, a, users).throughput_rps


def crossing_wait_s(
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

    return _least(enough, 0.0, MOST_WAIT_S)


def crossing_users(a: Resources, b: Resources, demand_a: Demand, demand_b: Demand, worth: float = WORTH) -> int | None:
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


def _least(enough: Callable[[float], bool], low: float, high: float) -> float | None:
    """Return the least value that is enough, to a thousandth or a microsecond; None if the highest is not."""
    if enough(low):
        return low
    if not enough(high):
        return None
    while high - low > max(TOLERANCE * high, SHORTEST_S):
        middle = (low + high) / 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high
