"""Measure a server that stops for a second in ten, by both loops, and one that keeps a brisk pace."""

import time

import numpy as np

from loadtests.analysis.summary import summarise
from loadtests.drivers.process import Driver
from loadtests.experiment.loads import ClosedLoop, OpenLoop
from loadtests.runner.single_server import Stage, drive_alone
from loadtests.servers.reference import STATION, stalling
from loadtests.validation.occasion import occasion
from loadtests.validation.record import StallRecord
from loadtests.validation.timed import known_percentile, logged

EVERY_S = 10.0
FOR_S = 1.0
RATE_RPS = 100.0
USERS = 4
PACE_RPS = 1000.0
OVERHEAD_S = 10.0
"""Starting and ending all of it, about."""


def measure_stall(stage: Stage, window_s: float, pace_s: float) -> StallRecord:
    """Measure a stopped server with an open and with a closed loop, then one that is not stopped at a high rate.

    Args:
        stage: where.
        window_s: how long each loop measures the server that is stopped, in seconds; whole periods of EVERY_S.
        pace_s: how long the other one is measured.
    """
    began = time.monotonic()
    with Driver(stage.cores, stage.work / "stall-driver" / "log") as driver, stage.server(STATION, "stall") as server:
        server.wait_until_ready()
        stage.tell(f"{PACE_RPS:g}/s", 0)
        paced = drive_alone(stage, driver, server, "/steady", OpenLoop(PACE_RPS), pace_s)
        by_log = logged(server, "steady", paced)
        with stalling(server.pids, EVERY_S, FOR_S, stage.work / "staller" / "log"):
            stage.tell("an open loop while the server is stopped now and then", pace_s)
            opened = drive_alone(stage, driver, server, "/steady", OpenLoop(RATE_RPS, "constant"), window_s)
        with stalling(server.pids, EVERY_S, FOR_S, stage.work / "staller" / "log"):
            stage.tell("a closed loop while the server is stopped now and then", pace_s + window_s)
            closed = drive_alone(stage, driver, server, "/steady", ClosedLoop(USERS), window_s)
    pace, by_open, by_closed = (summarise(recording) for recording in (paced, opened, closed))
    return StallRecord(
        occasion=occasion(stage, time.monotonic() - began),
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
