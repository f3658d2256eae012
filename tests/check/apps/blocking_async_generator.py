"""A stream whose generator is `async def`, and blocks between its lines."""

import time
from collections.abc import AsyncIterator

from fastapi import FastAPI
from fastapi.responses import StreamingResponse

app = FastAPI()


async def progress() -> AsyncIterator[str]:
    for step in range(5):
        time.sleep(0.01)  # blocks here
        yield f"step {step}\n"


@app.get("/progress")
async def follow() -> StreamingResponse:
    return StreamingResponse(progress(), media_type="text/plain")


@app.get("/health")
async def health() -> dict[str, str]:
    return {"status": "ok"}
