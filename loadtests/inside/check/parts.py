"""Divides an app's requests into parts: middlewares, dependencies, handlers, validation, responses, background work."""

from __future__ import annotations

import functools
import importlib
import inspect
import sys
from typing import Any, Callable, Dict, Iterator, List, Optional

from .calls import MARK, Items, timed
from .hops import name_of_iterator
from .meter import FRAMEWORK, METER, Part, enter, leave
from .patches import Patches
from .routes import Route, kind_of
from .sources import OwnCode, dotted, source

INNERMOST = ("starlette.middleware.exceptions", "starlette.exceptions")
"""Modules, of new and old versions, of the middleware in which Starlette's and FastAPI's own code goes on."""
OF_FRAMEWORK = ("starlette.middleware.errors", "starlette.middleware.body_limit", *INNERMOST, "fastapi.")
"""Modules whose middlewares every app has."""
DEEPEST = 100
"""Apps inside of apps."""


def divide_routes(routes: List[Route], patches: Patches) -> None:
    """Let each route, with what it depends on, run as parts of its own."""
    made: Dict[Any, Any] = {}
    by_holder: Dict[int, List[Route]] = {}
    for route in routes:
        by_holder.setdefault(id(route.holder), []).append(route)
        try:
            _divide_dependant(route, made)
        except Exception as error:
            patches.notes.append(f"{route.method} {route.path} can't be divided into parts: {error!r}")
    _keep_overrides(routes, made)
    for same in by_holder.values():
        patches.replace(same[0].holder, same[0].attribute, functools.partial(_noticed, same))


def _divide_dependant(route: Route, made: Dict[Any, Any]) -> None:
    if route.dependant is None:
        return
    _replace_calls(route.dependant, made)
    if getattr(route.dependant.call, MARK, None) is None:
        kind = kind_of(route.dependant)
        place = "stream" if kind in {"generator", "async generator"} else "handler"
        route.dependant.call = _once(made, route.dependant.call, kind, place)


def _replace_calls(dependant: Any, made: Dict[Any, Any]) -> None:
    for each in dependant.dependencies:
        _replace_calls(each, made)
        if each.call is not None and getattr(each.call, MARK, None) is None:
            each.call = _once(made, each.call, kind_of(each), "dependency")


def _once(made: Dict[Any, Any], call: Any, kind: str, place: str) -> Any:
    """Return what replaces a function, the same for equal ones: FastAPI calls equal dependencies once a request."""
    try:
        key = (call, place)
        hash(key)
    except TypeError:
        key = (id(call), place)
    if key not in made:
        made[key] = timed(call, kind, place, dotted(call))
    return made[key]


def _keep_overrides(routes: List[Route], made: Dict[Any, Any]) -> None:
    """Let ``app.dependency_overrides`` be found by what replaces the functions in it."""
    replaced = {wrapped: key[0] for key, wrapped in made.items()}
    for route in routes:
        provider: Any = getattr(route.holder, "dependency_overrides_provider", None)
        overrides = getattr(provider, "dependency_overrides", None)
        if overrides and not isinstance(overrides, _Overrides):
            provider.dependency_overrides = _Overrides(overrides, replaced)


class _Overrides(Dict[Any, Any]):
    """Overrides of dependencies, found by their own functions and by what replaces these."""

    def __init__(self, overrides: Any, replaced: Dict[Any, Any]) -> None:
        super().__init__(overrides)
        self._replaced = replaced

    def get(self, key: Any, default: Any = None) -> Any:
        return super().get(self._replaced.get(key, key), default)


def _noticed(routes: List[Route], original: Any) -> Callable[..., Any]:
    """Return a route's app that tells which route it is; where FastAPI does not call the handler, it is one, too."""
    by_method = {each.method: each for each in routes}

    async def app(scope: Any, receive: Any, send: Any) -> None:
        request = METER.request
        if request is None:
            await original(scope, receive, send)
            return
        route = by_method.get(scope.get("method", ""), routes[0])
        request.route = route.index
        if route.dependant is not None:
            await original(scope, receive, send)
            return
        is_async = route.called_as() != "function"
        await _in_part(request.part("handler", dotted(route.function), is_async), original, scope, receive, send)

    return app


async def _in_part(part: Part, app: Any, scope: Any, receive: Any, send: Any) -> None:
    """Call an app within a part; what it sends and receives goes back to the part of the one who called it."""
    caller = METER.part
    before = enter(part)
    try:
        await app(scope, _back_in(caller, receive), _back_in(caller, send))
    finally:
        leave(before)


def _back_in(part: Optional[Part], function: Any) -> Any:
    if part is None:
        return function

    async def called(*message: Any) -> Any:
        if METER.request is None:
            return await function(*message)
        before = enter(part)
        try:
            return await function(*message)
        finally:
            leave(before)

    return called


def divide_middlewares(app: Any, patches: Patches) -> None:
    """Let each middleware around and inside of an app run as a part of its own."""
    for each in _middlewares_of(app):
        if inspect.isfunction(each):
            continue
        kind = type(each)
        if kind.__module__ in INNERMOST or not kind.__module__.startswith(OF_FRAMEWORK):
            patches.replace(kind, "__call__", _middleware)
        if inspect.isfunction(getattr(each, "app", None)) and _next_of(each.app) is not None:
            patches.replace(each, "app", _function_middleware)


def _middlewares_of(app: Any) -> Iterator[Any]:
    """Yield what passes requests on around and inside of an app, down to its router, the outermost first."""
    each, seen = app, 0
    while seen < DEEPEST:
        if hasattr(each, "middleware_stack") and hasattr(each, "user_middleware"):
            if each.middleware_stack is None:  # of a mounted app, until its first request
                each.middleware_stack = each.build_middleware_stack()
            each = each.middleware_stack
        else:
            inner = None if hasattr(each, "routes") else _next_of(each)
            if inner is None:
                return
            yield each
            each = inner
        seen += 1


def _next_of(app: Any) -> Any:
    """Return the app that a middleware passes requests on to; None if it does not show."""
    found = getattr(app, "app", None)
    if found is not None:
        return found
    inside = list(getattr(app, "__dict__", {}).values())
    inside += [cell.cell_contents for cell in getattr(app, "__closure__", None) or () if _filled(cell)]
    for each in inside:
        if hasattr(each, "app") or hasattr(each, "routes"):
            return each
    return None


def _filled(cell: Any) -> bool:
    try:
        cell.cell_contents  # noqa: B018 - it raises
    except ValueError:
        return False
    return True


def name_of_middleware(middleware: Any) -> str:
    """Return a middleware's name: of the function that it was made from, or of its class."""
    dispatch = getattr(middleware, "dispatch_func", None)
    if dispatch is not None and getattr(dispatch, "__self__", None) is not middleware:
        return dotted(dispatch)
    return dotted(middleware if inspect.isfunction(middleware) else type(middleware))


def _middleware(original: Any) -> Any:
    async def __call__(self: Any, scope: Any, receive: Any, send: Any) -> Any:  # noqa: N807
        request = METER.request
        if request is None or scope["type"] != "http":
            return await original(self, scope, receive, send)
        if type(self).__module__ in INNERMOST:
            part = request.part(*FRAMEWORK)
        else:
            part = request.part("middleware", name_of_middleware(self), is_async=True)
        if METER.part is part:  # a class that calls its base's __call__
            return await original(self, scope, receive, send)
        return await _in_part(part, functools.partial(original, self), scope, receive, send)

    return __call__


def _function_middleware(original: Any) -> Any:
    async def app(scope: Any, receive: Any, send: Any) -> Any:
        request = METER.request
        if request is None or scope["type"] != "http":
            return await original(scope, receive, send)
        part = request.part("middleware", name_of_middleware(original), is_async=True)
        return await _in_part(part, original, scope, receive, send)

    return app


def told_middlewares(app: Any, prefix: str, own: OwnCode) -> List[Dict[str, Any]]:
    """Return the middlewares around and inside of an app as they are written, the outermost first."""
    told = []
    base = getattr(sys.modules.get("starlette.middleware.base"), "BaseHTTPMiddleware", ())
    for each in _middlewares_of(app):
        kind = type(each)
        if kind.__module__.startswith(OF_FRAMEWORK):
            continue
        function: Any = each
        if isinstance(each, base):
            function = each.dispatch_func
        elif not inspect.isfunction(each):
            function = kind.__call__
        told.append(
            {
                "name": name_of_middleware(each),
                "kind": "BaseHTTPMiddleware" if isinstance(each, base) else "asgi",
                "prefix": prefix,
                "site": own.site(function),
                "source": source(function),
            }
        )
    return told


def divide_libraries(patches: Patches) -> None:
    """Let responses, background tasks, and FastAPI's validation and serialisation run as parts of their own."""
    if "starlette" not in sys.modules:
        return
    responses = importlib.import_module("starlette.responses")
    background = importlib.import_module("starlette.background")
    patches.replace(responses.Response, "__init__", _response_made)
    for each in _with_subclasses(responses.Response):
        if "__call__" in vars(each):
            patches.replace(each, "__call__", _response_sent)
    patches.replace(background.BackgroundTask, "__call__", _background)
    if "fastapi" in sys.modules:
        utils = importlib.import_module("fastapi.dependencies.utils")
        patches.replace(utils, "request_body_to_args", _validated_body)
        patches.replace(utils, "request_params_to_args", _validated_parameters)
        patches.replace(importlib.import_module("fastapi.routing"), "serialize_response", _serialized)


def _with_subclasses(kind: Any) -> Iterator[Any]:
    yield kind
    for each in kind.__subclasses__():
        yield from _with_subclasses(each)


def _response_made(original: Any) -> Any:
    def __init__(self: Any, *args: Any, **kwargs: Any) -> None:  # noqa: N807
        request = METER.request
        made_by = METER.part.place if METER.part is not None else ""
        if request is None or made_by != FRAMEWORK[0] or not (args or kwargs):  # a handler's own doing, or an empty one
            original(self, *args, **kwargs)
            return
        before = enter(request.part("response", dotted(type(self)), is_async=True))
        try:
            original(self, *args, **kwargs)
        finally:
            leave(before)

    return __init__


def _response_sent(original: Any) -> Any:
    async def __call__(self: Any, scope: Any, receive: Any, send: Any) -> None:  # noqa: N807
        request = METER.request
        if request is None or (METER.part is not None and METER.part.place == "middleware"):
            await original(self, scope, receive, send)
            return
        items = getattr(self, "body_iterator", None)
        if hasattr(items, "__anext__") and not name_of_iterator(items).startswith(("starlette.", "fastapi.")):
            self.body_iterator = Items(items, "stream", name_of_iterator(items))
        before = enter(request.part("response", dotted(type(self)), is_async=True))
        try:
            await original(self, scope, receive, send)
        finally:
            leave(before)

    return __call__


def _background(original: Any) -> Any:
    async def __call__(self: Any) -> None:  # noqa: N807
        request = METER.request
        function = getattr(self, "func", None)
        if request is None or function is None:
            await original(self)
            return
        before = enter(request.part("background", dotted(function), getattr(self, "is_async", None)))
        try:
            await original(self)
        finally:
            leave(before)

    return __call__


def _serialized(original: Any) -> Any:
    async def serialize_response(*args: Any, **kwargs: Any) -> Any:
        request = METER.request
        if request is None:
            return await original(*args, **kwargs)
        before = enter(request.part("response", "fastapi.routing.serialize_response", is_async=True))
        try:
            return await original(*args, **kwargs)
        finally:
            leave(before)

    return serialize_response


def _validated_body(original: Any) -> Any:
    async def request_body_to_args(*args: Any, **kwargs: Any) -> Any:
        part = _part_of_validation(args, kwargs)
        if part is None:
            return await original(*args, **kwargs)
        before = enter(part)
        try:
            return await original(*args, **kwargs)
        finally:
            leave(before)

    return request_body_to_args


def _validated_parameters(original: Any) -> Any:
    def request_params_to_args(*args: Any, **kwargs: Any) -> Any:
        part = _part_of_validation(args, kwargs)
        if part is None:
            return original(*args, **kwargs)
        before = enter(part)
        try:
            return original(*args, **kwargs)
        finally:
            leave(before)

    return request_params_to_args


def _part_of_validation(args: Any, kwargs: Any) -> Optional[Part]:
    """Return the part for parameters that are validated, named after the first model among them; None if none is."""
    request = METER.request
    fields = args[0] if args else kwargs.get("body_fields") or kwargs.get("fields") or kwargs.get("required_params")
    if request is None or not fields:
        return None
    try:
        names = [_model_of(each) for each in fields]
        return request.part("validator", next(filter(None, names), "parameters"), is_async=False)
    except Exception as error:
        request.note(f"what is validated could not be named: {error!r}")
        return None


def _model_of(field: Any) -> str:
    annotation: Any = getattr(field, "type_", None) or getattr(getattr(field, "field_info", None), "annotation", None)
    candidates: List[Any] = [annotation, *getattr(annotation, "__args__", ())]
    for each in candidates:
        if inspect.isclass(each) and (hasattr(each, "model_fields") or "__fields__" in vars(each)):
            return dotted(each)
    return ""
