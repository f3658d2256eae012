"""CPU costs on this machine that an estimate of a gain needs: hops to threads, and waking a server up."""

import asyncio
import time
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from http import HTTPStatus
from http.client import HTTPException
from statistics import median
from urllib.parse import urlsplit

import psutil
from anyio import to_thread

from loadtests.check.gain import HopCost
from loadtests.check.visit import Asked
from loadtests.experiment.message import Message, filled
from loadtests.servers.probe import ProbeConnection
from loadtests.servers.server import Server
from loadtests.system.resources import read_cpu

HOP_USERS = 8
"""Tasks that send work to threads at the same time, as a server does that is busy."""
HOPS = 50
"""Of each, in each round."""
ROUNDS = 5
WAIT_S = 0.001
PAUSE_S = 0.03
"""Before each request: as long as a call that blocks may take, in which others use the core and its caches."""
REQUESTS = 12
LIMIT_S = 2.0
QUICK_S = 0.005
"""A route that takes longer is no cheap one: it may sleep itself."""
LEAST_SHARE = 0.25
"""No more than so much is believed."""


def measure_hop() -> HopCost:
    """Return what a way to a thread and back costs; takes half a second."""
    return asyncio.run(_measured())


async def _measured() -> HopCost:
    return HopCost(await _cpu_s(lambda: None), await _cpu_s(lambda: time.sleep(WAIT_S)))


async def _cpu_s(work: Callable[[], None]) -> float:
    async def go() -> None:
        for _ in range(HOPS):
            await to_thread.run_sync(work)

    rounds = []
    for _ in range(ROUNDS + 1):
        begun_s = time.process_time()
        await asyncio.gather(*(go() for _ in range(HOP_USERS)))
        rounds.append((time.process_time() - begun_s) / (HOP_USERS * HOPS))
    return median(rounds[1:])


def busy_share(server: Server, asked: Sequence[Asked]) -> float:
    """Return CPU time of a request of a busy server ÷ that of a server that was asleep, from 0.25 to 1.

    A route that blocks keeps its server asleep, so that its requests are measured at the higher price; once it blocks
    no longer, they are served at the lower one. It is measured on the cheapest route that was asked; 1 without one.
    """
    cheap = min((each for each in asked if _is_cheap(each)), key=lambda each: median(each.cpu_s), default=None)
    if cheap is None:
        return 1.0
    asleep_s = _asleep_s(server, cheap)
    return 1.0 if asleep_s is None else max(LEAST_SHARE, min(1.0, median(cheap.cpu_s) / asleep_s))


def _is_cheap(asked: Asked) -> bool:
    scenario = asked.ask.scenario
    alone = [each.seconds for each in asked.sent if not each.at_once and not each.id]
    return (
        not (scenario.sequence or asked.ask.writes or asked.notes)
        and bool(asked.cpu_s and alone)
        and min(asked.cpu_s) > 0
        and all(each.status is not None and each.status < HTTPStatus.BAD_REQUEST for each in asked.sent)
        and median(alone) < QUICK_S
    )


def _asleep_s(server: Server, asked: Asked) -> float | None:
    """Return the CPU time of a request that comes after a pause, in seconds; None if it can't be had."""
    scenario, took = asked.ask.scenario, []
    values = scenario.variables()
    if values.values is not None:
        return None
    message = Message(urlsplit(server.url), filled(scenario.requests[0], values.environment))
    with (
        suppress(OSError, HTTPException, psutil.NoSuchProcess),
        closing(ProbeConnection(server.url, LIMIT_S, server.trust)) as connection,
    ):
        for _ in range(REQUESTS):
            time.sleep(PAUSE_S)
            before_s = read_cpu(server.pids)
            connection.exchange(message)
            took.append(read_cpu(server.pids) - before_s)
    return median(took) if len(took) == REQUESTS and median(took) > 0 else None
