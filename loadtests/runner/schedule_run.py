"""Carry out a schedule on each side: in every block both are started anew, and each gets the whole of it by itself.

Sides do not take turns in slices here, as they do under a load that stays: a ramp in pieces is no ramp, and a queue
that has built up would drain in the other side's turn. So each block plays the schedule to one side and then to the
other, with the same arrivals, and which side begins alternates from block to block. The side that waits is stopped.
"""

import math
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from random import Random

from loadtests.drivers.driver import Driver
from loadtests.drivers.job import NOT_WRITTEN, DriverFailed, PairingJob, StreamTo
from loadtests.experiment.loads import OpenLoop
from loadtests.experiment.options import POSTGRES, SQLITE, RunOptions
from loadtests.experiment.plan import ORDERS, Experiment, ServerName
from loadtests.experiment.rate_schedule import RateSchedule
from loadtests.experiment.sides import LABELS, SideLabel
from loadtests.records.answer_differences import CompareAnswers
from loadtests.records.manifest import Event, Manifest
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
from loadtests.runner.commits import with_checkouts
from loadtests.runner.next_rows import NextRows, used_again
from loadtests.runner.resume import check_same, experiment_of
from loadtests.runner.run import MakeComparison, checked_experiment, say
from loadtests.runner.run_log import RunLog, new_manifest
from loadtests.runner.runner import note_driver_speed
from loadtests.runner.same_answers import ComparedAnswers, check_answers
from loadtests.runner.schedule_conditions import Conditions, span_of
from loadtests.runner.schedule_progress import showing
from loadtests.runner.schedule_resume import Missing, begin_anew, missing_of, set_aside
from loadtests.runner.single_server import target
from loadtests.runner.warm_up import WarmUps
from loadtests.servers.auxiliary import SlowApi
from loadtests.servers.databases import Databases, check_database, check_reachable, open_databases
from loadtests.servers.server import Server, how_it_ended
from loadtests.system.cores import Cores, assign_cores, pinned
from loadtests.system.errors import RunError, UsageError
from loadtests.system.git import Checkouts

CHANCE = 5
"""Standard deviations by which more requests may come than expected."""
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
        experiment, of_commits = with_checkouts(options.experiment(), checkouts, measured=plan.labels)
        say(of_commits)
        _measure(experiment, of_commits, plan, out, now, make_comparison, begun_s)
    return out


def _measure(
    experiment: Experiment,
    of_commits: Sequence[str],
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
    manifest = with_schedule(new_manifest(experiment, out.name, now, cores, checked, answers), record)
    events = [Event(block=0, label=None, kind="commit", message=sentence) for sentence in of_commits]
    manifest = manifest.model_copy(update={"events": events})
    with saying_what_is_kept(out):
        folder = create_run_folder(out, manifest)
        with locked(folder):
            _carry_out(experiment, folder, manifest, cores, begun_s, next_rows, missing_of(folder, record))


def resume_schedule(out: Path) -> Path:
    """Carry out those trials of a schedule's run that have not ended, from the beginning; return the run's folder.

    Args:
        out: the run's folder.

    Raises:
        UsageError: it lacks nothing, is still going on, or would go on under other conditions than it began.
        UnreadableRun: a file of it is no good; the message names it.
        Interrupted, RunError: as for ``measure_schedule``.
    """
    folder, begun_s = RunFolder(out), time.monotonic()
    before = folder.read_manifest()
    known = {label: commit for label in LABELS if (commit := getattr(before, label).commit) is not None}
    with Checkouts() as checkouts:
        experiment, _ = with_checkouts(experiment_of(before), checkouts, known)
        _resume(folder, before, experiment, begun_s)
    return out


def _resume(folder: RunFolder, before: Manifest, experiment: Experiment, begun_s: float) -> None:
    """Carry out what is missing; for arguments and errors see ``resume_schedule``."""
    out, record = folder.path, before.schedule
    assert record is not None  # noqa: S101 - whoever calls this has looked
    experiment, checked = checked_experiment(experiment)
    check_database(experiment.database)
    cores = assign_cores()
    now = datetime.now(UTC)
    check_same(before, with_schedule(new_manifest(experiment, before.name, now, cores, checked), record))
    with saying_what_is_kept(out), locked(folder):
        missing = missing_of(folder, record)
        if before.complete and not missing:
            raise UsageError(f"--resume {out}: nothing is missing; bench report {out} shows what was found")
        manifest = begin_anew(folder, before, missing, now)
        say([event.message for event in manifest.events[len(before.events) :]])
        next_rows = NextRows(before.next_rows)
        for _ in missing:
            pass_over(next_rows, experiment, record)
        _carry_out(experiment, folder, manifest, cores, begun_s, next_rows, missing)


def with_schedule(manifest: Manifest, record: ScheduleRecord) -> Manifest:
    """Return the manifest of a run that has a schedule instead of cells."""
    plan = {"blocks": [], "schedule": record, "budget_s": None, "has_control": False, "slice_s": 0.0}
    return manifest.model_copy(update=plan)


def pass_over(next_rows: NextRows, experiment: Experiment, record: ScheduleRecord) -> None:
    """Pass over as many rows of a values file as a trial may have used of which it is not known how many it did."""
    [scenario], expected = experiment.scenarios, record.schedule.expected
    if scenario.values is not None:
        begun = next_rows.rows.get(scenario.values.file, 0)
        next_rows.used(scenario, begun + math.ceil(expected + CHANCE * math.sqrt(expected)))


def _carry_out(
    experiment: Experiment,
    folder: RunFolder,
    manifest: Manifest,
    cores: Cores,
    begun_s: float,
    next_rows: NextRows,
    missing: Sequence[Missing],
) -> None:
    with (
        pinned(cores.driver),
        open_databases(experiment.database, folder.work, cores) as databases,
    ):
        ScheduleRunner(experiment, folder, manifest, cores, databases, begun_s, next_rows).run(missing)


class ScheduleRunner:
    """Carries out the plan of one run; call ``run`` once."""

    def __init__(
        self,
        experiment: Experiment,
        folder: RunFolder,
        manifest: Manifest,
        cores: Cores,
        databases: Databases,
        begun_s: float,
        next_rows: NextRows,
    ) -> None:
        """Prepare a run.

        Args:
            experiment: the sides and the one scenario.
            folder: where samples go.
            manifest: what run.json says, to be kept up to date; it has the schedule.
            cores: the division of the machine.
            databases: where each side gets a fresh one in each block.
            begun_s: when this sitting began, on the monotonic clock, in seconds.
            next_rows: of values files.
        """
        assert manifest.schedule is not None  # noqa: S101 - whoever calls this has planned one
        self._experiment = replace(experiment, has_control=False)
        self._record = manifest.schedule
        self._schedule = manifest.schedule.schedule
        self._folder = folder
        self._cores = cores
        self._databases = databases
        self._next_rows = next_rows
        self._run_log = RunLog(folder, manifest, begun_s)
        self._warm_ups = WarmUps(experiment.scenarios, experiment.timeout_s, experiment.trust, next_rows)
        remote = any(experiment.side(label).url is not None for label in self._record.labels)
        ours = not remote and experiment.database in (SQLITE, POSTGRES)
        self._conditions = Conditions(self._run_log, cores, span_of(self._record), servers_are_ours=ours)

    def run(self, missing: Sequence[Missing]) -> None:
        """Carry out the trials that are missing, block by block; raises RunError if a side can't be started."""
        self._run_log.note_database(self._databases.version)
        work, rng = self._folder.work, Random(self._experiment.seed)
        seeds = [rng.randrange(2**32) for _ in self._record.orders]  # one for both sides: they meet the same arrivals
        try:
            with (
                Driver(self._cores, work / "driver" / "log") as driver,
                SlowApi(self._cores, work / "slow_api" / "log") as slow_api,
            ):
                if self._run_log.manifest.driver_ceiling_rps is None:
                    note_driver_speed(self._run_log, driver, self._cores, work)
                for number, seed in enumerate(seeds):
                    if order := [each.label for each in missing if each.block == number]:
                        self._block(number, order, seed, driver, slow_api)
            self._run_log.update(complete=True)
        finally:
            with suppress(OSError):  # what ended the run is what is reported
                self._run_log.note_time()

    def _block(self, number: int, order: Sequence[SideLabel], seed: int, driver: Driver, slow_api: SlowApi) -> None:
        servers = BlockServers(
            self._experiment,
            self._databases,
            work=self._folder.work / f"block{number}",
            upstream_url=slow_api.url,
            cores=self._cores,
            warm=partial(self._warm, number),
            labels=sorted(order),
        )
        with servers:
            for label, seconds in servers.start().items():
                spec = self._experiment.side(label).spec
                self._run_log.event(number, "b" if label == "b" else "a", "started", f"{spec} was ready", seconds)
            for label, reason in servers.broken.items():
                raise RunError(f"{self._experiment.side(label).spec} {reason}")
            servers.hold()
            for label in order:
                self._trial(number, label, seed, servers, driver)
        self._run_log.note_time()

    def _trial(self, block: int, label: SideLabel, seed: int, servers: BlockServers, driver: Driver) -> None:
        """Carry out the schedule on one side; what goes wrong is noted, and its samples stay as they are.

        Raises RunError if samples can't be written, or the database died: that is not the side's fault.
        """
        server, spec = servers.server(label), self._experiment.side(label).spec
        job = self._job(block, label, seed, server)

        def on_heartbeat() -> None:
            tell()
            server.limit_log()
            server.exit_status()  # which also lets the process go, if it has ended, so that the driver notices

        with (
            servers.running([label]),
            self._conditions.of_trial(block, label, spec) as tell,
            showing(self._schedule, spec, block),
        ):
            try:
                recording = driver.drive(job, on_heartbeat)[label]
            except DriverFailed as failure:
                self._run_log.event(block, label, "restarted", f"{failure}; {spec} was given up in this block")
                pass_over(self._next_rows, self._experiment, self._record)
                driver.restart()
                return
        try:
            self._databases.check()
        except RunError:
            set_aside(stream_path(self._folder.trials, block, label))  # it says nothing of the side
            raise
        [scenario] = self._experiment.scenarios
        self._next_rows.used(scenario, recording.next_row)
        if (said := used_again(scenario, recording.next_row)) is not None:
            self._run_log.event_once(block, None, "values", said)
        self._run_log.update(next_rows=dict(self._next_rows.rows))
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
        elif not sum(each.answers for each in recording.good_bytes) and (words := server.last_words()):
            self._run_log.event(block, label, "log", f"{spec}: {words}")

    def _job(self, block: int, label: SideLabel, seed: int, server: Server) -> PairingJob:
        [scenario], schedule = self._experiment.scenarios, self._schedule
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
