"""CPU time of threads that Python does not know: those of a library such as Argon2 or BLAS, which a call waits for.

The thread that made the call seems to wait, because its own CPU clock stands still. The process's clock shows what it
waits for: CPU time beyond that of all Python threads was used by others. Linux reads any thread's clock by the thread's
id; on other systems nothing is counted.
"""

from __future__ import annotations

import sys
import threading
import time
from typing import Dict, Optional


def python_threads() -> Dict[int, float]:
    """Return the CPU time of each thread that ``threading`` knows, in seconds, by the thread's native id."""
    found = {}
    for thread in threading.enumerate():
        if thread.native_id is not None:
            try:
                # MAKE_THREAD_CPUCLOCK of Linux, include/linux/posix-timers.h: refused once the thread is gone.
                found[thread.native_id] = time.clock_gettime((~thread.native_id << 3) | 6)
            except OSError:
                continue
    return found


class NativeThreads:
    """Counts what threads unknown to Python have computed since they were looked at last."""

    def __init__(self) -> None:
        self._known: Optional[Dict[int, float]] = None
        self._process = 0.0

    def used(self) -> float:
        """Return their CPU time since the last call, in seconds.

        It is 0 for the first call, on systems other than Linux, and where a Python thread has ended meanwhile, because
        what that thread used can't be told from theirs.
        """
        if sys.platform != "linux":
            return 0.0
        before, process_before = self._known, self._process
        self._known, self._process = python_threads(), time.process_time()
        if before is None or before.keys() - self._known.keys():
            return 0.0
        python = sum(used - before.get(number, 0.0) for number, used in self._known.items())
        return max(0.0, self._process - process_before - python)
