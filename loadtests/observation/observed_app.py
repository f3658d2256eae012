"""An ASGI app with a sampler beside it, that counts the requests which the app is busy with."""

import os
from pathlib import Path

from starlette.types import ASGIApp, Receive, Scope, Send

from loadtests.observation.sampler import Sampler
from loadtests.records.samples import OBSERVATIONS_SUFFIX


class ObservedApp:
    """Passes everything on to an app."""

    def __init__(self, app: ASGIApp, folder: Path) -> None:
        """Wrap an app.

        Args:
            app: the app.
            folder: where this process gets a file for its rows.
        """
        self._app = app
        self._path = folder / f"{os.getpid()}{OBSERVATIONS_SUFFIX}"
        self._in_flight = 0
        self._sampler: Sampler | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer as the app does."""
        if self._sampler is None:  # the first call comes in the loop that all others will come in
            self._sampler = Sampler(self._path, lambda: self._in_flight)
            self._sampler.start()
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        self._in_flight += 1
        try:
            await self._app(scope, receive, send)
        finally:
            self._in_flight -= 1
