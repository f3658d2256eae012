"""What the lessons on commits say of statements and errors is what their apps do."""

import asyncio
import gc
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from sqlalchemy import Engine, event

from loadtests.lessons import after_commit


@pytest.fixture
def statements() -> Iterator[list[str]]:
    """Collect what is executed."""
    executed: list[str] = []

    def record(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        executed.append(statement.partition(" ")[0])

    event.listen(Engine, "before_cursor_execute", record)
    yield executed
    event.remove(Engine, "before_cursor_execute", record)


async def answer_of(way: str, path: str, statements: list[str]) -> httpx.Response:
    """Ask one app once; what it executes at its start is forgotten."""
    app = getattr(after_commit, way)
    async with app.router.lifespan_context(app) as state:

        async def with_state(scope: Any, receive: Any, send: Any) -> None:
            await app(scope | {"state": dict(state)}, receive, send)

        transport = httpx.ASGITransport(with_state, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://lesson") as client:
            statements.clear()
            return await client.post(path)


@pytest.mark.parametrize(
    ("way", "path", "expected"),
    [
        ("expired", "/sync", ["SELECT", "INSERT", "SELECT", "SELECT"]),
        ("refreshed", "/sync", ["SELECT", "INSERT", "SELECT"]),
        ("refreshed", "/async", ["SELECT", "INSERT", "SELECT"]),
        ("kept", "/sync", ["SELECT", "INSERT"]),
        ("kept", "/async", ["SELECT", "INSERT"]),
    ],
)
def test_each_way_takes_as_many_statements_as_its_lesson_says(
    way: str, path: str, expected: list[str], statements: list[str]
) -> None:
    answer = asyncio.run(answer_of(way, path, statements))
    assert answer.json()["author"] == {"id": 1, "username": "ada"}
    assert statements == expected


@pytest.mark.filterwarnings("ignore:coroutine 'Connection.cursor' was never awaited")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_what_expired_can_not_be_read_in_async(statements: list[str]) -> None:
    assert asyncio.run(answer_of("expired", "/async", statements)).status_code == 500
    assert statements == ["SELECT", "INSERT"]
    gc.collect()  # SQLAlchemy drops a coroutine on the way to MissingGreenlet: here, and not in another test
