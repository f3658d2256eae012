"""A checked app answers as it does without, and each measured request is written down once it is over."""

import asyncio
import sys
import time
from pathlib import Path
from typing import Annotated, Any

import anyio
import pytest
from fastapi import Depends, FastAPI, HTTPException, Request
from sqlalchemy import create_engine, text
from sqlalchemy.pool import QueuePool
from starlette.types import Receive, Scope, Send

from loadtests.inside.check import app as checking
from loadtests.inside.check import parts
from loadtests.inside.uvicorn_config import Config

from .conftest import Looking, living, send


def test_a_request_without_the_header_is_not_measured_and_one_with_it_does_not_show_it(looking: Looking) -> None:
    app = FastAPI()
    seen: list[list[str]] = []

    @app.get("/")
    async def handler(request: Request) -> None:
        seen.append(list(request.headers))

    checked = looking.wrap(app)

    async def ask() -> None:
        async with living(checked):
            await send(checked, "GET /", None, b"")
            await send(checked, "GET /", "time:one", b"")

    asyncio.run(ask())
    assert list(looking.lines()) == ["one"]
    assert seen[0] == seen[1]


def test_what_is_written_when_no_route_answers_or_one_raises(looking: Looking) -> None:
    app = FastAPI()

    @app.get("/raises")
    async def raises() -> None:
        raise ZeroDivisionError("a secret")

    @app.get("/refuses")
    async def refuses() -> None:
        raise HTTPException(409)

    none, raised, refused, wrong = looking.ask(app, "GET /none", "GET /raises", "GET /refuses", "POST /raises")
    assert (none.line["status"], none.line["route"]) == (404, None)
    assert (wrong.line["status"], wrong.line["route"]) == (405, None)
    assert isinstance(raised.error, ZeroDivisionError)
    assert (raised.line["status"], raised.line["exception"]) == (500, "ZeroDivisionError")
    assert raised.line["raised_at"]["function"].endswith(".raises")
    assert "secret" not in str(raised.line)
    assert (refused.line["status"], refused.line["exception"]) == (409, None)


def test_the_loop_of_a_request_is_that_of_all_its_tasks(looking: Looking) -> None:
    app = FastAPI()

    @app.get("/")
    async def handler() -> None:
        await asyncio.gather(*(asyncio.sleep(0) for _ in range(3)))
        async with anyio.create_task_group() as group:
            group.start_soon(asyncio.sleep, 0)

    (answer,) = looking.ask(app, "GET /")
    loop = answer.line["loop"]
    assert loop["steps"] >= 4 * 2
    assert 0 < loop["longest_step_s"] <= loop["cpu_s"] + loop["blocked_s"]


def test_a_task_that_goes_on_is_waited_for_and_one_that_never_ends_is_not(
    looking: Looking, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checking, "LONGEST_AFTER_S", 0.2)
    app = FastAPI()
    left: list[asyncio.Task[Any]] = []

    async def soon() -> None:
        await asyncio.sleep(0.01)
        time.sleep(0.01)  # noqa: ASYNC251 - the point

    @app.get("/soon")
    async def starts() -> None:
        left.append(asyncio.create_task(soon()))

    @app.get("/never")
    async def forever() -> None:
        left.append(asyncio.create_task(asyncio.Event().wait()))

    checked = looking.wrap(app)

    async def ask() -> None:
        async with living(checked):
            await send(checked, "GET /soon", "trace:soon", b"")
            await send(checked, "GET /never", "time:never", b"")
            await asyncio.sleep(0.3)
            left[1].cancel()

    asyncio.run(ask())
    lines = looking.lines()
    assert lines["soon"]["note"] is None
    assert any(each["call"] == "time.sleep" and each["function"].endswith("soon") for each in lines["soon"]["sites"])
    assert "went on" in lines["never"]["note"]


def test_a_client_that_leaves_cancels_as_before(looking: Looking) -> None:
    app = FastAPI()
    ended: list[str] = []

    @app.get("/")
    async def handler() -> None:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            ended.append("cancelled")
            raise

    checked = looking.wrap(app)

    async def ask() -> None:
        async with living(checked):
            asked = asyncio.ensure_future(send(checked, "GET /", "time:left", b""))
            await asyncio.sleep(0.05)
            asked.cancel()
            with pytest.raises(asyncio.CancelledError):
                await asked

    asyncio.run(ask())
    assert ended == ["cancelled"]
    assert looking.lines()["left"]["exception"] == "CancelledError"


def test_a_task_that_is_cancelled_before_it_begins_leaves_nothing_behind(looking: Looking) -> None:
    app = FastAPI()

    @app.get("/")
    async def handler() -> str:
        task = asyncio.create_task(asyncio.sleep(60))
        task.cancel()  # warnings are errors: a coroutine that was never awaited would be one
        await asyncio.wait([task])
        return str(task.cancelled())

    (answer,) = looking.ask(app, "GET /")
    assert answer.body == b'"True"'


def test_an_apps_own_task_factory_goes_on_making_its_tasks(looking: Looking) -> None:
    made: list[Any] = []
    app = FastAPI()

    def factory(loop: asyncio.AbstractEventLoop, coroutine: Any, **options: Any) -> Any:
        made.append(coroutine)
        return asyncio.Task(coroutine, loop=loop, **options)

    @app.get("/")
    async def handler() -> None:
        await asyncio.create_task(asyncio.sleep(0))

    @app.get("/sets")
    async def sets() -> None:
        asyncio.get_running_loop().set_task_factory(factory)

    answers = looking.ask(app, "GET /sets", "GET /")
    assert "sleep" in [each.__name__ for each in made]
    assert answers[1].line["loop"]["steps"] >= 3


@pytest.mark.skipif(sys.version_info < (3, 12), reason="has no eager tasks")
def test_an_eager_task_is_a_part_of_the_step_that_makes_it(looking: Looking) -> None:
    app = FastAPI()

    async def blocks() -> None:
        time.sleep(0.03)  # noqa: ASYNC251 - the point

    @app.get("/")
    async def handler() -> None:
        asyncio.get_running_loop().set_task_factory(vars(asyncio)["eager_task_factory"])
        await asyncio.create_task(blocks())

    answers = looking.ask(app, "GET /", "GET /", kind="trace")
    loop = answers[1].line["loop"]
    assert loop["blocked_s"] <= loop["longest_step_s"]
    assert answers[1].slowest_site()["function"].endswith("blocks")


def test_what_blocks_while_the_app_starts(looking: Looking) -> None:
    async def lifespan(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        time.sleep(0.03)  # noqa: ASYNC251 - the point
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await send({"type": "lifespan.shutdown.complete"})

    looking.ask(lifespan)
    written = looking.routes()
    site = max(written["startup"], key=lambda each: each["wait_s"])
    assert (site["call"], site["on"]) == ("time.sleep", "loop")
    assert written["routes"] == []
    assert "neither Starlette nor FastAPI" in written["notes"][0]


def test_what_an_app_without_a_lifespan_writes(looking: Looking) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        assert scope["type"] == "http"
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body"})

    (answer,) = looking.ask(app, "GET /")
    assert (answer.status, answer.line["route"], looking.routes()["routes"]) == (204, None, [])


def test_statements_connections_and_pools(looking: Looking, tmp_path: Path) -> None:
    engine = create_engine(f"sqlite:///{tmp_path / 'x.db'}", poolclass=QueuePool, pool_size=2, max_overflow=3)
    app = FastAPI()

    @app.get("/")
    def handler() -> None:
        with engine.connect() as connection:
            connection.execute(text("select 1"))
            connection.execute(text("select 2"))

    (answer,) = looking.ask(app, "GET /")
    engine.dispose()
    assert answer.line["statements"] == 2
    assert 0 < answer.line["connections_held_s"] < answer.line["wall_s"]
    assert {"size": 2, "overflow": 3, "kind": "QueuePool"} in looking.routes()["pools"]


@pytest.mark.parametrize("kind", [asyncio.Lock, anyio.Lock])
def test_a_lock_that_requests_wait_for(looking: Looking, kind: Any) -> None:
    app = FastAPI()
    locks: list[Any] = []
    arrived: list[asyncio.Event] = []

    @app.get("/")
    async def handler() -> None:
        locks[:] = locks or [kind()]
        arrived[:] = arrived or [asyncio.Event()]
        if locks[0].locked():
            arrived[0].set()  # the other one now goes on
        async with locks[0]:
            await arrived[0].wait()
            await asyncio.sleep(0.01)

    answers = looking.ask(app, "GET /", "GET /", together=True)
    held, waited = sorted((lock for each in answers for lock in each.line["locks"]), key=lambda lock: lock["waited_s"])
    assert held["function"].endswith("handler")
    assert held["awaits"] >= 1
    assert waited["waited_s"] > 0.009  # it waited all the while that the other one slept


def test_an_observation_that_fails_is_a_note_and_the_app_answers(
    looking: Looking, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(parts, "_once", fail)
    monkeypatch.setattr(checking, "told_middlewares", fail)
    app = FastAPI()

    @app.get("/")
    async def handler(held: Annotated[int, Depends(lambda: 1)]) -> int:
        return held

    (answer,) = looking.ask(app, "GET /")
    assert answer.body == b"1"
    assert "ZeroDivisionError" in looking.routes()["notes"][-1]


def test_a_folder_that_is_gone_does_not_stop_the_app(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    app = FastAPI()
    app.get("/")(lambda: 1)
    looking = Looking(tmp_path / "gone")
    checked = looking.wrap(app)

    async def ask() -> tuple[int, bytes, BaseException | None]:
        async with living(checked):
            return await send(checked, "GET /", "time:1", b"")

    status, body, error = asyncio.run(ask())
    checked.undo()
    assert (status, body, error) == (200, b"1", None)
    assert "can't be written" in capsys.readouterr().out


def test_the_server_puts_it_around_the_app(tmp_path: Path) -> None:
    config = Config("loadtests.servers.reference:base")
    config.spec, config.check = "loadtests.servers.reference:base", str(tmp_path)
    config.load()
    found: Any = config.loaded_app
    while not isinstance(found, checking.CheckedApp):
        found = found.app
    found.undo()


def test_without_anyio_threads_are_those_of_the_event_loops_executor(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "anyio.to_thread", None)

    async def size() -> int:
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(None, int)
        return loop._default_executor._max_workers  # type: ignore[attr-defined, no-any-return]

    assert checking.shared_threads() == asyncio.run(size())
