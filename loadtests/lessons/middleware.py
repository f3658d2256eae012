"""Two FastAPI apps whose middleware sets the same header, written in two ways.

``base_http`` uses Starlette's ``BaseHTTPMiddleware``, as ``@app.middleware("http")`` does; in ``plain_asgi`` the
middleware is an ASGI app that calls another one.
"""

from fastapi import FastAPI, Request, Response
from starlette.datastructures import MutableHeaders
from starlette.middleware.base import BaseHTTPMiddleware, RequestResponseEndpoint
from starlette.types import ASGIApp, Message, Receive, Scope, Send

HEADER, VALUE = "x-frame-options", "DENY"


class WithBaseHTTP(BaseHTTPMiddleware):
    """Set a header of each response."""

    async def dispatch(self, request: Request, call_next: RequestResponseEndpoint) -> Response:
        """Set the header on the response that the app gives."""
        response = await call_next(request)
        response.headers[HEADER] = VALUE
        return response


class PlainASGI:
    """Set a header of each response."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Call the app with a ``send`` that sets the header."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def send_with_header(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message)[HEADER] = VALUE
            await send(message)

        await self.app(scope, receive, send_with_header)


async def hello() -> str:
    """Answer at once."""
    return "hello"


base_http, plain_asgi = FastAPI(), FastAPI()
base_http.add_middleware(WithBaseHTTP)
plain_asgi.add_middleware(PlainASGI)
base_http.get("/hello")(hello)
plain_asgi.get("/hello")(hello)
