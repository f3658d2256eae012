"""The harness's driver beside wrk, on the same two servers, in one run: ``python -m tests.benchmarks.against_wrk``.

Two questions. *Headroom*: on the cheapest route of the async build with 64 users, what share of wrk's throughput
does the closed-loop driver reach, one core for the server and one for the driver? *Agreement*: for `mixed`, `query`
and `noop`, is the ratio async ÷ sync the same as wrk's? It needs Debian's `wrk`, takes about two minutes, and exits
with 1 if an answer is not good enough.
"""

import math
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path

from loadtests import affinity
from loadtests.comparison import Estimate, estimate
from loadtests.drivers.jobs import PairingJob, Target
from loadtests.drivers.process import Driver
from loadtests.loads import ClosedLoop
from loadtests.scenarios import Scenario, parse_scenario
from loadtests.servers import Server
from loadtests.sides import parse_side
from loadtests.slow_api import SlowApi
from loadtests.summary import summarise

USERS = 64
ROUNDS = 10
SECONDS = 1.0
HEADROOM_LEAST = 0.75
DISAGREEMENT_MOST = 0.10
SCENARIOS = ("mixed", "query", "noop")
Measure = Callable[[Server, Scenario], float]


def by_wrk(server: Server, scenario: Scenario) -> float:
    """Return wrk's throughput in requests/s: one thread, on the driver's core."""
    command = ["wrk", "-t1", f"-c{USERS}", f"-d{SECONDS:g}s", "--timeout", "5s", server.url + scenario.requests[0].path]
    output = subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout
    if errors := re.search(r"Non-2xx or 3xx responses: \d+|Socket errors: .*", output):
        sys.exit(f"wrk on {server.url}: {errors[0]}")
    found = re.search(r"Requests/sec:\s+([\d.]+)", output)
    assert found is not None, output
    return float(found[1])


def by_driver(driver: Driver) -> Measure:
    """Return how the closed-loop driver measures throughput in requests/s: one slice as long as wrk's run."""

    def measure(server: Server, scenario: Scenario) -> float:
        targets = {"a": Target(server.url, tuple(server.pids))}
        job = PairingJob(targets, scenario.requests, ClosedLoop(USERS), SECONDS, 0.0, scenario.wait_s, seed=0)  # type: ignore[arg-type]
        summary = summarise(driver.drive(job)["a"])
        if summary.collapsed or summary.failures:
            sys.exit(f"the driver on {server.url}: {summary.collapsed or summary.failures}")
        return summary.throughput_rps

    return measure


def alternate(measures: Sequence[Callable[[], float]]) -> list[list[float]]:
    """Call each in turn, forwards and backwards, ROUNDS times, so that drift hits all alike."""
    results: list[list[float]] = [[] for _ in measures]
    for number in range(ROUNDS):
        for position in list(range(len(measures)))[:: 1 if number % 2 else -1]:
            results[position].append(measures[position]())
    return results


def ratio(numerators: list[float], denominators: list[float]) -> Estimate:
    return estimate([n / d for n, d in zip(numerators, denominators, strict=True)])


def headroom(drive: Measure, server: Server) -> bool:
    noop = parse_scenario("noop")
    ours, wrks = alternate([lambda: drive(server, noop), lambda: by_wrk(server, noop)])
    share = ratio(ours, wrks)
    print(
        f"headroom, noop on async, {USERS} users: {show(share)} of wrk's throughput "
        f"(driver {estimate(ours).value:,.0f}/s, wrk {estimate(wrks).value:,.0f}/s)"
    )
    return share.value >= HEADROOM_LEAST


def agreement(drive: Measure, sync: Server, async_: Server, name: str) -> bool:
    scenario = parse_scenario(name)
    calls = [(drive, sync), (drive, async_), (by_wrk, sync), (by_wrk, async_)]
    columns = alternate([lambda m=m, s=s: m(s, scenario) for m, s in calls])  # type: ignore[misc]
    ours, wrks = ratio(columns[1], columns[0]), ratio(columns[3], columns[2])
    apart = ours.value / wrks.value - 1
    print(f"agreement, {name}: async ÷ sync is {show(ours)} by the driver, {show(wrks)} by wrk: {apart:+.1%} apart")
    return abs(apart) <= DISAGREEMENT_MOST


def show(value: Estimate) -> str:
    low, high = value.interval or (math.nan, math.nan)
    return f"{value.value:.2f} ({low:.2f} to {high:.2f})"


def main() -> int:
    if shutil.which("wrk") is None:
        sys.exit("wrk is not installed; on Debian: apt-get install wrk")
    cores = affinity.divide()
    with ExitStack() as stack:
        work = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        stack.enter_context(affinity.pinned(cores.driver))
        url = stack.enter_context(SlowApi(cores, work / "upstream" / "log")).url
        drive = by_driver(stack.enter_context(Driver(cores, work / "driver" / "log")))
        servers = [
            stack.enter_context(
                Server(
                    parse_side(side),
                    database_url=f"sqlite:///{work}/{side}.db",
                    upstream_url=url,
                    cores=cores,
                    log=work / side / "log",
                )
            )
            for side in ("sync", "async")
        ]
        for server in servers:
            server.wait_until_ready()
        good = [headroom(drive, servers[1]), *(agreement(drive, servers[0], servers[1], name) for name in SCENARIOS)]
    return 0 if all(good) else 1


if __name__ == "__main__":
    sys.exit(main())
