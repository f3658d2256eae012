"""results/example, the measurements that this project's docs quote: read, and measured anew."""

import shutil
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from PIL import Image

from loadtests.analysis.analyse import analyse
from loadtests.analysis.sequential import SequentialSchedule
from loadtests.experiment.options import RunOptions, dial_options
from loadtests.lessons import deadlock
from loadtests.lessons.catalogue import CLAIMS, LESSONS
from loadtests.lessons.deadlock import POOL, DeadlockCell, DeadlockOptions, cells_of
from loadtests.lessons.deadlock import draw as draw_deadlock
from loadtests.lessons.measure import analyse_and_report, measure_claims, measure_lesson
from loadtests.lessons.record import (
    CLAIMS_FILE,
    LESSON_FILE,
    ClaimsRecord,
    Evidence,
    LessonRecord,
    read_claims,
    read_lesson,
)
from loadtests.records.json_files import write_json
from loadtests.records.run_folder import EXAMPLE, RunFolder, UnreadableRun, check_free
from loadtests.report.charts import timeline
from loadtests.report.charts.curve import draw as draw_curve
from loadtests.report.charts.dial import heat_map
from loadtests.report.charts.ratio import against_loads
from loadtests.report.charts.style import drawing, save
from loadtests.report.curves import curves
from loadtests.report.view import RunView, view_of
from loadtests.runner import run
from loadtests.system.errors import UsageError
from loadtests.system.terminal import PipeConsole

RUN, CURVE, DIAL, DEADLOCK, LESSON_FOLDER = "run", "curve", "dial", "deadlock", "lessons"
TIMELINE = "external_api"
"""The scenario whose timeline and curve the docs show."""
CURVE_USERS = "1,10,20,30,40,50,60,80,120,160,200"
"""Closer together where 40 threads run out."""
COLOURS = 64


@dataclass(frozen=True)
class Example:
    """All measurements that the docs quote.

    Attributes:
        run: of ``bench run`` with its defaults.
        curve: of ``bench curve external_api``.
        dial: of ``bench dial``.
        deadlock: of ``bench deadlock``.
        lessons: each lesson, by name.
        claims: of ``bench claims``, with what the lessons measured for them.
    """

    run: RunView
    curve: RunView
    dial: RunView
    deadlock: list[DeadlockCell]
    lessons: Mapping[str, LessonRecord]
    claims: ClaimsRecord


def read_example(folder: Path = EXAMPLE) -> Example:
    """Read the example; raises UnreadableRun naming what is missing or damaged."""
    lessons = {name: read_lesson(folder / LESSON_FOLDER / f"{name}.json") for name in LESSONS}
    return Example(
        run=_run(folder / RUN),
        curve=_run(folder / CURVE),
        dial=_run(folder / DIAL),
        deadlock=_deadlock(folder / DEADLOCK),
        lessons=lessons,
        claims=_claims(folder / CLAIMS_FILE, lessons),
    )


def _claims(path: Path, lessons: Mapping[str, LessonRecord]) -> ClaimsRecord:
    """Read the claims, and add the measurements that are stored with the lessons."""
    record = read_claims(path)
    evidence = {name: Evidence(outcome=lesson.outcome) for name, lesson in lessons.items()}
    return record.model_copy(update={"evidence": {**evidence, **record.evidence}})


def _run(path: Path) -> RunView:
    """Analyse a run's raw samples; read its summary where they were not kept."""
    folder = RunFolder(path)
    manifest = folder.read_manifest()
    return view_of(manifest, analyse(folder, manifest) if folder.trials.exists() else folder.read_outcome())


def _deadlock(folder: Path) -> list[DeadlockCell]:
    pools = [path for path in sorted(folder.glob(f"{POOL}*")) if path.name.removeprefix(POOL).isdigit()]
    if not pools:
        raise UnreadableRun(f"{folder} has no runs in it")
    return [cell for path in pools for cell in cells_of(_run(path), int(path.name.removeprefix(POOL)))]


def parts() -> list[str]:
    """Return the names of all parts that can be measured one by one: runs, lessons, and claims with their own runs."""
    own = [claim.name for claim in CLAIMS if claim.measure]
    return list(dict.fromkeys([*RUNS, *LESSONS, *own]))


def measure_example(out: Path, chosen: Collection[str] = (), old: Path = EXAMPLE) -> None:
    """Measure the default run, curve, dial and deadlock, all lessons and all claims; all of it takes half an hour.

    Args:
        out: the folder to make.
        chosen: the parts to measure; everything if there are none.
        old: the example that all other parts are copied from.

    Raises:
        UsageError: ``out`` exists already, a part is unknown, or something can't be measured here; nothing was written.
        UnreadableRun: a part to copy is missing or damaged.
        Interrupted, RunError: it could not be completed; what was measured is kept in ``out``.
    """
    check_free(out)
    every = parts()
    for name in chosen:
        if name not in every:
            raise UsageError(f"the example has no part {name!r}; choose one of: {', '.join(every)}")
    wanted = set(chosen or every)
    work = out / "work"
    out.mkdir(parents=True)
    for name, measure in RUNS.items():
        if name in wanted:
            measure(work / name, out / name)
        else:
            shutil.copytree(old / name, out / name)
    evidence = _lessons(work / LESSON_FOLDER, out / LESSON_FOLDER, wanted, old / LESSON_FOLDER)
    if not wanted >= set(every):
        kept = read_claims(old / CLAIMS_FILE).evidence
        evidence |= {name: found for name, found in kept.items() if name not in wanted}
    record = measure_claims(CLAIMS, evidence, work, PipeConsole())
    own = {name: found for name, found in record.evidence.items() if name not in LESSONS}
    write_json(out / CLAIMS_FILE, record.model_copy(update={"evidence": own}))
    draw_pictures(out)
    shutil.rmtree(work, ignore_errors=True)


def _lessons(work: Path, out: Path, wanted: Collection[str], old: Path) -> dict[str, Evidence]:
    """Measure the lessons that are wanted and copy the others; return what claims need of them."""
    out.mkdir(parents=True)
    for name, lesson in LESSONS.items():
        if name in wanted:
            measure_lesson(lesson, work / name)
        shutil.copy((work / name / LESSON_FILE) if name in wanted else (old / f"{name}.json"), out / f"{name}.json")
    return {name: Evidence(outcome=read_lesson(out / f"{name}.json").outcome) for name in LESSONS}


def _default_run(_work: Path, out: Path) -> None:
    options = RunOptions(out=out, observe=True)
    folder = RunFolder(run.measure(options, SequentialSchedule))
    manifest = folder.read_manifest()
    folder.write_outcome(analyse(folder, manifest))


def _curve(work: Path, out: Path) -> None:
    options = RunOptions(scenarios=(TIMELINE,), users=CURVE_USERS, out=work)
    _keep(run.measure(options, SequentialSchedule), out)


def _dial(work: Path, out: Path) -> None:
    options = dial_options(cpu_ms="0.1,1,5", wait_ms="0,5,20,50,100,200", users=80, time_s=0.8, observe=True, out=work)
    _keep(run.measure(options), out)


def _measure_deadlock(work: Path, out: Path) -> None:
    deadlock.measure_deadlock(DeadlockOptions(out=work))
    for pool in work.glob(f"{POOL}*"):
        _keep(pool, out / pool.name)


def _keep(path: Path, out: Path) -> None:
    analyse_and_report(path)
    RunFolder(path).copy_figures(out)  # raw samples are too large to keep


RUNS: Mapping[str, Callable[[Path, Path], None]] = {
    RUN: _default_run,
    CURVE: _curve,
    DIAL: _dial,
    DEADLOCK: _measure_deadlock,
}
"""What measures each folder of runs: it takes a folder to work in, and the folder to make."""


def draw_pictures(out: Path) -> None:
    """Draw the charts that the docs show, as PNG files with few colours: they are small enough for the repository."""
    example = read_example(out)
    load = example.run.measured_loads(TIMELINE)[-1]
    with TemporaryDirectory() as name:
        folder = Path(name)
        with drawing():
            save(against_loads(example.run), folder, "ratio")
            save(heat_map(example.dial), folder, DIAL)
            [drawn_curve] = curves(example.curve)
            save(draw_curve(example.curve, drawn_curve), folder, CURVE)
            save(draw_deadlock(example.deadlock, DeadlockOptions.threads), folder, DEADLOCK)
        drawn = timeline.draw_one(example.run, RunFolder(out / RUN).read_trial, folder, TIMELINE, load, 0)
        for path in drawn.paths if drawn is not None else []:
            path.rename(folder / f"timeline{path.suffix}")
        for path in folder.glob("*.png"):
            with Image.open(path) as picture:
                picture.convert("RGB").quantize(COLOURS).save(out / path.name, optimize=True)
