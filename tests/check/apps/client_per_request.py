"""A new `httpx.AsyncClient` for each request: it reads the certificates each time, on the loop."""

import os

import httpx
from fastapi import FastAPI

UPSTREAM_URL = os.environ["UPSTREAM_URL"]

app = FastAPI()


@app.get("/weather")
async def weather() -> dict[str, float]:
    async with httpx.AsyncClient(base_url=UPSTREAM_URL) as client:  # blocks here
        answer = await client.get("/weather", params={"wait_ms": 50})
    return {"degrees": answer.json()["waited_ms"]}
