"""Four threads for all `def` handlers, each of which waits."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import requests
from anyio.to_thread import current_default_thread_limiter
from fastapi import FastAPI

UPSTREAM_URL = os.environ["UPSTREAM_URL"]


@asynccontextmanager
async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
    current_default_thread_limiter().total_tokens = 4
    yield


app = FastAPI(lifespan=lifespan)


@app.get("/weather")
def weather() -> dict[str, float]:
    answer = requests.get(f"{UPSTREAM_URL}/weather", params={"wait_ms": 50}, timeout=10)  # waits here
    return {"degrees": answer.json()["waited_ms"]}
