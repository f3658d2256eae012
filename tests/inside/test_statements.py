"""SQL statements are counted for each request, whichever way the app executes them."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from sqlalchemy import create_engine, text
from sqlalchemy.ext.asyncio import create_async_engine
from starlette.types import Message, Receive, Scope, Send

from loadtests.inside.statements import HEADER, CountingApp


def asked(app: Any, *paths: str) -> list[str | None]:
    """Return what the header says of each path, asked one after another."""

    async def ask() -> list[str | None]:
        said = []
        for path in paths:
            sent: list[Message] = []

            async def receive() -> Message:
                return {"type": "http.request", "body": b"", "more_body": False}

            async def send(message: Message, sent: list[Message] = sent) -> None:
                sent.append(message)

            scope: Scope = {"type": "http", "method": "GET", "path": path, "headers": [], "query_string": b""}
            await app(scope, receive, send)
            headers = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
            said.append(headers.get(HEADER))
        return said

    return asyncio.run(ask())


def test_threads_and_tasks_are_counted(tmp_path: Path) -> None:
    app = FastAPI()
    engine = create_engine(f"sqlite:///{tmp_path / 'a.db'}")
    async_engine = create_async_engine(f"sqlite+aiosqlite:///{tmp_path / 'b.db'}")

    @app.get("/threads/{count}")
    def threads(count: int) -> None:
        with engine.connect() as connection:
            for _ in range(count):
                connection.execute(text("SELECT 1"))

    @app.get("/tasks/{count}")
    async def tasks(count: int) -> None:
        async with async_engine.connect() as connection:
            for _ in range(count):
                await connection.execute(text("SELECT 1"))
        await async_engine.dispose()

    paths = ["/threads/3", "/tasks/2", "/threads/0", "/tasks/21"]
    assert asked(CountingApp(app), *paths) == ["3", "2", "0", "21"]
    engine.dispose()


def test_an_app_without_sqlalchemy_tells_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})

    monkeypatch.delitem(__import__("sys").modules, "sqlalchemy")
    assert asked(CountingApp(app), "/") == [None]
