"""The harness's driver beside wrk, on the same two servers, in one run: ``python -m tests.benchmarks.against_wrk``.

Two questions. *Headroom*: on the cheapest route of the async build with 64 users, what share of wrk's
throughput does the closed-loop driver reach, one core for the server and one for the driver? *Agreement*: for
`mixed`, `query` and `noop`, is the ratio async ÷ sync the same as wrk's? It needs Debian's `wrk`, takes about two
minutes, and exits with 1 if either answer is not good enough.
"""

import math
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from loadtests import affinity
from loadtests.comparison import Estimate, estimate
from loadtests.drivers.closed_loop import Job
from loadtests.drivers.process import Driver
from loadtests.runner import WARM_S, upstream
from loadtests.scenarios import Scenario, parse_scenario
from loadtests.servers import Server
from loadtests.sides import parse_side
from loadtests.summary import summarise

USERS = 64
ROUNDS = 8
SECONDS = 1.0
HEADROOM_LEAST = 0.75
DISAGREEMENT_MOST = 0.10
SCENARIOS = ("mixed", "query", "noop")


def by_wrk(server: Server, scenario: Scenario) -> float:
    """Return wrk's throughput in requests/s: one thread, on the driver's core."""
    command = [
        "wrk",
        "-t1",
        f"-c{USERS}",
        f"-d{SECONDS:g}s",
        "--timeout",
        "5s",
        server.url + scenario.requests[0].path,
    ]
    output = subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout
    if errors := re.search(r"Non-2xx or 3xx responses: (\d+)|Socket errors: (.*)", output):
        raise SystemExit(f"wrk saw errors on {server.url}: {errors[0]}")
    return float(re.search(r"Requests/sec:\s+([\d.]+)", output)[1])  # type: ignore[index]


def by_driver(driver: Driver, server: Server, scenario: Scenario, seed: int) -> float:
    """Return the closed-loop driver's throughput in requests/s."""
    summary = summarise(
        driver.drive(Job(server.url, scenario.requests, USERS, SECONDS, scenario.wait_s, seed, server.pids))
    )
    if summary.collapsed or summary.failures:
        raise SystemExit(f"the driver saw errors on {server.url}: {summary.collapsed or summary.failures}")
    return summary.throughput_rps


def alternate(measures: list[Callable[[int], float]]) -> list[list[float]]:
    """Call each in turn, ROUNDS times, forwards and backwards, so that drift hits all alike."""
    results: list[list[float]] = [[] for _ in measures]
    for number in range(ROUNDS):
        order = list(enumerate(measures))
        for position, measure in order if number % 2 else reversed(order):
            results[position].append(measure(number))
    return results


def ratios(numerators: list[float], denominators: list[float]) -> Estimate:
    return estimate([n / d for n, d in zip(numerators, denominators, strict=True)])


def main() -> int:
    if shutil.which("wrk") is None:
        sys.exit("wrk is not installed; on Debian: apt-get install wrk")
    cores = affinity.divide()
    affinity.pin(cores.driver)
    failed = False
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        with upstream(cores, work / "upstream" / "log") as url, Driver(cores, work / "driver" / "log") as driver:
            servers = [
                Server(
                    parse_side(s),
                    database_url=f"sqlite:///{work}/{s}.db",
                    upstream_url=url,
                    cores=cores,
                    log=work / s / "log",
                )
                for s in ("sync", "async")
            ]
            with servers[0] as sync, servers[1] as async_:
                for server in servers:
                    server.wait_until_ready()
                    for name in SCENARIOS:
                        driver.drive(Job(server.url, parse_scenario(name).requests, USERS, WARM_S, 0, 0, []))
                noop = parse_scenario("noop")
                ours, wrks = alternate([lambda n: by_driver(driver, async_, noop, n), lambda _: by_wrk(async_, noop)])
                headroom = ratios(ours, wrks)
                failed |= headroom.value < HEADROOM_LEAST
                print(
                    f"headroom, noop on async, {USERS} users: {show(headroom)} of wrk's throughput "
                    f"(driver {geometric(ours):,.0f}/s, wrk {geometric(wrks):,.0f}/s)"
                )
                for name in SCENARIOS:
                    scenario = parse_scenario(name)
                    ours_sync, ours_async, wrk_sync, wrk_async = alternate(
                        [
                            lambda n, s=scenario: by_driver(driver, sync, s, n),  # type: ignore[misc]
                            lambda n, s=scenario: by_driver(driver, async_, s, n),  # type: ignore[misc]
                            lambda _, s=scenario: by_wrk(sync, s),  # type: ignore[misc]
                            lambda _, s=scenario: by_wrk(async_, s),  # type: ignore[misc]
                        ]
                    )
                    ours_ratio, wrk_ratio = ratios(ours_async, ours_sync), ratios(wrk_async, wrk_sync)
                    apart = ours_ratio.value / wrk_ratio.value - 1
                    failed |= abs(apart) > DISAGREEMENT_MOST
                    print(
                        f"agreement, {name}: async ÷ sync is {show(ours_ratio)} by the driver, "
                        f"{show(wrk_ratio)} by wrk: {apart:+.1%} apart"
                    )
    return int(failed)


def show(value: Estimate) -> str:
    low, high = value.interval or (math.nan, math.nan)
    return f"{value.value:.2f} ({low:.2f} to {high:.2f})"


def geometric(values: list[float]) -> float:
    return estimate(values).value


if __name__ == "__main__":
    sys.exit(main())
