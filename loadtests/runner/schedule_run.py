"""Carry out a schedule on each side: in every block both are started anew, and each gets the whole of it by itself.

Sides do not take turns in slices here, as they do under a load that stays: a ramp in pieces is no ramp, and a queue
that has built up would drain in the other side's turn. So each block plays the schedule to one side and then to the
other, with the same arrivals, and which side begins alternates from block to block. The side that waits is stopped.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from random import Random

from loadtests.drivers.driver import Driver
from loadtests.drivers.job import NOT_WRITTEN, DriverFailed, PairingJob, StreamTo
from loadtests.experiment.loads import OpenLoop
from loadtests.experiment.options import RunOptions
from loadtests.experiment.plan import ORDERS, Experiment, ServerName
from loadtests.experiment.rate_schedule import RateSchedule
from loadtests.experiment.sides import SideLabel
from loadtests.records.answer_differences import CompareAnswers
from loadtests.records.manifest import Manifest
from loadtests.records.run_folder import (
    RunFolder,
    check_free,
    create_run_folder,
    locked,
    new_folder,
    saying_what_is_kept,
)
from loadtests.records.samples import Recording
from loadtests.records.schedule_record import ScheduleRecord, stream_path
from loadtests.runner.block import BlockServers
from loadtests.runner.cell import InterferenceMonitor
from loadtests.runner.commits import with_checkouts
from loadtests.runner.next_rows import NextRows
from loadtests.runner.run import MakeComparison, checked_experiment, say
from loadtests.runner.run_log import RunLog, new_manifest
from loadtests.runner.same_answers import ComparedAnswers, check_answers
from loadtests.runner.schedule_progress import showing
from loadtests.runner.single_server import target
from loadtests.runner.warm_up import WarmUps
from loadtests.servers.auxiliary import SlowApi
from loadtests.servers.databases import Databases, check_database, check_reachable, open_databases
from loadtests.servers.server import Server, how_it_ended
from loadtests.system.cores import Cores, assign_cores, pinned
from loadtests.system.errors import RunError
from loadtests.system.git import Checkouts

RAW_BYTES = 150_000_000
"""What the samples of a run may take on disk, all trials together, before requests are only counted."""


@dataclass(frozen=True)
class SchedulePlan:
    """What is to be carried out.

    Attributes:
        schedule: the load.
        labels: the sides, ``a`` alone or both.
        percentile: of the response time that the objective is about, 99.0 for p99.
        limit_s: its upper limit, in seconds.
        errors: share of requests that may fail, 0 to 1.
        raw_bytes: what the samples of all trials may take before requests are only counted.
    """

    schedule: RateSchedule
    labels: tuple[SideLabel, ...]
    percentile: float
    limit_s: float
    errors: float
    raw_bytes: int = RAW_BYTES

    def record(self, experiment: Experiment) -> ScheduleRecord:
        """Return the plan as run.json has it: which side begins is drawn, and then alternates."""
        first = Random(experiment.seed).randrange(2)
        orders = [ORDERS[(first + block) % 2] for block in range(experiment.blocks)]
        planned = [[label for label in order if label in self.labels] for order in orders]
        return ScheduleRecord(
            rate=str(self.schedule),
            arrivals=self.schedule.arrivals,
            orders=planned,
            percentile=self.percentile,
            limit_s=self.limit_s,
            errors=self.errors,
            raw_bytes=self.raw_bytes // sum(map(len, planned)),
        )


def measure_schedule(options: RunOptions, plan: SchedulePlan, make_comparison: MakeComparison) -> Path:
    """Carry out a schedule, and return the run's folder.

    Args:
        options: as typed, but for the schedule.
        plan: the schedule, the sides, and the objective.
        make_comparison: for the sides' answers, which are compared before anything is measured.

    Raises:
        AnswersDiffer, RunError, UsageError: nothing was written.
        Interrupted, RunError: the run could not be completed; what was measured is kept.
    """
    begun_s, now = time.monotonic(), datetime.now(UTC)
    out = options.out or new_folder()
    check_free(out)
    with Checkouts() as checkouts:
        experiment, of_commits = with_checkouts(options.experiment(), checkouts)
        say(of_commits)
        _measure(experiment, plan, out, now, make_comparison, begun_s)
    return out


def _measure(
    experiment: Experiment,
    plan: SchedulePlan,
    out: Path,
    now: datetime,
    make_comparison: MakeComparison,
    begun_s: float,
) -> None:
    """Check that the schedule can be played, and carry it out; for arguments and errors see ``measure_schedule``."""
    experiment, checked = checked_experiment(experiment)
    check_database(experiment.database)
    check_reachable(experiment.database)
    cores = assign_cores()
    next_rows = NextRows()
    answers = ComparedAnswers()
    if len(plan.labels) > 1:
        compare: CompareAnswers = make_comparison(experiment.ignored, experiment.unordered)
        answers = check_answers(experiment, cores, compare, next_rows)
    record = plan.record(experiment)
    manifest = new_manifest(experiment, out.name, now, cores, checked, answers)
    manifest = manifest.model_copy(
        update={"blocks": [], "schedule": record, "budget_s": None, "has_control": False, "slice_s": 0.0}
    )
    with saying_what_is_kept(out, can_go_on=False):
        folder = create_run_folder(out, manifest)
        with (
            locked(folder),
            pinned(cores.driver),
            open_databases(experiment.database, folder.work, cores) as databases,
        ):
            ScheduleRunner(experiment, plan, record, folder, manifest, cores, begun_s, next_rows).run(databases)


class ScheduleRunner:
    """Carries out the plan of one run; call ``run`` once."""

    def __init__(
        self,
        experiment: Experiment,
        plan: SchedulePlan,
        record: ScheduleRecord,
        folder: RunFolder,
        manifest: Manifest,
        cores: Cores,
        begun_s: float,
        next_rows: NextRows,
    ) -> None:
        """Prepare a run.

        Args:
            experiment: the sides and the one scenario.
            plan: the schedule.
            record: the same as it was written down.
            folder: where samples go.
            manifest: what run.json says, to be kept up to date.
            cores: the division of the machine.
            begun_s: when the command began, on the monotonic clock, in seconds.
            next_rows: of values files.
        """
        self._experiment = replace(experiment, has_control=False)
        self._plan = plan
        self._record = record
        self._folder = folder
        self._cores = cores
        self._next_rows = next_rows
        self._run_log = RunLog(folder, manifest, begun_s)
        self._warm_ups = WarmUps(experiment.scenarios, experiment.timeout_s, experiment.trust, next_rows)
        remote = any(experiment.side(label).url is not None for label in plan.labels)
        self._interference = InterferenceMonitor(cores, servers_are_ours=not remote)

    def run(self, databases: Databases) -> None:
        """Run every block; raises RunError if a side can't be started."""
        self._run_log.update(database_version=databases.version)
        work, rng = self._folder.work, Random(self._experiment.seed)
        with (
            Driver(self._cores, work / "driver" / "log") as driver,
            SlowApi(self._cores, work / "slow_api" / "log") as slow_api,
        ):
            for number, order in enumerate(self._record.orders):
                seed = rng.randrange(2**32)  # one for both sides, so that they meet the same arrivals
                servers = BlockServers(
                    self._experiment,
                    databases,
                    work=work / f"block{number}",
                    upstream_url=slow_api.url,
                    cores=self._cores,
                    warm=partial(self._warm, number),
                    labels=sorted(order),
                )
                with servers:
                    for label, seconds in servers.start().items():
                        spec = self._experiment.side(label).spec
                        self._run_log.event(
                            number, "b" if label == "b" else "a", "started", f"{spec} was ready", seconds
                        )
                    for label, reason in servers.broken.items():
                        raise RunError(f"{self._experiment.side(label).spec} {reason}")
                    servers.hold()
                    for label in order:
                        self._trial(number, label, seed, servers, driver)
                databases.check()
                machine = [*self._run_log.manifest.machine, *self._interference.finish(number)]
                self._run_log.update(machine=machine)
                self._run_log.note_time()
        self._run_log.update(complete=True)

    def _trial(self, block: int, label: SideLabel, seed: int, servers: BlockServers, driver: Driver) -> None:
        """Carry out the schedule on one side; what goes wrong is noted, and its samples stay as they are."""
        server, spec = servers.server(label), self._experiment.side(label).spec
        job = self._job(block, label, seed, server)
        with servers.running([label]), self._interference.cell(), showing(self._plan.schedule, spec, block):
            try:
                recording = driver.drive(job)[label]
            except DriverFailed as failure:
                self._run_log.event(block, label, "restarted", f"{failure}; {spec} was given up in this block")
                driver.restart()
                return
            self._next_rows.used(self._experiment.scenarios[0], recording.next_row)
            self._note(block, label, spec, server, recording)

    def _note(self, block: int, label: SideLabel, spec: str, server: Server, recording: Recording) -> None:
        """Note what went wrong with the side; raises RunError if samples can't be written, which is not its fault."""
        reason = recording.stalled
        if reason is not None and reason.startswith(NOT_WRITTEN):
            raise RunError(f"{spec} {reason}")
        if (status := server.exit_status()) is not None:
            reason = f"{how_it_ended(status)} while it was measured"
        if reason is not None:
            self._run_log.event(block, label, "collapsed", f"{spec} {reason}")

    def _job(self, block: int, label: SideLabel, seed: int, server: Server) -> PairingJob:
        [scenario], schedule = self._experiment.scenarios, self._plan.schedule
        limits = self._warm_ups.limits(scenario, OpenLoop(schedule.peak_rps))
        [series] = self._next_rows.series(scenario, [label])
        about = {"run": self._folder.run_id, "block": block, "label": label, "rate": str(schedule), "seed": seed}
        stream = StreamTo(stream_path(self._folder.trials, block, label).absolute(), about, self._record.raw_bytes)
        return PairingJob(
            targets={label: target(server, scenario.requests_of(label), series)},
            requests=scenario.requests,
            variables=scenario.variables(),
            load=schedule,
            slice_s=float(schedule.seconds),
            pairing_s=0.0,
            wait_s=scenario.wait_s,
            seed=seed,
            stall_s=limits.stall_s,
            limit_s=limits.phase_s,
            drain_s=limits.drain_s,
            timeout_s=limits.timeout_s,
            stream=stream,
        )

    def _warm(self, number: int, servers: Mapping[ServerName, Server]) -> None:
        for sentence in self._warm_ups.warm(servers, number):
            self._run_log.event(number, None, "warm-up", sentence)
