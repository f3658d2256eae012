"""What a queue with one server does to those who wait in it: the theory, and how far a sample may be from it (pure).

M/M/1: arrivals at random (Poisson), service times drawn from an exponential distribution, one at a time, in order of
arrival. Source: L. Kleinrock, Queueing Systems, volume 1 (1975), chapter 3.
"""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

BAND = (0.5, 99.5)
"""99 %: a validation looks at several percentiles, and a perfect harness should seldom miss one of them."""
Seconds = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Queue:
    """An M/M/1 queue.

    Attributes:
        arrivals_rps: arrivals per second.
        service_s: mean service time in seconds.
    """

    arrivals_rps: float
    service_s: float

    def percentile_s(self, wanted: float) -> float:
        """Return a percentile of the response time in seconds: exponential with the rate 1 ÷ service - arrivals."""
        return -math.log(1 - wanted / 100) / (1 / self.service_s - self.arrivals_rps)


def departures(arrivals_s: Seconds, services_s: Seconds) -> Seconds:
    """Return when each customer leaves a queue with one server, served in order of arrival.

    Lindley's recursion: departure = max(arrival, departure before) + service. Along the sums of the service times S
    it is a running maximum, departure = S + max(arrival - S before), and so needs no loop.
    """
    sums = np.cumsum(services_s)
    left: Seconds = sums + np.maximum.accumulate(arrivals_s - sums + services_s)
    return left


def simulate(queue: Queue, queues: int, *, settling_s: float, window_s: float, rng: np.random.Generator) -> Seconds:
    """Return response times of those who arrive within a window at several queues alike, in seconds.

    Args:
        queue: each of them.
        queues: how many.
        settling_s: time between the empty queues and the window.
        window_s: length of the window.
        rng: draws everything.
    """
    taken = []
    for _ in range(queues):
        arrivals = np.sort(
            rng.uniform(0, settling_s + window_s, rng.poisson(queue.arrivals_rps * (settling_s + window_s)))
        )
        responses = departures(arrivals, rng.exponential(queue.service_s, len(arrivals))) - arrivals
        taken.append(responses[arrivals >= settling_s])
    return np.concatenate(taken)


def bands(
    queue: Queue,
    queues: int,
    wanted: tuple[float, ...],
    *,
    settling_s: float,
    window_s: float,
    seed: int,
    times: int = 2000,
) -> dict[float, tuple[float, float]]:
    """Return between which values 99 % of such samples have their percentiles, in seconds, by percentile.

    Neighbours in a queue wait for each other, so that a sample says less than its size: the band comes from drawing
    as many queues of the same length again and again.
    """
    rng = np.random.default_rng(seed)
    drawn = []
    for _ in range(times):
        responses = simulate(queue, queues, settling_s=settling_s, window_s=window_s, rng=rng)
        drawn.append(np.percentile(responses, wanted, method="inverted_cdf"))
    low, high = np.percentile(np.array(drawn), BAND, axis=0)
    return {p: (float(low[i]), float(high[i])) for i, p in enumerate(wanted)}
