"""Measure a server with a known distribution of service times, and compare it with theory.

What a queue with one server does to those who wait in it: the theory, and how far a sample may be from it (pure).

M/M/1: arrivals at random (Poisson), service times drawn from an exponential distribution, one at a time, in order of
arrival. Source: L. Kleinrock, Queueing Systems, volume 1 (1975), chapter 3.

Measure a server that stops for a second in ten, by both loops, and one that keeps a brisk pace.

One server driven alone, and what both ends say of its response times.
"""

import math
import time
from dataclasses import dataclass
from typing import cast

import numpy as np
import numpy.typing as npt

from loadtests.analysis.summary import percentile, summarise
from loadtests.drivers.driver import Driver
from loadtests.experiment.loads import ClosedLoop, OpenLoop
from loadtests.records.samples import Recording
from loadtests.runner.single_server import Workspace, ask, drive_alone
from loadtests.servers.reference import QUEUES, REFERENCE_APP, SERVICE_S, pausing
from loadtests.servers.server import Server
from loadtests.system.errors import RunError
from loadtests.validation.record import Band, Percentiles, QueueRecord, StallRecord, occasion

ARRIVALS_RPS = 50.0
"""At each queue: half of what it can serve."""
SETTLING_S = 3.0
"""Many times what such a queue takes to forget that it was empty, about 0.1 s."""
QUEUE_OVERHEAD_S = 8.0
BAND = (0.5, 99.5)
"""99 %: a validation looks at several percentiles, and a perfect harness should seldom miss one of them."""
Seconds = npt.NDArray[np.float64]
EVERY_S = 10.0
FOR_S = 1.0
RATE_RPS = 100.0
USERS = 4
PACE_RPS = 1000.0
STALL_OVERHEAD_S = 10.0
"""Starting and ending all of it, about."""
Values = npt.NDArray[np.floating]


def measure_queue(workspace: Workspace, window_s: float) -> QueueRecord:
    """Drive Poisson arrivals through the queues.

    Args:
        workspace: where.
        window_s: how long, in seconds.
    """
    began = time.monotonic()
    queue = Queue(ARRIVALS_RPS, SERVICE_S)
    band = bands(queue, QUEUES, (50.0, 99.0), settling_s=SETTLING_S, window_s=window_s, seed=workspace.seed)
    with (
        Driver(workspace.cores, workspace.work / "queue-driver" / "log") as driver,
        workspace.server(REFERENCE_APP, "queue") as server,
    ):
        server.wait_until_ready()
        load = OpenLoop(QUEUES * ARRIVALS_RPS)
        recording = drive_alone(workspace, driver, server, "/queue", load, window_s, SETTLING_S)
        theirs = logged(server, "queue", recording)
    ours = summarise(recording)
    return QueueRecord(
        occasion=occasion(workspace, time.monotonic() - began),
        queues=QUEUES,
        arrivals_rps=ARRIVALS_RPS,
        service_s=SERVICE_S,
        window_s=window_s,
        requests=ours.requests,
        theory=Percentiles(p50=queue.percentile_s(50), p99=queue.percentile_s(99)),
        band=Band(p50=band[50.0], p99=band[99.0]),
        measured=Percentiles(
            p50=known_percentile(ours.latencies_s, 50, "the queue"),
            p99=known_percentile(ours.latencies_s, 99, "the queue"),
        ),
        logged=Percentiles(
            p50=known_percentile(theirs, 50, "the queue's log"), p99=known_percentile(theirs, 99, "the queue's log")
        ),
    )


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


def measure_stall(workspace: Workspace, window_s: float, pace_s: float) -> StallRecord:
    """Measure a stopped server with an open and with a closed loop, then one that is not stopped at a high rate.

    Args:
        workspace: where.
        window_s: how long each loop measures the server that is stopped, in seconds; whole periods of EVERY_S.
        pace_s: how long the other one is measured.
    """
    began = time.monotonic()
    with (
        Driver(workspace.cores, workspace.work / "stall-driver" / "log") as driver,
        workspace.server(REFERENCE_APP, "stall") as server,
    ):
        server.wait_until_ready()
        workspace.tell(f"{PACE_RPS:g}/s", 0)
        paced = drive_alone(workspace, driver, server, "/steady", OpenLoop(PACE_RPS), pace_s)
        by_log = logged(server, "steady", paced)
        with pausing(server.pids, EVERY_S, FOR_S, workspace.work / "pauser" / "log"):
            workspace.tell("an open loop while the server is stopped now and then", pace_s)
            opened = drive_alone(workspace, driver, server, "/steady", OpenLoop(RATE_RPS, "constant"), window_s)
        with pausing(server.pids, EVERY_S, FOR_S, workspace.work / "pauser" / "log"):
            workspace.tell("a closed loop while the server is stopped now and then", pace_s + window_s)
            closed = drive_alone(workspace, driver, server, "/steady", ClosedLoop(USERS), window_s)
    pace, by_open, by_closed = (summarise(recording) for recording in (paced, opened, closed))
    return StallRecord(
        occasion=occasion(workspace, time.monotonic() - began),
        every_s=EVERY_S,
        for_s=FOR_S,
        window_s=window_s,
        rate_rps=RATE_RPS,
        users=USERS,
        open_p99_s=known_percentile(by_open.latencies_s, 99, "the open loop"),
        closed_p99_s=known_percentile(by_closed.latencies_s, 99, "the closed loop"),
        closed_stalled=(int(np.count_nonzero(by_closed.latencies_s > FOR_S / 2)), by_closed.requests),
        pace_rps=PACE_RPS,
        pace_p99_s=known_percentile(pace.latencies_s, 99, f"{PACE_RPS:g}/s"),
        pace_logged_p99_s=known_percentile(by_log, 99, "the server's log"),
        pace_lag_p99_s=known_percentile(pace.lags_s, 99, "the dispatch lag"),
    )


def logged(server: Server, name: str, recording: Recording) -> Values:
    """Return the response times of requests that came to a station in the driver's window, by its own log.

    Both clocks are the machine's monotonic one.
    """
    log = cast("dict[str, list[tuple[float, float]]]", ask(server, "/log"))
    came, left = np.array(log[name], dtype=float).reshape(-1, 2).T
    turn = recording.slices[0]
    opened, closed = recording.started_s + turn.opened_s, recording.started_s + turn.closed_s
    inside = (came >= opened) & (came < closed)
    taken: Values = (left - came)[inside]
    return taken


def known_percentile(values: Values, wanted: float, of: str) -> float:
    """Return a percentile; raises RunError if there are too few values, or it falls among failures."""
    value = percentile(np.sort(values), wanted)
    if value is None or not math.isfinite(value):
        raise RunError(f"p{wanted:g} of {of} is not known: {len(values)} requests, too few or too many that failed")
    return value
