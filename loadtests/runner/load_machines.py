"""The load machines of a run: wait for them, write down what each has done, and note when their number changes."""

from collections.abc import Iterable

from loadtests.drivers.driver import Driver
from loadtests.experiment.load_machines import LoadMachines
from loadtests.records.manifest import LoadMachineRecord
from loadtests.records.samples import LoadMachine, Recording
from loadtests.runner.run_log import RunLog
from loadtests.system.errors import RunError

LIMIT_S = 300.0
"""How long they are waited for when a run begins: a worker looks for its master as long."""


class LoadMachineLog:
    """What the load machines of a run have done so far, as its manifest has it."""

    def __init__(self, run_log: RunLog) -> None:
        self._run_log = run_log
        self._known = {record.name: record for record in run_log.manifest.load_machines}
        self._last: tuple[str, ...] = ()

    def gather(self, driver: Driver, machines: LoadMachines) -> None:
        """Wait until all have connected.

        Raises:
            RunError: not all did in time.
            DriverFailed: Locust's master could not be started.
        """
        found = driver.gather(LIMIT_S)
        if len(found) < machines.count:
            names = f" ({', '.join(each.name for each in found)})" if found else ""
            raise RunError(
                f"{len(found)} of {machines.count} load machines{names} connected to {machines.where} within"
                f" {LIMIT_S:g} s; on each other one: bench worker {machines.where}, and let that port through the"
                " firewalls"
            )
        for each in found:
            known = self._known.get(each.name)
            record = LoadMachineRecord(name=each.name, cores=each.cores, system=each.system, python=each.python)
            self._known[each.name] = record if known is None else known
        self._last = tuple(sorted(each.name for each in found))
        self._write()

    def saw(self, block: int, cell: str, recordings: Iterable[Recording]) -> None:
        """Add what the machines did in a cell; note if it was not sent by the same ones as the cell before."""
        parts = [part for recording in recordings for part in recording.machines]
        if not parts:
            return
        names = tuple(sorted({part.name for part in parts}))
        if self._last and names != self._last:
            self._run_log.event(block, None, "load", f"from {cell} on, load was sent by {', '.join(names)}")
        self._last = names
        for part in parts:
            self._known[part.name] = with_part(self._known.get(part.name), part)
        for part in parts:
            if moved_s := part.clock_moved_s:
                message = (
                    f"{cell}: the clock of {part.name} was {1000 * moved_s:.3g} ms further off after it than before;"
                    " which of its requests fall into a window is less certain there"
                )
                self._run_log.event(block, None, "clock", message)
        self._write()

    def _write(self) -> None:
        self._run_log.update(load_machines=[self._known[name] for name in sorted(self._known)])


def with_part(known: LoadMachineRecord | None, part: LoadMachine) -> LoadMachineRecord:
    """Return what is known of a machine, with what it did in one more trial."""
    record = known or LoadMachineRecord(name=part.name)
    return record.model_copy(
        update={
            "requests": record.requests + part.requests,
            "clock_uncertainty_s": max(record.clock_uncertainty_s or 0.0, part.clock_uncertainty_s),
            "clock_moved_s": max(record.clock_moved_s or 0.0, part.clock_moved_s or 0.0),
        }
    )
