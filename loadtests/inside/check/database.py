"""SQL statements of a request, for how long it holds connections, and the pools that these come from."""

from __future__ import annotations

import gc
import sys
from time import perf_counter
from typing import Any, Callable, Dict, List, Optional, Tuple
from weakref import WeakSet

from .meter import Exercised, current

OF_POOL = "_ConnectionRecord__pool"
"""Where a connection's record keeps the pool that it is from."""


class Database:
    """Listens to SQLAlchemy, if the app has it."""

    def __init__(self, new_pool: Callable[[], None]) -> None:
        """Prepare.

        Args:
            new_pool: called when a pool opens its first connection, if the pool was not known.
        """
        self._new_pool = new_pool
        self._pools: WeakSet[Any] = WeakSet()
        self._out: Dict[int, Tuple[Exercised, float]] = {}
        self._listening: List[Tuple[Any, str, Any]] = []

    @property
    def known(self) -> bool:
        """Whether statements are counted."""
        return bool(self._listening)

    def listen(self) -> None:
        """Listen from now on, if SQLAlchemy has been imported by now."""
        if "sqlalchemy" not in sys.modules:
            return
        from sqlalchemy import event
        from sqlalchemy.engine import Engine
        from sqlalchemy.pool import Pool

        if not self._listening:
            self._listening = [
                (Engine, "before_cursor_execute", self._executed),
                (Pool, "checkout", self._checked_out),
                (Pool, "checkin", self._checked_in),
                (Pool, "connect", self._connected),
            ]
            for each in self._listening:
                event.listen(*each)

    def find_pools(self) -> None:
        """Look for pools that have no connection yet; those in the collector's permanent generation are not found."""
        if "sqlalchemy" in sys.modules:
            from sqlalchemy.pool import Pool

            # their types alone: isinstance would ask proxies, as Werkzeug's, what they stand for
            self._pools.update(each for each in gc.get_objects() if issubclass(type(each), Pool))

    def stop(self) -> None:
        """Listen no more."""
        if self._listening:
            from sqlalchemy import event

            for each in self._listening:
                event.remove(*each)
            self._listening = []

    def pools(self) -> List[Dict[str, Any]]:
        """Return the pools as they are written; ``size`` and ``overflow`` are None for a pool without a limit."""
        return [
            {"size": _size(each), "overflow": getattr(each, "_max_overflow", None), "kind": type(each).__name__}
            for each in self._pools
        ]

    def _executed(self, *_: Any) -> None:
        request = current()
        if request is not None:
            request.statements += 1

    def _checked_out(self, _connection: Any, record: Any, _proxy: Any) -> None:
        request = current()
        if request is not None:
            self._out[id(record)] = (request, perf_counter())

    def _checked_in(self, _connection: Any, record: Any) -> None:
        out = self._out.pop(id(record), None)
        if out is not None:
            request, since = out
            request.connections_held += perf_counter() - since

    def _connected(self, _connection: Any, record: Any) -> None:
        pool = getattr(record, OF_POOL, None)
        if pool is not None and pool not in self._pools:
            self._pools.add(pool)
            self._new_pool()


def _size(pool: Any) -> Optional[int]:
    size = getattr(pool, "size", None)
    return size() if callable(size) else getattr(pool, "size", None)
