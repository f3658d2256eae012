"""Programs that put load on a server and say how many requests a second it answered."""

import importlib
import importlib.util
import re
import shutil
import subprocess
from collections.abc import Callable
from contextlib import ExitStack
from typing import Protocol

from loadtests.analysis.summary import summarise
from loadtests.drivers.jobs import PairingJob
from loadtests.drivers.process import Driver
from loadtests.experiment.loads import ClosedLoop
from loadtests.experiment.scenario import Scenario
from loadtests.experiment.sides import Label
from loadtests.records.samples import Recording
from loadtests.runner.single_server import Stage, target
from loadtests.servers.server import Server
from loadtests.system.errors import RunError

LOCUST = "loadtests.drivers.locust"
WRK_LIMIT_S = 60.0

Client = Callable[[Server, Scenario], float]
"""Returns requests/s of one turn; raises RunError."""


class _Drives(Protocol):
    def drive(self, job: PairingJob) -> dict[Label, Recording]: ...


def at_hand() -> list[str]:
    """Return the names of the clients that this machine has, beside the httpx driver."""
    found = ["wrk"] if shutil.which("wrk") else []
    return found + (["locust"] if importlib.util.find_spec(LOCUST) else [])


def start(name: str, stage: Stage, stack: ExitStack, users: int, seconds: float) -> Client:
    """Make a client ready.

    Args:
        name: ``httpx`` or one of those at hand.
        stage: where.
        stack: ends what it starts.
        users: of the closed loop.
        seconds: how long a turn is.
    """
    log = stage.work / f"client-{name}" / "log"
    if name == "wrk":
        return lambda server, scenario: _by_wrk(server, scenario, users, seconds)
    if name == "locust":
        made = importlib.import_module(f"{LOCUST}.process").LocustDriver(stage.cores, log)
        return _by_driver(name, stack.enter_context(made), users, seconds)
    return _by_driver(name, stack.enter_context(Driver(stage.cores, log)), users, seconds)


def _by_driver(name: str, driver: _Drives, users: int, seconds: float) -> Client:
    """Return a driver as a client: one slice as long as a turn."""

    def measure(server: Server, scenario: Scenario) -> float:
        load = ClosedLoop(users)
        job = PairingJob({"a": target(server)}, scenario.requests, load, seconds, 0.0, scenario.wait_s, seed=0)
        summary = summarise(driver.drive(job)["a"])
        if summary.collapsed or summary.failures:
            raise RunError(f"{name}, {scenario.name} on {server.side.spec}: {summary.collapsed or summary.failures}")
        return summary.throughput_rps

    return measure


def _by_wrk(server: Server, scenario: Scenario, users: int, seconds: float) -> float:
    """Return wrk's throughput: one thread, on this process's cores. It takes whole seconds only."""
    url = server.url + scenario.requests[0].path
    command = ["wrk", "-t1", f"-c{users}", f"-d{max(1, round(seconds))}s", "--timeout", "5s", url]
    try:
        done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=WRK_LIMIT_S)  # noqa: S603
    except (OSError, subprocess.SubprocessError) as error:
        raise RunError(f"wrk, {scenario.name} on {server.side.spec}: {error}") from None
    errors = re.search(r"Non-2xx or 3xx responses: \d+|Socket errors: .*", done.stdout)
    found = re.search(r"Requests/sec:\s+([\d.]+)", done.stdout)
    if errors or not found or not float(found[1]):
        raise RunError(f"wrk, {scenario.name} on {server.side.spec}: {errors[0] if errors else 'no answer at all'}")
    return float(found[1])
