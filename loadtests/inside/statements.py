"""Tell in headers of each answer which SQL statements an app executed for it, and what it has: threads, connections.

Only where answers are compared, a request at a time: SQLAlchemy's events slow every query down by percents.
"""

from __future__ import annotations

import asyncio
import json
import math
import os
import sys
from typing import TYPE_CHECKING, Any, Dict, List, Optional

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

HEADER = "x-bench-statements"
"""Of the answer, how many statements it took; it is there if the app has SQLAlchemy."""
RESOURCES = "x-bench-resources"
"""Of the answer, a JSON object: ``threads``, how many the framework lends to ``def`` handlers, and ``connections``, how
many the pools hold that the request took one from (null where that is not known or not bounded); ``statements``, their
text with how often each came in a row, ``[[text, times], …]``."""
MOST_STATEMENTS = 20
MOST_CHARACTERS = 1000
"""Of statements that are told in full; an answer's header must not grow without bounds."""
OF_THE_LOOP = 4
"""Threads that asyncio's own executor has beyond the machine's cores, and at most THREADS_OF_THE_LOOP."""
THREADS_OF_THE_LOOP = 32


class CountingApp:
    """Passes everything on to an app, which answers one request at a time."""

    def __init__(self, app: ASGIApp) -> None:
        """Wrap an app, after its import."""
        self._app = app
        self._executed = 0
        self._statements: List[List[Any]] = []
        self._pools: Dict[int, Any] = {}
        self._knows = "sqlalchemy" in sys.modules
        if self._knows:
            from sqlalchemy import event
            from sqlalchemy.engine import Engine

            event.listen(Engine, "before_cursor_execute", self._count)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer as the app does, with up to two headers more."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        self._executed = 0
        self._statements, self._pools = [], {}

        async def tell(message: Message) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*message.get("headers", ()), *self._headers()]}
            await send(message)

        await self._app(scope, receive, tell)

    def _headers(self) -> List[Any]:
        told: Dict[str, Any] = {"threads": _threads(), "connections": None, "statements": self._statements}
        sizes = [_size(pool) for pool in self._pools.values()]
        if sizes and None not in sizes:
            told["connections"] = sum(size for size in sizes if size is not None)
        found = [(RESOURCES.encode(), json.dumps(told).encode())]
        return [(HEADER.encode(), str(self._executed).encode()), *found] if self._knows else found

    def _count(self, connection: Any, _cursor: Any, statement: Any, *_: Any) -> None:  # noqa: ANN401 - as SQLAlchemy calls it
        self._executed += 1
        text = str(statement)[:MOST_CHARACTERS]
        if self._statements and self._statements[-1][0] == text:
            self._statements[-1][1] += 1
        elif len(self._statements) < MOST_STATEMENTS:
            self._statements.append([text, 1])
        pool = getattr(getattr(connection, "engine", None), "pool", None)
        self._pools[id(pool)] = pool


def _size(pool: Any) -> Optional[int]:  # noqa: ANN401 - one of SQLAlchemy's
    """Return how many connections a pool can hold; None if it is not bounded, or not known."""
    overflow = getattr(pool, "_max_overflow", None)
    if not isinstance(overflow, int) or overflow < 0 or not callable(getattr(pool, "size", None)):
        return None
    size = pool.size()
    return size + overflow if size else None  # a pool of size 0 is one without bounds


def _threads() -> Optional[int]:
    """Return how many threads Starlette can run ``def`` functions in, inside the event loop; None if unknown."""
    concurrency = sys.modules.get("starlette.concurrency")
    if concurrency is None:
        return None
    if getattr(concurrency, "anyio", None) is not None:
        from anyio.to_thread import current_default_thread_limiter

        tokens = current_default_thread_limiter().total_tokens
        return int(tokens) if math.isfinite(tokens) else None
    own = getattr(asyncio.get_running_loop(), "_default_executor", None)  # before Starlette 0.15
    return getattr(own, "_max_workers", None) or min(THREADS_OF_THE_LOOP, (os.cpu_count() or 1) + OF_THE_LOOP)
