"""The made-up apps are what `expected.py` takes them for, before anything is judged by them."""

import gc
import importlib.util
import sys
import traceback
import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any, get_args

import anyio.to_thread
import pytest
from blockbuster import BlockingError, blockbuster_ctx
from fastapi.routing import iter_route_contexts
from sqlalchemy import Engine, event
from starlette.applications import Starlette
from starlette.routing import BaseRoute, Mount
from starlette.routing import Route as StarletteRoute
from starlette.testclient import TestClient

from tests.check.expected import CANNOT_START, CLEAN, EVERY_APP, FAULTS
from tests.check.made_up_app import APPS, App, Marker, Route
from tests.check.upstream import upstream

UNANSWERED = {"never-ends", "no-answer", "process-ended"}
UNSEEN = {
    *("password_hash_in_async", "cpu_in_async", "client_per_request"),  # they compute, which no call gives away
    *("blocking_startup", "slow_first_call"),  # only once, before it is looked for
}
"""Apps that keep the loop from its work, in a way that blockbuster can't see."""
OF_FASTAPI = {"/openapi.json", "/docs", "/docs/oauth2-redirect", "/redoc"}

Load = Callable[[App], Starlette]


@pytest.fixture(scope="module")
def load() -> Iterator[Load]:
    """Return a function that imports an app, as a server does."""

    @cache
    def load_app(app: App) -> Starlette:
        spec = importlib.util.spec_from_file_location(app.name, app.path)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        monkeypatch.setitem(sys.modules, app.name, module)
        spec.loader.exec_module(module)
        loaded = module.app
        assert isinstance(loaded, Starlette)
        return loaded

    with upstream() as variables, pytest.MonkeyPatch.context() as monkeypatch:
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        gc.freeze()  # collecting what a blocked call leaves behind is then quick
        yield load_app
        gc.unfreeze()


@pytest.fixture
def counts(monkeypatch: pytest.MonkeyPatch) -> Iterator[Counter[str]]:
    """Count thread hops and SQL statements."""
    seen, run_sync = Counter[str](), anyio.to_thread.run_sync

    async def counted(*args: Any, **options: Any) -> Any:
        seen["hops"] += 1
        return await run_sync(*args, **options)

    def executed(*_: object) -> None:
        seen["statements"] += 1

    monkeypatch.setattr(anyio.to_thread, "run_sync", counted)
    event.listen(Engine, "before_cursor_execute", executed)
    yield seen
    event.remove(Engine, "before_cursor_execute", executed)


def of_each(apps: Sequence[App]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("app", apps, ids=lambda app: app.name)


def routes_of(routes: Sequence[BaseRoute], prefix: str = "") -> Iterator[str]:
    for context in iter_route_contexts(routes):
        route = context.original_route
        if isinstance(route, Mount):
            yield from routes_of(route.routes, f"{prefix}{context.path}")
        elif isinstance(route, StarletteRoute) and context.path not in OF_FASTAPI:
            methods = {"GET"} if context.methods is None else context.methods - {"HEAD"}
            yield from (f"{method} {prefix}{context.path}" for method in methods)


def ask(client: TestClient, route: Route) -> int:
    method, path = route.request
    return client.request(method, path, json=dict(route.body) or None).status_code


def blocked_at(client: TestClient, route: Route, path: Path) -> int | None:
    """Return the innermost line of a file on which a request blocks the loop; None if it does not."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)  # of sockets and processes that a blocked call leaves behind
        try:
            assert ask(client, route) == route.status
        except BlockingError as error:
            frames = traceback.extract_tb(error.__traceback__)
        else:
            return None
        gc.collect()
    return [frame.lineno for frame in frames if Path(frame.filename) == path][-1]


def test_every_file_is_in_the_table_once() -> None:
    files = sorted(path.stem for path in APPS.glob("*.py") if path.stem != "__init__")
    assert sorted(app.name for app in (*EVERY_APP, CANNOT_START)) == files


def test_there_are_enough_of_them() -> None:
    assert len(FAULTS) >= 18
    assert len(CLEAN) >= 10
    assert len({app.kind for app in EVERY_APP}) == len(EVERY_APP)


@of_each(EVERY_APP)
def test_a_marker_stands_on_one_line_where_a_route_is_judged_by_it(app: App) -> None:
    wanted = {route.marker for route in app.routes if route.marker}
    lines = {marker: app.marked_lines(marker) for marker in get_args(Marker)}
    assert {marker for marker, found in lines.items() if found} == wanted
    assert all(len(found) <= 1 for found in lines.values())


@of_each(CLEAN)
def test_nothing_needs_to_be_said_about_a_clean_app(app: App) -> None:
    assert {(route.verdicts, route.remark) for route in app.routes} == {(("keep",), None)}


@of_each(FAULTS)
def test_something_has_to_be_said_about_an_app_with_a_fault(app: App) -> None:
    faulty = [route for route in app.routes if "keep" not in route.verdicts or route.remark]
    assert faulty
    assert all(route.places for route in faulty)


@of_each(EVERY_APP)
def test_its_routes_are_those_of_the_table(app: App, load: Load) -> None:
    assert sorted(routes_of(load(app).routes)) == sorted(route.route for route in app.routes)


@of_each(EVERY_APP)
def test_what_is_named_stands_in_its_source(app: App) -> None:
    source = app.path.read_text(encoding="utf-8")
    for place in (place for route in app.routes for place in route.places):
        for name in place.name.split("."):
            assert f"def {name}(" in source or f"class {name}" in source


@of_each(EVERY_APP)
def test_its_routes_do_what_the_table_says(app: App, load: Load, counts: Counter[str]) -> None:
    answering = [route for route in app.routes if route.reason not in UNANSWERED]
    with TestClient(load(app), raise_server_exceptions=app.name != "crashes") as client:
        for route in answering:
            counts.clear()
            assert ask(client, route) == route.status
            assert (counts["hops"], counts["statements"]) == (route.hops, route.statements), route.route
        with blockbuster_ctx():
            for route in answering:
                blocks = route.marker == "blocks here" and app.name not in UNSEEN
                expected = app.marked_lines("blocks here")[0] if blocks else None
                assert blocked_at(client, route, app.path) == expected, route.route


def test_an_app_that_cannot_start_says_why(load: Load) -> None:
    app = load(CANNOT_START)
    with pytest.raises(FileNotFoundError, match=r"recipe-that-is-missing\.txt"), TestClient(app):
        pass
