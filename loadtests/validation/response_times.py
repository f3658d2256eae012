"""Measure response times that are known beforehand: an M/M/1 queue, and a server that is paused regularly.

The queue is compared with theory: arrivals at random (Poisson), service times drawn from an exponential distribution,
one request at a time in order of arrival. Source: L. Kleinrock, Queueing Systems, volume 1 (1975), chapter 3. The
server is measured at a high rate without pauses, then by both loops while it is paused for 1 s in 10. The server's
own log gives the response times from the other end.
"""

import math
import time
from dataclasses import dataclass
from typing import cast

import numpy as np
import numpy.typing as npt

from loadtests.analysis.trial_summary import percentile, summarise
from loadtests.drivers.driver import Driver
from loadtests.experiment.loads import ClosedLoop, OpenLoop
from loadtests.records.samples import Recording
from loadtests.runner.single_server import Workspace, ask, drive_alone
from loadtests.servers.reference import QUEUES, REFERENCE_APP, SERVICE_S, pausing
from loadtests.servers.server import Server
from loadtests.system.errors import RunError
from loadtests.validation.record import Band, Percentiles, QueueRecord, StallRecord, provenance

ARRIVALS_RPS = 50.0
"""At each queue: half of what it can serve."""
SETTLING_S = 3.0
"""Much longer than such a queue needs to reach its steady state from empty, about 0.1 s."""
QUEUE_OVERHEAD_S = 8.0
"""Estimated time to start and stop driver and server."""
BAND = (0.5, 99.5)
"""99 %: a validation checks several percentiles, and a perfect harness should rarely miss one of them."""
PAUSE_EVERY_S = 10.0
PAUSE_S = 1.0
RATE_RPS = 100.0
USERS = 4
PACE_RPS = 1000.0
STALL_OVERHEAD_S = 10.0
"""Estimated time to start and stop everything."""
Seconds = npt.NDArray[np.float64]
Values = npt.NDArray[np.floating]


def measure_queue(workspace: Workspace, window_s: float) -> QueueRecord:
    """Measure the queues under Poisson arrivals.

    Args:
        workspace: folder, cores and progress.
        window_s: how long to measure, in seconds.
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
        server_times_s = logged(server, "queue", recording)
    summary = summarise(recording)
    return QueueRecord(
        occasion=provenance(workspace, time.monotonic() - began),
        queues=QUEUES,
        arrivals_rps=ARRIVALS_RPS,
        service_s=SERVICE_S,
        window_s=window_s,
        requests=summary.requests,
        theory=Percentiles(p50=queue.percentile_s(50), p99=queue.percentile_s(99)),
        band=Band(p50=band[50.0], p99=band[99.0]),
        measured=Percentiles(
            p50=known_percentile(summary.latencies_s, 50, "the queue"),
            p99=known_percentile(summary.latencies_s, 99, "the queue"),
        ),
        logged=Percentiles(
            p50=known_percentile(server_times_s, 50, "the queue's log"),
            p99=known_percentile(server_times_s, 99, "the queue's log"),
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
    """Return the range in which 99 % of such samples have each percentile, in seconds, by percentile.

    Response times of neighbours in a queue are correlated, so a sample is worth less than its size suggests. The band
    is therefore simulated: as many queues of the same length, drawn ``times`` times.
    """
    rng = np.random.default_rng(seed)
    drawn = []
    for _ in range(times):
        responses = simulate(queue, queues, settling_s=settling_s, window_s=window_s, rng=rng)
        drawn.append(np.percentile(responses, wanted, method="inverted_cdf"))
    low, high = np.percentile(np.array(drawn), BAND, axis=0)
    return {p: (float(low[i]), float(high[i])) for i, p in enumerate(wanted)}


def simulate(queue: Queue, queues: int, *, settling_s: float, window_s: float, rng: np.random.Generator) -> Seconds:
    """Return simulated response times of the requests that arrive in a window at several equal queues, in seconds.

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


def departures(arrivals_s: Seconds, services_s: Seconds) -> Seconds:
    """Return when each request leaves a queue with one server, served in order of arrival.

    Lindley's recursion: departure = max(arrival, previous departure) + service. With S for the cumulative sum of
    service times, departure = S + the running maximum of (arrival - previous S), which needs no loop.
    """
    sums = np.cumsum(services_s)
    departures_s: Seconds = sums + np.maximum.accumulate(arrivals_s - sums + services_s)
    return departures_s


def measure_stall(workspace: Workspace, window_s: float, pace_s: float) -> StallRecord:
    """Measure a server at a high rate without pauses, then while it is paused with an open and a closed loop.

    Args:
        workspace: folder, cores and progress.
        window_s: how long each loop measures the paused server, in seconds; whole periods of PAUSE_EVERY_S.
        pace_s: how long it is measured without pauses, in seconds.
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
        with pausing(server.pids, PAUSE_EVERY_S, PAUSE_S, workspace.work / "pausing" / "log"):
            workspace.tell("an open loop while the server is stopped now and then", pace_s)
            opened = drive_alone(workspace, driver, server, "/steady", OpenLoop(RATE_RPS, "constant"), window_s)
        with pausing(server.pids, PAUSE_EVERY_S, PAUSE_S, workspace.work / "pausing" / "log"):
            workspace.tell("a closed loop while the server is stopped now and then", pace_s + window_s)
            closed = drive_alone(workspace, driver, server, "/steady", ClosedLoop(USERS), window_s)
    pace, by_open, by_closed = (summarise(recording) for recording in (paced, opened, closed))
    return StallRecord(
        occasion=provenance(workspace, time.monotonic() - began),
        every_s=PAUSE_EVERY_S,
        for_s=PAUSE_S,
        window_s=window_s,
        rate_rps=RATE_RPS,
        users=USERS,
        open_p99_s=known_percentile(by_open.latencies_s, 99, "the open loop"),
        closed_p99_s=known_percentile(by_closed.latencies_s, 99, "the closed loop"),
        closed_stalled=(int(np.count_nonzero(by_closed.latencies_s > PAUSE_S / 2)), by_closed.requests),
        pace_rps=PACE_RPS,
        pace_p99_s=known_percentile(pace.latencies_s, 99, f"{PACE_RPS:g}/s"),
        pace_logged_p99_s=known_percentile(by_log, 99, "the server's log"),
        pace_lag_p99_s=known_percentile(pace.lags_s, 99, "the dispatch lag"),
    )


def logged(server: Server, name: str, recording: Recording) -> Values:
    """Return the response times that the server logged for requests that arrived in the driver's window, in seconds.

    Both ends read the machine's monotonic clock.

    Args:
        server: the reference server.
        name: of the route's log.
        recording: the driver's, for its window.
    """
    log = cast("dict[str, list[tuple[float, float]]]", ask(server, "/log"))
    arrived, departed = np.array(log[name], dtype=float).reshape(-1, 2).T
    turn = recording.slices[0]
    opened, closed = recording.started_s + turn.opened_s, recording.started_s + turn.closed_s
    inside = (arrived >= opened) & (arrived < closed)
    response_times_s: Values = (departed - arrived)[inside]
    return response_times_s


def known_percentile(values: Values, wanted: float, of: str) -> float:
    """Return a percentile; raises RunError if there are too few values, or it falls among failures."""
    value = percentile(np.sort(values), wanted)
    if value is None or not math.isfinite(value):
        raise RunError(f"p{wanted:g} of {of} is not known: {len(values)} requests, too few or too many that failed")
    return value
