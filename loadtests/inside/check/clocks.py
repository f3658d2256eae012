"""The clocks that a thread is measured with: wall time, CPU time, and for how long it has waited for a core.

A thread that is ready, and gets no core because other threads and processes have them all, is neither computing nor
waiting for anything that the app asks for. Linux counts that apart, in nanoseconds; elsewhere it passes for waiting.
What a library's own threads compute while this thread waits for them counts as its CPU time.
"""

from __future__ import annotations

import os
import threading
from time import perf_counter, thread_time
from typing import Tuple

from .native_threads import NativeThreads

LEAST_S = 50e-6
"""A shorter wait is not looked into: that costs more than it would tell."""
LONG_S = 1e-3
"""After a longer wait a library's threads are looked for: that takes about a microsecond for each Python thread."""
SCHEDSTAT = "/proc/thread-self/schedstat"
"""Three numbers: nanoseconds on a core, nanoseconds of waiting for one, and how often."""


class _SchedStat:
    """What Linux counts of the thread that this is made in; it goes when the thread goes."""

    def __init__(self) -> None:
        self.descriptor = -1
        try:
            self.descriptor = os.open(SCHEDSTAT, os.O_RDONLY)
        except OSError:
            return

    def __del__(self) -> None:
        if self.descriptor >= 0:
            os.close(self.descriptor)


class _OfThread(threading.local):
    def __init__(self) -> None:
        self.statistics = _SchedStat()


_THREAD = _OfThread()
NATIVE = NativeThreads()
"""Of the process: what they compute belongs to the one request that is timed at a time."""


def core_delay() -> float:
    """Return for how long this thread has waited for a core since it began, in seconds; 0 where nobody counts."""
    descriptor = _THREAD.statistics.descriptor
    if descriptor < 0:
        return 0.0
    try:
        return int(os.pread(descriptor, 96, 0).split()[1]) * 1e-9
    except (OSError, ValueError, IndexError):
        return 0.0


class Clocks:
    """Reads a thread's clocks, again and again, and says what has passed in between."""

    __slots__ = ("cpu", "delay", "native", "wall")

    def __init__(self) -> None:
        self.wall = self.cpu = self.delay = self.native = 0.0

    def reset(self) -> None:
        """Begin here."""
        self.delay = core_delay()
        self.wall, self.cpu = perf_counter(), thread_time()

    def lap(self) -> Tuple[float, float]:
        """Return wall time, less what was waited for a core, and CPU time since the last reading, in seconds.

        The CPU time includes that of a library's threads, up to what this thread waited for.
        """
        wall, cpu = perf_counter(), thread_time()
        passed, used = wall - self.wall, cpu - self.cpu
        self.wall, self.cpu = wall, cpu
        if passed - used > LEAST_S:
            delay = core_delay()
            passed -= min(max(0.0, delay - self.delay), passed - used)
            self.delay = delay
        if passed - used > LONG_S:
            native = min(NATIVE.used(), passed - used)
            self.native += native
            used += native
        return passed, used

    def skip(self) -> None:
        """Leave out what has passed since the last reading."""
        wall, cpu = perf_counter(), thread_time()
        if wall - self.wall - (cpu - self.cpu) > LEAST_S:
            self.delay = core_delay()
        self.wall, self.cpu = wall, cpu


class Span:
    """A stretch of one thread's time, with its sums."""

    __slots__ = ("_begun", "_clocks", "cpu", "delayed", "wall")

    def __init__(self, clocks: Clocks) -> None:
        """Begin where the clocks were read last."""
        self._clocks = clocks
        self._begun = (clocks.wall, clocks.cpu + clocks.native, clocks.delay)
        self.wall = self.cpu = self.delayed = 0.0

    def end(self) -> None:
        """End where the clocks were read last; ``wall`` is less what was waited for a core, which is ``delayed``."""
        clocks = self._clocks
        wall, cpu, delay = self._begun
        self.wall, self.cpu = clocks.wall - wall, clocks.cpu + clocks.native - cpu
        if self.wall - self.cpu > LEAST_S:
            self.delayed = min(max(0.0, core_delay() - delay), self.wall - self.cpu)
            self.wall -= self.delayed
