"""Count the SQL statements that an app executes for a request, and tell it in a header of the answer.

Only where answers are compared, a request at a time: SQLAlchemy's events slow every query down by percents.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

HEADER = "x-bench-statements"
"""Of the answer; it is there if the app has SQLAlchemy."""


class CountingApp:
    """Passes everything on to an app, which answers one request at a time."""

    def __init__(self, app: ASGIApp) -> None:
        """Wrap an app, after its import."""
        self._app = app
        self._executed = 0
        self._knows = "sqlalchemy" in sys.modules
        if self._knows:
            from sqlalchemy import event
            from sqlalchemy.engine import Engine

            event.listen(Engine, "before_cursor_execute", self._count)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer as the app does, with one header more."""
        if scope["type"] != "http" or not self._knows:
            await self._app(scope, receive, send)
            return
        before = self._executed

        async def tell(message: Message) -> None:
            if message["type"] == "http.response.start":
                counted = (HEADER.encode(), str(self._executed - before).encode())
                message = {**message, "headers": [*message.get("headers", ()), counted]}
            await send(message)

        await self._app(scope, receive, tell)

    def _count(self, *_: Any) -> None:  # noqa: ANN401 - as SQLAlchemy calls it
        self._executed += 1
