"""Small servers on the test's own event loop."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Coroutine[Any, Any, None]]


@asynccontextmanager
async def listening(serve: Serve, **options: Any) -> AsyncIterator[str]:
    """Serve each connection by a coroutine, at a URL; in the end wait until all have noticed that nobody is there."""
    async with await asyncio.start_server(serve, "127.0.0.1", 0, backlog=256, **options) as server:
        scheme, host = ("https", "localhost") if "ssl" in options else ("http", "127.0.0.1")
        yield f"{scheme}://{host}:{server.sockets[0].getsockname()[1]}"
        await until_left()


async def until_left() -> None:
    """Wait for all other tasks: servers that read from connections whose other ends are closed."""
    async with asyncio.timeout(10):
        while others := asyncio.all_tasks() - {asyncio.current_task()}:
            await asyncio.wait(others)
