"""What else the machine did while a block was measured: time stolen by a hypervisor, and processes that are not ours.

Counters are read before and after a cell is driven, never during it; the difference is summed over a block's cells.
"""

import contextlib
import gzip
import platform
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import psutil

from loadtests.affinity import Cores
from loadtests.manifest import MachineRecord


@dataclass(frozen=True)
class Reading:
    """Counters at one instant; only differences between two of them mean anything.

    Attributes:
        at_s: the instant, on the monotonic clock.
        busy_s: seconds that the cores spent working, for whomever.
        steal_s: seconds that the hypervisor gave to others while a core had work; None where that is not counted.
        own_s: CPU seconds of this process and all its descendants, those included that have ended.
    """

    at_s: float
    busy_s: float
    steal_s: float | None
    own_s: float


@dataclass(frozen=True)
class Usage:
    """What happened between two readings, in seconds; adds up.

    Attributes:
        seconds: how long.
        steal_s: stolen from all the cores together; None where that is not counted.
        foreign_s: used by processes that are not ours. A little below 0 at times, for the counters run in ticks.
    """

    seconds: float
    steal_s: float | None
    foreign_s: float


class Watch:
    """Sums up what happened in a block's cells."""

    def __init__(self, cores: Cores, *, servers_are_ours: bool) -> None:
        """Prepare a watch.

        Args:
            cores: those that matter; all of them where nothing is pinned.
            servers_are_ours: whether every server is a process of this harness; if not, its time can't be told from
                that of strangers.
        """
        self._cores = cores.all
        self._servers_are_ours = servers_are_ours
        self._usages: list[Usage] = []

    @contextlib.contextmanager
    def cell(self) -> Iterator[None]:
        """Watch what happens until the end of the block of code."""
        before = read(self._cores)
        yield
        self._usages.append(between(before, read(self._cores)))

    def finish(self, block: int) -> list[MachineRecord]:
        """Return the block's record, if anything was driven in it, and begin anew."""
        usages, self._usages = self._usages, []
        if not usages:
            return []
        record = summed(block, usages, len(_times(self._cores)))
        return [record if self._servers_are_ours else record.model_copy(update={"foreign": None})]


def read(cores: Sequence[int]) -> Reading:
    """Read the counters of ``cores``, or of all; takes a millisecond or two."""
    times = _times(cores)
    fields = ["user", "nice", "system"] + ([] if _interrupts_are_apart() else ["irq", "softirq"])
    steal = [core["steal"] for core in times if "steal" in core]
    return Reading(
        at_s=time.monotonic(),
        busy_s=sum(core.get(name, 0.0) for core in times for name in fields),
        steal_s=sum(steal) if steal else None,
        own_s=_own_s(),
    )


def between(before: Reading, after: Reading) -> Usage:
    """Return what happened between two readings."""
    return Usage(
        seconds=after.at_s - before.at_s,
        steal_s=None if before.steal_s is None or after.steal_s is None else after.steal_s - before.steal_s,
        foreign_s=(after.busy_s - before.busy_s) - (after.own_s - before.own_s),
    )


def summed(block: int, usages: Sequence[Usage], cores: int) -> MachineRecord:
    """Return the record of a block, as shares of the time that so many cores have."""
    seconds = sum(usage.seconds for usage in usages)
    stolen = [usage.steal_s for usage in usages if usage.steal_s is not None]
    foreign_s = sum(usage.foreign_s for usage in usages)
    return MachineRecord(
        block=block,
        seconds=round(seconds, 3),
        steal=_share(sum(stolen), seconds * cores) if len(stolen) == len(usages) else None,
        foreign=_share(foreign_s, seconds * cores),
    )


def _share(part_s: float, whole_s: float) -> float:
    return round(min(1.0, max(0.0, part_s / whole_s)), 4) if whole_s > 0 else 0.0


def _times(cores: Sequence[int]) -> list[dict[str, float]]:
    """Return seconds by what they were spent on, one row a core."""
    times = [core._asdict() for core in psutil.cpu_times(percpu=True)]
    # Where a core is switched off, the list has a gap that nothing tells of: then take them all.
    return [times[core] for core in cores] if cores and max(cores) < len(times) else times


def _own_s() -> float:
    """Sum up the family's CPU time.

    A process's time moves to its parent's account of ended children when it ends, so the sum over those alive, accounts
    included, does not drop when one ends. (macOS keeps no such account.)
    """
    total_s = 0.0
    for process in [me := psutil.Process(), *me.children(recursive=True)]:
        with contextlib.suppress(psutil.Error):
            times = process.cpu_times()
            total_s += times.user + times.system + times.children_user + times.children_system
    return total_s


@cache
def _interrupts_are_apart() -> bool:
    """Whether this kernel keeps interrupts out of a process's CPU time (CONFIG_IRQ_TIME_ACCOUNTING).

    Loopback traffic is carried by interrupts, and nearly all of it is ours. Where they are kept apart they must not
    count as busy, or they would pass for strangers; where they are part of our own time they must count. If nothing
    tells, better overlook a stranger than invent one.
    """
    with contextlib.suppress(OSError):
        return "CONFIG_IRQ_TIME_ACCOUNTING=y" in gzip.decompress(Path("/proc/config.gz").read_bytes()).decode()
    with contextlib.suppress(OSError):
        return "CONFIG_IRQ_TIME_ACCOUNTING=y" in Path(f"/boot/config-{platform.release()}").read_text(encoding="utf-8")
    return True
