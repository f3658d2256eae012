"""A `def` dependency with `yield` that waits for nothing: one thread to enter, one to leave."""

import logging
import time
from collections.abc import Iterator
from typing import Annotated

from fastapi import Depends, FastAPI

app = FastAPI()
log = logging.getLogger("shop")


def stopwatch() -> Iterator[float]:
    began = time.perf_counter()
    yield began
    log.debug("took %.3f s", time.perf_counter() - began)


@app.get("/items")
async def items(_began: Annotated[float, Depends(stopwatch)]) -> list[str]:
    return ["tea", "salt"]
