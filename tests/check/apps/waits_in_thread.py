"""A `def` that waits for another service: harmless to others, but it takes a thread."""

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


def degrees(client: httpx.Client) -> float:
    answer = client.get("/weather", params={"wait_ms": 80})  # waits here
    return float(answer.json()["waited_ms"])


@app.get("/weather")
def weather(request: Request) -> dict[str, float]:
    return {"degrees": degrees(request.state.client)}


@app.get("/cities")
async def cities() -> list[str]:
    return ["Bern", "Chur"]
