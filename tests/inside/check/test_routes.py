"""The routes of a running app are listed as it declares them, whatever they are made with."""

import functools
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Annotated, Any

import pytest
from fastapi import APIRouter, Depends, FastAPI, WebSocket
from fastapi.security import HTTPBearer
from starlette.applications import Starlette
from starlette.endpoints import HTTPEndpoint
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Mount, Route, Router
from starlette.staticfiles import StaticFiles

from loadtests.inside.check.parts import divide_routes
from loadtests.inside.check.patches import Patches
from loadtests.inside.check.routes import list_routes
from loadtests.inside.check.sources import OwnCode, dotted

OWN = OwnCode(str(Path(__file__).parent))


def told(app: Any) -> list[dict[str, Any]]:
    return [each.told(OWN) for each in list_routes(app)]


def paths(app: Any) -> list[str]:
    return [f"{each['method']} {each['path']}" for each in told(app)]


async def answer(number: int = 0) -> int:
    return number


def test_included_routers_and_mounted_apps_carry_their_prefixes(tmp_path: Path) -> None:
    inner, outer, app, shop = APIRouter(prefix="/items"), APIRouter(), FastAPI(), FastAPI()
    inner.get("/{number:int}")(answer)
    outer.include_router(inner, prefix="/v1")
    app.include_router(outer, prefix="/api")
    app.include_router(inner)
    shop.get("/rates/{currency}")(answer)
    app.mount("/shop", shop)
    app.mount("/static", StaticFiles(directory=tmp_path))
    app.mount("/other", PlainTextResponse("not made with routes"))
    assert paths(app) == [
        "GET /api/v1/items/{number}",
        "GET /items/{number}",
        "GET /shop/rates/{currency}",
        "GET /static/{path}",
        "GET /other/{path}",
    ]
    assert [each["kind"] for each in told(app)] == ["http", "http", "http", "static", "mount"]
    assert [each["index"] for each in told(app)] == [0, 1, 2, 3, 4]


def test_a_static_frontend_is_listed(tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text("hello")
    app = FastAPI()
    app.frontend("/site", directory=tmp_path)
    assert [(each["path"], each["kind"]) for each in told(app)] == [("/site/{path}", "static")]


def test_each_method_is_a_route_and_fastapis_docs_are_none() -> None:
    app = FastAPI()
    app.api_route("/", methods=["GET", "HEAD", "POST"])(answer)
    assert paths(app) == ["GET /", "POST /"]


def test_starlettes_routes_classes_and_websockets() -> None:
    class Report(HTTPEndpoint):
        async def get(self, request: Request) -> Response:
            return PlainTextResponse("")

        def post(self, request: Request) -> Response:
            return PlainTextResponse("")

    async def chat(websocket: WebSocket) -> None: ...

    app = Starlette(routes=[Mount("/v1", Router([Route("/report", Report)]))])
    api = FastAPI()
    api.websocket("/chat")(chat)
    app.mount("/api", api)
    assert [(each["method"], each["path"], each["is_async"], each["kind"]) for each in told(app)] == [
        ("GET", "/v1/report", True, "http"),
        ("POST", "/v1/report", False, "http"),
        ("WEBSOCKET", "/api/chat", True, "websocket"),
    ]
    assert told(app)[1]["site"]["function"].endswith("Report.post")


def decorated(function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        return function(*args, **kwargs)

    return wrapper


class Answering:
    async def __call__(self) -> int:
        return 1


async def streamed() -> AsyncIterator[int]:
    yield 1


@pytest.mark.parametrize(
    ("handler", "name", "is_async", "is_generator"),
    [
        (answer, "answer", True, False),
        (decorated(answer), "answer", True, False),
        (functools.partial(answer, number=1), "answer", True, False),
        (Answering(), "Answering", True, False),
        (lambda: 1, "<lambda>", False, False),
        (streamed, "streamed", True, True),
    ],
    ids=["function", "decorated", "partial", "object", "lambda", "generator"],
)
def test_a_handler_is_found_below_what_is_put_around_it(
    handler: Callable[..., Any], name: str, is_async: bool, is_generator: bool
) -> None:
    app = FastAPI()
    app.get("/")(handler)
    (route,) = told(app)
    assert route["name"].rpartition(".")[2] == name
    assert (route["is_async"], route["is_generator"]) == (is_async, is_generator)
    assert route["site"]["file"] == "test_routes.py"
    text = Path(__file__).read_text().splitlines()
    assert route["source"].strip().splitlines()[0] in "\n".join(text)


def test_dependencies_come_in_the_order_in_which_they_are_solved() -> None:
    bearer = HTTPBearer(auto_error=False)

    def below() -> None: ...
    async def above(_: Annotated[None, Depends(below)]) -> AsyncIterator[None]:
        yield None

    app = FastAPI(dependencies=[Depends(bearer)])

    @app.get("/")
    async def handler(
        a: Annotated[None, Depends(above, max_concurrency=3)], b: Annotated[None, Depends(below)]
    ) -> list[int]:
        return []

    (route,) = told(app)
    assert [each["name"].rpartition(".")[2] for each in route["dependencies"]] == ["HTTPBearer", "below", "above"]
    assert [each["is_async"] for each in route["dependencies"]] == [True, False, True]
    assert [each["is_generator"] for each in route["dependencies"]] == [False, False, True]
    assert [each["limit"] for each in route["dependencies"]] == [None, None, 3]
    assert route["response_model"] == "list[int]"


def test_what_is_the_apps_own(tmp_path: Path) -> None:
    own = OwnCode(str(tmp_path))
    assert own.has(str(tmp_path / "shop" / "main.py"))
    for foreign in (
        str(tmp_path / ".venv" / "lib" / "python3.11" / "site-packages" / "x.py"),
        functools.__file__,
        __file__,
        "<string>",
    ):
        assert not own.has(foreign)
    assert own.shown(str(tmp_path / "shop" / "main.py")) == "shop/main.py"
    assert own.shown(functools.__file__) == functools.__file__


def test_names() -> None:
    assert dotted(functools.partial(answer)) == f"{__name__}.answer"
    assert dotted(Answering()) == f"{__name__}.Answering"
    assert dotted(len) == "len"
    assert dotted([].append) == "list.append"


def test_what_is_put_around_functions_shows_nowhere() -> None:
    app = FastAPI()
    bearer = HTTPBearer()

    @app.post("/{number}")
    async def handler(number: int, token: Annotated[Any, Depends(bearer)]) -> list[int]:
        """Say it."""
        return [number]

    before = app.openapi()
    divide_routes(list_routes(app), Patches())
    app.openapi_schema = None
    assert app.openapi() == before
    assert before["paths"]["/{number}"]["post"]["security"] == [{"HTTPBearer": []}]
