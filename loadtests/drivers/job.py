"""Messages between the main process and a load generator: jobs in, heartbeats and recordings out.

Each side's recording is a message of its own, so that the owner never holds a pickled and an unpickled copy of all.
"""

import socket
import struct
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Final, Generic, Protocol, TypeVar

from loadtests.experiment.fresh_values import Series
from loadtests.experiment.loads import ClosedLoop, Load
from loadtests.experiment.rate_schedule import RateSchedule
from loadtests.experiment.request import Request
from loadtests.experiment.scenario import Journeys
from loadtests.experiment.sequence import Login
from loadtests.experiment.sides import SideLabel
from loadtests.experiment.values import Variables
from loadtests.records.samples import Recording
from loadtests.system.connections import SYSTEMS, Trust
from loadtests.system.errors import BenchError

HEARTBEAT_S = 1.0
"""A load generator that works gives a sign of life so often."""
SILENCE_S = 10.0
"""One that gives none for so long has hung, or was stopped."""
NOT_WRITTEN = "could not be measured further"
"""How the sentence begins that says why samples could not be written: that is no fault of the server."""
POLL_S = 0.002

HEARTBEAT: Final = "heartbeat"
DONE: Final = "done"

Sleep = Callable[[float], Awaitable[None]]
T = TypeVar("T")


class DriverFailed(BenchError):
    """The driver died or hung; the message is a sentence for the report."""


class NotDrivenByMachines(DriverFailed):
    """A load machine was lost, or could not drive a job; the others are still there."""


class NoHeartbeat(BenchError):
    """A load generator does not speak, or speaks for too long; the message is what follows on "the load driver"."""


@dataclass(frozen=True)
class Target:
    """A server to put load on.

    Attributes:
        base_url: where it listens, without a trailing slash.
        pids: its processes, whose use is read at the edges of each window, with that of all they start; none if it is
            not ours.
        groups: its process groups, which are stopped while the other side has its turn; none if it is not ours.
        cpus: how many cores it can use at once.
        trust: which certificates are trusted, if it is asked by https.
        requests: what it is asked; empty if that is what the job asks of all.
        series: which rows of a values file, and which numbers, its requests are filled with.
        start: which start of a server this is: users of a sequence stay logged in there from job to job. 0 if they log
            in anew in each.
        logins: what those have who warmed up the server, for the first users of the first job. Secrets, most likely:
            they go through the pipe, and nowhere else.
    """

    base_url: str
    pids: tuple[int, ...] = ()
    groups: tuple[int, ...] = ()
    cpus: int = 1
    trust: Trust = SYSTEMS
    requests: tuple[Request, ...] = ()
    series: Series = field(default_factory=Series)
    start: int = 0
    logins: tuple[Login, ...] = field(default=(), repr=False)


@dataclass(frozen=True)
class StreamTo:
    """Where the samples of a trial go while it lasts, instead of being kept until its end.

    Attributes:
        path: of a new file; see ``records/sample_stream``.
        about: which trial it is.
        raw_bytes: how large the file may grow before requests are only counted.
    """

    path: Path
    about: Mapping[str, object]
    raw_bytes: int


@dataclass(frozen=True)
class PairingJob:
    """One pairing to drive: the sides take turns in short slices.

    Attributes:
        targets: the sides by label, in the order in which they begin; one alone is driven alone.
        requests: sent in turn, as they are declared: their places are not filled.
        load: how they are sent.
        slice_s: how long the steady state of one slice is measured, in seconds; longer if answers are slow.
        pairing_s: go on with further rounds of slices while they are expected to end within so many seconds.
        rounds: how many rounds of slices; 0 for as many as fit into ``pairing_s``.
        wait_s: how long a request waits by design at the most, in seconds; users start spread over it at least.
        seed: for everything random; the same for both sides.
        stall_s: give up a side when not a byte has come for so long while requests are in flight.
        limit_s: give up a phase of a slice that takes longer, in seconds.
        drain_s: in an open loop, cut off what is unanswered so many seconds after the last arrival.
        journeys: what users do instead of sending the requests in turn; for Locust alone.
        timeout_s: give up a side when an answer takes longer, to its last byte, though bytes may come, in seconds.
        sequence: whether each user sends the requests one after another, instead of all users together in turn.
        variables: what fills the requests' places. Secrets, perhaps: they go through the pipe, and nowhere else.
        stream: where samples go under a schedule, which is carried out once, on one side; None for any other load.
    """

    targets: Mapping[SideLabel, Target]
    requests: tuple[Request, ...]
    load: Load | RateSchedule
    slice_s: float
    pairing_s: float
    wait_s: float
    seed: int
    stall_s: float = 5.0
    limit_s: float = 30.0
    drain_s: float = 10.0
    journeys: Journeys | None = None
    rounds: int = 0
    timeout_s: float = 60.0
    sequence: bool = False
    variables: Variables = field(default_factory=Variables, repr=False)
    stream: StreamTo | None = None

    def of(self, target: Target) -> "PairingJob":
        """Return the job with what is asked of one of its targets."""
        return replace(self, requests=target.requests) if target.requests else self

    @property
    def users(self) -> int:
        """How many users there are; 0 where requests are sent by the clock."""
        return self.load.users if isinstance(self.load, ClosedLoop) else 0

    @property
    def longest_s(self) -> float:
        """The longest that driving it can take, in seconds, whatever the servers do."""
        return 2 * (self.pairing_s + len(self.targets) * (3 * self.slice_s + 4 * self.limit_s))


@dataclass(frozen=True)
class Gather:
    """Asks Locust's master to wait for its workers.

    Attributes:
        limit_s: for so long at the most, in seconds.
    """

    limit_s: float


@dataclass(frozen=True)
class GatheredMachine:
    """A load machine whose worker has connected; for the attributes see ``records/manifest.LoadMachineRecord``."""

    name: str
    cores: int
    system: str
    python: str


@dataclass(frozen=True)
class NotDriven:
    """A job was not driven to its end by load machines.

    Attributes:
        why: a sentence.
        none_left: whether there is no load machine to drive another one.
    """

    why: str
    none_left: bool = False


@dataclass(frozen=True)
class AtBarrier(Generic[T]):
    """A load generator has come to the next barrier, with something to tell the others."""

    value: T


class Owner(Protocol):
    """What a load generator needs of the connection to its owner."""

    def send(self, message: object, /) -> None:
        """Send a message."""

    def poll(self) -> bool:
        """Return whether a message is there."""

    def recv(self) -> Any:  # noqa: ANN401 - as a pipe has it
        """Return the next message."""


@dataclass(frozen=True)
class Group:
    """The load generators that drive a job together, as one of them sees it; by default it is alone.

    Attributes:
        sleep: waits for so many seconds, while users go on.
        number: which of them it is, from 0; the first one decides where they must agree.
        size: how many they are; users are divided among them.
        owner: the pipe to their owner, who holds the barriers; not needed by one that is alone.
        clock_offset_s: what to add to ``time.perf_counter`` of this machine to have the clock that all go by, in
            seconds; 0 where all are on one machine.
    """

    sleep: Sleep
    number: int = 0
    size: int = 1
    owner: Owner | None = None
    clock_offset_s: float = 0.0

    async def barrier(self, value: T) -> list[T]:
        """Wait until all have come to the same barrier; return what each has brought, in the order of their numbers.

        It needs no limit of its own: whatever the others do before they come has one, and the owner ends this
        process if one of them dies.
        """
        if self.owner is None or self.size == 1:
            return [value]
        self.owner.send(AtBarrier(value))
        while not self.owner.poll():
            await self.sleep(POLL_S)
        brought: list[T] = self.owner.recv()
        return brought

    async def same_instant(self) -> float:
        """Return, by this machine's ``time.perf_counter``, an instant that is the same one for all: the first's now."""
        common_s, *_ = await self.barrier(time.perf_counter() + self.clock_offset_s)
        return common_s - self.clock_offset_s


async def send_heartbeats(owner: Owner, sleep: Sleep) -> None:
    """Give signs of life until cancelled; they stop when the event loop that should run this does."""
    while True:
        owner.send(HEARTBEAT)
        await sleep(HEARTBEAT_S)


def send(owner: Owner, recordings: Mapping[SideLabel, Recording]) -> None:
    """Hand recordings to the owner, a side at a time."""
    for label, recording in recordings.items():
        owner.send((label, recording))
    owner.send(DONE)


def limit_reading(generator: Connection) -> None:
    """Let no read wait for longer than SILENCE_S: a process that is stopped in mid-message must not stop its owner."""
    # On a copy of the descriptor: an interrupt while it is open must not close the pipe itself.
    with socket.fromfd(generator.fileno(), socket.AF_UNIX, socket.SOCK_STREAM) as pipe:
        pipe.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, struct.pack("ll", round(SILENCE_S), 0))
