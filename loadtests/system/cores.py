"""CPU affinity: divide the machine's cores between servers and load driver, and pin processes to them."""

import contextlib
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Cores:
    """A division of the machine's cores.

    Attributes:
        server: cores of both servers, which take turns on them; empty where nothing is pinned.
        driver: cores of the driver, the upstream and the harness itself.
    """

    server: tuple[int, ...]
    driver: tuple[int, ...]

    @property
    def all(self) -> tuple[int, ...]:
        """Every core there is to use."""
        return tuple(sorted({*self.server, *self.driver}))

    @property
    def separate(self) -> bool:
        """Whether server and driver can't take each other's time."""
        return bool(self.server) and not set(self.server) & set(self.driver)


def assign_cores() -> Cores:
    """Give half of this process's cores to the server, the rest to the driver.

    On one core they share it; where the system has no affinity (macOS), nothing is pinned.
    """
    if not hasattr(os, "sched_getaffinity"):
        return Cores((), ())
    cores = sorted(os.sched_getaffinity(0))
    half = len(cores) // 2
    return Cores(tuple(cores[:half]), tuple(cores[half:])) if half else Cores(tuple(cores), tuple(cores))


def pin(cores: tuple[int, ...]) -> None:
    """Keep this process, and what it starts from now on, on ``cores``; does nothing if there are none."""
    if cores:
        os.sched_setaffinity(0, cores)


@contextlib.contextmanager
def pinned(cores: tuple[int, ...]) -> Iterator[None]:
    """Keep this process on ``cores`` for a while."""
    before = tuple(os.sched_getaffinity(0)) if cores else ()
    pin(cores)
    try:
        yield
    finally:
        pin(before)


def pin_others(pids: Iterable[int], cores: tuple[int, ...]) -> None:
    """Move running processes, with every thread they have, to ``cores``; does nothing if there are none.

    Affinity belongs to a thread, and a new thread inherits its creator's: once none is left on other cores,
    none can appear there.
    """
    tasks = [Path(f"/proc/{pid}/task") for pid in pids] if cores else []
    moved: set[int] = set()
    while threads := {int(entry.name) for task in tasks if task.exists() for entry in task.iterdir()} - moved:
        for thread in threads:
            with contextlib.suppress(ProcessLookupError):
                os.sched_setaffinity(thread, cores)
        moved |= threads


def parse_cores(text: str) -> tuple[int, ...]:
    """Read ``0,2`` as it is passed to child processes; empty text is no pinning."""
    return tuple(int(core) for core in text.split(",") if core)
