"""What a driver is told to do: plain data that travels to its process."""

from collections.abc import Mapping
from dataclasses import dataclass

from loadtests.experiment.loads import Load
from loadtests.experiment.scenario import Journeys, Request
from loadtests.experiment.sides import SideLabel


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
