"""What can be read of an app's insides: threads, database connections, and who waits for them.

Whatever the app does not have, or a library keeps where it is no longer found, reads as ``UNKNOWN``; the tests notice
when a library moves it.
"""

import sys
from collections.abc import Callable, Iterable
from operator import attrgetter
from typing import TYPE_CHECKING, Any
from weakref import ReferenceType

from anyio.to_thread import current_default_thread_limiter

if TYPE_CHECKING:
    from sqlalchemy.pool import QueuePool
from loadtests.records.samples import UNKNOWN

OF_POOL = "_ConnectionRecord__pool"
"""Where a connection's record keeps the pool that it is from."""
IN_TASKS = "_pool._queue._getters"
IN_THREADS = "_pool.not_empty._waiters"
"""Where SQLAlchemy's pools, of tasks and of threads, keep who waits for a connection."""


class Threads:
    """The threads that AnyIO lends to ``def`` routes; make it inside the event loop."""

    def __init__(self) -> None:
        self._limiter = current_default_thread_limiter()

    def read(self) -> tuple[int, int]:
        """Return how many are in use, and how many tasks wait for one."""
        statistics = self._limiter.statistics()
        return statistics.borrowed_tokens, statistics.tasks_waiting


class Connections:
    """The connections of all SQLAlchemy pools that were opened since this was made."""

    def __init__(self) -> None:
        self._pools: list[ReferenceType[QueuePool]] = []  # only ever longer: another thread reads it meanwhile
        if "sqlalchemy" in sys.modules:  # else the app has no pools
            from sqlalchemy import event  # noqa: PLC0415
            from sqlalchemy.pool import Pool  # noqa: PLC0415

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
            from fastapi import concurrency  # noqa: PLC0415

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
