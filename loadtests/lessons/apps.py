"""Two small apps for the lesson on mixing: the same two routes, both ``def``, or each of the kind that suits it."""

import asyncio
import time

from fastapi import FastAPI

BLOCKING_S = 0.02
"""What a library without async takes."""
WAITING_S = 0.05
"""What a library with async takes."""


def blocking() -> str:
    """Call a library that blocks."""
    time.sleep(BLOCKING_S)
    return "done"


def waiting_in_a_thread() -> str:
    """Wait, and hold a thread meanwhile."""
    time.sleep(WAITING_S)
    return "done"


async def waiting() -> str:
    """Wait, and hold nothing."""
    await asyncio.sleep(WAITING_S)
    return "done"


all_def = FastAPI()
all_def.get("/blocking")(blocking)
all_def.get("/waiting")(waiting_in_a_thread)

mixed = FastAPI()
mixed.get("/blocking")(blocking)
mixed.get("/waiting")(waiting)
