"""A server whose response times are known beforehand, and which keeps its own log of them.

``/queue`` is a few M/M/1 queues: an arrival joins one of them at random, and leaves it at max(arrival, departure of
the one before) + a service time drawn from an exponential distribution. Nothing is worked: the instant of departure
is computed on arrival and waited for, so that the rounding of one wait does not add to the next. ``/steady`` answers
after STEADY_S, whoever else is there. ``/log`` is when each request came and left, on the machine's monotonic clock.
"""

import asyncio
import random
import time

from loadtests.validation.asgi import Message, Receive, Send, answer, lifespan
from loadtests.validation.exact import until

STATION = "loadtests.validation.station:app"
"""This module's app, as a side."""
QUEUES = 4
SERVICE_S = 0.010
STEADY_S = 0.020
SEED = 20

_log: dict[str, list[tuple[float, float]]] = {"queue": [], "steady": []}
_free_at = [0.0] * QUEUES
_rng = random.Random(SEED)


async def app(scope: Message, receive: Receive, send: Send) -> None:
    """Answer."""
    if scope["type"] == "lifespan":
        await lifespan(receive, send)
        return
    came = time.perf_counter()
    match scope["path"]:
        case "/queue":
            await until(_departure(came))
            await answer(send, {"came": came})
            _log["queue"].append((came, time.perf_counter()))
        case "/steady":
            await asyncio.sleep(STEADY_S)
            await answer(send, {"came": came})
            _log["steady"].append((came, time.perf_counter()))
        case "/log":
            await answer(send, _log)
        case _:
            await answer(send, {})


def _departure(came: float) -> float:
    which = _rng.randrange(QUEUES)
    _free_at[which] = max(came, _free_at[which]) + _rng.expovariate(1 / SERVICE_S)
    return _free_at[which]
