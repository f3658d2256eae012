"""One `httpx.Client` for all requests, used in an `async def`."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
from fastapi import FastAPI, Request

UPSTREAM_URL = os.environ["UPSTREAM_URL"]


@asynccontextmanager
async def lifespan(_app: FastAPI) -> AsyncIterator[dict[str, httpx.Client]]:
    with httpx.Client(base_url=UPSTREAM_URL) as client:
        yield {"client": client}


app = FastAPI(lifespan=lifespan)


@app.get("/weather")
async def weather(request: Request) -> dict[str, float]:
    answer = request.state.client.get("/weather", params={"wait_ms": 50})  # blocks here
    return {"degrees": answer.json()["waited_ms"]}


@app.get("/cities")
async def cities() -> list[str]:
    return ["Bern", "Chur"]
