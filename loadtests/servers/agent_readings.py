"""What an agent keeps of its server: readings of CPU time and size, and rows of observations, of the last minutes.

A thread reads the CPU time of all processes every 20 ms: a few system calls, about a hundredth of a core. Rows come
from the files that the server's own processes write; what is older than it has to be is removed from those.
"""

import contextlib
import threading
import time
from bisect import bisect_left, bisect_right
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

import psutil

from loadtests.inside.rows import SUFFIX
from loadtests.records.samples import ROW, Rows, rows_of
from loadtests.servers.agent_messages import KEPT_S, MOST_PROCESSES, CpuReading, SizeReading
from loadtests.system.process_tree import ProcessTree

PERIOD_S = 0.02
SIZE_EVERY = 25
"""Every so many readings of the CPU time also the size is read, which takes longer."""
TIDY_EVERY = 500
MOST_BYTES = int(KEPT_S / PERIOD_S) * ROW.itemsize
"""A file of rows is emptied when it is longer; what it held is kept in memory until that happens again."""

T = TypeVar("T", CpuReading, SizeReading)


class AgentReadings:
    """Reads how much CPU time a server has used, and how large it is, in a thread of its own between start and stop."""

    def __init__(self, find: Callable[[], Sequence[int]], observed: Path | None) -> None:
        """Prepare.

        Args:
            find: returns the server's processes, without what those start; asked again when one of them is gone.
            observed: the folder of the rows that the server writes; None if nobody looks inside.
        """
        self._find = find
        self._cpu: deque[CpuReading] = deque(maxlen=int(KEPT_S / PERIOD_S))
        self._sizes: deque[SizeReading] = deque(maxlen=int(KEPT_S / PERIOD_S / SIZE_EVERY))
        self._rows = None if observed is None else ObservedRows(observed)
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._read_on, name="agent readings", daemon=True)

    def start(self) -> None:
        """Begin to read."""
        self._thread.start()

    def stop(self) -> None:
        """Read no more."""
        self._ended.set()
        if self._thread.is_alive():
            self._thread.join(1.0)

    def between(self, since_s: float, until_s: float) -> tuple[list[CpuReading], list[SizeReading]]:
        """Return what was read between two instants of the monotonic clock, with the readings next to them."""
        with self._lock:
            cpu, sizes = list(self._cpu), list(self._sizes)
        return _between(cpu, since_s, until_s), _between(sizes, since_s, until_s)

    def observations(self, since_s: float, until_s: float) -> dict[str, Rows]:
        """Return the rows of each of the server's processes between two instants of the monotonic clock."""
        return {} if self._rows is None else self._rows.between(since_s, until_s)

    def _read_on(self) -> None:
        due, count = time.perf_counter(), 0
        tree: ProcessTree | None = None
        while not self._ended.is_set():
            try:
                if tree is None and (pids := self._find()):
                    tree, count = ProcessTree(pids), 0
                if tree is not None:
                    self._read(tree, with_size=count % SIZE_EVERY == 0)
            except (psutil.Error, OSError):
                # A worker was replaced. What the new ones have used can't be compared with what the old ones had.
                tree = None
                with self._lock:
                    self._cpu.clear()
                    self._sizes.clear()
            if self._rows is not None and count % TIDY_EVERY == 0:
                self._rows.tidy()
            count += 1
            due = max(due + PERIOD_S, time.perf_counter() + PERIOD_S / 2)  # one who is late does not look twice
            self._ended.wait(due - time.perf_counter())

    def _read(self, tree: ProcessTree, *, with_size: bool) -> None:
        size = None
        if with_size:
            rss_bytes, threads = tree.size()
            size = SizeReading.model_construct(at_s=time.perf_counter(), rss_bytes=rss_bytes, threads=threads)
        cpu = tree.glance()
        at_s = time.perf_counter()
        reading = CpuReading.model_construct(at_s=at_s, own_s=cpu.own_s, alive_s=cpu.alive_s, ended_s=cpu.ended_s)
        with self._lock:
            self._cpu.append(reading)
            if size is not None:
                self._sizes.append(size)


def _between(readings: Sequence[T], since_s: float, until_s: float) -> list[T]:
    first = bisect_right(readings, since_s, key=lambda each: each.at_s) - 1
    last = bisect_left(readings, until_s, key=lambda each: each.at_s)
    return list(readings[max(0, first) : last + 1])


class ObservedRows:
    """The rows that a server's processes append to files in a folder, which grow no longer than they have to."""

    def __init__(self, folder: Path, most_bytes: int = MOST_BYTES) -> None:
        self._folder = folder
        self._most_bytes = most_bytes
        self._kept: dict[Path, bytes] = {}
        self._lock = threading.Lock()

    def between(self, since_s: float, until_s: float) -> dict[str, Rows]:
        """Return the rows of each process, by its id, between two instants of the monotonic clock."""
        found = {}
        with self._lock:
            for path in self._paths():
                with contextlib.suppress(OSError):
                    rows = rows_of(self._kept.get(path, b"") + path.read_bytes())
                    found[path.stem] = rows[(rows["time_s"] >= since_s) & (rows["time_s"] <= until_s)]
        return {name: rows for name, rows in found.items() if len(rows)}

    def tidy(self) -> None:
        """Empty each file that is too long, and remember what was in it.

        Rows are appended to where the file ends, whole, so that a writer goes on at its beginning. One that comes just
        in between is lost.
        """
        with self._lock:
            for path in self._paths():
                with contextlib.suppress(OSError), path.open("r+b") as file:
                    if file.seek(0, 2) > self._most_bytes:
                        file.seek(0)
                        content = file.read()
                        file.truncate(0)
                        self._kept[path] = content[: len(content) // ROW.itemsize * ROW.itemsize]

    def _paths(self) -> list[Path]:
        return sorted(self._folder.glob(f"*{SUFFIX}"))[:MOST_PROCESSES]
