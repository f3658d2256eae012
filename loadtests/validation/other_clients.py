"""Compare the httpx driver with other load generators, wrk and Locust, on the same two servers in turn.

With many users the ratios must agree, and the driver must not be much slower. With a single user each client's own part
of a request counts as the server's. wrk's is the smallest there is, so that it shows what the driver's does.
"""

import importlib.util
import re
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace
from functools import partial

from loadtests.analysis.comparison import Estimate, estimate
from loadtests.analysis.trial_summary import summarise
from loadtests.drivers.driver import Driver
from loadtests.drivers.job import PairingJob
from loadtests.experiment.loads import ClosedLoop
from loadtests.experiment.scenario import Scenario
from loadtests.experiment.scenario_text import parse_scenario
from loadtests.runner.single_server import Workspace, target
from loadtests.servers.auxiliary import SlowApi
from loadtests.servers.server import Server
from loadtests.system.errors import RunError
from loadtests.validation.record import Agreement, DriversRecord, provenance

WRK_LIMIT_S = 60.0
Client = Callable[[Server, Scenario, int], float]
"""Puts a number of users on a server for one turn; returns requests/s, raises RunError."""
SIDES = ("sync", "async")
SCENARIOS = ("noop", "mixed", "query")
USERS = 64
SCENARIOS_ALONE = ("noop", "hash", "get_post")
"""What a single user asks: routes that are fast enough for a client's own part to show."""
TURN_OVERHEAD_S = 1.4
"""Estimated time of a turn outside its window: users start, the load settles, the last answers arrive."""
OVERHEAD_S = 10.0
Turn = Callable[[], float]


def measure_other_clients(workspace: Workspace, rounds: int, round_s: float) -> DriversRecord:
    """Measure with every installed client in turn; without one besides the driver, nothing is compared.

    Args:
        workspace: folder, cores and progress.
        rounds: turns of each client on each side, for each scenario.
        round_s: duration of a turn, in seconds.
    """
    began = time.monotonic()
    names = ["httpx", *available_clients()]
    rows: list[Agreement] = []
    with ExitStack() as stack:
        if len(names) > 1:
            url = stack.enter_context(SlowApi(workspace.cores, workspace.work / "upstream" / "log")).url
            clients = {name: start_client(name, workspace, stack, round_s) for name in names}
            servers = [stack.enter_context(workspace.server(side, f"other-clients-{side}", url)) for side in SIDES]
            for server in servers:
                server.wait_until_ready()
            comparisons = list(comparisons_with(names[1:]))
            for done, (name, users, others) in enumerate(comparisons):
                workspace.tell(name, other_clients_s(rounds, round_s) * done / len(comparisons))
                scenario = _of_one_request(parse_scenario(name))
                compared = [clients[each] for each in ("httpx", *others)]
                turns = [partial(client, server, scenario, users) for client in compared for server in servers]
                columns = alternate(turns, rounds)
                for i, other in enumerate(others, 1):
                    rows.append(agreement(other, name, users, columns[:2], columns[2 * i : 2 * i + 2]))
    return DriversRecord(
        occasion=provenance(workspace, time.monotonic() - began),
        users=USERS,
        rounds=rounds,
        seconds=round_s,
        clients=names,
        rows=rows,
    )


def other_clients_s(rounds: int, round_s: float) -> float:
    """Return the estimated duration of the check, in seconds."""
    turns = sum(len(SIDES) * rounds * (1 + len(others)) for _, _, others in comparisons_with(available_clients()))
    return OVERHEAD_S + turns * (round_s + TURN_OVERHEAD_S) if turns else 0.0


def comparisons_with(others: Sequence[str]) -> Iterator[tuple[str, int, Sequence[str]]]:
    """Yield what is measured: a scenario, how many users ask, and which other clients beside the driver."""
    if others:
        yield from ((name, USERS, others) for name in SCENARIOS)
    if "wrk" in others:
        yield from ((name, 1, ["wrk"]) for name in SCENARIOS_ALONE)


def _of_one_request(scenario: Scenario) -> Scenario:
    """Return a scenario of the first request alone: wrk knows no more."""
    return replace(scenario, requests=scenario.requests[:1])


def available_clients() -> list[str]:
    """Return the names of the clients that are installed, apart from the httpx driver."""
    found = ["wrk"] if shutil.which("wrk") else []
    return found + (["locust"] if importlib.util.find_spec("locust") else [])


def start_client(name: str, workspace: Workspace, stack: ExitStack, seconds: float) -> Client:
    """Start a client.

    Args:
        name: ``httpx`` or one of ``available_clients``.
        workspace: folder and cores.
        stack: closes the client's processes.
        seconds: duration of a turn.
    """
    log = workspace.work / f"client-{name}" / "log"
    if name == "wrk":
        return lambda server, scenario, users: _by_wrk(server, scenario, users, seconds)
    driver = Driver(workspace.cores, log, "locust" if name == "locust" else "httpx")
    return _by_driver(name, stack.enter_context(driver), seconds)


def _by_driver(name: str, driver: Driver, seconds: float) -> Client:
    """Return a driver as a client: a turn is one slice."""

    def measure(server: Server, scenario: Scenario, users: int) -> float:
        load = ClosedLoop(users)
        job = PairingJob({"a": target(server)}, scenario.requests, load, seconds, 0.0, scenario.wait_s, seed=0)
        summary = summarise(driver.drive(job)["a"])
        if summary.collapsed or summary.failures:
            raise RunError(f"{name}, {scenario.name} on {server.side.spec}: {summary.collapsed or summary.failures}")
        return summary.throughput_rps

    return measure


def _by_wrk(server: Server, scenario: Scenario, users: int, seconds: float) -> float:
    """Return wrk's throughput with one thread on this process's cores; wrk accepts whole seconds only."""
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


def alternate(turns: Sequence[Turn], rounds: int) -> list[list[float]]:
    """Take the turns backwards and forwards alternately, so that drift affects all alike; return results by round."""
    results: list[list[float]] = [[] for _ in turns]
    for number in range(rounds):
        for position in list(range(len(turns)))[:: 1 if number % 2 else -1]:
            results[position].append(turns[position]())
    return results


def agreement(client: str, scenario: str, users: int, ours: list[list[float]], theirs: list[list[float]]) -> Agreement:
    """Compare two clients' requests/s of the sync and of the async build, round by round."""
    our_ratios, their_ratios = _divide(ours[1], ours[0]), _divide(theirs[1], theirs[0])
    return Agreement(
        client=client,
        scenario=scenario,
        users=users,
        ours=_whole(estimate(our_ratios)),
        theirs=_whole(estimate(their_ratios)),
        apart=_whole(estimate(_divide(our_ratios, their_ratios))),
        ours_rps=estimate(ours[1]).value,
        theirs_rps=estimate(theirs[1]).value,
        headroom=_whole(estimate(_divide(ours[1], theirs[1]))),
    )


def _divide(numerators: list[float], denominators: list[float]) -> list[float]:
    return [n / d for n, d in zip(numerators, denominators, strict=True)]


def _whole(found: Estimate) -> tuple[float, float, float]:
    low, high = found.interval or (found.value, found.value)
    return found.value, low, high
