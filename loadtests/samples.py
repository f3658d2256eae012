"""What a driver records: one row a request, and the readings that go with a trial. Never a statistic."""

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
import numpy.typing as npt

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
    """The connection broke, or what came over it was no HTTP."""
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
class ServerUse:
    """What the server used, over all its processes.

    Attributes:
        cpu_s: CPU time spent inside the window, in seconds.
        rss_bytes: resident memory at the window's end.
        threads: threads alive at the window's end.
    """

    cpu_s: float
    rss_bytes: int
    threads: int


@dataclass(frozen=True)
class Recording:
    """What a driver hands back for one slice: the samples, the steady window in them, and what the server used.

    Attributes:
        samples: every request, lead-in and lead-out included.
        started_s: when the driver started the trial, on the machine's monotonic clock.
        window_s: start and end of the steady window, in the samples' seconds; None if it was never reached.
        server: what the server used in the window; None if that is not known.
        driver_cpu_s: CPU time the driver itself spent inside the window, in seconds.
        stalled: a sentence if the driver gave up waiting for the server, else None.
    """

    samples: Samples
    started_s: float
    window_s: tuple[float, float] | None
    server: ServerUse | None
    driver_cpu_s: float
    stalled: str | None
