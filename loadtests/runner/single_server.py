"""Drive one server alone: what the driver can do at all, and checks of servers with known answers.

The ceiling is what the driver reaches against a server that does nothing. A cell whose throughput comes near it was
limited by the driver, not by the server that was measured. Where users are few, and each waits for its answer, the
driver's own part of a request counts as the server's, on both sides alike: it pulls ratios towards 1. How long that
part is, is measured with a user who is alone.
"""

import json
import socket
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import urlopen

import numpy as np

from loadtests.drivers.driver import Driver
from loadtests.drivers.job import PairingJob, Target
from loadtests.experiment.fresh_values import Series
from loadtests.experiment.loads import ClosedLoop, Load
from loadtests.experiment.request import Request
from loadtests.experiment.sequence import Login
from loadtests.experiment.side_parser import parse_side
from loadtests.records.samples import Failure, Recording
from loadtests.servers.auxiliary import AuxiliaryServer
from loadtests.servers.null_server import ANSWER
from loadtests.servers.server import Server
from loadtests.system.cores import Cores, pinned
from loadtests.system.errors import RunError

USERS = 64
ROUNDS = 3
WINDOW_S = 0.2
ALONE_S = 0.1
BARE_S = 0.03
"""Of a bare loop, before each slice of a single user and after it."""
LIMIT_S = 5.0
"""Longer than any phase of a slice takes, however slow the machine."""
ASK_LIMIT_S = 30.0
PING = b"GET / HTTP/1.1\r\nhost: bench\r\nuser-agent: bench\r\naccept: */*\r\n\r\n"
Tell = Callable[[str, float], None]
"""Takes what is being done and how many seconds of the plan lie behind it."""


@dataclass(frozen=True)
class DriverSpeed:
    """What a driver can do against a server that does nothing.

    Attributes:
        ceiling_rps: its requests/s in a closed loop of 64 users.
        overhead_s: what it adds to the response time of a user who is alone, beyond what the barest loop of send and
            receive takes on the same core, in seconds.
    """

    ceiling_rps: float
    overhead_s: float


def measure_driver(cores: Cores, driver: Driver, log: Path) -> DriverSpeed:
    """Measure what ``driver`` can do; takes one to two seconds.

    A machine is faster and slower by turns, so there are some short rounds: what is compared stands side by side in
    each. The ceiling is the upper quartile of the rounds, for all that disturbs one makes it slower; the overhead is
    the median.

    Args:
        cores: the null server is pinned where the sides will be.
        driver: what is measured.
        log: where the null server's output goes.

    Raises:
        RunError: the null server did not start, or did not answer.
        DriverFailed: the driver died or hung.
    """
    rates, overheads_s = [], []
    with AuxiliaryServer("loadtests.servers.null_server", "the null server", cores.server, log) as null_server:
        for _ in range(ROUNDS):
            rates.append(answers_per_second(driver.drive(_ping(null_server.url, USERS, WINDOW_S))["a"]))
            before_s = bare_s(null_server.url, cores)
            alone_s = 1 / answers_per_second(driver.drive(_ping(null_server.url, 1, ALONE_S))["a"])
            overheads_s.append(alone_s - (before_s + bare_s(null_server.url, cores)) / 2)
    return driver_speed(rates, overheads_s)


def measure_ceiling(cores: Cores, driver: Driver, log: Path) -> float:
    """Return the ceiling alone, in requests/s; for arguments and errors see ``measure_driver``."""
    return measure_driver(cores, driver, log).ceiling_rps


def driver_speed(rates: Sequence[float], overheads_s: Sequence[float]) -> DriverSpeed:
    """Make one figure of several rounds: requests/s with 64 users, and seconds that a single request took longer."""
    return DriverSpeed(float(np.quantile(rates, 0.75)), max(0.0, float(np.median(overheads_s))))


def _ping(url: str, users: int, window_s: float) -> PairingJob:
    return PairingJob(
        targets={"a": Target(url)},
        requests=(Request("GET", "/", contains=b"ok"),),
        load=ClosedLoop(users),
        slice_s=window_s,
        pairing_s=0.0,
        wait_s=0.0,
        seed=0,
        stall_s=LIMIT_S,
        limit_s=LIMIT_S,
    )


def bare_s(url: str, cores: Cores) -> float:
    """Return how long a request takes over a blocking socket on the driver's core, in seconds; raises RunError."""
    where = urlsplit(url)
    try:
        with pinned(cores.driver), socket.create_connection((where.hostname, where.port), LIMIT_S) as connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            _ping_once(connection)  # until the server has taken the connection
            asked, begun = 0, time.perf_counter()
            while (now := time.perf_counter()) < begun + BARE_S or not asked:
                _ping_once(connection)
                asked += 1
            return (now - begun) / asked
    except OSError as error:
        raise RunError(f"the null server gave no answer: {error}") from None


def _ping_once(connection: socket.socket) -> None:
    connection.sendall(PING)
    left = len(ANSWER)
    while left > 0:
        received = len(connection.recv(left))
        if not received:
            raise ConnectionResetError("it hung up")
        left -= received


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
            database_url=f"sqlite:///{folder.absolute()}/blog.db",
            upstream_url=upstream_url,
            cores=self.cores,
            log=folder / "log",
        )


def target(
    server: Server, requests: tuple[Request, ...] = (), series: Series | None = None, logins: Sequence[Login] = ()
) -> Target:
    """Return a server as a driver's target.

    Args:
        server: the server.
        requests: what it is asked; empty if that is what the job asks of all.
        series: which rows and numbers its requests are filled with; None for all.
        logins: what users who warmed it up have of requests that are sent once.
    """
    side = server.side
    # Where rows are put back after a cell, logins may be among them.
    keeps_rows = not side.is_build and side.launch.reset is None
    return Target(
        server.url,
        tuple(server.pids),
        tuple(server.groups),
        server.cpus,
        server.trust,
        requests,
        series or Series(),
        start=server.start if keeps_rows else 0,
        logins=tuple(logins) if keeps_rows else (),
    )


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
        raise RunError(f"{path} with {load}: {recording.stalled or 'no slice was completed'}")
    return recording
