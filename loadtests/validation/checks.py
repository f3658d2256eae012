"""Carry out a validation: all checks, one after another, with a progress display.

Runs that compare sides with a known difference are ordinary runs, analysed like any other; their folders are removed
afterwards. What each check has measured is available as soon as it is known.
"""

import random
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial

from rich.console import Console
from rich.progress import Progress as ProgressBar
from rich.progress import TextColumn

from loadtests.analysis.analyse import analyse
from loadtests.analysis.sequential import SequentialSchedule
from loadtests.drivers.driver import Driver
from loadtests.drivers.job import PairingJob
from loadtests.experiment.loads import ClosedLoop
from loadtests.records.json_files import Record
from loadtests.records.run_folder import create_run_folder
from loadtests.records.summary import Comparison, Outcome
from loadtests.runner.run_log import new_manifest
from loadtests.runner.runner import FixedSchedule, Progress, Runner
from loadtests.runner.single_server import Workspace, ask, target
from loadtests.servers.databases import SqliteDatabases
from loadtests.servers.reference import MORE_CPU, MORE_WAIT_S
from loadtests.system.machine import Environment, machine_id
from loadtests.system.terminal import progress_bar
from loadtests.validation import known_limits, other_clients, plan, response_times
from loadtests.validation.plan import (
    BASE,
    CPU,
    CPU_USERS,
    Design,
    KnownAnswerRun,
    Sizes,
    ratio_of_more_cpu,
    ratio_of_more_wait,
)
from loadtests.validation.record import Check, Comparisons, KnownComparison, Validation, provenance

CALIBRATION_S = 1.5
CALIBRATIONS_S = len(CPU_USERS) * (CALIBRATION_S + 0.5) + 3.0
"""Estimated duration of the calibration."""


@dataclass(frozen=True)
class _Step:
    """A check that is one measurement, not a series of runs."""

    check: Check
    title: str
    seconds: float
    measure: Callable[[Workspace], Record]


class ProgressDisplay:
    """A progress bar over steps, one after another, whose durations were estimated beforehand."""

    def __init__(self, console: Console, bar: ProgressBar | None, total_s: float) -> None:
        self._console = console
        self._bar = bar
        self._task = bar.add_task("", total=total_s, step="", now="starting") if bar else None
        self._completed_s = 0.0
        self._step_s = 0.0

    def step(self, name: str, length_s: float) -> None:
        """Begin a step; without a terminal this prints a line.

        Args:
            name: what the step does.
            length_s: its estimated duration, in seconds.
        """
        self._completed_s += self._step_s
        self._step_s = length_s
        if self._bar is None or self._task is None:
            self._console.print(name, highlight=False, markup=False)
        else:
            self._bar.update(self._task, completed=self._completed_s, step=name, now="")

    def update(self, now: str, elapsed_s: float) -> None:
        """Show what the step is doing, and how many of its seconds have elapsed."""
        if self._bar is not None and self._task is not None:
            completed = self._completed_s + min(elapsed_s, self._step_s)
            self._bar.update(self._task, completed=completed, now=now)


@contextmanager
def progress_display(console: Console, total_s: float) -> Iterator[ProgressDisplay]:
    """Show a validation's progress."""
    if not console.is_terminal:
        yield ProgressDisplay(console, None, total_s)
        return
    with progress_bar(console, TextColumn("{task.fields[step]}", markup=False)) as bar:
        yield ProgressDisplay(console, bar, total_s)


class ValidationRun:
    """One validation; call ``run`` once. ``measured`` returns the results so far at any time."""

    def __init__(self, sizes: Sizes, environment: Environment, *, quick: bool, seed: int) -> None:
        self._sizes = sizes
        self._environment = environment
        self._quick = quick
        self._records: dict[Check, Record] = {}
        self._complete = False
        rng = random.Random(seed)
        alike, added = [], []
        if "aa" in sizes.checks:
            alike = plan.alike(sizes.comparisons, blog=sizes.blog, design=sizes.design, rng=rng)
        if "effects" in sizes.checks:
            added = plan.additions(sizes.effects, design=sizes.design, rng=rng)
        self._runs = plan.interleave(alike, added)

    @property
    def seconds(self) -> float:
        """The estimated duration of the whole validation."""
        calibration = CALIBRATIONS_S if "effects" in self._sizes.checks else 0.0
        steps = sum(step.seconds for step in self._steps())
        return steps + calibration + sum(run.seconds for run in self._runs)

    def measured(self) -> Validation:
        """Return the results so far."""
        return Validation(
            machine=machine_id(self._environment),
            environment=self._environment,
            quick=self._quick,
            complete=self._complete,
            **self._records,
        )

    def run(self, workspace: Workspace, progress: ProgressDisplay) -> None:
        """Carry out every check, the short ones first; an exception leaves the results so far in ``measured``."""
        for step in self._steps():
            progress.step(step.title, step.seconds)
            self._records[step.check] = step.measure(workspace)
        self._compare(workspace, progress)
        self._complete = True

    def _steps(self) -> list[_Step]:
        sizes = self._sizes
        steps = (
            _Step(
                "queue",
                "a queue that follows from theory",
                response_times.QUEUE_OVERHEAD_S + sizes.queue_s,
                partial(response_times.measure_queue, window_s=sizes.queue_s),
            ),
            _Step(
                "stall",
                "a server that is stopped now and then",
                response_times.STALL_OVERHEAD_S + sizes.pace_s + 2 * sizes.stall_s,
                partial(response_times.measure_stall, window_s=sizes.stall_s, pace_s=sizes.pace_s),
            ),
            _Step("overload", "queues that can't keep up", known_limits.OVERLOAD_S, known_limits.measure_overload),
            _Step(
                "capacity",
                "a capacity that follows from theory",
                known_limits.CAPACITY_S,
                known_limits.measure_capacity,
            ),
            _Step(
                "drivers",
                "other clients beside the driver",
                other_clients.other_clients_s(sizes.rounds, sizes.round_s),
                partial(other_clients.measure_other_clients, rounds=sizes.rounds, round_s=sizes.round_s),
            ),
        )
        return [step for step in steps if step.check in sizes.checks]

    def _compare(self, workspace: Workspace, progress: ProgressDisplay) -> None:
        work_share: dict[int, float] = {}
        driver: dict[str, float | None] = {}
        spent: dict[Check, float] = {"aa": 0.0, "effects": 0.0}
        rows: dict[Check, list[KnownComparison]] = {"aa": [], "effects": []}
        if "effects" in self._sizes.checks:
            progress.step("how much of the server's time is the known work", CALIBRATIONS_S)
            work_share = calibrate(workspace)
        for number, run in enumerate(self._runs):
            progress.step(_title(run, number, len(self._runs)), run.seconds)
            check: Check = "aa" if run.study == "alike" else "effects"
            began = time.monotonic()
            driver, known = measure_known_answers(workspace, run, number, work_share, driver)
            rows[check] += known
            spent[check] += time.monotonic() - began
            self._records[check] = Comparisons(
                occasion=provenance(workspace, spent[check]),
                **_recorded(self._sizes.design),
                work_share=work_share if check == "effects" else {},
                rows=list(rows[check]),
            )


def _recorded(design: Design) -> dict[str, float | None]:
    """Return what a record says of how comparisons were made."""
    if design.budget_s is not None:
        return {"budget_s": design.budget_s, "precision": design.precision, "time_s": None}
    return {"time_s": design.time_s}


def _title(run: KnownAnswerRun, number: int, count: int) -> str:
    experiment = run.experiment
    a, b = (side.spec.rpartition(":")[2] for side in (experiment.a, experiment.b))
    return f"run {number + 1} of {count}, {b} against {'itself' if a == b else a}"


def calibrate(workspace: Workspace) -> dict[int, float]:
    """Return users → share of the server's CPU time that is the known work, by the server's own clocks."""
    shares: dict[int, float] = {}
    with (
        Driver(workspace.cores, workspace.work / "calibration-driver" / "log") as driver,
        workspace.server(BASE, "calibration") as server,
    ):
        server.wait_until_ready()
        for done, users in enumerate(CPU_USERS):
            workspace.tell(f"the share of the known work, {users} users", CALIBRATIONS_S * done / len(CPU_USERS))
            before = _spent(ask(server, "/spent"))
            job = PairingJob(
                {"a": target(server)}, CPU.requests, ClosedLoop(users), CALIBRATION_S, 0, 0, workspace.seed
            )
            driver.drive(job)
            after = _spent(ask(server, "/spent"))
            shares[users] = (after["work_s"] - before["work_s"]) / (after["cpu_s"] - before["cpu_s"])
    return shares


def _spent(answer: object) -> dict[str, float]:
    if not isinstance(answer, dict):
        raise TypeError(f"not what /spent answers: {answer!r}")
    return answer


def measure_known_answers(
    workspace: Workspace,
    run: KnownAnswerRun,
    number: int,
    work_share: dict[int, float],
    driver: dict[str, float | None],
) -> tuple[dict[str, float | None], list[KnownComparison]]:
    """Carry out one run; return what the manifest says of the driver, and the comparisons of throughput.

    Args:
        workspace: folder, cores and progress.
        run: the plan.
        number: of the run, from 0.
        work_share: users → share of the server's CPU time that is the known work.
        driver: what an earlier run's manifest says of the driver; empty to measure it.
    """
    experiment = run.experiment
    trials = 2 * len(experiment.cells) * experiment.blocks

    def show_progress(at: Progress) -> None:
        workspace.tell(f"block {at.block + 1}, {at.now}", run.seconds * min(1.0, at.done / trials))

    path = workspace.work / f"run{number}"
    manifest = new_manifest(experiment, path.name, datetime.now(UTC), workspace.cores)
    manifest = manifest.model_copy(update=driver)
    try:
        folder = create_run_folder(path, manifest)
        manifest = Runner(
            experiment,
            folder,
            manifest,
            workspace.cores,
            show_progress,
            SequentialSchedule(experiment) if experiment.budget_s else FixedSchedule(experiment.plan()),
            SqliteDatabases(),
        ).run()
        outcome = analyse(folder, manifest)
    finally:
        shutil.rmtree(path, ignore_errors=True)
    driver = {"driver_ceiling_rps": manifest.driver_ceiling_rps, "driver_overhead_s": manifest.driver_overhead_s}
    return driver, [_known_comparison(run, number, c, work_share) for c in _headlines(outcome)]


def _headlines(outcome: Outcome) -> list[Comparison]:
    return [c for c in outcome.comparisons if c.metric == "throughput" and isinstance(c.load, ClosedLoop)]


def _known_comparison(
    run: KnownAnswerRun, number: int, found: Comparison, work_share: dict[int, float]
) -> KnownComparison:
    users, study, truth = int(found.load.size), run.study, 1.0
    if study in MORE_CPU:
        truth = ratio_of_more_cpu(MORE_CPU[study], work_share[users])
    elif study in MORE_WAIT_S and found.a.value:
        truth = ratio_of_more_wait(MORE_WAIT_S[study], users, found.a.value)
    return KnownComparison(
        study=study,
        run=number,
        sides=(found.a.side, found.b.side),
        scenario=found.scenario,
        users=users,
        blocks=found.blocks,
        truth=truth,
        ratio=found.ratio,
        interval=found.interval,
        verdict=found.verdict,
        flags=found.flags,
    )
