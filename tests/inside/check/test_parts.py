"""A request's time is told apart by its parts, and what goes to threads is counted."""

import asyncio
import functools
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Annotated, Any

import anyio.to_thread
from fastapi import BackgroundTasks, Depends, FastAPI
from fastapi.responses import FileResponse, JSONResponse, StreamingResponse
from pydantic import BaseModel, field_validator
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.endpoints import HTTPEndpoint
from starlette.middleware.base import BaseHTTPMiddleware, RequestResponseEndpoint
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .conftest import Looking


def language() -> str:
    return "en"


def session() -> Iterator[str]:
    yield "session"


async def user() -> str:
    return "me"


async def tenant() -> AsyncIterator[str]:
    yield "tenant"


class Page:
    def __init__(self, number: int = 1) -> None:
        self.number = number


def test_the_parts_of_a_request_with_dependencies_of_every_kind(looking: Looking) -> None:
    app = FastAPI()

    @app.get("/")
    async def handler(
        a: Annotated[str, Depends(language)],
        b: Annotated[str, Depends(session)],
        c: Annotated[str, Depends(user)],
        d: Annotated[str, Depends(tenant)],
        e: Annotated[Page, Depends(Page)],
    ) -> list[str]:
        return [a, b, c, d, str(e.number)]

    (answer,) = looking.ask(app, "GET /")
    assert answer.body == b'["en","session","me","tenant","1"]'
    assert answer.parts("dependency") == [
        ("language", "thread"),
        ("session", "thread"),
        ("user", "loop"),
        ("tenant", "loop"),
        ("Page", "thread"),
    ]
    assert answer.parts("handler") == [("handler", "loop")]
    # a dependency with yield is entered and left in a thread each
    assert answer.hops == [
        ("dependency", "language"),
        ("dependency", "session"),
        ("dependency", "Page"),
        ("dependency", "session"),
    ]


def test_a_dependency_that_two_others_share_is_called_once(looking: Looking) -> None:
    called = []

    class Counter:
        def count(self) -> None:
            called.append(1)

    counter, app = Counter(), FastAPI()

    async def one(_: Annotated[None, Depends(counter.count)]) -> None: ...
    async def two(_: Annotated[None, Depends(counter.count)]) -> None: ...

    @app.get("/")
    async def handler(a: Annotated[None, Depends(one)], b: Annotated[None, Depends(two)]) -> None: ...

    looking.ask(app, "GET /")
    assert called == [1]


def test_a_def_handler_runs_on_a_thread_and_its_answer_is_validated_on_another(looking: Looking) -> None:
    app = FastAPI()

    @app.get("/", response_model=dict[str, int])
    def handler() -> Any:
        return {"a": 1}

    (answer,) = looking.ask(app, "GET /")
    assert answer.parts("handler") == [("handler", "thread")]
    assert answer.hops == [("handler", "handler"), ("response", "validate")]
    assert {each["threads"] for each in answer.line["hops"]} == {"anyio"}


def test_what_an_async_handler_gives_to_threads_is_its_own(looking: Looking) -> None:
    app = FastAPI()

    def work() -> int:
        return 1

    @app.get("/")
    async def handler() -> int:
        return await run_in_threadpool(work) + await asyncio.to_thread(work)

    (answer,) = looking.ask(app, "GET /")
    assert answer.body == b"2"
    assert answer.parts("handler") == [("handler", "loop"), ("handler", "thread")]
    assert answer.hops == [("handler", "work"), ("handler", "work")]
    assert [each["threads"] for each in answer.line["hops"]] == ["anyio", "executor"]


class Stamp(BaseHTTPMiddleware):
    async def dispatch(self, request: Request, call_next: RequestResponseEndpoint) -> Response:
        answer = await call_next(request)
        answer.headers["stamp"] = "1"
        return answer


class Plain:
    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def told(message: Message) -> None:
            await asyncio.sleep(0)
            await send(message)

        await self.app(scope, receive, told)


def test_middlewares_are_parts_though_their_inner_app_runs_in_a_task_of_its_own(looking: Looking) -> None:
    app = FastAPI()
    app.add_middleware(Plain)
    app.add_middleware(Stamp)

    @app.middleware("http")
    async def outermost(request: Request, call_next: RequestResponseEndpoint) -> Response:
        return await call_next(request)

    @app.get("/")
    async def handler() -> int:
        await asyncio.sleep(0)
        return 1

    (answer,) = looking.ask(app, "GET /")
    assert [name for name, _ in answer.parts("middleware")] == ["outermost", "Stamp", "Plain"]
    assert answer.parts("handler") == [("handler", "loop")]
    plain = next(each for each in answer.line["parts"] if each["name"].endswith("Plain"))
    assert plain["awaits"] == 2  # in what it has put around send, once a message
    assert [(each["name"].rpartition(".")[2], each["kind"]) for each in looking.routes()["middlewares"]] == [
        ("outermost", "BaseHTTPMiddleware"),
        ("Stamp", "BaseHTTPMiddleware"),
        ("Plain", "asgi"),
    ]


def test_middlewares_that_are_functions_or_stand_around_the_app(looking: Looking) -> None:
    inner = FastAPI()

    def closing(app: ASGIApp) -> ASGIApp:
        async def middleware(scope: Scope, receive: Receive, send: Send) -> None:
            await app(scope, receive, send)

        return middleware

    @inner.get("/")
    async def handler() -> int:
        return 1

    inner.add_middleware(closing)
    (answer,) = looking.ask(Plain(inner), "GET /")
    assert [name for name, _ in answer.parts("middleware")] == ["Plain", "middleware"]
    assert [each["path"] for each in looking.routes()["routes"]] == ["/"]


class Address(BaseModel):
    street: str

    @field_validator("street")
    @classmethod
    def known(cls, street: str) -> str:
        time.sleep(0.02)
        return street


def test_a_validator_is_found_with_its_model_and_its_line(looking: Looking) -> None:
    app = FastAPI()

    @app.post("/")
    async def handler(address: Address) -> str:
        return address.street

    (answer,) = looking.ask(app, "POST /", kind="trace", body=b'{"street": "Elm"}')
    assert answer.parts("validator") == [("Address", "loop")]
    site = answer.slowest_site()
    assert (site["function"], site["call"], site["place"]) == ("Address.known", "time.sleep", "validator")


def test_background_work_counts_and_the_answer_is_out_before(looking: Looking) -> None:
    app = FastAPI()

    def mail() -> None:
        time.sleep(0.01)

    async def log() -> None:
        await asyncio.sleep(0)

    @app.get("/")
    async def handler(tasks: BackgroundTasks) -> None:
        tasks.add_task(mail)
        tasks.add_task(log)

    (answer,) = looking.ask(app, "GET /")
    assert answer.parts("background") == [("mail", "loop"), ("mail", "thread"), ("log", "loop")]
    assert answer.hops == [("background", "mail")]
    assert answer.line["answered_s"] < answer.line["wall_s"]


def test_streams_of_both_kinds(looking: Looking) -> None:
    app = FastAPI()

    def numbers() -> Iterator[str]:
        yield "1"
        yield "2"

    async def letters() -> AsyncIterator[str]:
        yield "a"
        await asyncio.sleep(0)
        yield "b"

    @app.get("/numbers")
    async def of_numbers() -> StreamingResponse:
        return StreamingResponse(numbers())

    @app.get("/letters")
    async def of_letters() -> StreamingResponse:
        return StreamingResponse(letters())

    @app.get("/items")
    async def items() -> AsyncIterator[int]:
        yield 1

    one, two, three = looking.ask(app, "GET /numbers", "GET /letters", "GET /items")
    assert (one.body, two.body, three.body) == (b"12", b"ab", b"1\n")
    assert one.hops == [("stream", "numbers")] * 3  # the third one finds the end
    assert (two.parts("stream"), two.hops) == ([("letters", "loop")], [])
    assert three.parts("stream") == [("items", "loop")]


def test_a_file_is_read_by_the_response_on_threads(looking: Looking) -> None:
    app = FastAPI()

    @app.get("/")
    async def handler() -> FileResponse:
        return FileResponse(Path(__file__))

    (answer,) = looking.ask(app, "GET /")
    assert answer.body == Path(__file__).read_bytes()
    assert {place for place, _ in answer.hops} == {"response"}
    assert answer.parts("response")[0] == ("FileResponse", "loop")


def test_starlettes_own_routes(looking: Looking) -> None:
    class Report(HTTPEndpoint):
        async def get(self, request: Request) -> Response:
            return PlainTextResponse("1")

        def post(self, request: Request) -> Response:
            return PlainTextResponse("2")

    def plain(request: Request) -> Response:
        return JSONResponse(3)

    app = Starlette(routes=[Route("/report", Report), Route("/plain", plain)])
    one, two, three = looking.ask(app, "GET /report", "POST /report", "GET /plain")
    assert one.line["route"] != two.line["route"]
    assert (one.parts("handler"), two.parts("handler")) == ([("get", "loop")], [("post", "loop"), ("post", "thread")])
    assert (two.hops, three.hops) == ([("handler", "post")], [("handler", "plain")])


def test_decorated_and_partial_handlers_answer_as_before(looking: Looking) -> None:
    def passing(function: Any) -> Any:
        @functools.wraps(function)
        def decorated(*args: Any, **kwargs: Any) -> Any:
            return function(*args, **kwargs)

        return decorated

    async def add(a: int, b: int) -> int:
        return a + b

    app = FastAPI()
    app.get("/wrapped")(passing(add))
    app.get("/partial")(functools.partial(add, b=2))
    one, two = looking.ask(app, "GET /wrapped?a=1&b=2", "GET /partial?a=2")
    assert (one.body, two.body) == (b"3", b"4")
    assert one.parts("handler") == two.parts("handler") == [("add", "loop")]
    assert [each["is_async"] for each in looking.routes()["routes"]] == [True, True]


def test_overridden_dependencies_stay_overridden(looking: Looking) -> None:
    app = FastAPI()

    @app.get("/")
    async def handler(spoken: Annotated[str, Depends(language)]) -> str:
        return spoken

    app.dependency_overrides[language] = lambda: "fr"
    (answer,) = looking.ask(app, "GET /")
    assert answer.body == b'"fr"'


def test_threads_of_the_pool_are_counted(looking: Looking) -> None:
    app = FastAPI()
    looking.ask(app, "GET /none")

    async def size() -> float:
        return anyio.to_thread.current_default_thread_limiter().total_tokens

    assert looking.routes()["threads"] == asyncio.run(size())
