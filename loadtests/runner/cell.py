"""Measure one cell of one block, replace a side that died or hung, and watch what else the machine does.

A side that hung or died is replaced before the next cell. Interference is time stolen by a hypervisor, CPU time of
processes that are not ours, and time lost to a CPU quota: counters are read before and after a cell is driven, never
during it, and summed over the cells of a block.
"""

import contextlib
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np

from loadtests.drivers.driver import Driver
from loadtests.drivers.job import DriverFailed, NotDrivenByMachines, PairingJob
from loadtests.experiment.plan import Experiment, Pairing, ServerName, label_of
from loadtests.experiment.sides import SideLabel
from loadtests.records.manifest import MachineRecord
from loadtests.records.samples import WORK_LEFT, Failure, Recording, Samples
from loadtests.runner.block import BlockServers
from loadtests.runner.next_rows import NextRows, used_again
from loadtests.runner.run_log import RunLog
from loadtests.runner.single_server import target
from loadtests.runner.warm_up import WarmUps
from loadtests.servers.server import Server, how_it_ended
from loadtests.system.cores import Cores
from loadtests.system.errors import RunError
from loadtests.system.resources import Usage, core_times, read_usage, usage_between

TRIES = 2
MOST_MACHINES_LOST = 4
"""How many times a cell is tried whose driver died, or whose load machines were lost."""
BACKLOG_LIMIT_S = 3.0
"""A server that goes on working after its answers is waited for so long before the next cell."""


class NotMeasured(Exception):
    """A cell could not be measured, and neither side is to blame; as text, a sentence."""


class InterferenceMonitor:
    """Sums up what happened in a block's cells."""

    def __init__(self, cores: Cores, *, servers_are_ours: bool) -> None:
        """Prepare a watch.

        Args:
            cores: those that matter; all of them where nothing is pinned.
            servers_are_ours: whether every server is a process of this harness; if not, its time can't be told from
                that of other processes.
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
        record = total_usage(block, usages, len(core_times(self._cores)))
        return [record if self._servers_are_ours else record.model_copy(update={"foreign": None})]


class CellRunner:
    """Measures the pairings of one block."""

    def __init__(
        self,
        experiment: Experiment,
        number: int,
        block_servers: BlockServers,
        driver: Driver,
        run_log: RunLog,
        watch: InterferenceMonitor,
        warm_ups: WarmUps,
        next_rows: NextRows,
    ) -> None:
        """Prepare.

        Args:
            experiment: what the run is about.
            number: of the block, from 0.
            block_servers: has the servers.
            driver: puts on the load.
            run_log: takes down what broke.
            watch: sees what else the machine does at that time.
            warm_ups: know how long a side may take.
            next_rows: of values files.
        """
        self._experiment = experiment
        self._number = number
        self._block_servers = block_servers
        self._driver = driver
        self._run_log = run_log
        self._interference = watch
        self._warm_ups = warm_ups
        self._next_rows = next_rows
        self._to_replace: set[ServerName] = set()

    def measure(self, pairing: Pairing) -> dict[SideLabel, Recording]:
        """Measure one cell; a server that hung or died is replaced before the next one, if there is any.

        Raises:
            NotMeasured: the driver, or load machines, failed again and again.
            RunError: no load machine is left.
        """
        block_servers = self._block_servers
        while self._to_replace:
            block_servers.restart(self._to_replace.pop())
            block_servers.hold()
        names = _servers_of(pairing)
        recordings: dict[SideLabel, Recording] = {
            label: empty_recording(block_servers.broken[name])
            for label, name in names.items()
            if name in block_servers.broken
        }
        servers = {label: block_servers.server(names[label]) for label in pairing.order if label not in recordings}
        if not servers:
            return recordings
        with block_servers.running([names[label] for label in servers]):
            with self._interference.cell():
                recordings |= self._drive(pairing, servers)
            self._note_rows(pairing, max(recording.next_row for recording in recordings.values()))
            for label, server in servers.items():
                recordings[label] = self._look_after(pairing, label, server, recordings[label])
        return recordings

    def _look_after(self, pairing: Pairing, label: SideLabel, server: Server, recording: Recording) -> Recording:
        """Add what was seen inside, note what went wrong, and bring back the server's rows, or have it replaced."""
        name = _servers_of(pairing)[label]
        who = self._spec(label) if name != "control" else f"{self._spec('a')} (the control)"
        before = self._block_servers.idle_busy.get(name)
        recording, why_not = server.after_trial(replace(recording, busy_before=before))
        if why_not:
            message = f"{pairing.cell}: CPU time and memory of {who} are not known, because its agent {why_not}"
            self._note(label, "agent", message)
        reason = recording.stalled
        if (status := server.exit_status()) is not None:
            reason = f"{how_it_ended(status)} while it was measured"
        if reason is not None:
            recording = replace(recording, slices=(), stalled=reason)
            self._note(label, "collapsed", f"{pairing.cell}: {who} {reason}")
            self._to_replace.add(name)
        elif left := recording.abandoned:
            self._note(label, "restarted", f"{pairing.cell}: {who} left {left} requests unanswered; it is replaced")
            self._to_replace.add(name)
        elif recording.leaves_work and server.rests(BACKLOG_LIMIT_S, (before or 0.0) + WORK_LEFT) > WORK_LEFT:
            self._note(label, "restarted", f"{pairing.cell}: {who} went on working for long; it is replaced")
            self._to_replace.add(name)
        elif pairing.cell.scenario.writes:
            self._restore(name, label, who)
        if reason is None and (words := self._last_words_if_all_failed(recording, server)):
            self._note(label, "log", f"{pairing.cell}, {who}: {words}")
        return recording

    def _last_words_if_all_failed(self, recording: Recording, server: Server) -> str:
        """Return what the server's log ends with, if not one of its answers was good; else nothing."""
        failed = recording.samples.failure != Failure.NONE
        return server.last_words() if len(failed) and failed.all() else ""

    def _note_rows(self, pairing: Pairing, next_row: int) -> None:
        """Remember which rows of a values file were used; note, once a run, that there were fewer than requests."""
        scenario = pairing.cell.scenario
        self._next_rows.used(scenario, next_row)
        if (said := used_again(scenario, next_row)) is not None:
            self._run_log.event_once(self._number, None, "values", said)

    def _restore(self, name: ServerName, label: SideLabel, who: str) -> None:
        try:
            self._block_servers.restore(name)
        except RunError as failure:
            self._note(label, "collapsed", f"{who}: {failure}; it is replaced")
            self._to_replace.add(name)

    def _drive(self, pairing: Pairing, servers: Mapping[SideLabel, Server]) -> dict[SideLabel, Recording]:
        """Drive a pairing; a driver that died is replaced and the pairing tried again, once.

        If a load machine was lost, the others try it again: a few times, for more of them may be lost meanwhile.
        Raises NotMeasured.
        """
        driver, failures = self._driver, 0
        while True:
            for server in servers.values():
                server.before_trial()
            try:
                return driver.drive(self._job(pairing, servers))  # with numbers that are new each time
            except DriverFailed as failure:
                failures += 1
                others_can = isinstance(failure, NotDrivenByMachines)
                again = failures < (MOST_MACHINES_LOST if others_can else TRIES)
                what = "the cell was tried again" + ("" if others_can else " with a new one")
                if not again:
                    what = f"the cell was left out of this block, after {failures} tries"
                self._note(None, "restarted", f"{failure}; {what}")
                if not others_can:
                    driver.restart()
                for server in servers.values():
                    server.go_on()  # the driver may have ended while one of them was stopped
                if not again:
                    raise NotMeasured(str(failure)) from None

    def _job(self, pairing: Pairing, servers: Mapping[SideLabel, Server]) -> PairingJob:
        scenario, load = pairing.cell.scenario, pairing.cell.load
        limits = self._warm_ups.limits(scenario, load)
        sides = [label_of(_servers_of(pairing)[label]) for label in servers]
        series = self._next_rows.series(scenario, sides)
        targets = {
            label: target(server, scenario.requests_of(side), own, self._warm_ups.logins(scenario, server))
            for (label, server), side, own in zip(servers.items(), sides, series, strict=True)
        }
        return PairingJob(
            targets=targets,
            requests=scenario.requests,
            sequence=scenario.sequence,
            variables=scenario.variables(),
            load=load,
            slice_s=self._experiment.slice_s,
            pairing_s=self._experiment.pairing_s,
            wait_s=scenario.wait_s,
            seed=pairing.seed,
            stall_s=limits.stall_s,
            limit_s=limits.phase_s,
            drain_s=limits.drain_s,
            timeout_s=limits.timeout_s,
            journeys=scenario.journeys,
            rounds=pairing.rounds,
        )

    def _spec(self, label: SideLabel) -> str:
        return self._experiment.side(label).spec

    def _note(self, label: SideLabel | None, kind: str, message: str) -> None:
        self._run_log.event(self._number, label, kind, message)


def _servers_of(pairing: Pairing) -> dict[SideLabel, ServerName]:
    """Return the server of each side; of the control's cell, side a and its copy."""
    return {"a": "a", "b": "control" if pairing.control else "b"}


def empty_recording(reason: str) -> Recording:
    """Return the recording of a trial that could not even begin."""
    empty, counts = np.empty(0), np.empty(0, np.uint16)
    samples = Samples(empty, empty, empty, empty, counts, np.empty(0, np.uint8), counts)
    return Recording(samples, time.perf_counter(), (), None, None, reason)


def total_usage(block: int, usages: Sequence[Usage], cores: int) -> MachineRecord:
    """Return the record of a block, as shares of the time that so many cores have."""
    seconds = sum(usage.seconds for usage in usages)
    foreign_s = sum(usage.foreign_s for usage in usages)
    return MachineRecord(
        block=block,
        seconds=round(seconds, 3),
        steal=_share_if_known([usage.steal_s for usage in usages], seconds * cores),
        foreign=_share(foreign_s, seconds * cores),
        throttled=_share_if_known([usage.throttled_s for usage in usages], seconds * cores),
    )


def _share_if_known(parts_s: Sequence[float | None], whole_s: float) -> float | None:
    known = [part_s for part_s in parts_s if part_s is not None]
    return _share(sum(known), whole_s) if len(known) == len(parts_s) else None


def _share(part_s: float, whole_s: float) -> float:
    return round(min(1.0, max(0.0, part_s / whole_s)), 4) if whole_s > 0 else 0.0
