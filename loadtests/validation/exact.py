"""Waits that end when they should: timers of the loop ring to the millisecond, early or late."""

import asyncio
import time

EARLY_S = 0.0015
"""A timer may be late by so much: half of it by rounding, the rest by the loop's own idea of the time."""


async def until(due: float) -> None:
    """Wait until an instant of ``time.perf_counter``: by timer until shortly before, then by asking the clock."""
    left = due - time.perf_counter()
    if left > EARLY_S:
        await asyncio.sleep(left - EARLY_S)
    while time.perf_counter() < due:  # noqa: ASYNC110 - a time, not an event
        await asyncio.sleep(0)
