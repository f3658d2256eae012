"""`async def` handlers that give what blocks to a thread: three ways to say so."""

import asyncio
import hashlib
import os

import requests
from anyio import to_thread
from fastapi import FastAPI
from fastapi.concurrency import run_in_threadpool

UPSTREAM_URL = os.environ["UPSTREAM_URL"]

app = FastAPI()


def degrees() -> float:
    answer = requests.get(f"{UPSTREAM_URL}/weather", params={"wait_ms": 30}, timeout=10)
    return float(answer.json()["waited_ms"])


def hashed() -> str:
    return hashlib.pbkdf2_hmac("sha256", b"2468", b"salt", 50_000).hex()


@app.get("/weather")
async def weather() -> dict[str, float]:
    return {"degrees": await run_in_threadpool(degrees)}


@app.get("/hash")
async def hash_in_thread() -> dict[str, str]:
    return {"hash": await asyncio.to_thread(hashed)}


@app.get("/forecast")
async def forecast() -> dict[str, float]:
    return {"degrees": await to_thread.run_sync(degrees)}
