"""Small apps for lessons whose sides differ in one line.

``all_def`` and ``mixed`` have the same two routes, both ``def``, or each of the kind that suits it. ``stuck`` and
``freed`` have two routes that wait, and compute once in 200 times: on the event loop, or in a thread and in a process.
They compute with the blog's code, so that they can only be served where the blog is.
"""

import asyncio
import itertools
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from fastapi import FastAPI, Request
from fastapi.concurrency import run_in_threadpool

with suppress(ImportError):  # now, and not in the middle of a measurement
    from shared.cpu import hashed
    from shared.offload import LazyProcessPool, process_pool

BLOCKING_S = 0.02
"""What a library without async takes."""
WAITING_S = 0.05
"""What a library with async takes."""


def blocking() -> str:
    """Call a library that blocks."""
    time.sleep(BLOCKING_S)
    return "done"


def waiting_in_a_thread() -> str:
    """Wait, and hold a thread meanwhile."""
    time.sleep(WAITING_S)
    return "done"


async def waiting() -> str:
    """Wait, and hold nothing."""
    await asyncio.sleep(WAITING_S)
    return "done"


all_def = FastAPI()
all_def.get("/blocking")(blocking)
all_def.get("/waiting")(waiting_in_a_thread)
mixed = FastAPI()
mixed.get("/blocking")(blocking)
mixed.get("/waiting")(waiting)

ONE_IN = 200
"""Of so many requests one computes: so few that the slowest 1 % are of the others."""
ROUNDS = 1_000_000
SHORT_S = 0.01


@asynccontextmanager
async def _with_processes(_: FastAPI) -> AsyncIterator[dict[str, "LazyProcessPool"]]:
    with process_pool() as pool:
        await run_in_threadpool(pool.start)
        yield {"pool": pool}


stuck, freed = FastAPI(lifespan=_with_processes), FastAPI(lifespan=_with_processes)
_turn = itertools.count()


@stuck.get("/thread")
@stuck.get("/process")
async def on_the_loop() -> str:
    """Compute now and then, where everybody waits for it."""
    if next(_turn) % ONE_IN == 0:
        hashed(ROUNDS)
    else:
        await asyncio.sleep(SHORT_S)
    return "done"


@freed.get("/thread")
async def in_a_thread() -> str:
    """Compute now and then, in a thread."""
    if next(_turn) % ONE_IN == 0:
        await run_in_threadpool(hashed, ROUNDS)
    else:
        await asyncio.sleep(SHORT_S)
    return "done"


@freed.get("/process")
async def in_a_process(request: Request) -> str:
    """Compute now and then, in another process."""
    if next(_turn) % ONE_IN == 0:
        pool: LazyProcessPool = request.state.pool
        await asyncio.get_running_loop().run_in_executor(pool.start(), hashed, ROUNDS)
    else:
        await asyncio.sleep(SHORT_S)
    return "done"
