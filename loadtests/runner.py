"""Execute the plan, and save each trial as it ends."""

import contextlib
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from loadtests.affinity import Cores
from loadtests.arena import Arena
from loadtests.ceiling import measure_ceiling
from loadtests.drivers.choice import LoadDriver, start_driver
from loadtests.drivers.jobs import PairingJob, Target
from loadtests.drivers.process import DriverFailed
from loadtests.errors import RunError
from loadtests.experiment import Experiment
from loadtests.loads import ClosedLoop
from loadtests.machine import Watch
from loadtests.manifest import Event, Manifest
from loadtests.plan import Label, Pairing, Plan
from loadtests.samples import Recording, Samples
from loadtests.servers import Server
from loadtests.slow_api import SlowApi
from loadtests.store import RunFolder
from loadtests.trial_file import TrialKey
from loadtests.wall_clock import WallClock
from loadtests.warming import warm

STALL_S = 5.0
"""A side that gives no answer for so long, beyond the wait that the scenario asks for, has collapsed."""
PHASE_LIMIT_S = 30.0
"""A slice's phase may take so long, and half a wait for each user more: pools serve many of them one after another."""
WARM_LIMIT_S = 2.0


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
    ) -> None:
        """Prepare a run.

        Args:
            experiment: what it is about.
            folder: where trials go.
            manifest: what run.json says, to be kept up to date.
            cores: the division of the machine.
            listener: told where the run stands.
            plan: what is to be measured: the experiment's plan, without what a resumed run has already.
        """
        self.experiment = experiment
        self.folder = folder
        self.manifest = manifest
        self.cores = cores
        self.listener = listener
        self.plan = plan
        self.done = 2 * (len(experiment.cells) * experiment.blocks - sum(map(len, plan)))
        self._wall_clock = WallClock()
        self._begun = time.monotonic() - (manifest.seconds or 0.0)
        servers_are_ours = experiment.a.url is None and experiment.b.url is None
        self._watch = Watch(cores, servers_are_ours=servers_are_ours)

    def run(self) -> Manifest:
        """Run every block; return the final manifest.

        Whatever ends it early, an exception or a signal, what was measured is saved and no process is left.
        """
        try:
            if self.manifest.driver_ceiling_rps is None:
                self._update(driver_ceiling_rps=self._ceiling())
            with SlowApi(self.cores, self.folder.work / "upstream" / "log") as slow_api:
                for number, block in enumerate(self.plan):
                    if block:
                        self._block(number, block, slow_api)
                        self._update(seconds=self._seconds())
            self._update(complete=True)
        finally:
            with contextlib.suppress(OSError):  # what ended the run is told, not that this could not be written either
                self._update(seconds=self._seconds())
        return self.manifest

    def _ceiling(self) -> float | None:
        """Measure the driver by itself; a ceiling that can't be measured is not known, and no reason not to go on."""
        self._tell(0, "measuring the load driver")
        work = self.folder.work / "ceiling"
        with self._driver(work) as driver, contextlib.suppress(RunError, DriverFailed):
            return round(measure_ceiling(self.cores, driver, work / "null_server.log"), 1)
        return None

    def _driver(self, work: Path) -> LoadDriver:
        return start_driver(self.experiment.driver, self.experiment.workers, self.cores, work / "driver.log")

    def _block(self, number: int, block: tuple[Pairing, ...], slow_api: SlowApi) -> None:
        work = self.folder.work / f"block{number}"
        self._tell(number, "starting both sides")
        with (
            self._driver(work) as driver,
            Arena(
                self.experiment,
                work=work,
                upstream_url=slow_api.url,
                cores=self.cores,
                warm=self._warm,
            ) as arena,
        ):
            for label, seconds in arena.start().items():
                self._event(number, label, "started", f"{self._spec(label)} was ready", seconds)
            for label, reason in arena.broken.items():
                self._event(number, label, "collapsed", f"{self._spec(label)} {reason}")
            for pairing in block:
                self._tell(number, str(pairing.cell))
                recordings = self._measure(number, pairing, arena, driver)
                if not slow_api.alive:
                    message = f"the slow API died; {pairing.cell} was tried again with a new one"
                    self._event(number, None, "restarted", message)
                    slow_api.restart()
                    recordings = self._measure(number, pairing, arena, driver)
                for label, recording in recordings.items():
                    key = TrialKey(number, pairing.cell.scenario.name, pairing.cell.load.slug, label)
                    self.folder.write_trial(key, recording)
                    self.done += 1
                if (step := self._wall_clock.stepped()) is not None:
                    self._event(number, None, "clock", f"{step} while {pairing.cell} was measured")
                self._tell(number, str(pairing.cell))
        self._update(machine=[*self.manifest.machine, *self._watch.finish(number)])

    def _measure(self, number: int, pairing: Pairing, arena: Arena, driver: LoadDriver) -> dict[Label, Recording]:
        """Measure one cell; a side that hangs or dies is replaced, so that the next cell finds it well."""
        recordings: dict[Label, Recording] = {label: nothing(reason) for label, reason in arena.broken.items()}
        servers = {label: arena.server(label) for label in pairing.order if label not in recordings}
        if servers:
            job = self._job(pairing, servers)
            with self._watch.cell():
                recordings |= self._drive(number, driver, job)
        for label, server in servers.items():
            reason = recordings[label].stalled
            if server.child is not None and not server.child.alive:
                reason = f"exited with status {server.child.process.returncode} while it was measured"
            if reason is not None:
                recordings[label] = replace(recordings[label], slices=(), stalled=reason)
                self._event(number, label, "collapsed", f"{pairing.cell}: {self._spec(label)} {reason}")
                arena.restart(label)
            elif left := recordings[label].abandoned:
                message = f"{pairing.cell}: {self._spec(label)} left {left} requests unanswered; it was replaced"
                self._event(number, label, "restarted", message)
                arena.restart(label)
            elif pairing.cell.scenario.writes:
                self._restore(number, label, arena)
        return recordings

    def _restore(self, number: int, label: Label, arena: Arena) -> None:
        try:
            arena.restore(label)
        except RunError as failure:
            self._event(number, label, "collapsed", f"{self._spec(label)}: {failure}; it was replaced")
            arena.restart(label)

    def _drive(self, number: int, driver: LoadDriver, job: PairingJob) -> dict[Label, Recording]:
        """Drive a pairing; a driver that died is replaced and the pairing tried again, once."""
        try:
            return driver.drive(job)
        except DriverFailed as failure:
            self._event(number, None, "restarted", f"{failure}; the cell was tried again with a new one")
            driver.restart()
        try:
            return driver.drive(job)
        except DriverFailed as failure:
            self._event(number, None, "restarted", f"{failure}, for the second time; the cell was given up")
            driver.restart()
            return {label: nothing(f"{failure}, twice") for label in job.targets}

    def _job(self, pairing: Pairing, servers: dict[Label, Server]) -> PairingJob:
        scenario, load = pairing.cell.scenario, pairing.cell.load
        return PairingJob(
            targets={label: Target(server.url, tuple(server.pids)) for label, server in servers.items()},
            requests=scenario.requests,
            load=load,
            slice_s=self.experiment.slice_s,
            pairing_s=self.experiment.pairing_s,
            wait_s=scenario.wait_s,
            seed=pairing.seed,
            stall_s=STALL_S + scenario.wait_s,
            limit_s=PHASE_LIMIT_S + (load.users * scenario.wait_s / 2 if isinstance(load, ClosedLoop) else 0),
            journeys=scenario.journeys,
        )

    def _warm(self, servers: list[Server]) -> None:
        """Send a little of everything, so that no trial pays for threads, pools and first calls."""
        requests = [scenario.requests[0] for scenario in self.experiment.scenarios]
        longest_s = max(scenario.wait_s for scenario in self.experiment.scenarios)
        warm([server.url for server in servers], requests, WARM_LIMIT_S + longest_s)

    def _spec(self, label: Label) -> str:
        return self.experiment.side(label).spec

    def _tell(self, block: int, now: str) -> None:
        self.listener(Progress(block, self.done, now))

    def _event(self, block: int, label: Label | None, kind: str, message: str, seconds: float | None = None) -> None:
        event = Event.model_validate(
            {"block": block, "label": label, "kind": kind, "message": message, "seconds": seconds}
        )
        self._update(events=[*self.manifest.events, event])

    def _seconds(self) -> float:
        """Return how long has been measured, earlier sittings included."""
        return round(time.monotonic() - self._begun, 1)

    def _update(self, **changes: object) -> None:
        self.manifest = self.manifest.model_copy(update=changes)
        self.folder.write_manifest(self.manifest)


def nothing(reason: str) -> Recording:
    """Return the recording of a trial that could not even begin."""
    empty, counts = np.empty(0), np.empty(0, np.uint16)
    samples = Samples(empty, empty, empty, empty, counts, np.empty(0, np.uint8), counts)
    return Recording(samples, time.perf_counter(), (), None, None, reason)
