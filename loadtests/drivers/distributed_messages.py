"""What Locust's master and its workers on load machines tell each other, beyond Locust's own messages.

Everything goes as msgpack, as Locust's own messages do, and is checked when it is read: nothing that comes over the
network is executed. A trial travels as the file that it becomes, its times to 100 ns. Locust's protocol neither knows
who connects nor encrypts: jobs hold what fills the requests' places, secrets included, so that the network must be one
that can be trusted.
"""

import hashlib
import io
import os
import platform
import socket
from dataclasses import dataclass, replace
from functools import cache
from importlib import metadata
from pathlib import Path

import msgpack
from pydantic import TypeAdapter

from loadtests.drivers.job import PairingJob
from loadtests.drivers.phases import Rounds
from loadtests.drivers.trial import Stalled
from loadtests.experiment.sides import SideLabel
from loadtests.records.samples import Recording
from loadtests.records.trial_file import TrialKey, dump_trial, load_trial

HELLO = "bench-hello"
"""Worker to master: an ``About``, when it has connected."""
WELCOME = "bench-welcome"
"""Master to worker: it takes part."""
WHO = "bench-who"
"""Master to a worker that it does not know, because it was started anew: connect once more."""
REFUSED = "bench-refused"
"""Master to worker: a sentence that says why it can't take part."""
PING, PONG = "bench-ping", "bench-pong"
"""Master to worker: a number; worker to master: the number, and its clock."""
JOB = "bench-job"
"""Master to worker: a ``WorkerJob``."""
BARRIER = "bench-barrier"
"""Worker to master: it has come to a barrier, with a value. Master to worker: all have; the values of all."""
RECORDING, FINISHED = "bench-recording", "bench-finished"
"""Worker to master: one side's recording; there are no more."""
FAILED = "bench-failed"
"""Worker to master: a sentence that says why it could not drive the job."""
ABANDON = "bench-abandon"
"""Master to worker: drive the job no further."""

ROOMS = ("drivers", "experiment", "records", "system")
"""Folders of this package whose code must be the same on all machines."""
_KEY = TrialKey(0, "", "", "a")


@dataclass(frozen=True)
class About:
    """What a worker says of itself.

    Attributes:
        name: what the worker calls itself.
        code: see ``code_fingerprint``.
        cores: how many the machine has.
        system: operating system and kernel.
        python: version of the interpreter.
    """

    name: str
    code: str
    cores: int
    system: str
    python: str


@dataclass(frozen=True)
class WorkerJob:
    """A job as one of several workers gets it.

    Attributes:
        serial: of the job; what is told of it later carries the same number.
        number: of the worker among those who drive it, from 0.
        size: how many they are.
        clock_offset_s: what to add to its clock to have the master's, in seconds.
        job: what to drive.
    """

    serial: int
    number: int
    size: int
    clock_offset_s: float
    job: PairingJob


_ABOUT = TypeAdapter(About)
_WORKER_JOB = TypeAdapter(WorkerJob)


def about_this_machine(name: str) -> About:
    """Return what a worker on this machine says of itself; its name is the host's if it is given none."""
    return About(
        name=name or socket.gethostname(),
        code=code_fingerprint(),
        cores=len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1,
        system=f"{platform.system()} {platform.release()}",
        python=platform.python_version(),
    )


@cache
def code_fingerprint() -> str:
    """Return what is the same on two machines if their workers' code and their versions of Locust are."""
    package = Path(__file__).parent.parent
    files = sorted(path for room in ROOMS for path in (package / room).rglob("*.py"))
    digest = hashlib.sha256(metadata.version("locust").encode())
    for path in [*files, package / "locustfile.py"]:
        digest.update(str(path.relative_to(package)).encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


def pack_about(about: About) -> bytes:
    """Return the bytes of an ``About``."""
    return _packed(_ABOUT.dump_python(about))


def unpack_about(content: object) -> About:
    """Return what ``pack_about`` packed; raises ValueError if it did not."""
    return _ABOUT.validate_python(_unpacked(content))


def pack_job(job: WorkerJob) -> bytes:
    """Return the bytes of a job."""
    return _packed(_WORKER_JOB.dump_python(job))


def unpack_job(content: object) -> WorkerJob:
    """Return what ``pack_job`` packed; raises ValueError if it did not."""
    return _WORKER_JOB.validate_python(_unpacked(content))


def pack_value(value: object) -> bytes:
    """Return the bytes of what a load generator brings to a barrier."""
    if isinstance(value, Stalled):
        return _packed(["stalled", value.what, value.in_flight])
    if isinstance(value, Rounds):
        return _packed(["rounds", value.rounds, value.window_s])
    return _packed(["plain", value])


def unpack_value(content: object) -> object:
    """Return what ``pack_value`` packed, tuples as lists; raises ValueError if it did not."""
    match _unpacked(content):
        case ["stalled", str(what), int(in_flight)]:
            return Stalled(what, in_flight)
        case ["rounds", int(rounds), float() | None as window_s]:
            return Rounds(rounds, window_s)
        case ["plain", value]:
            return value
    raise ValueError("no value of a barrier")


def pack_recording(label: SideLabel, recording: Recording) -> bytes:
    """Return the bytes of one side's recording."""
    return _packed([label, recording.next_row, dump_trial(_KEY, "", recording)])


def unpack_recording(content: object) -> tuple[SideLabel, Recording]:
    """Return what ``pack_recording`` packed; raises ValueError if it did not."""
    match _unpacked(content):
        case [("a" | "b") as label, int(next_row), bytes(trial)]:
            try:
                _, recording, _ = load_trial(io.BytesIO(trial))
            except Exception as error:
                raise ValueError(f"no trial: {error}") from None
            return label, replace(recording, next_row=next_row)
    raise ValueError("no recording")


def _packed(content: object) -> bytes:
    packed: bytes = msgpack.packb(content, default=_plain)
    return packed


def _plain(value: object) -> object:
    if isinstance(value, frozenset | set):
        return sorted(value)
    if isinstance(value, Path):
        return str(value)
    raise TypeError(f"{type(value).__name__} can't be told to another machine")


def _unpacked(content: object) -> object:
    if not isinstance(content, bytes):
        raise ValueError("no bytes")
    try:
        unpacked: object = msgpack.unpackb(content, strict_map_key=False)
    except Exception as error:
        raise ValueError(f"no message: {error}") from None
    return unpacked
