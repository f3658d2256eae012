"""Reference servers, whose answer is known beforehand, and the pauser, which stops processes for a while.

``base`` is what the others are compared with; each of them does the same and a known amount more. They are ordinary
sides: ``bench run --a loadtests.servers.reference:base --b loadtests.servers.reference:cpu_10 "GET /cpu"``.

``app`` has response times that follow from theory, and keeps a log of its own. ``/queue`` is a few M/M/1 queues: an
arrival joins one of them at random, and leaves it at max(arrival, departure of the one before) + a service time drawn
from an exponential distribution. Nothing is computed for so long: the instant of departure is known on arrival and
waited for, so that the rounding of one wait does not add to the next. ``/steady`` answers after STEADY_S, however many
others are there. ``/log`` is when each request came and left, on the machine's monotonic clock.

Both are bare ASGI: without a framework little but the known part is left.

``python -m loadtests.servers.reference`` stops processes again and again. It is a process of its own, because the
harness waits for the driver at that time, and because what was stopped must go on, whatever happens to the harness:
when the owner is gone, or a signal comes, letting it go on is the last thing it does.
"""

import asyncio
import contextlib
import json
import os
import random
import signal
import sys
import time
from collections.abc import Awaitable, Callable, Iterator, MutableMapping, Sequence
from pathlib import Path
from types import FrameType
from typing import Any

import click

from loadtests.system.processes import Child, begin_child

ROUNDS = 20_000
"""Rounds of the loop behind ``/cpu``: one to three milliseconds, so that it outweighs all that a server does besides.
A multiple of 20, so that 5 % more is a whole number of rounds."""
WAIT_S = 0.020
"""What ``/wait`` waits, to the microsecond: a timer alone would add up to a millisecond, now more, now less."""
MORE_CPU = {"cpu_5": 0.05, "cpu_10": 0.10}
"""Share of rounds that a side does beyond ROUNDS."""
MORE_WAIT_S = {"wait_2": 0.002}
"""What a side waits beyond WAIT_S."""
REFERENCE_APP = "loadtests.servers.reference:app"
"""This module's app, as a side."""
QUEUES = 4
SERVICE_S = 0.010
STEADY_S = 0.020
SEED = 20
RESUME_S = 10.0
"""How long the pauser may need to let processes go on when its owner is gone: the machine may be busy."""
_log: dict[str, list[tuple[float, float]]] = {"queue": [], "steady": []}
_free_at = [0.0] * QUEUES
_rng = random.Random(SEED)
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Message, Receive, Send], Awaitable[None]]
EARLY_S = 0.0015
"""A timer may be late by so much: half of it by rounding, the rest by the loop's own idea of the time."""


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


async def answer(send: Send, content: object, status: int = 200) -> None:
    """Send one JSON answer."""
    body = json.dumps(content).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def lifespan(receive: Receive, send: Send) -> None:
    """Confirm start-up and shutdown."""
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return


async def until(due: float) -> None:
    """Wait until an instant of ``time.perf_counter``: by timer until shortly before, then by asking the clock."""
    left = due - time.perf_counter()
    if left > EARLY_S:
        await asyncio.sleep(left - EARLY_S)
    while time.perf_counter() < due:  # noqa: ASYNC110 - a time, not an event
        await asyncio.sleep(0)


@contextlib.contextmanager
def pausing(pids: Sequence[int], every_s: float, for_s: float, log: Path) -> Iterator[None]:
    """Stop processes for a while, again and again; whatever ends it, they go on in the end.

    Args:
        pids: the processes.
        every_s: they are stopped once in so many seconds, first after half of them.
        for_s: for so long, in seconds.
        log: of the process that does it.
    """
    arguments = [*(f"--pid={pid}" for pid in pids), f"--every={every_s}", f"--for={for_s}"]
    try:
        with Child("loadtests.servers.reference", arguments, log=log):
            yield
    finally:
        _send(pids, signal.SIGCONT)


@click.command()
@click.option("--pid", "pids", type=int, multiple=True, required=True, help="What to stop.")
@click.option("--every", "every_s", type=float, required=True, help="Stop it once in so many seconds …")
@click.option("--for", "for_s", type=float, required=True, help="… for so long.")
def main(pids: tuple[int, ...], every_s: float, for_s: float) -> None:
    """Stop and continue until the owner ends."""
    signal.signal(signal.SIGTERM, _exit_on_signal)
    begin_child(grace_s=RESUME_S)
    try:
        due = time.monotonic() + every_s / 2
        while True:
            time.sleep(max(0.0, due - time.monotonic()))
            _send(pids, signal.SIGSTOP)
            time.sleep(for_s)
            _send(pids, signal.SIGCONT)
            due += every_s
    finally:
        _send(pids, signal.SIGCONT)


def _send(pids: Sequence[int], number: signal.Signals) -> None:
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)


def _exit_on_signal(_number: int, _frame: FrameType | None) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    sys.exit(0)


if __name__ == "__main__":
    main()
