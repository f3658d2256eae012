"""The code that the deadlock's page tells readers to copy cures it, and what it warns of happens."""

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Annotated, Any

import httpx
import pytest
from anyio.to_thread import current_default_thread_limiter
from fastapi import Depends, FastAPI
from sqlalchemy import create_engine
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from loadtests.lessons import session_limits
from loadtests.lessons.deadlock_cure import CURE

WHOLE, SEMAPHORE, IN_THE_ROUTE = re.findall(r"^```python\n(.*?)^```$", CURE, re.DOTALL | re.MULTILINE)
ROUTE = WHOLE[WHOLE.index('@app.get("/one")') :]
WITHOUT_LIMIT = WHOLE.replace(", max_concurrency=POOL_SIZE + MAX_OVERFLOW", "")
BEFORE = WITHOUT_LIMIT.replace(
    WITHOUT_LIMIT[WITHOUT_LIMIT.index("def get_db") : WITHOUT_LIMIT.index("app = FastAPI")], f"{SEMAPHORE}\n"
)
REQUESTS = 12


def app_of(code: str, pool_timeout_s: float) -> dict[str, Any]:
    """Run code of the page, made small: two threads and one connection, for which requests wait so long."""
    names: dict[str, Any] = {}
    code = code.replace("THREADS = 40", "THREADS = 2").replace("OVERFLOW = 5, 10", "OVERFLOW = 1, 0")
    code = code.replace("max_overflow=MAX_OVERFLOW)", f"max_overflow=MAX_OVERFLOW, pool_timeout={pool_timeout_s})")
    exec(compile(code, "page", "exec"), names)  # noqa: S102 - our own page
    return names


async def answers(app: FastAPI, *paths: str) -> list[httpx.Response]:
    """Ask everything at once."""
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://app") as client,
    ):
        return await asyncio.gather(*[client.get(path) for path in paths])


@pytest.mark.parametrize(
    "code", [WHOLE, BEFORE, WITHOUT_LIMIT.replace(ROUTE, IN_THE_ROUTE)], ids=["alias", "semaphore", "in the route"]
)
def test_each_cure_answers_all(code: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    app = app_of(code, pool_timeout_s=30)["app"]
    assert [answer.status_code for answer in asyncio.run(answers(app, *["/one"] * REQUESTS))] == [200] * REQUESTS


def test_without_a_limit_requests_fail_once_the_pool_gives_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    app = app_of(WITHOUT_LIMIT, pool_timeout_s=0.1)["app"]
    assert 500 in [answer.status_code for answer in asyncio.run(answers(app, *["/one"] * REQUESTS))]


def test_the_numbers_on_the_page_are_the_defaults() -> None:
    async def threads() -> float:
        return current_default_thread_limiter().total_tokens

    assert asyncio.run(threads()) == 40
    engine = create_engine("sqlite:///unused.db")
    full = f"QueuePool limit of size {engine.pool.size()} overflow {engine.pool._max_overflow} reached"  # type: ignore[attr-defined]
    assert f"{full}, connection timed out, timeout {engine.pool._timeout:.2f}" in CURE  # type: ignore[attr-defined]
    assert engine.pool.size() + engine.pool._max_overflow == session_limits.CONNECTIONS  # type: ignore[attr-defined]


def test_the_error_is_the_one_that_the_page_quotes(tmp_path: Path) -> None:
    engine = create_engine(f"sqlite:///{tmp_path / 'x.db'}", pool_size=5, max_overflow=10, pool_timeout=0)
    held = [engine.connect() for _ in range(15)]
    with pytest.raises(PoolTimeoutError) as raised:
        engine.connect()
    for connection in held:
        connection.close()
    engine.dispose()
    said = f"sqlalchemy.exc.TimeoutError: {raised.value}".replace("timeout 0.00", "timeout 30.00")
    assert said.replace(" (Background", "\n(Background") in CURE


class Sessions:
    """A dependency that counts how many requests are in it at once; they stay until no other comes in."""

    def __init__(self) -> None:
        self.inside = self.most = 0
        self.leave = asyncio.Event()

    async def get_db(self) -> AsyncIterator[None]:
        self.inside += 1
        self.most = max(self.most, self.inside)
        await self.leave.wait()
        yield
        self.inside -= 1

    async def open_when_idle(self) -> None:
        for _ in range(1000):  # turns of the event loop; a request needs some dozens
            await asyncio.sleep(0)
        self.leave.set()


async def most_at_once(route_count: int, one_limit: bool) -> int:
    """Return how many requests are let in at once, of 4 to each route, where each limit is 2."""
    app, sessions = FastAPI(), Sessions()
    limit = Depends(sessions.get_db, max_concurrency=2)

    def add_route(path: str, session: Any) -> None:
        @app.get(path)
        async def route(_db: Annotated[None, session]) -> None: ...

    for number in range(route_count):
        add_route(f"/{number}", limit if one_limit else Depends(sessions.get_db, max_concurrency=2))
    paths = [f"/{number}" for number in range(route_count) for _ in range(4)]
    answered, _ = await asyncio.gather(answers(app, *paths), sessions.open_when_idle())
    assert {answer.status_code for answer in answered} == {200}
    return sessions.most


def test_each_depends_object_has_a_limit_of_its_own_and_one_alias_has_one() -> None:
    assert asyncio.run(most_at_once(3, one_limit=True)) == 2
    assert asyncio.run(most_at_once(3, one_limit=False)) == 3 * 2


def test_a_plain_depends_that_comes_first_evades_the_limit() -> None:
    async def most() -> int:
        app, sessions = FastAPI(), Sessions()

        async def get_current_user(_db: Annotated[None, Depends(sessions.get_db)]) -> None: ...

        @app.get("/")
        async def route(
            _user: Annotated[None, Depends(get_current_user)],
            _db: Annotated[None, Depends(sessions.get_db, max_concurrency=2)],
        ) -> None: ...

        await asyncio.gather(answers(app, *["/"] * 6), sessions.open_when_idle())
        return sessions.most

    assert asyncio.run(most()) == 6


def test_the_apps_of_the_lesson_differ_in_their_limits_alone() -> None:
    def limits(app: FastAPI) -> list[object]:
        return [route.dependant.dependencies[0].concurrency for route in app.routes if hasattr(route, "dependant")]

    pasted, shared = limits(session_limits.pasted), limits(session_limits.shared)
    assert len(pasted) == len(shared) == len(session_limits.PATHS)
    assert (len(set(pasted)), len(set(shared))) == (len(session_limits.PATHS), 1)


def test_the_apps_of_the_lesson_answer_alike() -> None:
    async def asked(app: FastAPI) -> list[tuple[int, str]]:
        async with app.router.lifespan_context(app) as state:

            async def with_state(scope: Any, receive: Any, send: Any) -> None:
                await app(scope | {"state": dict(state or {})}, receive, send)

            async with httpx.AsyncClient(transport=httpx.ASGITransport(with_state), base_url="http://app") as client:
                return [((answer := await client.get(path)).status_code, answer.text) for path in session_limits.PATHS]

    assert asyncio.run(asked(session_limits.pasted)) == asyncio.run(asked(session_limits.shared))
    assert asyncio.run(asked(session_limits.shared)) == [(200, "1")] * len(session_limits.PATHS)
