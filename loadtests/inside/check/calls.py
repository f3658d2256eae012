"""Functions that do what another does, within a part of the request: one for each kind of function.

FastAPI looks at what a function is (a coroutine function, a generator, …) to decide how to call it. Each wrapper is of
the kind of what it wraps, and leads to it through ``__wrapped__``.
"""

from __future__ import annotations

import inspect
from typing import Any, AsyncGenerator, Callable, Generator

from .meter import METER, enter, leave

MARK = "_bench_check_place"
"""Of a function that was made here: the place that it stands for."""


def timed(call: Any, kind: str, place: str, name: str) -> Any:
    """Return a function that calls another within a part.

    Args:
        call: what to call: a function, a class, a callable object.
        kind: ``coroutine``, ``generator``, ``async generator``, or ``function``, as its caller takes it to be.
        place: of the part.
        name: of the part.
    """
    made: Any = _MAKERS[kind](call, place, name)
    for attribute in ("__module__", "__name__", "__qualname__", "__doc__"):
        value = getattr(call, attribute, None)
        if isinstance(value, str):
            setattr(made, attribute, value)
    if inspect.isfunction(call):
        made.__dict__.update(call.__dict__)
    made.__wrapped__ = call
    setattr(made, MARK, place)
    return made


def _function(call: Any, place: str, name: str) -> Callable[..., Any]:
    def function(*args: Any, **kwargs: Any) -> Any:
        request = METER.request
        if request is None:
            return call(*args, **kwargs)
        before = enter(request.part(place, name, is_async=False))
        try:
            return call(*args, **kwargs)
        finally:
            leave(before)

    return function


def _coroutine(call: Any, place: str, name: str) -> Callable[..., Any]:
    async def coroutine(*args: Any, **kwargs: Any) -> Any:
        request = METER.request
        if request is None:
            return await call(*args, **kwargs)
        before = enter(request.part(place, name, is_async=True))
        try:
            return await call(*args, **kwargs)
        finally:
            leave(before)

    return coroutine


def _generator(call: Any, place: str, name: str) -> Callable[..., Any]:
    def generator(*args: Any, **kwargs: Any) -> Generator[Any, Any, Any]:
        inner = call(*args, **kwargs)
        go_on, value = inner.send, None
        while True:
            request = METER.request
            before = enter(request.part(place, name, is_async=False)) if request is not None else None
            try:
                item = go_on(value)
            except StopIteration as end:
                return end.value
            finally:
                if request is not None:
                    leave(before)
            try:
                value = yield item
            except GeneratorExit:
                inner.close()
                raise
            except BaseException as error:
                go_on, value = inner.throw, error
            else:
                go_on = inner.send

    return generator


def _async_generator(call: Any, place: str, name: str) -> Callable[..., Any]:
    async def async_generator(*args: Any, **kwargs: Any) -> AsyncGenerator[Any, Any]:
        inner = call(*args, **kwargs)
        go_on, value = inner.asend, None
        while True:
            request = METER.request
            before = enter(request.part(place, name, is_async=True)) if request is not None else None
            try:
                item = await go_on(value)
            except StopAsyncIteration:
                return
            finally:
                if request is not None:
                    leave(before)
            try:
                value = yield item
            except GeneratorExit:
                await inner.aclose()
                raise
            except BaseException as error:
                go_on, value = inner.athrow, error
            else:
                go_on = inner.asend

    return async_generator


_MAKERS = {
    "function": _function,
    "coroutine": _coroutine,
    "generator": _generator,
    "async generator": _async_generator,
}


class Items:
    """An asynchronous iterator that makes each item within a part."""

    def __init__(self, items: Any, place: str, name: str) -> None:
        """Stand before an asynchronous iterator."""
        self._items, self._place, self._name = items, place, name

    def __getattr__(self, name: str) -> Any:
        return getattr(self._items, name)

    def __aiter__(self) -> Items:
        return self

    async def __anext__(self) -> Any:
        request = METER.request
        if request is None:
            return await self._items.__anext__()
        before = enter(request.part(self._place, self._name, is_async=True))
        try:
            return await self._items.__anext__()
        finally:
            leave(before)
