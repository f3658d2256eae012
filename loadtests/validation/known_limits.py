"""Ask for what a server can take where that is known: an overloaded open loop, and the capacity for an objective.

Both take the queues of ``response_times``, whose capacity follows from theory, and the harness's own procedures: the
default timing and the flags of an open loop, and the search of ``bench capacity --slo``.
"""

import math
import random
import time
from dataclasses import replace
from statistics import fmean

from loadtests.analysis.flag_checks import flags_of
from loadtests.analysis.flags import Conditions
from loadtests.analysis.trial_summary import summarise
from loadtests.drivers.driver import Driver
from loadtests.drivers.job import PairingJob
from loadtests.experiment.loads import MAX_RATE, OpenLoop
from loadtests.experiment.plan import default_timing
from loadtests.experiment.request import Request
from loadtests.runner.single_server import Workspace, drive_alone, target
from loadtests.servers.reference import QUEUES, REFERENCE_APP, SERVICE_S
from loadtests.servers.server import Server
from loadtests.slo.objective import MAX_WINDOW_S, Objective, RateSearch, probe_timing
from loadtests.system.errors import RunError
from loadtests.validation.record import CapacityRecord, OverloadRecord, RateFlags, provenance
from loadtests.validation.response_times import QUEUE_OVERHEAD_S

QUEUE = (Request("GET", "/queue"),)
SERVED_RPS = QUEUES / SERVICE_S
"""What the queues serve at the most, in requests a second."""
LOADS = (0.5, 1.25)
"""Arrivals ÷ SERVED_RPS: queues that keep up with ease, and queues that can't."""
TRIALS = 4
"""At each load, with two windows each. By simulation the flag is right in 200 of 200 cells of either load."""
TRIAL_S = 3.5
OVERLOAD_S = QUEUE_OVERHEAD_S + len(LOADS) * TRIALS * TRIAL_S
"""Estimated duration."""
OBJECTIVE = Objective(99.0, 0.3)
START_RPS = SERVED_RPS / 2
CAPACITY_S = QUEUE_OVERHEAD_S + 95.0
"""Estimated duration: three or four short probes, five or six thorough ones."""


def capacity_rps(objective: Objective) -> float:
    """Return the arrivals per second at which the queues' percentile is just the objective's limit.

    Each is an M/M/1 queue, whose response time is exponentially distributed with the rate served - arriving.
    """
    return SERVED_RPS + QUEUES * math.log(1 - objective.wanted / 100) / objective.limit_s


def measure_overload(workspace: Workspace) -> OverloadRecord:
    """Measure the queues at each of LOADS as a cell of a run would, and note the flags."""
    began = time.monotonic()
    rows = []
    with (
        Driver(workspace.cores, workspace.work / "overload-driver" / "log") as driver,
        workspace.server(REFERENCE_APP, "overload") as server,
    ):
        server.wait_until_ready()
        for done, share in enumerate(LOADS):
            workspace.tell(f"queues at {share:.0%} of what they serve", OVERLOAD_S * done / len(LOADS))
            rows.append(_flags_at(OpenLoop(share * SERVED_RPS), server, driver, random.Random(workspace.seed)))
    return OverloadRecord(
        occasion=provenance(workspace, time.monotonic() - began), served_rps=SERVED_RPS, trials=TRIALS, rows=rows
    )


def _flags_at(load: OpenLoop, server: Server, driver: Driver, rng: random.Random) -> RateFlags:
    timing = default_timing([load], 1)
    column = []
    for _ in range(TRIALS):
        seed = rng.randrange(2**32)
        job = PairingJob({"a": target(server)}, QUEUE, load, timing.slice_s, timing.pairing_s, 0.0, seed)
        recording = driver.drive(job)["a"]
        if recording.stalled or not recording.slices:
            raise RunError(f"/queue with {load}: {recording.stalled or 'no slice was completed'}")
        column.append(summarise(recording, arrivals=True))
    return RateFlags(
        offered_rps=load.rate,
        answered_rps=round(fmean(s.throughput_rps for s in column), 1),
        flags=[flag.name for flag in flags_of(load, [(s, s) for s in column], Conditions()) if flag.label == "a"],
    )


def measure_capacity(workspace: Workspace) -> CapacityRecord:
    """Search for the highest rate at which the queues keep OBJECTIVE, as one start of ``bench capacity --slo`` does."""
    began = time.monotonic()
    rng = random.Random(workspace.seed)
    search, probes = RateSearch(START_RPS, MAX_RATE, OBJECTIVE.requests / MAX_WINDOW_S), 0
    with (
        Driver(workspace.cores, workspace.work / "capacity-driver" / "log") as driver,
        workspace.server(REFERENCE_APP, "capacity") as server,
    ):
        server.wait_until_ready()
        while search.state == "searching":
            workspace.tell(f"{search.rate_rps:,.4g}/s", time.monotonic() - began)
            lead_in_s, window_s = probe_timing(OBJECTIVE, search.rate_rps, thorough=search.thorough)
            once = replace(workspace, seed=rng.randrange(2**32))  # a rate that is asked again meets other arrivals
            recording = drive_alone(once, driver, server, "/queue", OpenLoop(search.rate_rps), window_s, lead_in_s)
            search.record(kept=OBJECTIVE.missed(summarise(recording, arrivals=True)) is None)
            probes += 1
    return CapacityRecord(
        occasion=provenance(workspace, time.monotonic() - began),
        objective=str(OBJECTIVE),
        theory_rps=capacity_rps(OBJECTIVE),
        kept_rps=search.kept_rps,
        missed_rps=search.missed_rps,
        probes=probes,
    )
