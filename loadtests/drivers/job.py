"""What a driver is told to do: plain data that travels to its process.

What goes over the pipe between a driver's process and its owner: jobs in, signs of life and recordings out.

Each side's recording is a message of its own, so that the owner never holds a pickled and an unpickled copy of all.
"""

import asyncio
import socket
import struct
import time
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass
from multiprocessing.connection import Connection
from types import TracebackType
from typing import Final, Protocol, Self, TypeVar

from loadtests.experiment.loads import Load
from loadtests.experiment.scenario import Journeys, Request
from loadtests.experiment.sides import SideLabel
from loadtests.records.samples import Recording
from loadtests.system.errors import BenchError

BEAT_S = 1.0
"""A driver that works gives a sign of life so often."""
SILENCE_S = 10.0
"""One that gives none for so long has hung, or was stopped."""
BEAT: Final = "beat"
DONE: Final = "done"
T = TypeVar("T")


@dataclass(frozen=True)
class Target:
    """A server to put load on.

    Attributes:
        base_url: where it listens, without a trailing slash.
        pids: its processes, whose use is read at the edges of each window; none if it is not ours.
    """

    base_url: str
    pids: tuple[int, ...] = ()


@dataclass(frozen=True)
class PairingJob:
    """One pairing to drive: the sides take turns in short slices.

    Attributes:
        targets: the sides by label, in the order in which they begin; one alone is driven alone.
        requests: sent in turn.
        load: how they are sent.
        slice_s: how long the steady state of one slice is measured, in seconds; longer if answers are slow.
        pairing_s: go on with further rounds of slices while they are expected to end within so many seconds.
        wait_s: how long a request waits by design at the most, in seconds; users start spread over it at least.
        seed: for everything random; the same for both sides.
        stall_s: give up a side when nothing at all has been answered for so long.
        limit_s: give up a phase of a slice that takes longer, in seconds.
        drain_s: in an open loop, cut off what is unanswered so many seconds after the last arrival.
        journeys: what users do instead of sending the requests in turn; for Locust alone.
    """

    targets: Mapping[SideLabel, Target]
    requests: tuple[Request, ...]
    load: Load
    slice_s: float
    pairing_s: float
    wait_s: float
    seed: int
    stall_s: float = 5.0
    limit_s: float = 30.0
    drain_s: float = 10.0
    journeys: Journeys | None = None

    @property
    def longest_s(self) -> float:
        """The longest that driving it can take, in seconds, whatever the servers do."""
        return 2 * (self.pairing_s + len(self.targets) * (3 * self.slice_s + 4 * self.limit_s))


class Silent(BenchError):
    """The driver does not speak, or speaks for too long; the message is what follows on "the load driver"."""


async def beating(owner: Connection, work: Coroutine[object, object, T]) -> T:
    """Do the driver's work, with signs of life that stop when its event loop does."""
    beats = asyncio.create_task(_beat(owner))
    try:
        return await work
    finally:
        beats.cancel()


async def _beat(owner: Connection) -> None:
    while True:
        owner.send(BEAT)
        await asyncio.sleep(BEAT_S)


def send(owner: Connection, recordings: Mapping[SideLabel, Recording]) -> None:
    """Hand recordings to the owner, a side at a time."""
    for label, recording in recordings.items():
        owner.send((label, recording))
    owner.send(DONE)


def limit_reading(driver: Connection) -> None:
    """Let no read wait for longer than SILENCE_S: a process that is stopped in mid-message must not stop its owner."""
    with socket.socket(fileno=driver.fileno()) as pipe:
        pipe.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, struct.pack("ll", round(SILENCE_S), 0))
        pipe.detach()


def receive(driver: Connection, limit_s: float) -> dict[SideLabel, Recording]:
    """Wait for all recordings of a job.

    Raises:
        Silent: no sign of life for SILENCE_S, or no end within ``limit_s``.
        EOFError, OSError: the driver is gone.
    """
    deadline = time.monotonic() + limit_s
    recordings: dict[SideLabel, Recording] = {}
    while driver.poll(min(SILENCE_S, max(0.0, deadline - time.monotonic()))):
        try:
            message = driver.recv()
        except BlockingIOError:
            break
        if message == DONE:
            return recordings
        if message != BEAT:
            label, recording = message
            recordings[label] = recording
        elif time.monotonic() > deadline:
            break
    if time.monotonic() > deadline:
        raise Silent(f"gave no answer for {limit_s:g} s")
    raise Silent(f"hung: it gave no sign of life for {SILENCE_S:g} s")


class LoadDriver(Protocol):
    """The owner's end of a driver; a context manager."""

    def drive(self, job: PairingJob) -> dict[SideLabel, Recording]:
        """Run one pairing; raises DriverFailed."""

    def restart(self) -> None:
        """Replace its processes by fresh ones."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


class DriverFailed(BenchError):
    """The driver died or hung; the message is a sentence for the report."""
