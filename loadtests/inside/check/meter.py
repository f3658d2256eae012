"""Wall and CPU time of an exercised request, kept apart by the part of the request that spends it.

A thread is in one part of one request at a time. A change of part reads both clocks once and charges what has passed to
the part before. A task of a request is driven one step at a time: the event loop can do nothing else meanwhile, so
that a step's wall time less its CPU time is time for which the loop stood still.
"""

from __future__ import annotations

import asyncio
import contextvars
import threading
import types
from time import perf_counter
from typing import Any, Callable, Coroutine, Dict, List, Optional, Tuple

from .clocks import NATIVE, Clocks, Span

FRAMEWORK = ("other", "framework")
"""Place and name of what runs outside of all named parts."""


class Part:
    """One part of a request on the loop or on threads: its times add up, in seconds."""

    __slots__ = ("awaited", "awaits", "cpu", "is_async", "name", "place", "runs_on", "wall")

    def __init__(self, place: str, name: str, runs_on: str, is_async: Optional[bool]) -> None:
        self.place, self.name, self.runs_on, self.is_async = place, name, runs_on, is_async
        self.wall = self.cpu = self.awaited = 0.0
        self.awaits = 0

    def told(self) -> Dict[str, Any]:
        """Return it as it is written."""
        return {
            "place": self.place,
            "name": self.name,
            "is_async": self.is_async,
            "runs_on": self.runs_on,
            "cpu_s": self.cpu,
            "wait_s": max(0.0, self.wall - self.cpu),
            "awaited_s": self.awaited,
            "awaits": self.awaits,
        }


class Exercised:
    """One request that is observed, until it is over."""

    def __init__(self, name: str, kind: str) -> None:
        """Begin.

        Args:
            name: what the one who asks calls it.
            kind: ``time``, or ``trace`` where each line's share is wanted.
        """
        self.name, self.kind = name, kind
        self.began = perf_counter()
        self.route: Optional[int] = None
        self.over = False
        self.tasks = 0
        """Those that were made for it and are not done."""
        self.steps = self.suspensions = 0
        self.cpu = self.blocked = self.longest = self.delayed = 0.0
        """On the loop, in seconds: CPU time, waiting, the longest step, and what was waited for a core."""
        self.parts: Dict[Tuple[str, str, str], Part] = {}
        self.hops: List[Dict[str, Any]] = []
        self.locks: List[Dict[str, Any]] = []
        self.statements = 0
        self.connections_held = 0.0
        self.notes: List[str] = []
        self.when_idle: Optional[Callable[[], None]] = None
        """Called when the last of its tasks is done."""
        self.tracer: Any = None
        """What finds each line's share; None unless that is wanted."""
        NATIVE.used()  # what was computed before it began is not its own

    def part(self, place: str, name: str, is_async: Optional[bool] = None) -> Part:
        """Return the part of this kind and name on this thread, made at first."""
        key = (place, name, METER.runs_on)
        found = self.parts.get(key)
        if found is None:
            found = self.parts[key] = Part(place, name, METER.runs_on, is_async)
        return found

    def task_done(self) -> None:
        """Say that one of its tasks is done."""
        self.tasks -= 1
        if not self.tasks and self.when_idle is not None:
            self.when_idle()

    def note(self, sentence: str) -> None:
        """Keep what went wrong in observing it."""
        if sentence not in self.notes:
            self.notes.append(sentence)


class _Meter(threading.local):
    """Which request's which part a thread is in, and since when; ``request`` is None where none is observed."""

    request: Optional[Exercised] = None
    part: Optional[Part] = None
    entered: Optional[Part] = None
    """The first part that was entered after a hop to this thread began."""
    runs_on = "loop"

    def __init__(self) -> None:
        self.clocks = Clocks()


METER = _Meter()
REQUEST: contextvars.ContextVar[Optional[Exercised]] = contextvars.ContextVar("bench_check_request", default=None)
"""Reaches the tasks and threads that a request starts."""


def current() -> Optional[Exercised]:
    """Return the observed request that this code runs for; None if there is none, or if it is over."""
    request = METER.request or REQUEST.get()
    return None if request is None or request.over else request


def enter(part: Part) -> Optional[Part]:
    """Charge what has passed to the part so far, go on in another, and return the one before."""
    wall, cpu = METER.clocks.lap()
    before = METER.part
    if before is not None:
        before.wall += wall
        before.cpu += cpu
    METER.part = part
    if METER.entered is None:
        METER.entered = part
    return before


def leave(before: Optional[Part]) -> None:
    """Go on in the part before; nothing where the request is over meanwhile."""
    if METER.request is None:
        return
    wall, cpu = METER.clocks.lap()
    part = METER.part
    if part is not None:
        part.wall += wall
        part.cpu += cpu
    METER.part = before


class Stretch:
    """A stretch of one thread's time that belongs to a request: a step of a task, or a hop to a thread."""

    __slots__ = ("_before", "nested", "request", "span")

    def __init__(self, request: Exercised, part: Part, runs_on: str) -> None:
        """Begin it; where one begins inside of another, as an eager task does, that one goes on afterwards."""
        self.request = request
        self._before = (METER.request, METER.part, METER.runs_on)
        self.nested = METER.request is not None
        if METER.request is None:
            METER.clocks.reset()
            METER.part = part
        else:
            enter(part)
        METER.request, METER.runs_on, METER.entered = request, runs_on, None
        self.span = Span(METER.clocks)
        if request.tracer is not None and not self.nested:
            request.tracer.start()

    def end(self) -> Optional[Part]:
        """End it, with its ``span``; return the part that it ends in."""
        if self.request.tracer is not None and not self.nested:
            self.request.tracer.stop()
        part = METER.part
        leave(self._before[1])
        METER.request, METER.part, METER.runs_on = self._before
        self.span.end()
        return part


class Stepped(Coroutine[Any, Any, Any]):
    """A coroutine that does what another does, and measures each of its steps while a request is not over."""

    def __init__(self, coroutine: Any, request: Exercised, part: Part, then: Callable[[], None]) -> None:
        """Stand before a coroutine.

        Args:
            coroutine: which one.
            request: that it belongs to.
            part: in which it begins.
            then: called once when it is done.
        """
        self._coroutine, self._request, self._part, self._then = coroutine, request, part, then
        self._suspended: Optional[float] = None
        self._done = False
        self.__name__ = getattr(coroutine, "__name__", type(coroutine).__name__)
        self.__qualname__ = getattr(coroutine, "__qualname__", self.__name__)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._coroutine, name)

    def __await__(self) -> Any:
        return self

    def __iter__(self) -> Any:
        return self

    def __next__(self) -> Any:
        return self._step(self._coroutine.send, None)

    def send(self, value: Any) -> Any:
        """Go on to the next suspension."""
        return self._step(self._coroutine.send, value)

    def throw(self, *error: Any) -> Any:
        """Go on with an error to the next suspension."""
        return self._step(self._coroutine.throw, *error)

    def close(self) -> None:
        """End it where it is."""
        try:
            self._coroutine.close()
        finally:
            self._end()

    def _step(self, go_on: Callable[..., Any], *given: Any) -> Any:
        request = self._request
        if request.over:
            return go_on(*given)
        if self._suspended is not None:
            self._part.awaited += perf_counter() - self._suspended
        stretch = Stretch(request, self._part, "loop")
        try:
            awaited = go_on(*given)
        except BaseException:
            self._count(stretch)
            self._end()
            raise
        self._count(stretch)
        self._part.awaits += 1
        request.suspensions += 1
        self._suspended = METER.clocks.wall
        return awaited

    def _count(self, stretch: Stretch) -> None:
        self._part = stretch.end() or self._part
        request, span = self._request, stretch.span
        if stretch.nested:  # it is within a step that is counted
            return
        request.steps += 1
        request.cpu += span.cpu
        request.blocked += max(0.0, span.wall - span.cpu)
        request.delayed += span.delayed
        request.longest = max(request.longest, span.wall)

    def _end(self) -> None:
        if not self._done:
            self._done = True
            self._then()


class TaskFactory:
    """Makes a loop's tasks as before, and measures the steps of those that belong to an observed request."""

    def __init__(self, before: Optional[Callable[..., Any]]) -> None:
        """Stand before a loop's own factory, if it has one."""
        self.before = before

    def __call__(self, loop: asyncio.AbstractEventLoop, coroutine: Any, **options: Any) -> Any:
        """Make a task."""
        request = current()
        if request is not None and isinstance(coroutine, types.CoroutineType):
            part = METER.part if METER.request is request else None
            request.tasks += 1
            coroutine = Stepped(coroutine, request, part or request.part(*FRAMEWORK), request.task_done)
        if self.before is not None:
            return self.before(loop, coroutine, **options)
        return asyncio.Task(coroutine, loop=loop, **options)


def make_tasks_in(loop: asyncio.AbstractEventLoop) -> None:
    """Let a loop make its tasks with a TaskFactory, also after the app has given it a factory of its own."""
    before = loop.get_task_factory()
    if not isinstance(before, TaskFactory):
        loop.set_task_factory(TaskFactory(before))
