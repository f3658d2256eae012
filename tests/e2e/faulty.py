"""ASGI apps that go wrong in one way each, as sides for the tests."""

import asyncio
import os
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

served = 0


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


async def exits_at_start(scope: Message, receive: Receive, send: Send) -> None:
    await receive()
    await send({"type": "lifespan.startup.failed", "message": "the disk with the recipes is missing"})


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
    """Exits for good at its five-hundredth answer."""
    global served  # noqa: PLW0603
    if scope["type"] == "lifespan":
        return await _lifespan(receive, send)
    served += 1
    if served == 500:
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
