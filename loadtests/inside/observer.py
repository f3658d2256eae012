"""Observation inside a server: requests, threads, database connections and event loop lag, many times a second.

An ASGI wrapper counts requests in flight; a sampler thread writes each time a row to a file. What an app does not have,
or a library no longer keeps where it was, reads as ``UNKNOWN``; the tests notice when a library moves it.
"""

from __future__ import annotations

import asyncio
import os
import struct
import sys
import threading
import time
from operator import attrgetter
from typing import TYPE_CHECKING, Any, BinaryIO, Callable, Iterable, Optional
from weakref import ReferenceType

from .rows import FORMAT, MOST, SUFFIX, UNKNOWN

if TYPE_CHECKING:
    from sqlalchemy.pool import QueuePool
    from starlette.types import ASGIApp, Receive, Scope, Send

PERIOD_S = 0.02
"""Several instants fall into the shortest window. What it costs is measured: docs/measuring-internals.md."""
OF_POOL = "_ConnectionRecord__pool"
"""Where a connection's record keeps the pool that it is from."""
IN_TASKS = "_pool._queue._getters"
IN_THREADS = "_pool.not_empty._waiters"
"""Where SQLAlchemy's pools, of tasks and of threads, keep who waits for a connection."""


class ObservedApp:
    """Passes everything on to an app."""

    def __init__(self, app: ASGIApp, folder: str) -> None:
        """Wrap an app.

        Args:
            app: the app.
            folder: where this process gets a file for its rows.
        """
        self._app = app
        self._path = os.path.join(folder, f"{os.getpid()}{SUFFIX}")  # noqa: PTH118 - few imports at each start
        self._in_flight = 0
        self._sampler: Optional[Sampler] = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer as the app does."""
        if self._sampler is None:  # the first call comes in the loop that all others will come in
            self._sampler = Sampler(self._path, lambda: self._in_flight)
            self._sampler.start()
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        self._in_flight += 1
        try:
            await self._app(scope, receive, send)
        finally:
            self._in_flight -= 1


class Sampler:
    """Samples one event loop's process; make and start it inside that loop."""

    def __init__(self, path: str, in_flight: Callable[[], int]) -> None:
        """Prepare.

        Args:
            path: the file that rows are appended to.
            in_flight: returns how many requests the app has.
        """
        self._path = path
        self._in_flight = in_flight
        self._loop = asyncio.get_running_loop()
        self._threads, self._connections, self._turns = Threads(), Connections(), Turns()
        self._scheduled_s: Optional[float] = None
        self._lag_s = 0.0
        self._turns_waiting = UNKNOWN

    def start(self) -> None:
        """Look from now on, until the process ends or the file can't be written."""
        threading.Thread(target=self._watch, name="observation", daemon=True).start()

    def _watch(self) -> None:
        try:
            with open(self._path, "ab", buffering=0) as file:  # noqa: PTH123
                self._write(file)
        except (OSError, RuntimeError):  # no space left; the loop was closed a moment ago
            return

    def _write(self, file: BinaryIO) -> None:
        due = time.perf_counter()
        while not self._loop.is_closed():
            file.write(self._row())
            self._schedule_callback()
            due = max(due + PERIOD_S, time.perf_counter() + PERIOD_S / 2)  # one who is late does not look twice
            time.sleep(due - time.perf_counter() if due > time.perf_counter() else 0.0)

    def _row(self) -> bytes:
        now, scheduled = time.perf_counter(), self._scheduled_s
        lag_s = self._lag_s if scheduled is None else max(self._lag_s, now - scheduled)
        counts = (self._in_flight(), *self._threads.read(), *self._connections.read(), self._turns_waiting)
        return struct.pack(FORMAT, now, time.process_time(), lag_s, *(min(count, MOST) for count in counts))

    def _schedule_callback(self) -> None:
        """Schedule a callback that measures the loop's lag, unless one still waits to be called."""
        if self._scheduled_s is None:
            self._scheduled_s = time.perf_counter()
            self._loop.call_soon_threadsafe(self._measure_lag, self._scheduled_s)

    def _measure_lag(self, scheduled_s: float) -> None:
        self._lag_s = time.perf_counter() - scheduled_s
        self._turns_waiting = self._turns.read()
        self._scheduled_s = None


class Threads:
    """The threads that AnyIO lends to ``def`` routes; make it inside the event loop."""

    def __init__(self) -> None:
        self._limiter: Any = None
        if "anyio" in sys.modules:
            from anyio.to_thread import current_default_thread_limiter

            self._limiter = current_default_thread_limiter()

    def read(self) -> tuple[int, int]:
        """Return how many are in use, and how many tasks wait for one."""
        if self._limiter is None:
            return UNKNOWN, UNKNOWN
        statistics = self._limiter.statistics()
        return statistics.borrowed_tokens, statistics.tasks_waiting


class Connections:
    """The connections of all SQLAlchemy pools that were opened since this was made."""

    def __init__(self) -> None:
        self._pools: list[ReferenceType[QueuePool]] = []  # only ever longer: another thread reads it meanwhile
        if "sqlalchemy" in sys.modules:  # else the app has no pools
            from sqlalchemy import event
            from sqlalchemy.pool import Pool

            # Each new connection tells of its pool. An engine's events would slow every query down by percents.
            event.listen(Pool, "connect", self._connected)

    def read(self) -> tuple[int, int, int]:
        """Return how many are checked out, how many wait for one, and how many of those hold a thread meanwhile."""
        pools = [pool for kept in list(self._pools) if (pool := kept()) is not None]
        if not pools:
            return UNKNOWN, UNKNOWN, UNKNOWN
        out = sum(pool.checkedout() for pool in pools)
        in_tasks = [_count(pool, IN_TASKS) for pool in pools]
        in_threads = [_count(pool, IN_THREADS) for pool in pools]
        return out, _known([*in_tasks, *in_threads]), _known(in_threads)

    def _connected(self, _connection: object, record: object) -> None:
        pool: Any = getattr(record, OF_POOL, None)
        if hasattr(pool, "checkedout") and all(kept() is not pool for kept in self._pools):
            self._pools.append(ReferenceType(pool))


class Turns:
    """FastAPI's semaphores for dependencies with ``max_concurrency``; read them inside the event loop."""

    def __init__(self) -> None:
        self._semaphores: Callable[[], Any] | None = None
        if "fastapi" in sys.modules:
            from fastapi import concurrency

            kept = getattr(concurrency, "_dependency_semaphores", None)
            self._semaphores = None if kept is None else lambda: kept.get(None)

    def read(self) -> int:
        """Return how many requests wait for their turn."""
        semaphores = self._semaphores() if self._semaphores is not None else None
        if semaphores is None:
            return UNKNOWN
        return sum(semaphore.statistics().tasks_waiting for semaphore in list(semaphores.values()))


def _count(pool: "QueuePool", path: str) -> int:
    """Return the length of what is kept under a path of attributes; UNKNOWN if it is not there."""
    try:
        return len(attrgetter(path)(pool))
    except AttributeError:
        return UNKNOWN


def _known(counts: Iterable[int]) -> int:
    found = [count for count in counts if count != UNKNOWN]
    return sum(found) if found else UNKNOWN
