"""`requests` in an `async def`."""

import os

import requests
from fastapi import FastAPI

UPSTREAM_URL = os.environ["UPSTREAM_URL"]

app = FastAPI()


@app.get("/weather")
async def weather() -> dict[str, float]:
    answer = requests.get(f"{UPSTREAM_URL}/weather", params={"wait_ms": 50}, timeout=10)  # blocks here
    return {"degrees": answer.json()["waited_ms"]}


@app.get("/health")
async def health() -> dict[str, str]:
    return {"status": "ok"}
