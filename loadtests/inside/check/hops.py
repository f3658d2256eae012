"""Thread hops: what a request sends to a worker thread, how long that waits for one, and what it does there."""

from __future__ import annotations

import asyncio
import contextvars
import functools
import importlib
import sys
from concurrent.futures import ThreadPoolExecutor
from time import perf_counter
from typing import Any, Callable, Tuple

from .meter import FRAMEWORK, METER, REQUEST, Exercised, Stretch, current
from .patches import Patches
from .sources import dotted

LIBRARIES = ("fastapi.", "starlette.", "contextlib.")
"""Whose functions go to a thread on behalf of the app's."""

ANYIO = "anyio"
EXECUTOR = "executor"
"""Whose threads: AnyIO's, which ``def`` handlers share, or those of an event loop's executor."""


class Hop:
    """A call that runs on a worker thread: called there, it does what it was given, and is measured."""

    def __init__(
        self, request: Exercised, function: Callable[..., Any], arguments: Tuple[Any, ...], threads: str
    ) -> None:
        """Take the time at which it is handed over, and who hands it over; ``threads`` are whose it goes to."""
        self._request, self._function, self._arguments, self._threads = request, function, arguments, threads
        self._part = METER.part if METER.request is request else None
        self._asked = perf_counter()

    def __call__(self, *arguments: Any) -> Any:
        """Call the function."""
        request = self._request
        if request.over:
            return self._function(*arguments)
        queued = perf_counter() - self._asked
        place, of_part, name = self._names()
        before, METER.runs_on = METER.runs_on, "thread"
        part = request.part(place, of_part, is_async=False)
        METER.runs_on = before
        token = REQUEST.set(request)
        stretch = Stretch(request, part, "thread")
        try:
            return self._function(*arguments)
        finally:
            inner = METER.entered
            stretch.end()
            REQUEST.reset(token)
            request.hops.append(
                {
                    "name": name if inner is None else inner.name,
                    "place": place if inner is None else inner.place,
                    "threads": self._threads,
                    "queued_s": queued,
                    "cpu_s": stretch.span.cpu,
                    "wait_s": max(0.0, stretch.span.wall - stretch.span.cpu),
                }
            )

    def _names(self) -> Tuple[str, str, str]:
        """Return place and name of the part that it begins in, and what it is called itself."""
        try:
            called, arguments = _called(self._function, self._arguments)
            name = dotted(called)
            if name == "starlette.concurrency._next" and arguments:  # an item of an iterator that is streamed
                name = name_of_iterator(arguments[0])
                return "stream", name, name
        except Exception as error:
            self._request.note(f"a function that went to a thread could not be named: {error!r}")
            return (*FRAMEWORK, FRAMEWORK[1])
        if self._part is not None and self._part.place != FRAMEWORK[0]:
            return self._part.place, self._part.name, name
        return FRAMEWORK[0], FRAMEWORK[1] if name.startswith(LIBRARIES) else name, name


def _called(function: Any, arguments: Tuple[Any, ...]) -> Tuple[Any, Tuple[Any, ...]]:
    """Return the function that is called in the end, with its first arguments: below partials and ``Context.run``."""
    while True:
        if isinstance(function, functools.partial):
            function, arguments = function.func, function.args + arguments
        elif isinstance(getattr(function, "__self__", None), contextvars.Context) and arguments:
            function, arguments = arguments[0], arguments[1:]
        else:
            return function, arguments


def name_of_iterator(iterator: Any) -> str:
    """Return the name of a generator's function, or of an iterator's class."""
    frame = getattr(iterator, "gi_frame", None) or getattr(iterator, "ag_frame", None)
    if frame is not None:
        return f"{frame.f_globals.get('__name__', '')}.{iterator.__qualname__}"
    return dotted(type(iterator))


def watch_threads(patches: Patches) -> None:
    """Measure from now on what observed requests send to threads, through AnyIO or an event loop's executor."""
    if "anyio" in sys.modules:
        patches.replace(importlib.import_module("anyio.to_thread"), "run_sync", _watched_run_sync)
    patches.replace(asyncio.BaseEventLoop, "run_in_executor", _watched_run_in_executor)
    if "uvloop" in sys.modules:
        patches.replace(sys.modules["uvloop"].Loop, "run_in_executor", _watched_run_in_executor)


def _watched_run_sync(original: Any) -> Any:
    async def run_sync(func: Callable[..., Any], *args: Any, **options: Any) -> Any:
        request = current()
        return await original(func if request is None else Hop(request, func, args, ANYIO), *args, **options)

    return run_sync


def _watched_run_in_executor(original: Any) -> Any:
    def run_in_executor(self: Any, executor: Any, func: Callable[..., Any], *args: Any) -> Any:
        request = current()
        if request is not None and (executor is None or isinstance(executor, ThreadPoolExecutor)):
            func = Hop(request, func, args, EXECUTOR)
        return original(self, executor, func, *args)

    return run_in_executor
