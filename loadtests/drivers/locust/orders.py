"""What travels between the owner, the conductor and the players: plain data."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from loadtests.drivers.job import PairingJob
from loadtests.experiment.loads import ClosedLoop
from loadtests.experiment.sides import SideLabel
from loadtests.records.samples import Slice

# Messages of Locust's own protocol between a master and its workers carry these names.
BEGIN = "bench_begin"
TURN = "bench_turn"
GIVE_UP = "bench_give_up"
END = "bench_end"
WRITTEN = "bench_written"


def users_of(job: PairingJob) -> int:
    """Return how many users a pairing has on each side; ValueError for an open loop, which Locust does not drive."""
    if not isinstance(job.load, ClosedLoop):
        raise ValueError(f"Locust drives a closed loop, not {job.load}")
    return job.load.users


@dataclass(frozen=True)
class Orders:
    """A pairing to drive.

    Attributes:
        job: the pairing.
        folder: where each process writes its samples.
        pids: the processes that send requests, whose CPU time is read.
    """

    job: PairingJob
    folder: Path
    pids: tuple[int, ...]


@dataclass(frozen=True)
class Begin:
    """The pairing as players are told of it.

    Attributes:
        job: the pairing.
        folder: where to write samples.
        started_s: the instant that all times are counted from, on ``time.perf_counter``, which is the same clock in
            all processes of a machine.
    """

    job: PairingJob
    folder: Path
    started_s: float


@dataclass(frozen=True)
class Trial:
    """One side's recording, but for its samples.

    Attributes:
        slices: its turns.
        size: resident memory in bytes and threads; None if not known.
        stalled: a sentence if it was given up.
    """

    slices: tuple[Slice, ...]
    size: tuple[int, int] | None
    stalled: str | None


@dataclass(frozen=True)
class Performance:
    """What came of a pairing: each side's trial, and the files that hold the samples, one a process."""

    started_s: float
    trials: Mapping[SideLabel, Trial]
    files: tuple[Path, ...]
