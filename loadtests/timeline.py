"""What was seen inside a server while a trial lasted: one row an instant, in columns."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

UNKNOWN = -1
"""A count that this server does not have, or that could not be read."""
FIELDS = (
    ("time_s", "<f8"),
    ("cpu_s", "<f8"),
    ("lag_s", "<f4"),
    ("in_flight", "<i2"),
    ("threads", "<i2"),
    ("threads_waiting", "<i2"),
    ("connections", "<i2"),
    ("connections_waiting", "<i2"),
    ("threads_blocked", "<i2"),
    ("turns_waiting", "<i2"),
)
ROW = np.dtype(list(FIELDS))
COUNTS = tuple(name for name, kind in FIELDS if kind == "<i2")

Rows = npt.NDArray[np.void]


@dataclass(frozen=True)
class Timeline:
    """Rows of ``ROW``, ordered by time.

    Columns:
        time_s: seconds since the trial was started, as the samples have it.
        cpu_s: CPU time of the server's worker processes since they began, in seconds.
        lag_s: how long a callback that was ready waited for the event loop, in seconds; of the slowest worker.
        in_flight: requests between their arrival at the app and the end of their answer.
        threads: AnyIO's thread tokens in use.
        threads_waiting: who waits for one.
        connections: database connections checked out of SQLAlchemy's pools.
        connections_waiting: who waits for one, in the pool.
        threads_blocked: those of them who hold a thread meanwhile.
        turns_waiting: requests that wait until FastAPI lets them into a dependency with ``max_concurrency``.

    A count is ``UNKNOWN`` where the server has no such thing.
    """

    rows: Rows

    def __len__(self) -> int:
        return len(self.rows)

    def __repr__(self) -> str:
        return f"<Timeline: {len(self)} instants>"

    def inside(self, spans: Sequence[tuple[float, float]]) -> "Timeline":
        """Return the instants inside of some spans of time, each from its begin to its end in seconds."""
        times = self.rows["time_s"]
        kept = np.zeros(len(times), bool)
        for begin, end in spans:
            kept |= (times >= begin) & (times < end)
        return Timeline(self.rows[kept])

    def known(self, name: str) -> bool:
        """Whether a count was ever read."""
        return bool((self.rows[name] != UNKNOWN).any())

    def mean(self, name: str) -> float | None:
        """Return the mean of a column over the instants at which it is known; None if there are none."""
        column = self.rows[name]
        if name in COUNTS:
            column = column[column != UNKNOWN]
        return float(column.mean(dtype=float)) if len(column) else None


def merge(workers: Sequence[Rows]) -> Rows:
    """Return the rows of several worker processes as those of one server.

    At each instant at which the busiest observer took a row, counts and CPU times of the latest rows are added up,
    and the longest lag is taken.
    """
    workers = [rows for rows in workers if len(rows)]
    if len(workers) < 2:
        return workers[0] if workers else np.empty(0, ROW)
    begun = max(rows["time_s"][0] for rows in workers)
    grid = max(workers, key=len)
    grid = grid[grid["time_s"] >= begun]
    merged = np.zeros(len(grid), ROW)
    merged["time_s"] = grid["time_s"]
    latest = [rows[np.searchsorted(rows["time_s"], grid["time_s"], side="right") - 1] for rows in workers]
    merged["cpu_s"] = sum(rows["cpu_s"] for rows in latest)
    merged["lag_s"] = np.max([rows["lag_s"] for rows in latest], axis=0)
    for name in COUNTS:
        columns = np.array([rows[name] for rows in latest], int)
        known = columns != UNKNOWN
        merged[name] = np.where(known.any(axis=0), np.where(known, columns, 0).sum(axis=0), UNKNOWN)
    return merged
