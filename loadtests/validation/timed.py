"""One server driven alone, and what both ends say of its response times."""

import math
from typing import cast

import numpy as np
import numpy.typing as npt

from loadtests.analysis.summary import percentile
from loadtests.drivers.jobs import PairingJob
from loadtests.drivers.process import Driver
from loadtests.experiment.loads import Load
from loadtests.experiment.scenario import Request
from loadtests.records.samples import Recording
from loadtests.servers.server import Server
from loadtests.system.errors import RunError
from loadtests.validation.stage import Stage, ask, target

Values = npt.NDArray[np.floating]


def drive_alone(
    stage: Stage, driver: Driver, server: Server, path: str, load: Load, window_s: float, settling_s: float = 0.0
) -> Recording:
    """Ask one server for one path in a single long slice; raises RunError if it gives up.

    Args:
        stage: where.
        driver: puts on the load.
        server: is asked.
        path: of the request.
        load: how it is asked.
        window_s: length of the steady window, in seconds.
        settling_s: in an open loop, arrivals before the window, in seconds; the driver's usual ones at least.
    """
    waits_s = settling_s / 3  # an open loop's lead-in lasts three waits
    job = PairingJob({"a": target(server)}, (Request("GET", path),), load, window_s, 0.0, waits_s, stage.seed)
    recording = driver.drive(job)["a"]
    if recording.stalled or not recording.slices:
        raise RunError(f"{path} with {load}: {recording.stalled or 'no slice came to its end'}")
    return recording


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
