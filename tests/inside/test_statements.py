"""SQL statements are counted for each request, whichever way the app executes them."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from anyio.to_thread import current_default_thread_limiter
from fastapi import FastAPI
from sqlalchemy import NullPool, create_engine, text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import QueuePool
from starlette.types import Message, Receive, Scope, Send

from loadtests.inside.statements import HEADER, MOST_CHARACTERS, MOST_STATEMENTS, RESOURCES, CountingApp


def answers(app: Any, *paths: str) -> list[dict[str, str]]:
    """Return the headers of each path's answer, asked one after another."""

    async def ask() -> list[dict[str, str]]:
        said = []
        for path in paths:
            sent: list[Message] = []

            async def receive() -> Message:
                return {"type": "http.request", "body": b"", "more_body": False}

            async def send(message: Message, sent: list[Message] = sent) -> None:
                sent.append(message)

            scope: Scope = {"type": "http", "method": "GET", "path": path, "headers": [], "query_string": b""}
            await app(scope, receive, send)
            said.append({name.decode(): value.decode() for name, value in sent[0]["headers"]})
        return said

    return asyncio.run(ask())


def asked(app: Any, *paths: str) -> list[str | None]:
    """Return what the header with the number says of each path."""
    return [headers.get(HEADER) for headers in answers(app, *paths)]


def resources(app: Any, *paths: str) -> list[dict[str, Any]]:
    """Return what the other header says of each path."""
    return [json.loads(headers[RESOURCES]) for headers in answers(app, *paths)]


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


@pytest.fixture
def app() -> FastAPI:
    """An app that executes some statements, and one that raises the limit of threads when it starts."""
    app = FastAPI()

    @app.get("/one/{size}")
    def one(size: int) -> None:
        engine = create_engine("sqlite:///:memory:", **pool_of(size))
        with engine.connect() as connection:
            for number in (1, 2, 2, 2):
                connection.execute(text(f"SELECT {number}"))
        engine.dispose()

    @app.get("/many")
    def many() -> None:
        engine = create_engine("sqlite://")
        with engine.connect() as connection:
            for number in range(2 * MOST_STATEMENTS):
                connection.execute(text(f"SELECT {number}, '{'x' * 2 * MOST_CHARACTERS}'"))
        engine.dispose()

    @app.get("/more")
    async def more() -> None:
        current_default_thread_limiter().total_tokens = 7

    return app


def pool_of(size: int) -> dict[str, Any]:
    pools: dict[int, dict[str, Any]] = {
        5: {"poolclass": QueuePool},
        3: {"poolclass": QueuePool, "pool_size": 3, "max_overflow": 0},
        1: {"poolclass": QueuePool, "max_overflow": -1},
        0: {"poolclass": NullPool},
    }
    return pools[size]


def test_statements_are_told_in_their_order_and_how_often_each_came(app: FastAPI) -> None:
    assert resources(CountingApp(app), "/one/5")[0]["statements"] == [["SELECT 1", 1], ["SELECT 2", 3]]


def test_a_pool_s_connections_are_told_where_they_are_bounded(app: FastAPI) -> None:
    told = resources(CountingApp(app), "/one/5", "/one/3", "/one/1", "/one/0", "/more")
    assert [each["connections"] for each in told] == [15, 3, None, None, None]


def test_the_limit_of_threads_is_the_one_that_the_app_has_set(app: FastAPI) -> None:
    assert [each["threads"] for each in resources(CountingApp(app), "/one/5", "/more", "/one/5")] == [40, 7, 7]


def test_what_is_told_is_bounded(app: FastAPI) -> None:
    [headers] = answers(CountingApp(app), "/many")
    assert headers[HEADER] == str(2 * MOST_STATEMENTS)
    assert len(headers[RESOURCES]) < 32 * 1024
    assert len(json.loads(headers[RESOURCES])["statements"]) == MOST_STATEMENTS
