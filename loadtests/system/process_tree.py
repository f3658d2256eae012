"""CPU time, memory and threads of a server's processes, and of all that they start, be it that it goes on or has ended.

A process that has ended and was waited for leaves its CPU time to its parent, which keeps an account of it. The kernel
keeps that account exactly and shows it in ticks of 10 ms: a reading is off by up to one, but the mean of many by none.
(macOS keeps no such account; only what goes on is counted there.) What goes on has a clock of its own, and must have
been found for that, which takes up to a millisecond: Linux lists children by the thread that started them. So they are
looked for at a window's edges only where there have been some.
"""

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from loadtests.system.resources import cpu_s, read_cpu, read_size

TRIES = 3
"""Readings until no child ends in the midst of one."""


@dataclass(frozen=True)
class TreeCpu:
    """CPU time of some processes and their descendants at one instant, in seconds.

    Attributes:
        own_s: of the processes themselves.
        alive_s: of each descendant that goes on, by its process id.
        ended_s: of all descendants that have ended, as it is on the accounts of those that go on.
    """

    own_s: float
    alive_s: dict[int, float]
    ended_s: float


def cpu_between(before: TreeCpu, after: TreeCpu) -> float:
    """Return the CPU time that was used between two readings, in seconds.

    A descendant that ended in between brings all of its time to an account, also what it had used before. One that
    nobody waits for brings none, and what it used since the first reading is lost.
    """
    alive_s = sum(seconds - before.alive_s.get(pid, 0.0) for pid, seconds in after.alive_s.items())
    counted_s = sum(seconds for pid, seconds in before.alive_s.items() if pid not in after.alive_s)
    return after.own_s - before.own_s + alive_s + max(0.0, after.ended_s - before.ended_s - counted_s)


class ProcessTree:
    """Some processes, which must go on, and their descendants, which come and go."""

    def __init__(self, pids: Sequence[int]) -> None:
        """Prepare; nothing is read yet.

        Args:
            pids: the processes; at least one.
        """
        self._pids = pids
        self._processes: list[psutil.Process] = []
        self._descendants: list[int] = []
        self._ended_s = 0.0

    def open(self) -> TreeCpu:
        """Read the CPU time when a window is about to open, that of the processes themselves at last.

        Raises:
            psutil.NoSuchProcess: one of them is gone.
        """
        alive_s, ended_s = self._read_descendants()
        return TreeCpu(read_cpu(self._pids), alive_s, ended_s)

    def close(self) -> TreeCpu:
        """Read it when a window has just closed, that of the processes themselves at first; raises as ``open``."""
        own_s = read_cpu(self._pids)
        return TreeCpu(own_s, *self._read_descendants())

    def glance(self) -> TreeCpu:
        """Read it without looking for new descendants, which takes long; ``size`` has looked. Raises as ``open``."""
        if not self._processes:
            self._look()
        alive_s, ended_s = {}, _ended_s(self._processes)
        for pid in self._descendants:
            with contextlib.suppress(psutil.Error):
                below_s = _ended_s([psutil.Process(pid)])
                alive_s[pid] = cpu_s(pid)
                ended_s += below_s
        return TreeCpu(read_cpu(self._pids), alive_s, ended_s)

    def size(self) -> tuple[int, int]:
        """Return resident memory in bytes and threads of all; raises as ``open``."""
        self._look()
        rss_bytes, threads = read_size(self._pids)
        for pid in self._descendants:
            with contextlib.suppress(psutil.Error):
                more_bytes, more_threads = read_size([pid])
                rss_bytes, threads = rss_bytes + more_bytes, threads + more_threads
        return rss_bytes, threads

    def _read_descendants(self) -> tuple[dict[int, float], float]:
        """Return the CPU time of each that goes on, and of all that have ended."""
        alive_s: dict[int, float] = {}
        if self._processes and not self._descendants and _ended_s(self._processes) == self._ended_s:
            return alive_s, self._ended_s
        for _ in range(TRIES):
            self._look()
            alive_s, below_s = {}, 0.0
            for pid in self._descendants:
                with contextlib.suppress(psutil.Error):
                    below_s += _ended_s([psutil.Process(pid)])
                    alive_s[pid] = cpu_s(pid)
            if _ended_s(self._processes) == self._ended_s:
                break
        return alive_s, self._ended_s + below_s

    def _look(self) -> None:
        """Look for descendants; raises psutil.NoSuchProcess if a process is gone."""
        self._processes = self._processes or [psutil.Process(pid) for pid in self._pids]
        self._ended_s = _ended_s(self._processes)
        found = dict.fromkeys(each for pid in self._pids for each in descendants(pid))
        self._descendants = [pid for pid in found if pid not in self._pids]


def descendants(pid: int) -> list[int]:
    """Return the ids of all processes that one has started, and they in turn, and that go on."""
    if not Path(f"/proc/{pid}/task/{pid}/children").exists():
        with contextlib.suppress(psutil.Error):
            return [child.pid for child in psutil.Process(pid).children(recursive=True)]
        return []
    found = []
    for child in _children(pid):
        found += [child, *descendants(child)]
    return found


def _children(pid: int) -> list[int]:
    found: list[int] = []
    with contextlib.suppress(OSError):
        for thread in Path(f"/proc/{pid}/task").iterdir():
            with contextlib.suppress(OSError):  # it has ended
                found += map(int, (thread / "children").read_bytes().split())
    return found


def _ended_s(processes: Sequence[psutil.Process]) -> float:
    """Return what is on the accounts of ended children, in seconds."""
    times = [process.cpu_times() for process in processes]
    return sum(each.children_user + each.children_system for each in times)
