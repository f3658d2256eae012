"""Which core does what: the server on its own, the driver and the upstream on others."""

import os
from dataclasses import dataclass


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
    def separate(self) -> bool:
        """Whether server and driver can't take each other's time."""
        return bool(self.server) and not set(self.server) & set(self.driver)


def divide() -> Cores:
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


def parse_cores(text: str) -> tuple[int, ...]:
    """Read ``0,2`` as it is passed to child processes; empty text is no pinning."""
    return tuple(int(core) for core in text.split(",") if core)
