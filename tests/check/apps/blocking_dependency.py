"""A dependency that asks another service and blocks; the handler is innocent."""

import os
from typing import Annotated

import requests
from fastapi import Depends, FastAPI

UPSTREAM_URL = os.environ["UPSTREAM_URL"]

app = FastAPI()


async def current_plan() -> str:
    answer = requests.get(f"{UPSTREAM_URL}/plan", params={"wait_ms": 30}, timeout=10)  # blocks here
    return "free" if answer.json()["waited_ms"] < 100 else "slow"


@app.get("/account")
async def account(plan: Annotated[str, Depends(current_plan)]) -> dict[str, str]:
    return {"plan": plan}


@app.get("/plans")
async def plans() -> list[str]:
    return ["free", "slow"]
