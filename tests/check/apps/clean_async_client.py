"""An `httpx.AsyncClient` for all requests, awaited."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
from fastapi import FastAPI, Request

UPSTREAM_URL = os.environ["UPSTREAM_URL"]


@asynccontextmanager
async def lifespan(_app: FastAPI) -> AsyncIterator[dict[str, httpx.AsyncClient]]:
    async with httpx.AsyncClient(base_url=UPSTREAM_URL) as client:
        yield {"client": client}


app = FastAPI(lifespan=lifespan)


@app.get("/weather")
async def weather(request: Request) -> dict[str, float]:
    answer = await request.state.client.get("/weather", params={"wait_ms": 50})
    return {"degrees": answer.json()["waited_ms"]}


@app.get("/trip")
async def trip(request: Request) -> dict[str, int]:
    asked = [request.state.client.get(path, params={"wait_ms": 50}) for path in ("/weather", "/trains", "/hotels")]
    answers = await asyncio.gather(*asked)
    return {"services": len(answers)}
