"""A dependency that is an object: its `__call__` is a coroutine function, and blocks."""

import time
from typing import Annotated

from fastapi import Depends, FastAPI


class Quota:
    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.used = 0

    async def __call__(self) -> int:
        time.sleep(0.02)  # blocks here
        self.used += 1
        return self.limit - self.used


app = FastAPI()


@app.get("/search")
async def search(left: Annotated[int, Depends(Quota(limit=1_000_000))]) -> dict[str, bool]:
    return {"allowed": left > 0}


@app.get("/health")
async def health() -> dict[str, str]:
    return {"status": "ok"}
