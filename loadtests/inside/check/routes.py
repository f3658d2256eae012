"""The routes of a running Starlette or FastAPI app: mounted apps, included routers, classes and decorated functions."""

from __future__ import annotations

import importlib
import inspect
import sys
from typing import Any, Dict, Iterator, List, Optional, Tuple

from .sources import OwnCode, dotted, peeled, source

KINDS = ("generator", "async generator", "coroutine")
"""Of functions that FastAPI does not simply call in a thread; asked in this order."""
DOCS = "fastapi.applications"
"""The module of the routes that FastAPI adds: its documentation."""
METHODS = ("get", "post", "put", "patch", "delete", "query", "options", "head")
"""Of a class-based endpoint."""


class Route:
    """One route of an app.

    Attributes:
        index: its number.
        method: the HTTP method, or ``WEBSOCKET``.
        path: with the prefixes of what it is mounted under, and ``{name}`` for each parameter.
        kind: ``http``, ``websocket``, ``mount``, ``static`` or ``unknown``.
        endpoint: the function or class that answers; an app where one is mounted.
        dependant: FastAPI's, which holds what is called; None for Starlette's own routes.
        holder: the object whose ``attribute`` is the ASGI app of this route alone.
        attribute: of the holder.
        response_model: FastAPI's; None if there is none.
    """

    def __init__(self, method: str, path: str, kind: str, endpoint: Any, holder: Any) -> None:
        self.index = -1
        self.method, self.path, self.kind, self.endpoint, self.holder = method, path, kind, endpoint, holder
        self.attribute = "app"
        self.dependant: Any = None
        self.response_model: Any = None

    @property
    def function(self) -> Any:
        """What is called for the method: of a class-based endpoint, its method."""
        if inspect.isclass(self.endpoint):
            return getattr(self.endpoint, self.method.lower(), self.endpoint)
        return self.endpoint

    def called_as(self) -> Optional[str]:
        """Return the kind of its function as the framework takes it; None where there is no function."""
        if self.kind not in {"http", "websocket"}:
            return None
        if self.dependant is not None:
            return kind_of(self.dependant)
        function = self.function
        return None if inspect.isclass(function) else _own_kind(function)

    def told(self, own: OwnCode) -> Dict[str, Any]:
        """Return it as it is written."""
        function, called_as = self.function, self.called_as()
        return {
            "index": self.index,
            "method": self.method,
            "path": self.path,
            "name": dotted(function),
            "is_async": None if called_as is None else called_as in {"coroutine", "async generator"},
            "is_generator": called_as in {"generator", "async generator"},
            "site": own.site(function),
            "source": source(function) if self.kind in {"http", "websocket"} else "",
            "kind": self.kind,
            "dependencies": [_told_dependency(each, own) for each in dependencies(self.dependant)],
            "response_model": None if self.response_model is None else _shown_type(self.response_model),
        }


def _told_dependency(dependant: Any, own: OwnCode) -> Dict[str, Any]:
    kind = kind_of(dependant)
    return {
        "name": dotted(dependant.call),
        "is_async": kind in {"coroutine", "async generator"},
        "is_generator": kind in {"generator", "async generator"},
        "limit": getattr(getattr(dependant, "concurrency", None), "max_concurrency", None),
        "site": own.site(dependant.call),
        "source": source(dependant.call),
    }


def _shown_type(model: Any) -> str:
    if inspect.isclass(model) and not getattr(model, "__args__", None):
        return str(model.__name__)
    return str(model).replace("typing.", "")


def dependencies(dependant: Any) -> List[Any]:
    """Return what a route depends on, in the order in which FastAPI solves it; each function once."""
    found: List[Any] = []
    if dependant is not None:
        for each in dependant.dependencies:
            found += [*dependencies(each), each]
    once: List[Any] = []
    for each in found:
        if each.call is not None and all(other.call != each.call for other in once):
            once.append(each)
    return once


def kind_of(dependant: Any) -> str:
    """Return how FastAPI calls a function: as ``coroutine``, ``generator``, ``async generator`` or ``function``."""
    call = dependant.call
    for kind in KINDS:
        name = f"is_{kind.replace('async generator', 'async_gen').replace('generator', 'gen')}_callable"
        said = getattr(dependant, name, None)  # FastAPI 0.120 and some later ones
        if isinstance(said, bool):
            if said:
                return kind
            continue
        asks = _fastapi_function(name)
        if asks is None:
            return _own_kind(call)
        if asks(call):
            return kind
    return "function"


def _fastapi_function(name: str) -> Any:
    for module in ("fastapi.dependencies.models", "fastapi.dependencies.utils"):
        for spelt in ("_" + name, name):
            found = getattr(sys.modules.get(module), spelt, None)
            if found is not None:
                return found
    return None


def _own_kind(call: Any) -> str:
    found = peeled(call)
    if not (inspect.isroutine(found) or inspect.isclass(found)):
        found = getattr(found, "__call__", found)  # noqa: B004 - the method is wanted
    if inspect.iscoroutinefunction(found):
        return "coroutine"
    if inspect.isasyncgenfunction(found):
        return "async generator"
    return "generator" if inspect.isgeneratorfunction(found) else "function"


def list_routes(app: Any) -> List[Route]:
    """Return the routes of an app, each method apart, in the order in which they are tried; FastAPI's docs left out."""
    found = list(_walk_app(app, ""))
    for index, each in enumerate(found):
        each.index = index
    return found


def _walk_app(app: Any, prefix: str) -> Iterator[Route]:
    yield from _walk(getattr(app, "routes", ()), prefix)
    router = getattr(app, "router", app)
    if hasattr(router, "_iter_low_priority_routes"):  # FastAPI's static frontends
        for each in router._iter_low_priority_routes():
            yield from _frontend(getattr(each, "original_route", each), prefix + getattr(each, "frontend_prefix", ""))


def _walk(routes: Any, prefix: str) -> Iterator[Route]:
    routing = importlib.import_module("starlette.routing")
    for route, seen in _each(routes):
        path = prefix + (getattr(seen, "path_format", None) or getattr(seen, "path", "") or "")
        if isinstance(seen, (routing.Mount, getattr(routing, "Host", routing.Mount))):
            yield from _mounted(seen, prefix + getattr(seen, "path", ""))
        elif isinstance(route, routing.WebSocketRoute):
            yield _single("WEBSOCKET", path, "websocket", route, seen)
        elif hasattr(seen, "endpoint") and getattr(seen, "endpoint", None) is not None:
            if getattr(seen.endpoint, "__module__", "") != DOCS:
                for method in _methods(seen):
                    yield _single(method, path, "http", route, seen)
        else:
            unknown = Route("GET", path, "unknown", getattr(route, "app", route), route)
            unknown.attribute = "handle"
            yield unknown


def _each(routes: Any) -> Iterator[Tuple[Any, Any]]:
    """Yield each route, with what knows its prefix: itself, or FastAPI's context of a router that was included."""
    contexts = getattr(sys.modules.get("fastapi.routing"), "_iter_routes_with_context", None)
    if contexts is None:
        for route in routes:
            yield route, route
        return
    for route, context in contexts(routes):
        seen = route if context is None else (getattr(context, "starlette_route", None) or context)
        yield route, seen


def _single(method: str, path: str, kind: str, route: Any, seen: Any) -> Route:
    found = Route(method, path, kind, getattr(seen, "endpoint", None) or route.endpoint, seen)
    found.dependant = getattr(seen, "dependant", None)
    found.response_model = getattr(seen, "response_model", None)
    return found


def _methods(route: Any) -> List[str]:
    methods = getattr(route, "methods", None)
    if methods is None and inspect.isclass(route.endpoint):
        methods = {each.upper() for each in METHODS if hasattr(route.endpoint, each)}
    methods = {"GET"} if not methods else set(methods)
    return sorted(methods - {"HEAD"} if "GET" in methods else methods)


def _mounted(mount: Any, prefix: str) -> Iterator[Route]:
    prefix = prefix.rstrip("/")
    app = getattr(mount, "_base_app", mount.app)
    if getattr(mount, "routes", None):
        yield from _walk_app(app if hasattr(app, "routes") else mount, prefix)
        return
    static = any(each.__name__ == "StaticFiles" for each in type(app).__mro__)
    yield Route("GET", prefix + "/{path}", "static" if static else "mount", app, mount)


def _frontend(group: Any, prefix: str) -> Iterator[Route]:
    for each in getattr(group, "routes", ()):
        found = Route("GET", (prefix + each.path).rstrip("/") + "/{path}", "static", each.app, each)
        found.attribute = "handle"
        yield found


def inner_app(app: Any) -> Any:
    """Return the app that has routes, below middlewares that were put around it; the app itself if none is found."""
    found, seen = app, 0
    while not hasattr(found, "routes") and seen < 50:
        inner = getattr(found, "app", None)
        if inner is None:
            return app
        found, seen = inner, seen + 1
    return found


def apps_in(outermost: Any, app: Any) -> Iterator[Tuple[str, Any]]:
    """Yield an app, each that is mounted in it, and each route's own, with the prefix: where middlewares may be."""
    yield "", outermost
    yield from _apps_of(getattr(app, "routes", ()), "")


def _apps_of(routes: Any, prefix: str) -> Iterator[Tuple[str, Any]]:
    routing = importlib.import_module("starlette.routing")
    for _, seen in _each(routes):
        path = prefix + (getattr(seen, "path_format", None) or getattr(seen, "path", "") or "")
        if isinstance(seen, (routing.Mount, getattr(routing, "Host", routing.Mount))):
            below = prefix + getattr(seen, "path", "").rstrip("/")
            yield below, seen.app
            yield from _apps_of(getattr(seen, "routes", None) or (), below)
        elif hasattr(getattr(seen, "app", None), "app"):
            yield path, seen.app
