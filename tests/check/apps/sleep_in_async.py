"""`time.sleep` in an `async def`; its neighbour only seems slow while that sleeps."""

import asyncio
import time

from fastapi import FastAPI

app = FastAPI()


@app.get("/slow")
async def slow() -> dict[str, str]:
    time.sleep(0.05)  # blocks here
    return {"status": "done"}


@app.get("/patient")
async def patient() -> dict[str, str]:
    await asyncio.sleep(0.05)
    return {"status": "done"}
