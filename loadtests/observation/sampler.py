"""A thread that looks at its process's insides many times a second, and writes each time a row to a file."""

import asyncio
import struct
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from loadtests.observation.probes import Connections, Threads, Turns
from loadtests.records.samples import FIELDS, UNKNOWN

PERIOD_S = 0.02
"""Several instants fall into the shortest window. What it costs is measured: docs/measuring.md."""
FORMAT = "<" + "".join({"<f8": "d", "<f4": "f", "<i2": "h"}[kind] for _, kind in FIELDS)
MOST = 2**15 - 1
"""The largest count that a row can hold."""


class Sampler:
    """Samples one event loop's process; make and start it inside that loop."""

    def __init__(self, path: Path, in_flight: Callable[[], int]) -> None:
        """Prepare.

        Args:
            path: the file that rows are appended to.
            in_flight: returns how many requests the app has.
        """
        self._path = path
        self._in_flight = in_flight
        self._loop = asyncio.get_running_loop()
        self._threads, self._connections, self._turns = Threads(), Connections(), Turns()
        self._asked_s: float | None = None
        self._lag_s = 0.0
        self._turns_waiting = UNKNOWN

    def start(self) -> None:
        """Look from now on, until the process ends or the file can't be written."""
        threading.Thread(target=self._watch, name="observation", daemon=True).start()

    def _watch(self) -> None:
        try:
            with self._path.open("ab", buffering=0) as file:
                self._write(file)
        except (OSError, RuntimeError):  # no space left; the loop was closed a moment ago
            return

    def _write(self, file: BinaryIO) -> None:
        due = time.perf_counter()
        while not self._loop.is_closed():
            file.write(self._row())
            self._ask()
            due = max(due + PERIOD_S, time.perf_counter() + PERIOD_S / 2)  # one who is late does not look twice
            time.sleep(due - time.perf_counter() if due > time.perf_counter() else 0.0)

    def _row(self) -> bytes:
        now, asked = time.perf_counter(), self._asked_s
        lag_s = self._lag_s if asked is None else max(self._lag_s, now - asked)
        counts = (self._in_flight(), *self._threads.read(), *self._connections.read(), self._turns_waiting)
        return struct.pack(FORMAT, now, time.process_time(), lag_s, *(min(count, MOST) for count in counts))

    def _ask(self) -> None:
        """Ask the loop for a sign of life, unless it still owes one."""
        if self._asked_s is None:
            self._asked_s = time.perf_counter()
            self._loop.call_soon_threadsafe(self._answer, self._asked_s)

    def _answer(self, asked_s: float) -> None:
        self._lag_s = time.perf_counter() - asked_s
        self._turns_waiting = self._turns.read()
        self._asked_s = None
