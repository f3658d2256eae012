"""Processes that left their parent's session, and would outlive it: found by a mark in their environment.

A process group ends with one signal, but a daemon or a new terminal session is in none that its starter knows. What a
process was given as environment it keeps, and hands down. Only Linux shows it to everyone; elsewhere none is found.
"""

import contextlib
import os
import signal
from pathlib import Path

MARK = "BENCH_CHILD"
"""The variable: a name for each child of the harness."""
ROUNDS = 5
"""A stray may start another while strays are looked for."""


def end(mark: str) -> None:
    """Kill every process with that mark that is not of this process's session."""
    for _ in range(ROUNDS):
        found = _find(f"{MARK}={mark}".encode())
        for pid in found:
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGKILL)
        if not found:
            return


def _find(variable: bytes) -> list[int]:
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            pid = int(folder.name)
            marked = variable in (folder / "environ").read_bytes().split(b"\0")
            if marked and os.getsid(pid) != os.getsid(0):
                found.append(pid)
    return found
