"""What lets coroutines that wait for nothing but a sleep run in greenlets, where they are never suspended."""

from collections.abc import Coroutine
from typing import Any, TypeVar

import gevent

T = TypeVar("T")


async def sleep(seconds: float) -> None:
    """Wait, and let other greenlets go on."""
    gevent.sleep(seconds)


def run(work: Coroutine[Any, None, T]) -> T:
    """Run a coroutine that waits for nothing but ``sleep``."""
    try:
        work.send(None)
    except StopIteration as end:
        result: T = end.value
        return result
    raise RuntimeError(f"{work} waits for an event loop")
