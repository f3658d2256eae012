"""Decorators with `functools.wraps` that only count: one over an `async def`, one over a `def`."""

import asyncio
import hashlib
from collections import Counter
from collections.abc import Awaitable, Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from fastapi import FastAPI

P = ParamSpec("P")
T = TypeVar("T")

app = FastAPI()
calls = Counter[str]()


def counted(handler: Callable[P, Awaitable[T]]) -> Callable[P, Awaitable[T]]:
    @wraps(handler)
    async def wrapper(*args: P.args, **kwargs: P.kwargs) -> T:
        calls[handler.__name__] += 1
        return await handler(*args, **kwargs)

    return wrapper


def counted_in_thread(handler: Callable[P, T]) -> Callable[P, T]:
    @wraps(handler)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> T:
        calls[handler.__name__] += 1
        return handler(*args, **kwargs)

    return wrapper


@app.get("/orders")
@counted
async def orders() -> dict[str, int]:
    await asyncio.sleep(0.01)
    return {"orders": 3}


@app.get("/hash")
@counted_in_thread
def hashed() -> dict[str, str]:
    return {"hash": hashlib.pbkdf2_hmac("sha256", b"2468", b"salt", 50_000).hex()}
