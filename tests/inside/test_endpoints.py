"""The function that answers a request is found in whatever way it was put into the app, and its source is read."""

import functools
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Annotated, Any

import pytest
from fastapi import APIRouter, Depends, FastAPI
from starlette.applications import Starlette
from starlette.endpoints import HTTPEndpoint
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import Receive, Scope, Send

from loadtests.inside import endpoints as inside


def timed(function: Callable[[], int]) -> Callable[[], Awaitable[int]]:
    @functools.wraps(function)
    async def inner() -> int:
        return function()

    return inner


def database() -> Iterator[int]:
    yield 1


async def user() -> AsyncIterator[int]:
    yield 1


class Page:
    def __init__(self, number: int = 0) -> None:
        self.number = number


items = APIRouter(prefix="/items", dependencies=[Depends(database)])


@items.get("/{item}")
async def read_item(item: int, who: Annotated[int, Depends(user)], page: Annotated[Page, Depends()]) -> int:
    return item + who + page.number


@items.post("/")
def make_item() -> int:
    return 1


def long_one(request: Request) -> PlainTextResponse:
    text = """
    """  # as a very long function
    return PlainTextResponse(text + request.url.path)


class Pages(HTTPEndpoint):
    async def get(self, request: Request) -> PlainTextResponse:
        return PlainTextResponse(request.url.path)

    def post(self, request: Request) -> PlainTextResponse:
        return PlainTextResponse(request.url.path)


class Raw:
    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await PlainTextResponse("raw")(scope, receive, send)


def power(number: int, factor: int) -> int:
    return number * factor


version_1 = APIRouter(prefix="/v1")
version_1.include_router(items)
app = FastAPI()
app.include_router(version_1)
mounted = FastAPI()


@app.get("/timed")
@timed
def slow() -> int:
    return 2


@mounted.get("/hello")
async def hello() -> int:
    return 1


app.get("/square")(functools.partial(power, factor=2))
app.mount("/mounted", mounted)
app.mount("/files", StaticFiles(directory=Path(__file__).parent))
app.mount("/pages", Starlette(routes=[Route("/", Pages), Mount("/deep", routes=[Route("/{number:int}", long_one)])]))
app.router.routes.append(Route("/raw", Raw()))
namespace: dict[str, Any] = {}
exec(compile("def sourceless(): return 1", "<nowhere>", "exec"), namespace)  # noqa: S102 - as a shell would
app.get("/sourceless")(namespace["sourceless"])


def found(method: str, path: str, of: Any = app) -> dict[str, Any]:
    [endpoint] = inside.endpoints(of, [[method, path]])
    return endpoint


@pytest.mark.parametrize(
    ("method", "path", "line", "runs"),
    [
        ("GET", "/v1/items/3?page=2", "async def read_item(", "async def"),
        ("POST", "/v1/items/", "def make_item(", "def"),
        ("GET", "/timed", "def slow(", "async def"),
        ("GET", "/square", "def power(", "def"),
        ("GET", "/mounted/hello", "async def hello(", "async def"),
        ("GET", "/pages/", "async def get(", "async def"),
        ("HEAD", "/pages/", "async def get(", "async def"),
        ("POST", "/pages/", "def post(", "def"),
        ("GET", "/pages/deep/7", "def long_one(", "def"),
        ("GET", "/raw", "async def __call__(", "async def"),
    ],
)
def test_a_request_s_function_is_found(method: str, path: str, line: str, runs: str) -> None:
    endpoint = found(method, path)
    assert any(each.startswith(line) for each in endpoint["lines"]), endpoint
    assert endpoint["runs"] == runs
    own = Path(__file__)
    assert endpoint["file"].endswith("test_endpoints.py")
    assert not Path(endpoint["file"]).is_absolute()
    assert own.read_text().splitlines()[endpoint["line"] - 1].strip() == endpoint["lines"][0]


def test_dependencies_that_are_called_in_a_thread_are_named() -> None:
    assert found("GET", "/v1/items/3")["in_threads"] == ["database", "Page"]
    assert found("GET", "/timed")["in_threads"] == []


def test_what_is_wrapped_around_a_function_is_told_by_its_place() -> None:
    file, _, line = found("GET", "/timed")["wrapped"].rpartition(":")
    assert file == found("GET", "/timed")["file"]
    assert "@functools.wraps" in Path(__file__).read_text().splitlines()[int(line) - 1]
    assert found("GET", "/mounted/hello")["wrapped"] == ""


async def bare(scope: Scope, receive: Receive, send: Send) -> None:
    await PlainTextResponse("bare")(scope, receive, send)


@pytest.mark.parametrize(
    ("of", "line"),
    [
        (CORSMiddleware(app), "async def hello("),
        (bare, "async def bare("),
        (CORSMiddleware(Raw()), "async def __call__("),
    ],
    ids=["middleware", "function", "no routes"],
)
def test_the_app_may_be_wrapped_or_have_no_routes(of: Any, line: str) -> None:
    assert any(each.startswith(line) for each in found("GET", "/mounted/hello", of)["lines"])


@pytest.mark.parametrize(
    ("method", "path", "why"),
    [
        ("GET", "/nowhere", "no route of the app takes it"),
        ("GET", "/mounted/nowhere", "no route of the app takes it"),
        ("PUT", "/timed", "the app has that path, but not for PUT"),
        ("GET", "/timed/", "the app has /timed and redirects to it"),
        ("GET", "/sourceless", "there is no source of sourceless"),
        ("GET", "/files/x.css", "it is answered by StaticFiles of starlette.staticfiles, which can't be asked what"),
    ],
)
def test_why_there_is_no_source_is_said(method: str, path: str, why: str) -> None:
    [(key, said)] = found(method, path).items()
    assert key == "missing"
    assert said.startswith(why)


def test_an_app_that_breaks_when_it_is_asked_is_no_error() -> None:
    class Odd:
        @property
        def routes(self) -> list[object]:
            raise RuntimeError("not yet")

    assert "RuntimeError: not yet" in found("GET", "/", Odd())["missing"]


def test_a_function_that_many_requests_reach_is_told_once(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = [["GET", f"/v1/items/{number}"] for number in range(50)]
    told = inside.packed(inside.endpoints(app, [*asked, ["GET", "/timed"], *asked]))
    assert len(told["endpoints"]) == 2
    assert told["which"] == [*[0] * 50, 1, *[0] * 50]
    monkeypatch.setattr(inside, "MOST_TOLD", 1)
    assert inside.packed(inside.endpoints(app, [*asked, ["GET", "/timed"]]))["which"][-1] == -1


def test_routes_of_another_framework_are_not_asked() -> None:
    class Other:
        routes = ("/a", "/b")

    assert found("GET", "/a", Other()) == {"missing": "the app's routes are none of Starlette's or FastAPI's"}


def test_a_very_long_function_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inside, "MOST_LINES", 2)
    assert found("GET", "/pages/deep/7")["lines"][2:] == ["# ... and 2 more lines"]
    monkeypatch.setattr(inside, "MOST_CHARACTERS", 10)
    assert found("GET", "/mounted/hello")["lines"] == ["# ... and 3 more lines"]
