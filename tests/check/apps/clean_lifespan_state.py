"""A lifespan that sets up state, a plain ASGI middleware, and a background task in a thread."""

import time
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import BackgroundTasks, FastAPI, Request
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send


class Version:
    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_version(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message)["x-version"] = "1.4.2"
            await send(message)

        await self.app(scope, receive, send_with_version)


@asynccontextmanager
async def lifespan(_app: FastAPI) -> AsyncIterator[dict[str, object]]:
    yield {"items": ["tea", "salt"], "mails": deque[str](maxlen=10)}


app = FastAPI(lifespan=lifespan)
app.add_middleware(Version)


def mail(sent: deque[str], text: str) -> None:
    time.sleep(0.01)
    sent.append(text)


@app.get("/items")
async def items(request: Request, tasks: BackgroundTasks) -> list[str]:
    tasks.add_task(mail, request.state.mails, "somebody looked")
    return list(request.state.items)
