"""What is seen inside a lane's server now: the last rows of its observer, read as they are written."""

import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from loadtests.analysis.model.observed import places
from loadtests.inside.rows import SUFFIX
from loadtests.records.samples import ROW, UNKNOWN, Rows, Timeline, merge_observations

KEPT_S = 1.0
"""Rows older than this are forgotten."""
CUT_BYTES = 2**20
"""A file of this size is truncated: its observer only appends, and a lab runs for a long time."""


@dataclass(frozen=True)
class Inside:
    """Means over a lane's last instants; all counts are requests.

    Attributes:
        newest_s: when the last row was written, on ``time.perf_counter``.
        in_flight: in the app.
        in_thread: in a worker thread, and not waiting for a connection.
        waiting_for_thread: for a worker thread.
        waiting_for_connection: for a database connection, or to be let in by a session limit.
        on_loop: on the event loop, or awaiting something there.
        threads_blocked: threads that wait for a connection.
        threads: threads in use; None if the app has none.
        lag_s: how late the event loop was, in seconds.
    """

    newest_s: float
    in_flight: float
    in_thread: float
    waiting_for_thread: float
    waiting_for_connection: float
    on_loop: float
    threads_blocked: float
    threads: float | None
    lag_s: float


class Observer:
    """Reads the rows of one server's processes, only the new ones each time."""

    def __init__(self, folder: Path) -> None:
        """Read from a folder in which each process of the server has a file."""
        self._folder = folder
        self._read: dict[Path, int] = {}
        self._rows: dict[Path, Rows] = {}

    def look(self) -> Timeline:
        """Return what was seen in the last second before the newest row, at the instants of the busiest process."""
        for path in self._folder.glob(f"*{SUFFIX}"):
            with suppress(OSError):
                self._look_at(path)
        newest_s = max((float(rows["time_s"][-1]) for rows in self._rows.values() if len(rows)), default=0.0)
        for path, rows in self._rows.items():
            self._rows[path] = rows[rows["time_s"] > newest_s - KEPT_S]
        return Timeline(merge_observations([*self._rows.values()]))

    def _look_at(self, path: Path) -> None:
        begin = self._read.get(path, 0)
        with path.open("rb") as file:
            file.seek(begin)
            content = file.read()
        whole = len(content) // ROW.itemsize * ROW.itemsize
        self._read[path] = begin + whole
        new = np.frombuffer(content[:whole], ROW)
        self._rows[path] = np.concatenate([self._rows[path], new]) if path in self._rows else new
        if self._read[path] > CUT_BYTES and whole == len(content):
            os.truncate(path, 0)  # loses at most a row that is written at this moment
            self._read[path] = 0


def inside(timeline: Timeline, since_s: float = 0.0) -> Inside | None:
    """Return means over the rows since an instant of ``time.perf_counter``; None if there are none."""
    rows = timeline.rows[timeline.rows["time_s"] >= since_s]
    if not len(rows):
        return None
    part = Timeline(rows)
    where = places(part)
    threads = part.mean("threads")
    blocked = rows["threads_blocked"]
    return Inside(
        newest_s=float(rows["time_s"][-1]),
        in_flight=part.mean("in_flight") or 0.0,
        in_thread=float(where.thread.mean()),
        waiting_for_thread=float(where.thread_queue.mean()),
        waiting_for_connection=float((where.connection_queue + where.turn_queue).mean()),
        on_loop=float(where.loop.mean()),
        threads_blocked=float(np.where(blocked == UNKNOWN, 0, blocked).mean()),
        threads=threads,
        lag_s=float(rows["lag_s"].mean()),
    )
