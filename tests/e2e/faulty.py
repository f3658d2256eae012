"""ASGI apps that go wrong in one way each, and two that do not, as sides for the tests."""

import asyncio
import os
from collections.abc import Awaitable, Callable, MutableMapping
from pathlib import Path
from typing import Any

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

TRICKLE_S = 0.03
TRICKLE_BYTES = 5
LEAK_MOST = 500

served = 0
kept: list[bytearray] = []


async def _answer(send: Send, status: int = 200, body: bytes = b"{}") -> None:
    await send({"type": "http.response.start", "status": status, "headers": [(b"content-type", b"text/plain")]})
    await send({"type": "http.response.body", "body": body})


async def _lifespan(receive: Receive, send: Send) -> None:
    while True:
        message = await receive()
        await send({"type": message["type"] + ".complete"})
        if message["type"] == "lifespan.shutdown":
            return


async def fine(scope: Message, receive: Receive, send: Send) -> None:
    if scope["type"] == "lifespan":
        return await _lifespan(receive, send)
    return await _answer(send)


async def waits(scope: Message, receive: Receive, send: Send) -> None:
    """Answers after 20 ms, and never sooner."""
    if scope["type"] == "lifespan":
        return await _lifespan(receive, send)
    await asyncio.sleep(0.02)
    return await _answer(send)


async def exits_at_start(scope: Message, receive: Receive, send: Send) -> None:
    await receive()
    await send({"type": "lifespan.startup.failed", "message": "the disk with the recipes is missing"})


def _is_first_start() -> bool:
    started = Path(os.environ["STARTED"])
    if started.exists():
        return False
    started.touch()
    return True


async def starts_once(scope: Message, receive: Receive, send: Send) -> None:
    """Starts once, and not again where the file is that it leaves."""
    if scope["type"] != "lifespan":
        return await _answer(send)
    if _is_first_start():
        return await _lifespan(receive, send)
    await receive()
    return await send({"type": "lifespan.startup.failed", "message": "the licence was for one start"})


async def never_ready(scope: Message, receive: Receive, send: Send) -> None:
    await asyncio.sleep(600)


async def hangs(scope: Message, receive: Receive, send: Send) -> None:
    """Answers HEAD, so it is ready, and nothing else."""
    if scope["type"] == "lifespan":
        return await _lifespan(receive, send)
    if scope["method"] != "HEAD":
        await asyncio.sleep(600)
    return await _answer(send)


async def dies(scope: Message, receive: Receive, send: Send) -> None:
    """Exits for good at its 250th answer: later than any warm-up asks, and before the end of a short cell."""
    global served  # noqa: PLW0603
    if scope["type"] == "lifespan":
        return await _lifespan(receive, send)
    served += 1
    if served == 250:
        os._exit(7)
    return await _answer(send)


async def errs(scope: Message, receive: Receive, send: Send) -> None:
    if scope["type"] == "lifespan":
        return await _lifespan(receive, send)
    return await _answer(send, status=500 if scope["method"] == "GET" else 200)


async def garbled(scope: Message, receive: Receive, send: Send) -> None:
    """Says gzip, and sends something else."""
    if scope["type"] == "lifespan":
        return await _lifespan(receive, send)
    headers = [(b"content-type", b"text/plain"), (b"content-encoding", b"gzip")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else b"plain"})
    return None


turn = asyncio.Lock()


async def one_at_a_time(scope: Message, receive: Receive, send: Send) -> None:
    """Answers 50 requests a second at most, however many come."""
    if scope["type"] == "lifespan":
        return await _lifespan(receive, send)
    async with turn:
        await asyncio.sleep(0.02)
    return await _answer(send)


async def closes(scope: Message, receive: Receive, send: Send) -> None:
    """Closes the connection in the middle of its answer."""
    if scope["type"] == "lifespan":
        return await _lifespan(receive, send)
    if scope["method"] == "HEAD":
        return await _answer(send)
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"100")]})
    await send({"type": "http.response.body", "body": b"half", "more_body": True})
    raise ConnectionAbortedError


async def _trickle(send: Send, count: int) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]})
    for _ in range(count):
        await send({"type": "http.response.body", "body": b".", "more_body": True})
        await asyncio.sleep(TRICKLE_S)
    await send({"type": "http.response.body", "body": b""})


async def trickles(scope: Message, receive: Receive, send: Send) -> None:
    """Answers byte by byte."""
    if scope["type"] == "lifespan":
        return await _lifespan(receive, send)
    return await _trickle(send, TRICKLE_BYTES if scope["method"] != "HEAD" else 0)


async def trickles_for_ever(scope: Message, receive: Receive, send: Send) -> None:
    """Answers byte by byte, and never gets to the end."""
    if scope["type"] == "lifespan":
        return await _lifespan(receive, send)
    return await _trickle(send, 100_000 if scope["method"] != "HEAD" else 0)


async def leaks(scope: Message, receive: Receive, send: Send) -> None:
    """Keeps a megabyte of every request, up to a bound; slow enough not to be there at once."""
    if scope["type"] == "lifespan":
        return await _lifespan(receive, send)
    await asyncio.sleep(0.01)
    if len(kept) < LEAK_MOST:
        kept.append(bytearray(b"x") * 2**20)
    return await _answer(send)


BROKEN = {
    "/errs": errs,
    "/hangs": hangs,
    "/garbled": garbled,
    "/closes": closes,
    "/trickles": trickles,
    "/trickles_for_ever": trickles_for_ever,
}


async def broken(scope: Message, receive: Receive, send: Send) -> None:
    """Goes wrong in another way at each path."""
    app = fine if scope["type"] == "lifespan" else BROKEN.get(scope["path"], fine)
    return await app(scope, receive, send)
