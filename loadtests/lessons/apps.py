"""Small FastAPI apps, used as sides of lessons whose code differs in one line.

``all_def`` and ``mixed`` have the same two routes: both ``def`` in the first, each of the kind that suits it in the
second. ``stuck`` and ``freed`` have routes that wait 10 ms, but compute once in 200 requests: ``stuck`` on the event
loop, ``freed`` in a thread or in another process. They compute with the blog's code, so they can only be served where
the blog is.
"""

import asyncio
import itertools
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from fastapi import FastAPI, Request
from fastapi.concurrency import run_in_threadpool

from loadtests.experiment.blog import ROOT

if (ROOT / "shared").is_dir():  # somebody else's package may be called shared, too
    with suppress(ImportError):  # now, and not in the middle of a measurement
        from shared.cpu import hashed
        from shared.offload import LazyProcessPool, process_pool

BLOCKING_S = 0.02
"""Duration of a call to a library without async."""
WAITING_S = 0.05
"""Duration of a call to a library with async."""
COMPUTE_EVERY = 200
"""One request in so many computes: few enough that the slowest 1 % are mostly other requests."""
ROUNDS = 1_000_000
SHORT_WAIT_S = 0.01


def blocking() -> str:
    """Block the calling thread."""
    time.sleep(BLOCKING_S)
    return "done"


def waiting_in_a_thread() -> str:
    """Wait, and occupy a thread meanwhile."""
    time.sleep(WAITING_S)
    return "done"


async def waiting() -> str:
    """Wait on the event loop, without a thread."""
    await asyncio.sleep(WAITING_S)
    return "done"


all_def = FastAPI()
all_def.get("/blocking")(blocking)
all_def.get("/waiting")(waiting_in_a_thread)
mixed = FastAPI()
mixed.get("/blocking")(blocking)
mixed.get("/waiting")(waiting)


@asynccontextmanager
async def _with_processes(_: FastAPI) -> AsyncIterator[dict[str, "LazyProcessPool"]]:
    with process_pool() as pool:
        await run_in_threadpool(pool.start)
        yield {"pool": pool}


stuck, freed = FastAPI(lifespan=_with_processes), FastAPI(lifespan=_with_processes)
_request_number = itertools.count()


@stuck.get("/thread")
@stuck.get("/process")
async def on_the_loop() -> str:
    """Compute in one request of COMPUTE_EVERY, on the event loop, where it blocks all others."""
    if next(_request_number) % COMPUTE_EVERY == 0:
        hashed(ROUNDS)
    else:
        await asyncio.sleep(SHORT_WAIT_S)
    return "done"


@freed.get("/thread")
async def in_a_thread() -> str:
    """Compute in one request of COMPUTE_EVERY, in a thread."""
    if next(_request_number) % COMPUTE_EVERY == 0:
        await run_in_threadpool(hashed, ROUNDS)
    else:
        await asyncio.sleep(SHORT_WAIT_S)
    return "done"


@freed.get("/process")
async def in_a_process(request: Request) -> str:
    """Compute in one request of COMPUTE_EVERY, in another process."""
    if next(_request_number) % COMPUTE_EVERY == 0:
        pool: LazyProcessPool = request.state.pool
        await asyncio.get_running_loop().run_in_executor(pool.start(), hashed, ROUNDS)
    else:
        await asyncio.sleep(SHORT_WAIT_S)
    return "done"
