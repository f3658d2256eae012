"""A route that blocks, behind a router's prefix in an app that is mounted in another."""

import os
from typing import Annotated

import requests
from fastapi import APIRouter, FastAPI, Path

UPSTREAM_URL = os.environ["UPSTREAM_URL"]

router = APIRouter(prefix="/rates")


@router.get("/{currency}")
async def rate(currency: Annotated[str, Path(examples=["chf"])]) -> dict[str, float]:
    answer = requests.get(f"{UPSTREAM_URL}/{currency}", params={"wait_ms": 40}, timeout=10)  # blocks here
    return {"rate": answer.json()["waited_ms"]}


@router.get("")
async def currencies() -> list[str]:
    return ["chf", "eur"]


bank = FastAPI()
bank.include_router(router)

app = FastAPI()
app.mount("/bank", bank)


@app.get("/health")
async def health() -> dict[str, str]:
    return {"status": "ok"}
