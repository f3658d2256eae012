"""Drive one server alone: the driver's ceiling, and checks of servers with known answers.

The ceiling is what the driver reaches against a server that does nothing. A cell whose throughput comes near it was
limited by the driver, not by the server that was measured.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from urllib.request import urlopen

from loadtests.drivers.driver import Driver
from loadtests.drivers.job import PairingJob, Target
from loadtests.experiment.loads import ClosedLoop, Load
from loadtests.experiment.scenario import Request
from loadtests.experiment.sides import parse_side
from loadtests.records.samples import Failure, Recording
from loadtests.servers.auxiliary import AuxiliaryServer
from loadtests.servers.server import Server
from loadtests.system.cores import Cores
from loadtests.system.errors import RunError

USERS = 64
WINDOW_S = 0.5
LIMIT_S = 5.0
"""Longer than any phase of the one slice takes, however slow the machine."""
ASK_LIMIT_S = 30.0
Tell = Callable[[str, float], None]
"""Takes what is being done and how many seconds of the plan lie behind it."""


def measure_ceiling(cores: Cores, driver: Driver, log: Path) -> float:
    """Return the requests/s of ``driver`` against the null server, in a closed loop of 64 users; takes about a second.

    Args:
        cores: the null server is pinned where the sides will be.
        driver: what is measured.
        log: where the null server's output goes.

    Raises:
        RunError: the null server did not start, or did not answer.
        DriverFailed: the driver died or hung.
    """
    with AuxiliaryServer("loadtests.servers.null_server", "the null server", cores.server, log) as null_server:
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


@dataclass(frozen=True)
class Workspace:
    """Where checks are carried out.

    Attributes:
        work: a folder for databases, logs and trials, removed in the end.
        cores: the division of the machine.
        created: when the validation was started.
        commit: of this project.
        seed: everything random follows from it.
        tell: called with what is being done, and how many seconds of its plan are over.
    """

    work: Path
    cores: Cores
    created: datetime
    commit: str | None
    seed: int
    tell: Tell

    def server(self, spec: str, name: str, upstream_url: str = "") -> Server:
        """Return a side that starts: a context manager that owns it.

        Args:
            spec: the side, as written.
            name: of its log and database.
            upstream_url: where the slow external API listens, if it needs one.
        """
        folder = self.work / name
        return Server(
            parse_side(spec),
            database_url=f"sqlite:///{folder}/blog.db",
            upstream_url=upstream_url,
            cores=self.cores,
            log=folder / "log",
        )


def target(server: Server) -> Target:
    """Return a server as a driver's target."""
    return Target(server.url, tuple(server.pids), tuple(server.groups), server.cpus)


def ask(server: Server, path: str) -> object:
    """Return what one of our own servers answers to a GET, as JSON."""
    with urlopen(server.url + path, timeout=ASK_LIMIT_S) as answer:  # noqa: S310 - our own server, on loopback
        return json.loads(answer.read())


def drive_alone(
    workspace: Workspace,
    driver: Driver,
    server: Server,
    path: str,
    load: Load,
    window_s: float,
    settling_s: float = 0.0,
) -> Recording:
    """Ask one server for one path in a single long slice; raises RunError if it gives up.

    Args:
        workspace: where.
        driver: puts on the load.
        server: is asked.
        path: of the request.
        load: how it is asked.
        window_s: length of the steady window, in seconds.
        settling_s: in an open loop, arrivals before the window, in seconds; the driver's usual ones at least.
    """
    waits_s = settling_s / 3  # an open loop's lead-in lasts three waits
    job = PairingJob({"a": target(server)}, (Request("GET", path),), load, window_s, 0.0, waits_s, workspace.seed)
    recording = driver.drive(job)["a"]
    if recording.stalled or not recording.slices:
        raise RunError(f"{path} with {load}: {recording.stalled or 'no slice came to its end'}")
    return recording
