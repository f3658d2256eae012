"""A stand-in for the slow external API, and for one that is out of order."""

import asyncio
import json
from typing import Any
from urllib.parse import parse_qs


async def app(scope: Any, receive: Any, send: Any) -> None:
    """Wait as long as asked and say so; asked to wait 13 ms, break down."""
    if scope["type"] == "lifespan":
        while True:
            message = await receive()
            await send({"type": f"{message['type']}.complete"})
            if message["type"] == "lifespan.shutdown":
                return
    wait_ms = float(parse_qs(scope["query_string"].decode()).get("wait_ms", ["0"])[0])
    await asyncio.sleep(wait_ms / 1000)
    status = 500 if wait_ms == 13 else 200
    body = b"oops" if wait_ms == 14 else json.dumps({"waited_ms": wait_ms}).encode()
    await send({"type": "http.response.start", "status": status, "headers": [(b"content-type", b"application/json")]})
    await send({"type": "http.response.body", "body": body})
