"""Carry out a lesson: measure what it asks, and keep what was found."""

import shutil
import sqlite3
import time
from contextlib import nullcontext
from datetime import UTC, datetime
from pathlib import Path

from loadtests.analysis.analyse import analyse
from loadtests.experiment.options import SQLITE, RunOptions
from loadtests.lessons.lesson import Lesson, Measure
from loadtests.lessons.record import FILE, LessonRecord
from loadtests.lessons.special import experiment
from loadtests.lessons.verdicts import borne_on
from loadtests.records.outcome import Outcome
from loadtests.records.run_folder import RunFolder, check_free, write_json
from loadtests.report.html.page import write
from loadtests.runner import run
from loadtests.runner.single_server import Stage
from loadtests.system.cores import assign_cores, pinned
from loadtests.system.machine import read_environment
from loadtests.system.terminal import PipeConsole

SEED = 0


def teach(lesson: Lesson, out: Path) -> LessonRecord:
    """Measure a lesson; return what was found, which ``out`` keeps too.

    Raises:
        UsageError: it can't be measured here; nothing was written.
        Interrupted, RunError: it could not be completed; what was measured is kept, but of a special experiment.
    """
    began, now = time.monotonic(), datetime.now(UTC)
    machine = read_environment()
    outcome, database = measure_here(lesson.measure, out)
    record = LessonRecord(
        lesson=lesson.name,
        created=now,
        seconds=round(time.monotonic() - began, 1),
        environment=machine,
        database=database,
        outcome=outcome,
    )
    write_json(out / FILE, record)
    return record


def measure_here(measure: Measure, out: Path) -> tuple[Outcome, str]:
    """Carry out a measurement; return what was found, and on which database. Raises as ``teach`` does."""
    if measure.special is None:
        return _by_run(measure, out)
    return _specially(measure, out), f"SQLite {sqlite3.sqlite_version}"


def options(measure: Measure, out: Path) -> RunOptions:
    """Return the run that measures a lesson."""
    return RunOptions(
        scenarios=tuple(measure.scenarios),
        a=measure.a,
        b=measure.b,
        users=measure.users,
        rate=measure.rate,
        arrivals="poisson",
        blocks=measure.blocks,
        slice_s=measure.slice_s,
        time_s=measure.time_s,
        seed=SEED,
        full=False,
        start_limit=20.0,
        out=out,
        database=measure.database,
    )


def _by_run(measure: Measure, out: Path) -> tuple[Outcome, str]:
    folder = RunFolder(run.measure(options(measure, out)))
    manifest = folder.read_manifest()
    outcome = analyse(folder, manifest)
    write(folder, manifest, outcome, borne_on(manifest, outcome))
    return outcome, manifest.database_version or SQLITE


def _specially(measure: Measure, out: Path) -> Outcome:
    check_free(out)
    console = PipeConsole()
    cores = assign_cores()
    work = out / "work"
    work.mkdir(parents=True)
    status = console.status("") if console.is_terminal else nullcontext()
    try:
        with pinned(cores.driver), status as shown:

            def tell(what: str, _seconds: float) -> None:
                if shown is not None:
                    shown.update(f"{what} of {measure.blocks}")

            assert measure.special is not None  # noqa: S101 - the caller has asked
            return experiment(measure.special, measure, Stage(work, cores, datetime.now(UTC), None, SEED, tell))
    except BaseException:
        shutil.rmtree(out, ignore_errors=True)
        raise
    finally:
        shutil.rmtree(work, ignore_errors=True)
