"""One change to an app, made in its process without editing a file, so that it can be measured beside the app as it is.

``def:NAME``: the coroutine function of that name, a handler or a dependency, is registered as a plain function, which
FastAPI runs in a thread; it must await nothing. ``inline:NAME``: the plain function of that name, a dependency, is
called on the event loop; what it does must take next to no time.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import importlib
import inspect
from typing import Any, Callable, Dict, Iterator, List, Tuple

from .check.sources import dotted

KINDS = ("def", "inline")


class CannotChange(Exception):
    """The change can't be made; the message is a sentence for whoever asked for it."""


def change(app: Any, wanted: str) -> None:  # noqa: ANN401 - whatever an app is
    """Make a change to an app that has served nothing yet.

    Args:
        app: a FastAPI or Starlette app.
        wanted: the change, as above.

    Raises:
        CannotChange: the app has no such function, or it is of the wrong kind.
    """
    kind, _, name = wanted.partition(":")
    make: Callable[[Any], Any] = as_def if kind == "def" else as_inline
    made: Dict[int, Tuple[Any, Any]] = {}

    def replaced(call: Any) -> Any:  # noqa: ANN401
        """Return what stands in place of a function: always the same for the same one, as FastAPI's cache needs it."""
        if call is None or dotted(call) != name:
            return call
        if id(call) not in made:
            made[id(call)] = (call, make(call))
        return made[id(call)][1]

    if kind == "def":
        for owner, routes in list(_routers(app)):
            for route in routes:
                _change_endpoint(route, replaced)
            mark = getattr(owner, "_mark_routes_changed", None)
            if mark is not None:
                mark()
    for dependant in _dependants(app):
        _change_dependencies(dependant, replaced)
    if not made:
        raise CannotChange(f"change={wanted}: the app has no such handler or dependency")


def as_def(function: Any) -> Callable[..., Any]:  # noqa: ANN401
    """Return a plain function that does what a coroutine function does which awaits nothing.

    Raises:
        CannotChange: it is no coroutine function.
    """
    if not _is_coroutine(function):
        raise CannotChange(f"{dotted(function)} is no async def that could be a def")

    def plain(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401
        coroutine = function(*args, **kwargs)
        try:
            coroutine.send(None)
        except StopIteration as end:
            return end.value
        coroutine.close()
        raise RuntimeError(f"{dotted(function)} awaits something, so that it can't be a def")

    return _named_like(plain, function)


def as_inline(function: Any) -> Callable[..., Any]:  # noqa: ANN401
    """Return a coroutine function, or an asynchronous generator function, that calls a plain one where it is.

    Raises:
        CannotChange: it is no plain function.
    """
    if _is_coroutine(function) or inspect.isasyncgenfunction(function):
        raise CannotChange(f"{dotted(function)} is no def that could be called inline")
    call: Callable[..., Any] = function
    if not inspect.isroutine(function) and not inspect.isclass(function):
        call = function.__call__
    if inspect.isgeneratorfunction(inspect.unwrap(call)):

        async def lends(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401
            with contextlib.contextmanager(call)(*args, **kwargs) as value:
                yield value

        return _named_like(lends, function)

    async def inline(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401
        return function(*args, **kwargs)

    return _named_like(inline, function)


def _is_coroutine(function: Any) -> bool:  # noqa: ANN401
    inner = function.func if isinstance(function, functools.partial) else function
    of_object = getattr(type(inner), "__call__", None)  # noqa: B004 - the function is wanted
    return inspect.iscoroutinefunction(inner) or (
        not inspect.isroutine(inner) and not inspect.isclass(inner) and inspect.iscoroutinefunction(of_object)
    )


def _named_like(made: Callable[..., Any], function: Any) -> Callable[..., Any]:  # noqa: ANN401
    """Give a function the name and the parameters of another.

    Not with functools.wraps: FastAPI looks through that at what is wrapped, to tell whether it is a coroutine function.
    """
    for attribute in ("__module__", "__name__", "__qualname__", "__doc__"):
        with contextlib.suppress(AttributeError):
            setattr(made, attribute, getattr(function, attribute))
    vars(made)["__signature__"] = _typed_signature(function)
    return made


def _typed_signature(function: Any) -> inspect.Signature:  # noqa: ANN401
    """Return a function's signature; annotations that are texts are replaced by what FastAPI takes them for."""
    try:
        utils = importlib.import_module("fastapi.dependencies.utils")
        signature: inspect.Signature = utils.get_typed_signature(function)
    except ImportError:
        return inspect.signature(function)
    returns = getattr(utils, "get_typed_return_annotation", None)
    if returns is None:
        return signature.replace(return_annotation=inspect.Signature.empty)
    found = returns(function)
    return signature.replace(return_annotation=inspect.Signature.empty if found is None else found)


def _routers(app: Any) -> Iterator[Tuple[Any, List[Any]]]:  # noqa: ANN401
    """Yield each router of an app, also of apps that are mounted in it, with its routes."""
    owner = getattr(app, "router", app)
    routes = getattr(owner, "routes", None)
    if not isinstance(routes, list):
        return
    yield owner, routes
    for route in routes:
        inner = getattr(route, "original_router", None) or getattr(route, "app", None)
        if inner is not None and not inspect.isroutine(inner):
            yield from _routers(inner)


def _change_endpoint(route: Any, replaced: Callable[[Any], Any]) -> None:  # noqa: ANN401
    endpoint = getattr(route, "endpoint", None)
    if inspect.isclass(endpoint):
        for method in getattr(route, "methods", None) or ("GET", "POST", "PUT", "PATCH", "DELETE"):
            own = getattr(endpoint, method.lower(), None)
            other = replaced(own) if inspect.isfunction(own) else own
            if other is not own:
                setattr(endpoint, method.lower(), other)
        return
    if endpoint is None or (other := replaced(endpoint)) is endpoint:
        return
    route.endpoint = other
    if not hasattr(route, "get_route_handler"):
        route.app = importlib.import_module("starlette.routing").request_response(other)
        return
    route.dependant.call = other
    _forget(route.dependant)
    routing = importlib.import_module("fastapi.routing")
    route.app = routing.request_response(route.get_route_handler())
    limited = getattr(routing, "wrap_app_with_body_limit", None)
    if limited is not None:
        route.app = limited(route.app, getattr(route, "max_body_size", None))


def _dependants(app: Any) -> Iterator[Any]:  # noqa: ANN401
    """Yield what says which dependencies each route has."""
    for _, routes in _routers(app):
        for route in routes:
            yield from _of_route(route)


def _of_route(route: Any) -> Iterator[Any]:  # noqa: ANN401
    own = getattr(route, "dependant", None)
    if own is not None:
        yield own
    for name in ("effective_candidates", "effective_low_priority_routes"):  # routers that are included, FastAPI 0.16x
        candidates = getattr(route, name, None)
        for each in candidates() if callable(candidates) else ():
            yield from _of_route(each)


def _change_dependencies(dependant: Any, replaced: Callable[[Any], Any]) -> None:  # noqa: ANN401
    for each in dependant.dependencies:
        other = replaced(each.call)
        if other is not each.call:
            each.call = other
            _forget(each)
        _change_dependencies(each, replaced)


def _forget(dependant: Any) -> None:  # noqa: ANN401
    """Drop what was worked out of a function that is another now."""
    kept = vars(dependant) if hasattr(dependant, "__dict__") else {}
    fields = {field.name for field in dataclasses.fields(dependant)} if dataclasses.is_dataclass(dependant) else {*kept}
    for name in [name for name in kept if name not in fields]:
        del kept[name]
