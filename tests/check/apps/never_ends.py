"""A stream without an end, a route that never answers, and one that does."""

import asyncio
from collections.abc import AsyncIterator

from fastapi import FastAPI
from fastapi.responses import StreamingResponse

app = FastAPI()


async def clock() -> AsyncIterator[str]:
    tick = 0
    while True:
        yield f"data: {tick}\n\n"
        await asyncio.sleep(0.05)
        tick += 1


@app.get("/clock")
async def ticks() -> StreamingResponse:
    return StreamingResponse(clock(), media_type="text/event-stream")


@app.get("/silent")
async def silent() -> dict[str, str]:
    await asyncio.Event().wait()
    return {"status": "never"}


@app.get("/health")
async def health() -> dict[str, str]:
    return {"status": "ok"}
