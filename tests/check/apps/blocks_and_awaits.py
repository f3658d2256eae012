"""An `async def` that awaits one service and then blocks for another."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import requests
from fastapi import FastAPI, Request

UPSTREAM_URL = os.environ["UPSTREAM_URL"]


@asynccontextmanager
async def lifespan(_app: FastAPI) -> AsyncIterator[dict[str, httpx.AsyncClient]]:
    async with httpx.AsyncClient(base_url=UPSTREAM_URL) as client:
        yield {"client": client}


app = FastAPI(lifespan=lifespan)


@app.get("/trip")
async def trip(request: Request) -> dict[str, float]:
    weather = await request.state.client.get("/weather", params={"wait_ms": 40})
    trains = requests.get(f"{UPSTREAM_URL}/trains", params={"wait_ms": 30}, timeout=10)  # blocks here
    return {"degrees": weather.json()["waited_ms"], "minutes": trains.json()["waited_ms"]}
