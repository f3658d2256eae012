"""Execute the plan, block by block, and save each trial as it ends.

``WallClock`` notices when the wall clock is set: nothing is measured by it, but times of day in logs jump.
"""

import contextlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from loadtests.drivers.driver import Driver
from loadtests.drivers.job import DriverFailed
from loadtests.experiment.options import POSTGRES, SQLITE
from loadtests.experiment.plan import Experiment, Pairing, Plan
from loadtests.records.manifest import Manifest
from loadtests.records.run_folder import RunFolder
from loadtests.records.trial_file import TrialKey
from loadtests.runner.block import BlockServers
from loadtests.runner.cell import CellRunner, InterferenceMonitor
from loadtests.runner.run_log import RunLog
from loadtests.runner.single_server import measure_driver
from loadtests.servers.auxiliary import SlowApi
from loadtests.servers.databases import Databases
from loadtests.servers.probe import warm
from loadtests.servers.server import Server
from loadtests.system.cores import Cores
from loadtests.system.errors import RunError, UsageError

WARM_LIMIT_S = 2.0
STEP_LEAST_S = 1.0
"""Less is what keeping it right comes to over a long run."""


@dataclass(frozen=True)
class Progress:
    """Where a run stands.

    Attributes:
        block: the current block, from 0.
        done: trials that have ended, over all blocks.
        now: what is happening, in a few words.
    """

    block: int
    done: int
    now: str


Listener = Callable[[Progress], None]


class Runner:
    """Carries out one experiment; call ``run`` once."""

    def __init__(
        self,
        experiment: Experiment,
        folder: RunFolder,
        manifest: Manifest,
        cores: Cores,
        listener: Listener,
        plan: Plan,
        databases: Databases,
    ) -> None:
        """Prepare a run.

        Args:
            experiment: what it is about.
            folder: where trials go.
            manifest: what run.json says, to be kept up to date.
            cores: the division of the machine.
            listener: called with where the run stands.
            plan: what is to be measured: the experiment's plan, without what a resumed run has already.
            databases: where each side gets a fresh one in each block.
        """
        self.experiment = experiment
        self.folder = folder
        self.cores = cores
        self.listener = listener
        self.plan = plan
        self.databases = databases
        self.done = 2 * (len(experiment.cells) * experiment.blocks - sum(map(len, plan)))
        self._run_log = RunLog(folder, manifest)
        self._wall_clock = WallClock()
        servers_are_ours = experiment.a.url is None and experiment.b.url is None
        database_is_ours = experiment.database in (SQLITE, POSTGRES)
        self._interference = InterferenceMonitor(cores, servers_are_ours=servers_are_ours and database_is_ours)

    def run(self) -> Manifest:
        """Run every block; return the final manifest.

        Whatever ends it early, an exception or a signal, what was measured is saved and no process is left.
        """
        run_log = self._run_log
        self._check_version()
        try:
            if run_log.manifest.driver_ceiling_rps is None:
                self._measure_driver()
            with SlowApi(self.cores, self.folder.work / "slow_api" / "log") as slow_api:
                for number, block in enumerate(self.plan):
                    if block:
                        self._block(number, block, slow_api)
                        run_log.note_time()
            run_log.update(complete=True)
        finally:
            with contextlib.suppress(OSError):  # what ended the run is what is reported
                run_log.note_time()
        return run_log.manifest

    def _check_version(self) -> None:
        """Note which database it is; a run that goes on needs the one that it began with."""
        before, now = self._run_log.manifest.database_version, self.databases.version
        if before not in (None, now):
            raise UsageError(f"the database was {before} when the run began and is {now} now; begin a new run")
        self._run_log.update(database_version=now)

    def _measure_driver(self) -> None:
        """Measure the driver by itself; what can't be measured is not known, and no reason not to go on."""
        self._tell(0, "measuring the load driver")
        work = self.folder.work / "ceiling"
        with self._driver(work) as driver, contextlib.suppress(RunError, DriverFailed):
            speed = measure_driver(self.cores, driver, work / "null_server.log")
            self._run_log.update(
                driver_ceiling_rps=round(speed.ceiling_rps, 1), driver_overhead_s=round(speed.overhead_s, 7)
            )

    def _driver(self, work: Path) -> Driver:
        return Driver(self.cores, work / "driver.log", self.experiment.driver, self.experiment.workers)

    def _block(self, number: int, block: tuple[Pairing, ...], slow_api: SlowApi) -> None:
        work, run_log = self.folder.work / f"block{number}", self._run_log
        self._tell(number, "starting both sides")
        with (
            self._driver(work) as driver,
            BlockServers(
                self.experiment,
                self.databases,
                work=work,
                upstream_url=slow_api.url,
                cores=self.cores,
                warm=self._warm,
            ) as block_servers,
        ):
            for label, seconds in block_servers.start().items():
                run_log.event(number, label, "started", f"{self.experiment.side(label).spec} was ready", seconds)
            for label, reason in block_servers.broken.items():
                run_log.event(number, label, "collapsed", f"{self.experiment.side(label).spec} {reason}")
            cell_runner = CellRunner(self.experiment, number, block_servers, driver, run_log, self._interference)
            for pairing in block:
                self._tell(number, str(pairing.cell))
                self._pairing(number, pairing, cell_runner, slow_api)
                self._tell(number, str(pairing.cell))
        run_log.update(machine=[*run_log.manifest.machine, *self._interference.finish(number)])

    def _pairing(self, number: int, pairing: Pairing, cell_runner: CellRunner, slow_api: SlowApi) -> None:
        """Measure one cell, and save both sides' trials."""
        recordings = cell_runner.measure(pairing)
        if not slow_api.alive:
            message = f"the slow API died; {pairing.cell} was tried again with a new one"
            self._run_log.event(number, None, "restarted", message)
            slow_api.restart()
            recordings = cell_runner.measure(pairing)
        self._check_database(pairing)
        for label, recording in recordings.items():
            key = TrialKey(number, pairing.cell.scenario.name, pairing.cell.load.slug, label)
            self.folder.write_trial(key, recording)
            self.done += 1
        if (step := self._wall_clock.stepped()) is not None:
            self._run_log.event(number, None, "clock", f"{step} while {pairing.cell} was measured")

    def _check_database(self, pairing: Pairing) -> None:
        """Raise RunError if the database server died: what was measured of a cell then says nothing of the sides."""
        try:
            self.databases.check()
        except RunError as failure:
            raise RunError(f"{failure}, while {pairing.cell} was measured") from None

    def _warm(self, servers: list[Server]) -> None:
        """Send a little of everything, so that no trial pays for threads, pools and first calls."""
        requests = [scenario.requests[0] for scenario in self.experiment.scenarios]
        longest_s = max(scenario.wait_s for scenario in self.experiment.scenarios)
        warm([server.url for server in servers], requests, WARM_LIMIT_S + longest_s)

    def _tell(self, block: int, now: str) -> None:
        self.listener(Progress(block, self.done, now))


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
