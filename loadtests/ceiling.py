"""The driver's ceiling: what it reaches against a server that does nothing.

A cell whose throughput comes near it was limited by the driver, not by the server that was measured.
"""

from pathlib import Path

from loadtests.drivers.choice import LoadDriver
from loadtests.drivers.jobs import PairingJob, Target
from loadtests.experiment.loads import ClosedLoop
from loadtests.experiment.scenario import Request
from loadtests.records.samples import Failure, Recording
from loadtests.servers.auxiliary import Companion
from loadtests.system.cores import Cores
from loadtests.system.errors import RunError

USERS = 64
WINDOW_S = 0.5
LIMIT_S = 5.0
"""Longer than any phase of the one slice takes, however slow the machine."""


def measure_ceiling(cores: Cores, driver: LoadDriver, log: Path) -> float:
    """Return the requests/s of ``driver`` against the null server, in a closed loop of 64 users; takes about a second.

    Args:
        cores: the null server is pinned where the sides will be.
        driver: what is measured.
        log: where the null server's output goes.

    Raises:
        RunError: the null server did not start, or did not answer.
        DriverFailed: the driver died or hung.
    """
    with Companion("loadtests.servers.null_server", "the null server", cores.server, log) as null_server:
        job = PairingJob(
            targets={"a": Target(null_server.url)},
            requests=(Request("GET", "/", contains=b"ok"),),
            load=ClosedLoop(USERS),
            slice_s=WINDOW_S,
            pairing_s=0.0,
            wait_s=0.0,
            seed=0,
            stall_s=LIMIT_S,
            limit_s=LIMIT_S,
        )
        return answers_per_second(driver.drive(job)["a"])


def answers_per_second(recording: Recording) -> float:
    """Return good answers per second of window, over all slices; raises RunError if there were no good ones."""
    samples = recording.samples
    good = samples.ended_s[samples.failure == Failure.NONE]
    windows_s = sum(turn.closed_s - turn.opened_s for turn in recording.slices)
    answers = sum(int(((good >= turn.opened_s) & (good < turn.closed_s)).sum()) for turn in recording.slices)
    if recording.stalled is not None or not answers:
        raise RunError(f"the null server gave no answer: {recording.stalled or 'every request failed'}")
    return answers / windows_s
