"""Locks of asyncio and AnyIO: who waits for one, and how long it is held."""

from __future__ import annotations

import asyncio
import importlib
import sys
from time import perf_counter
from types import FrameType
from typing import Any, Dict, List, Optional, Tuple

from .lines import qualified_name
from .meter import METER, Exercised
from .patches import Patches
from .sources import OwnCode

OF_LOCKS = ("asyncio.", "anyio.", __name__)
"""Modules of locks, and of what is put around them."""
LEAST_S = 1e-3
"""A lock that a library takes counts where a request has waited for it, in seconds."""


class Locks:
    """Measures the locks that observed requests take."""

    def __init__(self, own: OwnCode) -> None:
        """Prepare."""
        self._own = own
        self._held: Dict[int, Tuple[Exercised, Dict[str, Any], float, int]] = {}

    def watch(self, patches: Patches) -> None:
        """Measure from now on."""
        classes: List[Any] = [asyncio.Lock]
        if "anyio" in sys.modules:
            anyio = importlib.import_module("anyio")
            backend = sys.modules.get("anyio._backends._asyncio")
            own = getattr(backend, "Lock", None)  # since AnyIO 4.5; the other one only passes on
            classes.append(anyio.Lock if own is None or "acquire" not in vars(own) else own)
        for each in classes:
            patches.replace(each, "acquire", self._watched_acquire)
            patches.replace(each, "release", self._watched_release)

    def _watched_acquire(self, original: Any) -> Any:
        async def acquire(lock: Any, *args: Any, **kwargs: Any) -> Any:
            request = METER.request
            if request is None:
                return await original(lock, *args, **kwargs)
            site, is_own = self._own_site(sys._getframe(1))
            asked = perf_counter()
            answer = await original(lock, *args, **kwargs)
            got = perf_counter()
            if site is not None and not request.over and (is_own or got - asked > LEAST_S):
                told = {**site, "held_s": 0.0, "waited_s": got - asked, "awaits": 0}
                request.locks.append(told)
                self._held[id(lock)] = (request, told, got, request.suspensions)
            return answer

        return acquire

    def _watched_release(self, original: Any) -> Any:
        def release(lock: Any) -> Any:
            held = self._held.pop(id(lock), None)
            if held is not None:
                request, told, got, suspensions = held
                told["held_s"] = perf_counter() - got
                told["awaits"] = request.suspensions - suspensions
            return original(lock)

        return release

    def _own_site(self, frame: Optional[FrameType]) -> Tuple[Optional[Dict[str, Any]], bool]:
        """Return the innermost own line below a frame, if there is one, and whether it takes the lock itself."""
        is_own = True
        while frame is not None:
            if self._own.has(frame.f_code.co_filename):
                file = self._own.shown(frame.f_code.co_filename)
                return {"file": file, "line": frame.f_lineno, "function": qualified_name(frame)}, is_own
            is_own = is_own and frame.f_globals.get("__name__", "").startswith(OF_LOCKS)
            frame = frame.f_back
        return None, False
