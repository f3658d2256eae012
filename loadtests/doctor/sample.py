"""One second of the machine, while it does nothing but count on one core."""

import math
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass

import psutil

from loadtests.records.manifest import MachineRecord
from loadtests.runner.cell import total_usage
from loadtests.system.cores import Cores, pinned
from loadtests.system.resources import read_usage, usage_between

WINDOW_S = 0.025
WINDOWS = 40
WORK = range(200)
"""Added up between two looks at the clock: some microseconds."""


@dataclass(frozen=True)
class Sample:
    """What was seen in that second.

    Attributes:
        cores: how many the machine has, ours or not: its load average counts them all.
        load_average: over one minute, before the sample.
        machine: time that was stolen, and used by others.
        speeds: work done per second in each window of 25 ms, one after another.
        wall_step_s: by how much the wall clock ran ahead of the monotonic one.
    """

    cores: int
    load_average: float
    machine: MachineRecord
    speeds: tuple[float, ...]
    wall_step_s: float

    @property
    def noise(self) -> float:
        """Standard deviation of the logarithm of the ratio of neighbouring windows."""
        return neighbour_noise(self.speeds)


def take(cores: Cores) -> Sample:
    """Count on the servers' core for a second, and look what else goes on."""
    load_average = psutil.getloadavg()[0]
    count = psutil.cpu_count() or 1
    with pinned(cores.server[:1]):
        before, wall_s, monotonic_s = read_usage(cores.all), time.time(), time.monotonic()
        speeds = tuple(_speed() for _ in range(WINDOWS))
        wall_step_s = (time.time() - wall_s) - (time.monotonic() - monotonic_s)
        usage = usage_between(before, read_usage(cores.all))
    return Sample(count, load_average, total_usage(0, [usage], len(cores.all) or count), speeds, wall_step_s)


def neighbour_noise(speeds: Sequence[float]) -> float:
    """Return the standard deviation of ln(second ÷ first) over disjoint pairs of neighbours."""
    return statistics.stdev(math.log(b / a) for a, b in zip(speeds[::2], speeds[1::2], strict=False))


def _speed() -> float:
    rounds, started = 0, time.perf_counter()
    while (now := time.perf_counter()) < started + WINDOW_S:
        sum(WORK)
        rounds += 1
    return max(rounds, 1) / (now - started)
