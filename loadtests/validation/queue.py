"""Measure a server with a known distribution of service times, and compare it with theory."""

import time

from loadtests.analysis.summary import summarise
from loadtests.drivers.process import Driver
from loadtests.experiment.loads import OpenLoop
from loadtests.runner.single_server import Stage, drive_alone
from loadtests.servers.reference import QUEUES, SERVICE_S, STATION
from loadtests.validation.occasion import occasion
from loadtests.validation.queueing import Queue, bands
from loadtests.validation.record import Band, Percentiles, QueueRecord
from loadtests.validation.timed import known_percentile, logged

ARRIVALS_RPS = 50.0
"""At each queue: half of what it can serve."""
SETTLING_S = 3.0
"""Many times what such a queue takes to forget that it was empty, about 0.1 s."""
OVERHEAD_S = 8.0


def measure_queue(stage: Stage, window_s: float) -> QueueRecord:
    """Drive Poisson arrivals through the queues.

    Args:
        stage: where.
        window_s: how long, in seconds.
    """
    began = time.monotonic()
    queue = Queue(ARRIVALS_RPS, SERVICE_S)
    band = bands(queue, QUEUES, (50.0, 99.0), settling_s=SETTLING_S, window_s=window_s, seed=stage.seed)
    with Driver(stage.cores, stage.work / "queue-driver" / "log") as driver, stage.server(STATION, "queue") as server:
        server.wait_until_ready()
        load = OpenLoop(QUEUES * ARRIVALS_RPS)
        recording = drive_alone(stage, driver, server, "/queue", load, window_s, SETTLING_S)
        theirs = logged(server, "queue", recording)
    ours = summarise(recording)
    return QueueRecord(
        occasion=occasion(stage, time.monotonic() - began),
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
