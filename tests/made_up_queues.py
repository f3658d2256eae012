"""Queues with one server whose answer is known, under arrivals at random, as an open loop would record them."""

from typing import Literal

import numpy as np

from loadtests.records.samples import Failure, Recording, Samples, Slice
from loadtests.validation.response_times import departures

Services = Literal["exponential", "constant"]
LAG_S = 0.00005


def recorded(
    rate_rps: float,
    service_s: float,
    services: Services,
    rng: np.random.Generator,
    *,
    lead_in_s: float = 0.3,
    window_s: float = 1.0,
    slices: int = 2,
) -> Recording:
    """Return a trial of a queue that is empty when each slice begins.

    Arrivals go on until all that was due in the window has been answered, or for as long again, as the driver's do.

    Args:
        rate_rps: arrivals per second.
        service_s: mean service time, in seconds: exponentially distributed (M/M/1), or the same for all (M/D/1).
        services: which of the two.
        rng: draws everything.
        lead_in_s: time between the empty queue and the window.
        window_s: length of a window.
        slices: how many windows.
    """
    begun, turns, due, ended = 0.0, [], [], []
    for _ in range(slices):
        closes = lead_in_s + window_s
        came = np.sort(rng.uniform(0, 2 * closes, rng.poisson(2 * closes * rate_rps)))
        drawn = rng.exponential(service_s, len(came)) if services == "exponential" else np.full(len(came), service_s)
        left = departures(came, drawn)
        sent = came < max(closes, left[came < closes].max(initial=0.0))
        due.append(begun + came[sent])
        ended.append(begun + left[sent] + LAG_S)
        drained = begun + float(left[sent].max(initial=closes)) + 2 * LAG_S
        turns.append(Slice(begun + lead_in_s, begun + closes, drained, None, 0.0, 0.0))
        begun = drained
    scheduled_s, ended_s = np.concatenate(due), np.concatenate(ended)
    count = len(scheduled_s)
    samples = Samples(
        scheduled_s=scheduled_s,
        sent_s=scheduled_s + LAG_S,
        first_byte_s=ended_s,
        ended_s=ended_s,
        status=np.full(count, 200, np.uint16),
        failure=np.full(count, Failure.NONE, np.uint8),
        request=np.zeros(count, np.uint16),
    )
    return Recording(samples, 0.0, tuple(turns), None, None, None)
