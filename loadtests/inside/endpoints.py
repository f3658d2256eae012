"""Find the functions that answer requests in an app's own routes, and read their source.

Starlette's and FastAPI's routes say themselves whether they match a request; nothing is called that the app wrote.
What can't be had is said in words: a run must not fail because of what only readers want.
"""

from __future__ import annotations

import functools
import inspect
import json
import os
import sys
import sysconfig
import textwrap
from typing import Any, Dict, List, Sequence, Tuple
from urllib.parse import unquote

DEEPEST = 20
"""Apps inside of each other, and wrappers around a function, at the most."""
MOST_LINES = 200
MOST_CHARACTERS = 16_000
"""Of one function's source; of more the rest is left out."""
MOST_TOLD = 100
"""Endpoints that differ, of all requests."""
MOST_NAMES = 5
"""Dependencies that are named."""
METHOD_OF_A_CLASS = {"HEAD": ("head", "get")}
"""Which methods of a class-based endpoint answer a request, where it is not simply the one of that name."""


class NotFound(Exception):
    """It can't be told what answers a request; the message says why."""


def endpoints(app: Any, requests: List[List[str]]) -> List[Dict[str, Any]]:  # noqa: ANN401 - whatever an app is
    """Return for each request what answers it.

    Args:
        app: the app.
        requests: method and path of each.

    Returns:
        ``file``, ``line`` and ``lines`` (its source), ``runs`` (``def`` or ``async def``, as the framework calls it),
        ``wrapped`` (where the function stands that was put around it, if one was), and ``in_threads`` (the names of
        dependencies that are ``def``); or ``missing``, why that can't be had.
    """
    return [_endpoint(app, method, path) for method, path in requests]


def packed(found: List[Dict[str, Any]]) -> Dict[str, Any]:
    """Return the same with each endpoint once: many requests reach one, as ``/posts/1`` and ``/posts/2`` do.

    Returns:
        ``endpoints``, those that differ, MOST_TOLD of them at the most, and ``which``, for each request the number of
        its endpoint; -1 if that was left out.
    """
    numbers: Dict[str, int] = {}
    which = []
    for endpoint in found:
        text = json.dumps(endpoint, sort_keys=True)
        if text not in numbers and len(numbers) < MOST_TOLD:
            numbers[text] = len(numbers)
        which.append(numbers.get(text, -1))
    return {"endpoints": [json.loads(text) for text in numbers], "which": which}


def _endpoint(app: Any, method: str, path: str) -> Dict[str, Any]:  # noqa: ANN401
    try:
        called, dependant = _found(app, method, path)
        return _described(called, method, dependant)
    except NotFound as reason:
        return {"missing": str(reason)}
    except Exception as error:  # of whatever kind: routes and functions are the app's, and may do anything
        return {"missing": "what answers it can't be read ({}: {})".format(type(error).__name__, str(error)[:200])}


def _found(app: Any, method: str, path: str) -> Tuple[Any, Any]:  # noqa: ANN401
    """Return what a request ends up at, and FastAPI's account of its dependencies, None without FastAPI."""
    path = unquote(path.partition("?")[0])
    scope: Dict[str, Any] = {
        "type": "http",
        "method": method,
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": getattr(app, "root_path", "") or "",
        "headers": [(b"host", b"127.0.0.1")],
        "path_params": {},
        "app": app,
    }
    here: Any = app
    for _ in range(DEEPEST):
        here = _without_wrappers(here)
        routes = getattr(here, "routes", None)
        if not isinstance(routes, (list, tuple)):
            _check_own(here)
            return here, None
        route = _matching(routes, scope)
        route, dependant = _selected(route, scope)
        here = scope.get("endpoint")
        if here is None:
            raise NotFound("it is answered by a {}, which names no function".format(type(route).__name__))
        if dependant is not None or hasattr(route, "methods"):
            return here, dependant
    raise NotFound("apps are mounted too deep in each other")


def _without_wrappers(app: Any) -> Any:  # noqa: ANN401
    """Return the app with routes that wrappers hold, as middlewares do; if there is none, the innermost."""
    for _ in range(DEEPEST):
        if isinstance(getattr(app, "routes", None), (list, tuple)) or (inner := getattr(app, "app", None)) is None:
            break
        app = inner
    return app


def _check_own(app: Any) -> None:  # noqa: ANN401
    """Raise NotFound if an app without routes is a library's: its code says nothing of what it goes on to call."""
    kind = app if inspect.isroutine(app) or inspect.isclass(app) else type(app)
    try:
        file = os.path.realpath(inspect.getsourcefile(kind) or "")
    except TypeError:
        file = ""
    inside = file.startswith(os.path.join(os.path.realpath(os.getcwd()), ""))  # noqa: PTH109, PTH118
    if not inside or "site-packages" in file:
        raise NotFound(
            "it is answered by {} of {}, which can't be asked what it calls".format(_name(kind), kind.__module__)
        )


def _matching(routes: Sequence[Any], scope: Dict[str, Any]) -> Any:  # noqa: ANN401
    """Return the route that takes a request, and note in its scope what that says of it."""
    elsewhere = False
    if not all(hasattr(route, "matches") for route in routes):
        raise NotFound("the app's routes are none of Starlette's or FastAPI's")
    for route in routes:
        match, child = route.matches(scope)
        if match.name == "FULL":
            _note(scope, child)
            return route
        elsewhere = elsewhere or match.name == "PARTIAL"
    if elsewhere:
        raise NotFound("the app has that path, but not for {}".format(scope["method"]))
    other = scope["path"][:-1] if scope["path"].endswith("/") else scope["path"] + "/"
    if any(route.matches({**scope, "path": other})[0].name == "FULL" for route in routes):
        raise NotFound("the app has {} and redirects to it".format(other))
    raise NotFound("no route of the app takes it")


def _selected(route: Any, scope: Dict[str, Any]) -> Tuple[Any, Any]:  # noqa: ANN401
    """Follow routes that stand for a whole router, as FastAPI has them now; return the last, and its dependant."""
    dependant = getattr(route, "dependant", None)
    for _ in range(DEEPEST):
        choose = getattr(route, "_match", None)
        if not callable(choose):
            break
        match, child, route, context = choose(scope)
        if route is None or match.name != "FULL":
            raise NotFound("no route of the app takes it")
        _note(scope, child)
        dependant = getattr(context, "dependant", None) or getattr(route, "dependant", None)
    return route, dependant


def _note(scope: Dict[str, Any], child: Dict[str, Any]) -> None:
    for key, value in child.items():
        if isinstance(value, dict) and isinstance(scope.get(key), dict):
            scope[key] = {**scope[key], **value}
        else:
            scope[key] = value


def _described(called: Any, method: str, dependant: Any) -> Dict[str, Any]:  # noqa: ANN401
    """Return what is told of what answers a request."""
    outer = _function(called, method)
    inner = _unwrapped(outer)
    try:
        lines, first = inspect.getsourcelines(inner)
    except (OSError, TypeError):
        raise NotFound("there is no source of {}".format(_name(inner))) from None
    described = {
        "file": _place(inspect.getsourcefile(inner) or inspect.getfile(inner)),
        "line": max(1, first),
        "lines": _bounded(textwrap.dedent("".join(lines)).rstrip().splitlines()),
        "runs": "async def" if _on_the_loop(called, outer, dependant) else "def",
        "in_threads": list(dict.fromkeys(_in_threads(dependant)))[:MOST_NAMES],
        "wrapped": "",
    }
    code, own = getattr(_impartial(outer), "__code__", None), getattr(inner, "__code__", None)
    if code is not None and code is not own:
        described["wrapped"] = "{}:{}".format(_place(code.co_filename), code.co_firstlineno)
    return described


def _function(called: Any, method: str) -> Any:  # noqa: ANN401
    """Return the function that is called: of a class with a method for each of HTTP's, or of an ASGI app, its own."""
    called = _impartial(called)
    if inspect.isclass(called):
        for name in METHOD_OF_A_CLASS.get(method, (method.lower(),)):
            if callable(found := getattr(called, name, None)):
                return found
        return called.__call__
    return called if inspect.isroutine(called) else type(called).__call__


def _impartial(called: Any) -> Any:  # noqa: ANN401
    for _ in range(DEEPEST):
        if not isinstance(called, functools.partial):
            break
        called = called.func
    return called


def _unwrapped(called: Any) -> Any:  # noqa: ANN401
    """Return the function inside of what ``functools.wraps`` and ``partial`` put around it."""
    for _ in range(DEEPEST):
        inside = _impartial(inspect.unwrap(called))
        if inside is called:
            break
        called = inside
    return called


def _on_the_loop(called: Any, outer: Any, dependant: Any) -> bool:  # noqa: ANN401
    """Return whether the framework awaits it on the event loop, instead of giving it a thread."""
    if dependant is not None:
        return _is_awaited(dependant, getattr(dependant, "call", called))
    if called is not outer and not isinstance(called, functools.partial) and not inspect.isclass(called):
        return True  # an ASGI app
    return inspect.iscoroutinefunction(_impartial(outer))


def _is_awaited(dependant: Any, call: Any) -> bool:  # noqa: ANN401
    """Ask FastAPI, of whichever version, whether it awaits a function; what is a coroutine function always is."""
    models = sys.modules.get("fastapi.dependencies.models")
    names = ("coroutine_callable", "async_gen_callable")
    for name in names:
        if getattr(dependant, "is_" + name, None) is True:
            return True
        ask = getattr(models, "_is_" + name, None)
        if callable(ask) and ask(call):
            return True
    if inspect.iscoroutinefunction(call) or inspect.isasyncgenfunction(call):
        return True
    own = None if inspect.isclass(call) else getattr(call, "__call__", None)  # noqa: B004 - the function itself
    return inspect.iscoroutinefunction(own) or inspect.isasyncgenfunction(own)


def _in_threads(dependant: Any, depth: int = 0) -> List[str]:  # noqa: ANN401
    """Return the names of dependencies that FastAPI calls in a thread."""
    names: List[str] = []
    for each in getattr(dependant, "dependencies", None) or ():
        if depth < DEEPEST:
            names += _in_threads(each, depth + 1)
        if each.call is not None and not _is_awaited(each, each.call):
            names.append(_name(each.call))
    return names


def _name(called: Any) -> str:  # noqa: ANN401
    called = _impartial(called)
    return str(getattr(called, "__qualname__", type(called).__qualname__))


def _place(file: str) -> str:
    """Return a file's path from the app's folder on, or from where its package was found."""
    file = os.path.realpath(file)
    found = (os.getcwd(), *sys.path, sysconfig.get_path("purelib"), sysconfig.get_path("stdlib"))  # noqa: PTH109
    folders = [os.path.join(os.path.realpath(folder or "."), "") for folder in found]  # noqa: PTH118
    around = max((folder for folder in folders if file.startswith(folder)), key=len, default="")
    return file[len(around) :].replace(os.sep, "/") if around else os.path.basename(file)  # noqa: PTH119


def _bounded(lines: List[str]) -> List[str]:
    kept: List[str] = []
    room = MOST_CHARACTERS
    for line in lines[:MOST_LINES]:
        room -= len(line)
        if room < 0:
            break
        kept.append(line)
    if len(kept) < len(lines):
        kept.append("# ... and {} more lines".format(len(lines) - len(kept)))
    return kept
