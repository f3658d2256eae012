"""Background tasks: a coroutine function that blocks the loop, and a plain function, which has a thread."""

import os

import requests
from fastapi import BackgroundTasks, FastAPI

UPSTREAM_URL = os.environ["UPSTREAM_URL"]

app = FastAPI()


async def notify(item: str) -> None:
    requests.post(f"{UPSTREAM_URL}/notify", params={"wait_ms": 50}, json={"item": item}, timeout=10)  # blocks here


def record(item: str) -> None:
    requests.post(f"{UPSTREAM_URL}/record", params={"wait_ms": 50}, json={"item": item}, timeout=10)


@app.get("/notified")
async def notified(tasks: BackgroundTasks) -> dict[str, str]:
    tasks.add_task(notify, "tea")
    return {"status": "accepted"}


@app.get("/recorded")
async def recorded(tasks: BackgroundTasks) -> dict[str, str]:
    tasks.add_task(record, "tea")
    return {"status": "accepted"}
