"""Streams from `async def` generators that await between their lines."""

import asyncio
from collections.abc import AsyncIterator

from fastapi import FastAPI
from fastapi.responses import StreamingResponse

app = FastAPI()


async def progress() -> AsyncIterator[str]:
    for step in range(5):
        await asyncio.sleep(0.005)
        yield f"step {step}\n"


@app.get("/progress")
async def follow() -> StreamingResponse:
    return StreamingResponse(progress(), media_type="text/plain")


@app.get("/events")
async def events() -> StreamingResponse:
    return StreamingResponse((f"data: {line}\n" async for line in progress()), media_type="text/event-stream")
