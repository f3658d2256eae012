"""Routers with prefixes, a mounted app, path parameters: all `async def` that only awaits."""

import asyncio
from typing import Annotated

from fastapi import APIRouter, FastAPI, Path

NAMES = {1: "tea", 2: "salt"}

router = APIRouter(prefix="/items")


@router.get("/{number}")
async def item(number: Annotated[int, Path(examples=[1])]) -> dict[str, str]:
    await asyncio.sleep(0.005)
    return {"name": NAMES[number]}


@router.get("")
async def items() -> list[str]:
    await asyncio.sleep(0.005)
    return list(NAMES.values())


admin = FastAPI()


@admin.get("/users")
async def users() -> list[str]:
    await asyncio.sleep(0.005)
    return ["ada"]


app = FastAPI()
app.include_router(router, prefix="/v1")
app.mount("/admin", admin)
