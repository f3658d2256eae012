"""Execute the plan, block by block, and save each trial as it ends.

``WallClock`` notices when the wall clock is set: nothing is measured by it, but times of day in logs jump.
"""

import contextlib
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Protocol

from loadtests.drivers.driver import Driver
from loadtests.drivers.job import DriverFailed
from loadtests.experiment.load_machines import LoadMachines
from loadtests.experiment.options import POSTGRES, SQLITE
from loadtests.experiment.plan import Experiment, Pairing, Plan, ServerName
from loadtests.experiment.sides import SideLabel
from loadtests.records.manifest import Manifest
from loadtests.records.run_folder import RunFolder
from loadtests.records.samples import Recording
from loadtests.records.trial_file import CONTROL, TrialKey
from loadtests.runner.block import BlockServers
from loadtests.runner.cell import CellRunner, InterferenceMonitor, NotMeasured
from loadtests.runner.load_machines import LoadMachineLog
from loadtests.runner.next_rows import NextRows
from loadtests.runner.run_log import RunLog
from loadtests.runner.single_server import measure_driver
from loadtests.runner.start_failures import StartFailures
from loadtests.runner.warm_up import WarmUps
from loadtests.servers.auxiliary import SlowApi
from loadtests.servers.databases import Databases
from loadtests.servers.server import Server
from loadtests.system.cores import Cores
from loadtests.system.errors import RunError

STEP_LEAST_S = 1.0
"""Less is what keeping it right comes to over a long run."""


@dataclass(frozen=True)
class Progress:
    """Where a run stands.

    Attributes:
        block: the current block, from 0.
        done: trials that have ended, over all blocks.
        now: what is happening, in a few words.
        seconds: how long the run has gone on, earlier sittings included.
        news: lines that are to stay: cells that were settled since the last time, and how long slow answers may take.
        settled: how many cells are settled.
    """

    block: int
    done: int
    now: str
    seconds: float = 0.0
    news: tuple[str, ...] = ()
    settled: int = 0


Listener = Callable[[Progress], None]


class Schedule(Protocol):
    """Says what is to be measured next, block by block, from what has been measured so far."""

    def next_block(self, seconds: float) -> tuple[int, tuple[Pairing, ...]] | None:
        """Return the number of the next block, from 0, and its pairings; None if the run is over.

        Args:
            seconds: how long the run has gone on, earlier sittings included.
        """

    def saw(
        self, block: int, pairing: Pairing, recordings: Mapping[SideLabel, Recording], took_s: float | None
    ) -> None:
        """Take into account what was measured of a cell in a block.

        Args:
            block: its number, from 0.
            pairing: as it was planned.
            recordings: of both sides.
            took_s: how long it took, in seconds; None if that is not known any more.
        """

    def has_time(self, seconds: float, pairing: Pairing) -> bool:
        """Return whether a cell may still be begun when the run has gone on for so long."""

    def news(self) -> tuple[str, ...]:
        """Return the cells that were settled since the last time, a sentence each."""

    @property
    def settled(self) -> int:
        """How many cells are settled."""


class FixedSchedule:
    """Carries out a plan as it stands."""

    settled = 0

    def __init__(self, plan: Plan) -> None:
        self._blocks = iter([(number, block) for number, block in enumerate(plan) if block])

    def next_block(self, _seconds: float) -> tuple[int, tuple[Pairing, ...]] | None:
        """Return the plan's next block that has anything to measure."""
        return next(self._blocks, None)

    def saw(self, *_: object) -> None:
        """Do nothing: the plan stands."""

    def has_time(self, _seconds: float, _pairing: Pairing) -> bool:
        """Return True: the plan is carried out to its end."""
        return True

    def news(self) -> tuple[str, ...]:
        """Return nothing: no cell is settled before the end."""
        return ()


class Runner:
    """Carries out one experiment; call ``run`` once."""

    def __init__(
        self,
        experiment: Experiment,
        folder: RunFolder,
        manifest: Manifest,
        cores: Cores,
        listener: Listener,
        schedule: Schedule,
        databases: Databases,
        begun_s: float | None = None,
        next_rows: NextRows | None = None,
    ) -> None:
        """Prepare a run.

        Args:
            experiment: what it is about.
            folder: where trials go.
            manifest: what run.json says, to be kept up to date.
            cores: the division of the machine.
            listener: called with where the run stands.
            schedule: what is to be measured, without what a resumed run has already.
            databases: where each side gets a fresh one in each block.
            begun_s: when this sitting began, on the monotonic clock, in seconds; None for now.
            next_rows: of values files; None to begin with the first ones.
        """
        self.experiment = experiment
        self.folder = folder
        self.cores = cores
        self.listener = listener
        self.schedule = schedule
        self.databases = databases
        self.done = sum(1 for _ in folder.trials.glob("*.npz"))
        self._run_log = RunLog(folder, manifest, begun_s)
        self._wall_clock = WallClock()
        self._next_rows = next_rows or NextRows()
        self._warm_ups = WarmUps(experiment.scenarios, experiment.timeout_s, experiment.trust, self._next_rows)
        self._start_failures = StartFailures(experiment)
        self._load_machines = LoadMachineLog(self._run_log)
        self._note = ""
        self._not_measured = ""
        servers_are_ours = experiment.a.url is None and experiment.b.url is None
        database_is_ours = experiment.database in (SQLITE, POSTGRES)
        self._interference = InterferenceMonitor(cores, servers_are_ours=servers_are_ours and database_is_ours)

    def run(self) -> Manifest:
        """Run every block; return the final manifest; raises RunError if the sides can't be started.

        Whatever ends it early, an exception or a signal, what was measured is saved and no process is left.
        """
        run_log = self._run_log
        run_log.note_database(self.databases.version)
        work = self.folder.work
        asked, log = self.experiment, work / "driver" / "log"
        driver = Driver(self.cores, log, asked.driver, asked.workers, asked.machines)
        try:
            with driver, SlowApi(self.cores, work / "slow_api" / "log") as slow_api:
                if asked.machines is not None:
                    self._gather(driver, asked.machines)
                elif run_log.manifest.driver_ceiling_rps is None:
                    self._tell(0, "measuring the load driver")
                    note_driver_speed(run_log, driver, self.cores, work)
                number = 0
                while (block := self.schedule.next_block(run_log.seconds)) is not None:
                    number, pairings = block
                    run_log.plan_block(number, pairings)
                    self._block(number, pairings, driver, slow_api)
                    run_log.note_time()
                if news := self.schedule.news():  # why there is no further block
                    self._tell(number, "done", *news)
            if not self.done and self._not_measured:
                raise RunError(self._not_measured)
            run_log.update(complete=True)
        finally:
            with contextlib.suppress(OSError):  # what ended the run is what is reported
                run_log.note_time()
        return run_log.manifest

    def _gather(self, driver: Driver, machines: LoadMachines) -> None:
        """Wait for the load machines; what they can send at all is not known: a server here would be what limits it."""
        waiting = f"waiting for {machines.count} load machine{'s' if machines.count > 1 else ''}"
        self._tell(0, waiting, f"{waiting}; on each: bench worker {machines.where}")
        begun_s = time.monotonic()
        try:
            self._load_machines.gather(driver, machines)
        except DriverFailed as failure:
            raise RunError(str(failure)) from None
        self._run_log.count_from(begun_s)  # whoever starts them by hand has the whole budget left

    def _block(self, number: int, block: tuple[Pairing, ...], driver: Driver, slow_api: SlowApi) -> None:
        work, run_log = self.folder.work / f"block{number}", self._run_log
        self._tell(number, "starting both sides")
        with BlockServers(
            self.experiment,
            self.databases,
            work=work,
            upstream_url=slow_api.url,
            cores=self.cores,
            warm=partial(self._warm, number),
        ) as block_servers:
            for name, seconds in block_servers.start().items():
                if name != "control":
                    run_log.event(number, name, "started", f"{self.experiment.side(name).spec} was ready", seconds)
            for name, reason in block_servers.broken.items():
                label = None if name == "control" else name
                run_log.event(number, label, "collapsed", f"{self.experiment.side(name).spec} {reason}")
            self._start_failures.check(block_servers.broken)
            block_servers.hold()
            self._write_rows()
            cell_runner = CellRunner(
                self.experiment,
                number,
                block_servers,
                driver,
                run_log,
                self._interference,
                self._warm_ups,
                self._next_rows,
            )
            for pairing in block:
                if not self.schedule.has_time(run_log.seconds, pairing):
                    run_log.leave_out(number, pairing)
                    continue
                self._tell(number, _in_words(pairing))
                try:
                    self._pairing(number, pairing, cell_runner, slow_api)
                except NotMeasured as failure:
                    run_log.leave_out(number, pairing)
                    self._not_measured = str(failure)
                self._tell(number, _in_words(pairing))
        if self.experiment.machines is None:  # else this machine neither serves nor sends
            run_log.update(machine=[*run_log.manifest.machine, *self._interference.finish(number)])

    def _pairing(self, number: int, pairing: Pairing, cell_runner: CellRunner, slow_api: SlowApi) -> None:
        """Measure one cell, and save both sides' trials."""
        begun = time.monotonic()
        recordings = cell_runner.measure(pairing)
        if not slow_api.alive:
            message = f"the slow API died; {pairing.cell} was tried again with a new one"
            self._run_log.event(number, None, "restarted", message)
            slow_api.restart()
            recordings = cell_runner.measure(pairing)
        took_s = time.monotonic() - begun
        self._check_database(pairing)
        self._load_machines.saw(number, str(pairing.cell), recordings.values())
        for label, recording in recordings.items():
            self.folder.write_trial(trial_key(number, pairing, label), recording)
            self.done += 1
        self._write_rows()
        self.schedule.saw(number, pairing, recordings, took_s)
        if (step := self._wall_clock.stepped()) is not None:
            self._run_log.event(number, None, "clock", f"{step} while {pairing.cell} was measured")

    def _write_rows(self) -> None:
        """Write down which rows of values files are next, if that has changed, for a run that goes on."""
        if self._next_rows.rows != self._run_log.manifest.next_rows:
            self._run_log.update(next_rows=dict(self._next_rows.rows))

    def _check_database(self, pairing: Pairing) -> None:
        """Raise RunError if the database server died: what was measured of a cell then says nothing of the sides."""
        try:
            self.databases.check()
        except RunError as failure:
            raise RunError(f"{failure}, while {pairing.cell} was measured") from None

    def _warm(self, number: int, servers: Mapping[ServerName, Server]) -> None:
        """Warm up servers that have just started; note what was wrong, and once how long slow answers may take."""
        self._tell(number, "warming up")
        for sentence in self._warm_ups.warm(servers, number):
            self._run_log.event(number, None, "warm-up", sentence)
        if not self._note and (note := self._warm_ups.slow()) is not None:
            self._note = note
            self._tell(number, "warming up", note)

    def _tell(self, block: int, now: str, *notes: str) -> None:
        schedule = self.schedule
        news = (*notes, *schedule.news())
        self.listener(Progress(block, self.done, now, self._run_log.seconds, news, schedule.settled))


def note_driver_speed(run_log: RunLog, driver: Driver, cores: Cores, work: Path) -> None:
    """Measure the driver by itself, and write it down; what can't be measured is not known, and no reason to stop."""
    with contextlib.suppress(RunError, DriverFailed):
        speed = measure_driver(cores, driver, work / "ceiling" / "null_server.log")
        run_log.update(driver_ceiling_rps=round(speed.ceiling_rps, 1), driver_overhead_s=round(speed.overhead_s, 7))
        return
    driver.restart()


def trial_key(block: int, pairing: Pairing, label: SideLabel) -> TrialKey:
    """Return which trial of the run one side of a pairing is."""
    scenario, load = pairing.cell.scenario.name, pairing.cell.load.slug
    return TrialKey(block, CONTROL + scenario if pairing.control else scenario, load, label)


def _in_words(pairing: Pairing) -> str:
    return f"{pairing.cell}, side a against itself" if pairing.control else str(pairing.cell)


class WallClock:
    """Compares the wall clock with the one that can't be set."""

    def __init__(self) -> None:
        self._ahead_s = _ahead_s()

    def stepped(self) -> str | None:
        """Return a sentence if it was set since it was last asked, or since the beginning."""
        before, self._ahead_s = self._ahead_s, _ahead_s()
        step_s = self._ahead_s - before
        if abs(step_s) < STEP_LEAST_S:
            return None
        which = "forward" if step_s > 0 else "back"
        asleep = ", or the machine slept" if step_s > 0 else ""
        return f"the wall clock was set {which} by {abs(step_s):,.0f} s{asleep}"


def _ahead_s() -> float:
    return time.time() - time.monotonic()
