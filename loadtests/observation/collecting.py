"""The owner's half: read what a server's processes have written, and cut out the time of one trial."""

from pathlib import Path

import numpy as np

from loadtests.timeline import ROW, Timeline, merge

SUFFIX = ".rows"


def collect(folder: Path, started_s: float, ended_s: float) -> Timeline | None:
    """Return what was seen between two instants of the machine's monotonic clock; None if nothing was.

    Args:
        folder: where each process of the server has a file.
        started_s: when the trial was started; its timeline counts from there, in seconds.
        ended_s: when it ended.
    """
    workers = []
    for path in sorted(folder.glob(f"*{SUFFIX}")):
        content = path.read_bytes()
        rows = np.frombuffer(content[: len(content) // ROW.itemsize * ROW.itemsize], ROW)
        workers.append(rows[(rows["time_s"] >= started_s) & (rows["time_s"] <= ended_s)])
    merged = merge(workers).copy()
    if not len(merged):
        return None
    merged["time_s"] -= started_s
    return Timeline(merged)
