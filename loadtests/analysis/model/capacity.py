"""Capacity model: the throughput of a closed queueing network by mean value analysis, and the limit that binds (pure).

Users ask, wait for the answer, think, and ask again. Of those who ask, no more are let in at a time than there are
threads and connections for. Inside, a request uses the CPU, which all share evenly, and waits for something else,
which all do at the same time. Nothing is fitted: what one request needs is measured where it is alone.

Source: M. Reiser and S. S. Lavenberg, Mean-Value Analysis of Closed Multichain Queuing Networks, JACM 27 (1980); for
those who are not let in, the flow-equivalent server of K. M. Chandy, U. Herzog and L. Woo (1975); for several cores,
A. Seidmann, P. J. Schweitzer and S. Shalev-Oren (1987).
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from loadtests.records.summary import Limit

NEAR_FULL = 0.9
"""Share of its time from which on the CPU is what binds."""
WAIT_TOLERANCE = 0.0005
"""How exact a wait is, as a share of the response time."""


@dataclass(frozen=True)
class Demand:
    """What one request needs, alone on the server.

    Attributes:
        cpu_s: CPU time of the server, in seconds.
        wait_s: all other time until the answer, in seconds.
    """

    cpu_s: float
    wait_s: float

    @property
    def alone_s(self) -> float:
        """The response time of a request that nobody is in the way of, in seconds."""
        return self.cpu_s + self.wait_s


@dataclass(frozen=True)
class Resources:
    """What a side has.

    Attributes:
        cores: cores that it can use at the same time: its worker processes, or the server's cores if they are fewer.
        threads: requests that its worker threads can hold; None where requests need no thread.
        connections: requests that can hold a database connection; None where they need none.
    """

    cores: int = 1
    threads: int | None = None
    connections: int | None = None

    @property
    def admitted(self) -> Mapping[Limit, int]:
        """How many requests each limit lets in at a time."""
        limits: dict[Limit, int | None] = {"threads": self.threads, "connections": self.connections}
        return {name: number for name, number in limits.items() if number is not None}


@dataclass(frozen=True)
class Prediction:
    """What the model says of one side under one load.

    Attributes:
        throughput_rps: answers per second.
        limit: what it meets first.
    """

    throughput_rps: float
    limit: Limit


def predict(demand: Demand, resources: Resources, users: int, think_s: float = 0.0) -> Prediction:
    """Return how many answers a second a closed loop of users gets.

    Args:
        demand: what one request needs.
        resources: what the side has.
        users: at least 1.
        think_s: how long each of them pauses between an answer and the next request, on average, in seconds.
    """
    admitted = resources.admitted
    inside = min([users, *admitted.values()])
    rates = list(_rates_inside(demand, resources.cores, inside))
    rate = _rate_with_think_time(rates, users, think_s)
    busy = min(1.0, rate * demand.cpu_s / resources.cores)
    return Prediction(rate, _binding_limit(busy, users, think_s, inside, admitted, rate, rates))


def throughputs(demand: Demand, resources: Resources, most: int) -> list[float]:
    """Return the answers a second that a closed loop of 1, 2, … ``most`` users gets; none of them thinks."""
    inside = min([most, *resources.admitted.values()])
    rates = list(_rates_inside(demand, resources.cores, inside))
    return rates + rates[-1:] * (most - inside)


def wait_that_gives(throughput_rps: float, cpu_s: float, resources: Resources, users: int) -> float | None:
    """Return the wait of a request, in seconds, with which a closed loop of users gets that many answers a second.

    None where the CPU is what binds: there the wait makes no difference.

    Args:
        throughput_rps: as measured.
        cpu_s: CPU time of a request, in seconds.
        resources: what the side has.
        users: at least 1; none of them thinks.
    """
    if throughput_rps <= 0 or throughput_rps * cpu_s / resources.cores >= NEAR_FULL:
        return None
    low, high = 0.0, users / throughput_rps
    while high - low > WAIT_TOLERANCE * users / throughput_rps:
        middle = (low + high) / 2
        slower = predict(Demand(cpu_s, middle), resources, users).throughput_rps < throughput_rps
        low, high = (low, middle) if slower else (middle, high)
    return (low + high) / 2


def ceilings_rps(demand: Demand, resources: Resources) -> dict[Limit, float]:
    """Return by what a side has how many requests a second that allows, however many users there are."""
    ceilings: dict[Limit, float] = {"cpu": _per(resources.cores, demand.cpu_s)}
    return ceilings | {limit: _per(number, demand.alone_s) for limit, number in resources.admitted.items()}


def bound_rps(demand: Demand, resources: Resources, users: int, alone_rps: float | None = None) -> float:
    """Return the most that a closed loop of users could get: three divisions, and no queueing network.

    As many as are let in, each as fast as one alone; or what the cores can do. Source: P. J. Denning and J. P. Buzen,
    The Operational Analysis of Queueing Network Models, ACM Computing Surveys 10 (1978). Where a model is not nearer to
    what was measured than its bounds are, its accuracy is no evidence for it.

    Args:
        demand: what one request needs.
        resources: what the side has.
        users: at least 1; none of them thinks.
        alone_rps: answers a second that one user gets, if that was measured; by the demand if not.
    """
    alone = _per(1, demand.alone_s) if alone_rps is None else alone_rps
    return min(min([users, *resources.admitted.values()]) * alone, _per(resources.cores, demand.cpu_s))


def _binding_limit(
    busy: float,
    users: int,
    think_s: float,
    inside: int,
    admitted: Mapping[Limit, int],
    rate: float,
    rates: list[float],
) -> Limit:
    if busy >= NEAR_FULL:
        return "cpu"
    # Some are kept out if more users are not thinking than are let in.
    kept_out = users - rate * think_s > inside and rate >= NEAR_FULL * rates[-1]
    if kept_out:
        return min(admitted, key=lambda name: admitted[name])
    return "users"


def _rates_inside(demand: Demand, cores: int, most: int) -> Iterator[float]:
    """Yield the throughput with 1, 2, … ``most`` requests inside, by exact mean value analysis."""
    # Several cores are a fast one, and a wait for what makes each of them slow.
    queue_s, wait_s = demand.cpu_s / cores, demand.wait_s + demand.cpu_s * (cores - 1) / cores
    queued = 0.0
    for requests in range(1, most + 1):
        at_cpu_s = queue_s * (1 + queued)
        rate = _per(requests, at_cpu_s + wait_s)
        queued = rate * at_cpu_s if math.isfinite(rate) else 0.0
        yield rate


def _rate_with_think_time(rates: list[float], users: int, think_s: float) -> float:
    """Return the throughput of users who think, where requests inside are served at ``rates`` by their number."""
    if think_s <= 0:
        return rates[-1]
    # How likely it is that so many requests are inside or at the door, up to a factor: a birth and death process.
    log_weight, logs = 0.0, [0.0]
    for asking in range(1, users + 1):
        served = rates[min(asking, len(rates)) - 1]
        log_weight += math.log((users - asking + 1) / think_s) - math.log(served)
        logs.append(log_weight)
    top = max(logs)
    weights = [math.exp(log - top) for log in logs]
    asking_mean = sum(number * weight for number, weight in enumerate(weights)) / sum(weights)
    return (users - asking_mean) / think_s


def _per(amount: float, seconds: float) -> float:
    return amount / seconds if seconds > 0 else math.inf
