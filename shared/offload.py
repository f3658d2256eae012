"""A process pool that starts with its first job and never outlives the server."""

import multiprocessing
import multiprocessing.connection
import os
import signal
import threading
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager


class LazyProcessPool:
    """Starts its processes when they are first asked for: most servers never need them."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.executor: ProcessPoolExecutor | None = None

    def start(self) -> ProcessPoolExecutor:
        """Return the pool; the first call starts all its processes, which takes a while."""
        with self._lock:
            if self.executor is None:
                processes = min(4, os.cpu_count() or 1)
                executor = ProcessPoolExecutor(
                    processes, mp_context=multiprocessing.get_context("spawn"), initializer=_end_with_parent
                )
                for _ in range(processes):
                    executor.submit(int)  # a job for each, or the next ones would be spawned on the event loop
                self.executor = executor
            return self.executor

    def close(self) -> None:
        """End the processes, if there are any."""
        with self._lock:
            if self.executor is not None:
                self.executor.shutdown(cancel_futures=True)


@contextmanager
def process_pool() -> Iterator[LazyProcessPool]:
    """Lend a pool, and close it at the end."""
    pool = LazyProcessPool()
    try:
        yield pool
    finally:
        pool.close()


def _end_with_parent() -> None:
    # Ctrl-C reaches the whole process group; the server is the one that closes the pool.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_wait_for_parent, name="end-with-parent", daemon=True).start()


def _wait_for_parent() -> None:
    # A server that was killed cannot close its pool.
    parent = multiprocessing.parent_process()
    if parent is not None:
        multiprocessing.connection.wait([parent.sentinel])
        os._exit(1)
