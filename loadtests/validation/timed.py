"""One server driven alone, and what both ends say of its response times."""

import math
from typing import cast

import numpy as np
import numpy.typing as npt

from loadtests.analysis.summary import percentile
from loadtests.records.samples import Recording
from loadtests.runner.single_server import ask
from loadtests.servers.server import Server
from loadtests.system.errors import RunError

Values = npt.NDArray[np.floating]


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
