"""What a way to a thread and back costs on this machine, in CPU time."""

import asyncio
import time
from collections.abc import Callable
from statistics import median

from anyio import to_thread

from loadtests.check.gain import HopCost

USERS = 8
"""Tasks that send work to threads at the same time, as a server does that is busy."""
HOPS = 50
"""Of each, in each round."""
ROUNDS = 5
WAIT_S = 0.001


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
        await asyncio.gather(*(go() for _ in range(USERS)))
        rounds.append((time.process_time() - begun_s) / (USERS * HOPS))
    return median(rounds[1:])
