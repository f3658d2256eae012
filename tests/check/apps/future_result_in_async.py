"""Work that is given to a thread, and whose result an `async def` then waits for without awaiting it."""

import asyncio
import time
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager

from fastapi import FastAPI, Request


@asynccontextmanager
async def lifespan(_app: FastAPI) -> AsyncIterator[dict[str, ThreadPoolExecutor]]:
    with ThreadPoolExecutor(4) as executor:
        yield {"executor": executor}


app = FastAPI(lifespan=lifespan)


@app.get("/report")
async def report(request: Request) -> dict[str, str]:
    future = request.state.executor.submit(time.sleep, 0.03)
    future.result()  # blocks here
    return {"status": "done"}


@app.get("/report/awaited")
async def report_awaited(request: Request) -> dict[str, str]:
    await asyncio.get_running_loop().run_in_executor(request.state.executor, time.sleep, 0.03)
    return {"status": "done"}
