"""Waiting that is awaited: a sleep, an event, a timeout, and a lock that is never held across an await."""

import asyncio

from fastapi import FastAPI

app = FastAPI()
lock = asyncio.Lock()
seen = {"calls": 0}


@app.get("/sleep")
async def sleep() -> dict[str, str]:
    await asyncio.sleep(0.03)
    return {"status": "done"}


@app.get("/event")
async def event() -> dict[str, str]:
    rung = asyncio.Event()
    asyncio.get_running_loop().call_later(0.02, rung.set)
    async with asyncio.timeout(5):
        await rung.wait()
    return {"status": "done"}


@app.get("/counted")
async def counted() -> dict[str, bool]:
    async with lock:
        seen["calls"] += 1
    await asyncio.sleep(0.01)
    return {"counted": seen["calls"] > 0}
