"""What else the machine did while a block was measured: time stolen by a hypervisor, and processes that are not ours.

Counters are read before and after a cell is driven, never during it; the difference is summed over a block's cells.
"""

import contextlib
from collections.abc import Iterator, Sequence

from loadtests.records.manifest import MachineRecord
from loadtests.system.cores import Cores
from loadtests.system.resources import Usage, core_times, read_usage, usage_between


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
        before = read_usage(self._cores)
        yield
        self._usages.append(usage_between(before, read_usage(self._cores)))

    def finish(self, block: int) -> list[MachineRecord]:
        """Return the block's record, if anything was driven in it, and begin anew."""
        usages, self._usages = self._usages, []
        if not usages:
            return []
        record = summed(block, usages, len(core_times(self._cores)))
        return [record if self._servers_are_ours else record.model_copy(update={"foreign": None})]


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
