"""A decorator with `functools.wraps` whose wrapper blocks; the handler under it is innocent."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from fastapi import FastAPI

P = ParamSpec("P")
T = TypeVar("T")

app = FastAPI()


def audited(handler: Callable[P, Awaitable[T]]) -> Callable[P, Awaitable[T]]:
    @wraps(handler)
    async def wrapper(*args: P.args, **kwargs: P.kwargs) -> T:
        time.sleep(0.03)  # blocks here
        return await handler(*args, **kwargs)

    return wrapper


@app.get("/orders")
@audited
async def orders() -> dict[str, int]:
    await asyncio.sleep(0.01)
    return {"orders": 3}


@app.get("/items")
async def items() -> list[str]:
    await asyncio.sleep(0.01)
    return ["tea", "salt"]
