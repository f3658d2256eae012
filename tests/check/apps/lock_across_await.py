"""A lock that is held while another service is awaited: requests go through one by one."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
from fastapi import FastAPI, Request

UPSTREAM_URL = os.environ["UPSTREAM_URL"]


@asynccontextmanager
async def lifespan(_app: FastAPI) -> AsyncIterator[dict[str, object]]:
    async with httpx.AsyncClient(base_url=UPSTREAM_URL) as client:
        yield {"client": client, "turn": asyncio.Lock()}


app = FastAPI(lifespan=lifespan)


@app.get("/stock")
async def stock(request: Request) -> dict[str, float]:
    async with request.state.turn:  # queues here
        answer = await request.state.client.get("/stock", params={"wait_ms": 30})
    return {"left": answer.json()["waited_ms"]}


@app.get("/stock/free")
async def free(request: Request) -> dict[str, float]:
    answer = await request.state.client.get("/stock", params={"wait_ms": 30})
    return {"left": answer.json()["waited_ms"]}
