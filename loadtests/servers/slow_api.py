"""The slow external API that the blog calls: ``python -m loadtests.servers.slow_api --port 9000``."""

import asyncio
import json
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any
from urllib.parse import parse_qs

import click
import uvicorn

from loadtests.system.processes import begin_child

Message = MutableMapping[str, Any]
MAX_WAIT_S = 60.0
KEEP_ALIVE_S = 600
"""Longer than a run's pauses, so that it never closes a connection that a build is about to reuse."""


async def app(
    scope: Message, _receive: Callable[[], Awaitable[Message]], send: Callable[[Message], Awaitable[None]]
) -> None:
    """Answer ``GET /?wait_ms=50`` after 50 ms; as cheap as ASGI allows, for it shares the driver's core."""
    if scope["type"] != "http":  # lifespan, which it does not need
        raise NotImplementedError
    try:
        wait_s = float(parse_qs(scope["query_string"])[b"wait_ms"][0]) / 1000
    except (KeyError, ValueError):
        wait_s = -1.0
    if not 0 <= wait_s <= MAX_WAIT_S:
        status, body = (
            400,
            json.dumps({"detail": f"wait_ms must be between 0 and {MAX_WAIT_S * 1000:g}"}).encode(),
        )
    else:
        await asyncio.sleep(wait_s)
        status, body = 200, json.dumps({"waited_ms": wait_s * 1000}).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


@click.command()
@click.option("--port", type=int, required=True)
@click.option("--cores", default="")
def main(port: int, cores: str) -> None:
    """Serve until the owner ends."""
    begin_child(cores)
    uvicorn.run(
        app,
        host="127.0.0.1",
        port=port,
        loop="uvloop",
        http="httptools",
        lifespan="off",
        log_level="warning",
        access_log=False,
        backlog=4096,
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=1,
    )


if __name__ == "__main__":
    main()
