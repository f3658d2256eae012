"""CPU affinity: divide the machine's cores between servers and load driver, and pin processes to them.

Each half gets whole physical cores of one kind: threads of one core slow each other down, and performance cores do not
compare with efficiency cores.
"""

import contextlib
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from loadtests.system.topology import ROOT, PhysicalCore, read_topology

EFFICIENCY_CORES_LEAST = 2
"""With so many the driver has one, and the upstream, the database and the harness another."""


@dataclass(frozen=True)
class Cores:
    """A division of the machine's cores.

    Attributes:
        server: cores of both servers, which take turns on them; empty where nothing is pinned.
        driver: cores of the driver, the upstream and the harness itself.
        physical: the logical cores of each physical core; where that is not known, each is one by itself.
    """

    server: tuple[int, ...]
    driver: tuple[int, ...]
    physical: tuple[tuple[int, ...], ...] = ()

    @property
    def all(self) -> tuple[int, ...]:
        """Every core that is used."""
        return tuple(sorted({*self.server, *self.driver}))

    @property
    def separate(self) -> bool:
        """Whether server and driver can't take each other's time."""
        return bool(self.server) and not set(self.server) & set(self.driver)

    @property
    def shared(self) -> bool:
        """Whether server and driver are on one physical core, be it on different threads; not if nothing is pinned."""
        server, driver = set(self.server), set(self.driver)
        return bool(server & driver) or any(server & set(core) and driver & set(core) for core in self.physical)


def assign_cores(root: Path = ROOT) -> Cores:
    """Divide the cores that this process may use; where the system has no affinity (macOS), nothing is pinned.

    Args:
        root: the folder that has ``sys``, which describes the machine.
    """
    if not hasattr(os, "sched_getaffinity"):
        return Cores((), ())
    return divide(read_topology(os.sched_getaffinity(0), root))


def divide(physical: Sequence[PhysicalCore]) -> Cores:
    """Give half of the performance cores to the server, the rest to the driver.

    Where there are enough efficiency cores for the driver, or there is but one performance core, the driver gets all of
    these, and the server all performance cores; too few of them are left out. If there is but one core, the two share
    it, each on threads of its own if it has several.
    """
    fast = [core.threads for core in physical if core.performance]
    slow = [core.threads for core in physical if not core.performance]
    if len(slow) >= EFFICIENCY_CORES_LEAST or (slow and len(fast) == 1):
        server, driver = fast, slow
    else:
        parts: list[tuple[int, ...]] = fast if len(fast) > 1 else [(thread,) for thread in fast[0]]
        half = len(parts) // 2
        server, driver = (parts[:half], parts[half:]) if half else (parts, parts)
    return Cores(_joined(server), _joined(driver), tuple(core.threads for core in physical))


def _joined(cores: Iterable[tuple[int, ...]]) -> tuple[int, ...]:
    return tuple(sorted(chain.from_iterable(cores)))


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
