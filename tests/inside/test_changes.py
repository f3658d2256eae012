"""A change that is made in an app's process: the same answers, from a thread or from the event loop."""

import threading
from collections.abc import AsyncIterator, Iterator
from typing import Annotated, Any

import pytest
from fastapi import APIRouter, Depends, FastAPI, HTTPException
from starlette.applications import Starlette
from starlette.endpoints import HTTPEndpoint
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Mount, Route
from starlette.testclient import TestClient

from loadtests.inside.changes import CannotChange, change

HERE = f"{__name__}."
PREFIX = "/shop"


class Seen:
    """In which threads functions were called, by their names."""

    def __init__(self) -> None:
        self.threads: dict[str, str] = {}

    def note(self, name: str) -> None:
        self.threads[name] = threading.current_thread().name

    def is_on_loop(self, name: str) -> bool:
        return self.threads[name] == self.threads["loop"]


SEEN = Seen()


async def on_loop() -> None:
    SEEN.note("loop")


def plain() -> int:
    SEEN.note("plain")
    return 7


async def blocking() -> int:
    SEEN.note("blocking")
    return 8


def lending() -> Iterator[str]:
    SEEN.note("lending")
    try:
        yield "lent"
    except HTTPException:
        SEEN.note("failed")
        raise
    finally:
        SEEN.note("given back")


class Quota:
    async def __call__(self) -> int:
        SEEN.note("Quota")
        return 9


async def items(
    number: int,
    lent: Annotated[str, Depends(lending)],
    seven: Annotated[int, Depends(plain)],
    eight: Annotated[int, Depends(blocking)],
    nine: Annotated[int, Depends(Quota())],
    size: int = 3,
) -> dict[str, int | str]:
    SEEN.note("items")
    if size < 0:
        raise HTTPException(400, "too small")
    return {"number": number, "size": size, "sum": seven + eight + nine, "lent": lent}


async def awaiting() -> int:
    async def later() -> AsyncIterator[int]:
        import asyncio

        await asyncio.sleep(0.001)
        yield 1

    return await anext(later())


class Report(HTTPEndpoint):
    async def get(self, _request: Request) -> JSONResponse:
        SEEN.note("Report")
        return JSONResponse({"done": True})


async def home(_request: Request) -> JSONResponse:
    SEEN.note("home")
    return JSONResponse({"home": True})


def direct() -> FastAPI:
    app = FastAPI(dependencies=[Depends(on_loop)])
    app.get(PREFIX + "/items/{number}")(items)
    app.get("/awaiting")(awaiting)
    return app


def included() -> FastAPI:
    inner, outer = APIRouter(prefix="/items"), APIRouter()
    inner.get("/{number}")(items)
    outer.include_router(inner)
    app = FastAPI(dependencies=[Depends(on_loop)])
    app.include_router(outer, prefix=PREFIX)
    return app


def mounted() -> FastAPI:
    app, shop = FastAPI(), FastAPI(dependencies=[Depends(on_loop)])
    shop.get("/items/{number}")(items)
    app.mount(PREFIX, shop)
    return app


def asked(app: Any, path: str = PREFIX + "/items/5?size=4") -> tuple[int, Any]:
    SEEN.threads.clear()
    with TestClient(app, raise_server_exceptions=False) as client:
        answer = client.get(path)
    return answer.status_code, answer.json() if answer.headers["content-type"] == "application/json" else answer.text


@pytest.mark.parametrize("make", [direct, included, mounted])
@pytest.mark.parametrize(
    ("wanted", "name", "on_loop_before"),
    [
        ("def:items", "items", True),
        ("def:blocking", "blocking", True),
        ("def:Quota", "Quota", True),
        ("inline:plain", "plain", False),
        ("inline:lending", "lending", False),
    ],
)
def test_one_function_changes_where_it_runs_and_nothing_else_changes(
    make: Any, wanted: str, name: str, on_loop_before: bool
) -> None:
    before = asked(make())
    places = {each: SEEN.is_on_loop(each) for each in SEEN.threads}
    assert before == (200, {"number": 5, "size": 4, "sum": 24, "lent": "lent"})
    assert places[name] is on_loop_before
    app = make()
    change(app, wanted.replace(":", f":{HERE}"))
    assert asked(app) == before
    after = {each: SEEN.is_on_loop(each) for each in SEEN.threads}
    assert after[name] is not on_loop_before
    changed = {each for each in places if places[each] is not after[each]}
    assert changed <= {name, "given back"}
    assert asked(app, PREFIX + "/items/5?size=-1")[0] == 400
    assert asked(app, PREFIX + "/items/x")[0] == 422


def test_a_dependency_that_is_called_inline_learns_of_an_error() -> None:
    app = direct()
    change(app, f"inline:{HERE}lending")
    assert asked(app, PREFIX + "/items/5?size=-1")[0] == 400
    assert {"failed", "given back"} <= SEEN.threads.keys()


def test_the_document_of_the_app_stays_as_it_was() -> None:
    app = included()
    change(app, f"def:{HERE}items")
    assert app.openapi() == included().openapi()


@pytest.mark.parametrize(("name", "path"), [("home", "/"), ("Report.get", "/v1/report")])
def test_handlers_of_starlette_are_changed_too(name: str, path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Report, "get", Report.get)  # it is put back at the end
    app = Starlette(routes=[Route("/", home), Mount("/v1", routes=[Route("/report", Report)])])
    before = asked(app, path)
    loop = SEEN.threads[name.partition(".")[0]]
    change(app, f"def:{HERE}{name}")
    assert asked(app, path) == before
    assert SEEN.threads[name.partition(".")[0]] != loop


def test_a_handler_that_awaits_fails_and_says_why(caplog: pytest.LogCaptureFixture) -> None:
    app = direct()
    change(app, f"def:{HERE}awaiting")
    assert asked(app, "/awaiting")[0] == 500


@pytest.mark.parametrize(
    ("wanted", "why"),
    [
        ("def:main.items", "no such handler or dependency"),
        (f"def:{HERE}plain", "no async def"),
        (f"inline:{HERE}blocking", "no def"),
    ],
)
def test_what_can_not_be_changed_is_said(wanted: str, why: str) -> None:
    with pytest.raises(CannotChange, match=why):
        change(direct(), wanted)
