"""A `def` that starts an event loop of its own for an async client, and waits for it in a thread."""

import asyncio
import os

import httpx
from fastapi import FastAPI

UPSTREAM_URL = os.environ["UPSTREAM_URL"]

app = FastAPI()


async def degrees() -> float:
    async with httpx.AsyncClient(base_url=UPSTREAM_URL) as client:
        answer = await client.get("/weather", params={"wait_ms": 80})
    return float(answer.json()["waited_ms"])


@app.get("/weather")
def weather() -> dict[str, float]:
    return {"degrees": asyncio.run(degrees())}  # waits here
