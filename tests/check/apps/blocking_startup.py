"""A lifespan that waits for another service and blocks: once, before there are requests."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import requests
from fastapi import FastAPI, Request

UPSTREAM_URL = os.environ["UPSTREAM_URL"]


@asynccontextmanager
async def lifespan(_app: FastAPI) -> AsyncIterator[dict[str, float]]:
    answer = requests.get(f"{UPSTREAM_URL}/rates", params={"wait_ms": 300}, timeout=10)  # blocks here
    yield {"rate": answer.json()["waited_ms"] / 1000}


app = FastAPI(lifespan=lifespan)


@app.get("/rate")
async def rate(request: Request) -> dict[str, float]:
    return {"rate": request.state.rate}
