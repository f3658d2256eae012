"""Sides whose difference is known, because it was put there.

``loadtests.validation.known:base`` is the yardstick; each of the others does the same and a little more. They are
ordinary sides: ``bench run --a loadtests.validation.known:base --b loadtests.validation.known:cpu_10 "GET /cpu"``.
"""

import time

from loadtests.validation.asgi import App, Message, Receive, Send, answer, lifespan
from loadtests.validation.exact import until

ROUNDS = 20_000
"""Rounds of the loop behind ``/cpu``: one to three milliseconds, so that it outweighs all that a server does besides.
A multiple of 20, so that 5 % more is a whole number of rounds."""
WAIT_S = 0.020
"""What ``/wait`` waits, to the microsecond: a timer alone would add up to a millisecond, now more, now less."""
MORE_CPU = {"cpu_5": 0.05, "cpu_10": 0.10}
"""Share of rounds that a side does beyond ROUNDS."""
MORE_WAIT_S = {"wait_2": 0.002}
"""What a side waits beyond WAIT_S."""


def work(rounds: int) -> int:
    """Do so many equal rounds of CPU work."""
    x = 1
    for _ in range(rounds):
        x = (x * 1103515245 + 12345) & 0x7FFFFFFF
    return x


def known(more_cpu: float = 0.0, more_wait_s: float = 0.0) -> App:
    """Make an app.

    Args:
        more_cpu: share of rounds that ``/cpu`` does beyond ROUNDS, 0.1 for a tenth.
        more_wait_s: what ``/wait`` waits beyond WAIT_S, in seconds.
    """
    rounds, wait_s = round(ROUNDS * (1 + more_cpu)), WAIT_S + more_wait_s
    spent = {"requests": 0, "work_s": 0.0}

    async def app(scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await lifespan(receive, send)
            return
        match scope["path"]:
            case "/cpu":
                began = time.thread_time()
                result: object = {"result": work(rounds)}
                spent["work_s"] += time.thread_time() - began
                spent["requests"] += 1
            case "/wait":
                await until(time.perf_counter() + wait_s)
                result = {"waited_s": wait_s}
            case "/spent":
                result = {**spent, "cpu_s": time.process_time()}
            case _:
                result = {}
        await answer(send, result)

    return app


base = known()
cpu_5 = known(more_cpu=MORE_CPU["cpu_5"])
cpu_10 = known(more_cpu=MORE_CPU["cpu_10"])
wait_2 = known(more_wait_s=MORE_WAIT_S["wait_2"])
