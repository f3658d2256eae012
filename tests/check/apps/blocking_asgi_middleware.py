"""A plain ASGI middleware that spaces requests by sleeping on the loop."""

import time

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send


class Throttle:
    def __init__(self, app: ASGIApp, pause_s: float) -> None:
        self.app = app
        self.pause_s = pause_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            time.sleep(self.pause_s)  # blocks here
        await self.app(scope, receive, send)


async def items(_request: Request) -> JSONResponse:
    return JSONResponse(["tea", "salt"])


app = Starlette(routes=[Route("/items", items)], middleware=[Middleware(Throttle, pause_s=0.02)])
