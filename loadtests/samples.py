"""What a driver records: one row a request, and the readings that go with a trial. Never a statistic."""

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
import numpy.typing as npt

from loadtests.timeline import Timeline

Seconds = npt.NDArray[np.float64]


class Failure(IntEnum):
    """Why a request did not succeed."""

    NONE = 0
    STATUS = 1
    """Another status than the scenario expects."""
    BODY = 2
    """The right status, but not the body of a good answer."""
    CONNECT = 3
    """The server took no connection."""
    DISCONNECT = 4
    """The connection broke, or what came over it was no answer that HTTP allows."""
    CUT_OFF = 5
    """Unfinished when the trial's time was up."""


@dataclass(frozen=True)
class Samples:
    """The requests of one trial, in columns of equal length, ordered as they ended.

    Attributes:
        scheduled_s: when the request was due, in seconds since the driver started the trial. In a closed loop
            this is when it was sent.
        sent_s: when it was handed to the transport.
        first_byte_s: when the answer's head had arrived; NaN without an answer.
        ended_s: when the answer was complete, or the failure known; NaN if it was cut off.
        status: HTTP status, 0 without an answer.
        failure: a ``Failure``.
        request: which of the scenario's requests it was, by index.
    """

    scheduled_s: Seconds
    sent_s: Seconds
    first_byte_s: Seconds
    ended_s: Seconds
    status: npt.NDArray[np.uint16]
    failure: npt.NDArray[np.uint8]
    request: npt.NDArray[np.uint16]

    def __len__(self) -> int:
        return len(self.sent_s)

    def __repr__(self) -> str:
        return f"<Samples: {len(self)} requests, {np.count_nonzero(self.failure)} failed>"


@dataclass(frozen=True)
class Slice:
    """One turn of a side: the steady window in it, and what was used in that window.

    Attributes:
        opened_s: when the window opened, in the samples' seconds.
        closed_s: when it closed.
        drained_s: when the last request of the turn had been answered.
        server_cpu_s: CPU time of all the server's processes inside the window; None if that is not known.
        driver_cpu_s: CPU time of the driver inside the window.
        driver_peak: the driver's share of a core in the busiest second of the window, 0 to 1; over the whole window
            if that is shorter.
        rss_bytes: resident memory of all the server's processes at the window's end; None if that is not known.
    """

    opened_s: float
    closed_s: float
    drained_s: float
    server_cpu_s: float | None
    driver_cpu_s: float
    driver_peak: float
    rss_bytes: int | None = None


@dataclass(frozen=True)
class Recording:
    """What a driver hands back for one trial: the samples of all its slices.

    Attributes:
        samples: every request, lead-ins and drains included.
        started_s: when the driver started the trial, on the machine's monotonic clock.
        slices: the trial's turns, in order; empty if none came to its end.
        rss_bytes: most resident memory of the server that was seen; None if that is not known.
        threads: most threads of the server that were seen; None if that is not known.
        stalled: a sentence if the driver gave up waiting for the server, else None.
        abandoned: requests of an open loop that were cut off, because the server was still busy with them long after
            the last arrival.
        timeline: what was seen inside the server meanwhile; None if nobody looked.
    """

    samples: Samples
    started_s: float
    slices: tuple[Slice, ...]
    rss_bytes: int | None
    threads: int | None
    stalled: str | None
    abandoned: int = 0
    timeline: Timeline | None = None
