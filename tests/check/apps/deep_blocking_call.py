"""A price from another service, asked for three functions below the handler."""

import os

import httpx
from fastapi import FastAPI

UPSTREAM_URL = os.environ["UPSTREAM_URL"]

app = FastAPI()


def fetch(path: str) -> float:
    answer = httpx.get(f"{UPSTREAM_URL}{path}", params={"wait_ms": 50})  # blocks here
    answer.raise_for_status()
    return float(answer.json()["waited_ms"])


def net_price(item: str) -> float:
    return fetch(f"/prices/{item}") / 10


def gross_price(item: str) -> float:
    return round(net_price(item) * 1.2, 2)


@app.get("/prices/tea")
async def price_of_tea() -> dict[str, float]:
    return {"price": gross_price("tea")}


@app.get("/health")
async def health() -> dict[str, str]:
    return {"status": "ok"}
