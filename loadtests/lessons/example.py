"""results/example, the measurements that this project's docs quote: read, and measured anew."""

import shutil
from collections.abc import Mapping
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
from loadtests.system.terminal import PipeConsole

RUN, DIAL, DEADLOCK, LESSON_FOLDER = "run", "dial", "deadlock", "lessons"
TIMELINE = "external_api"
"""The scenario whose timeline and curve the docs show."""
COLOURS = 96


@dataclass(frozen=True)
class Example:
    """All measurements that the docs quote.

    Attributes:
        run: of ``bench run`` with its defaults.
        dial: of ``bench dial``.
        deadlock: of ``bench deadlock``.
        lessons: each lesson, by name.
        claims: of ``bench claims``, with what the lessons measured for them.
    """

    run: RunView
    dial: RunView
    deadlock: list[DeadlockCell]
    lessons: Mapping[str, LessonRecord]
    claims: ClaimsRecord


def read_example(folder: Path = EXAMPLE) -> Example:
    """Read the example; raises UnreadableRun naming what is missing or damaged."""
    lessons = {name: read_lesson(folder / LESSON_FOLDER / f"{name}.json") for name in LESSONS}
    return Example(
        run=_run(folder / RUN),
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


def measure_example(out: Path) -> None:
    """Measure the default run, the dial, the deadlock, all lessons and all claims; it takes half an hour.

    Raises:
        UsageError: ``out`` exists already, or something can't be measured here; nothing was written.
        Interrupted, RunError: it could not be completed; what was measured is kept in ``out``.
    """
    check_free(out)
    work = out / "work"
    _default_run(out / RUN)
    _keep(run.measure(_dial(work / DIAL)), out / DIAL)
    _measure_deadlock(work / DEADLOCK, out / DEADLOCK)
    evidence: dict[str, Evidence] = {}
    (out / LESSON_FOLDER).mkdir(parents=True)
    for name, lesson in LESSONS.items():
        evidence[name] = Evidence(outcome=measure_lesson(lesson, work / LESSON_FOLDER / name).outcome)
        shutil.copy(work / LESSON_FOLDER / name / LESSON_FILE, out / LESSON_FOLDER / f"{name}.json")
    record = measure_claims(CLAIMS, evidence, work, PipeConsole())
    own = {name: found for name, found in record.evidence.items() if name not in LESSONS}
    write_json(out / CLAIMS_FILE, record.model_copy(update={"evidence": own}))
    draw_pictures(out)
    shutil.rmtree(work)


def _default_run(out: Path) -> None:
    options = RunOptions(out=out, observe=True)
    folder = RunFolder(run.measure(options, SequentialSchedule))
    manifest = folder.read_manifest()
    folder.write_outcome(analyse(folder, manifest))


def _dial(out: Path) -> RunOptions:
    return dial_options(cpu_ms="0.1,1,5", wait_ms="0,5,20,50,100,200", users=80, time_s=0.8, observe=True, out=out)


def _measure_deadlock(work: Path, out: Path) -> None:
    deadlock.measure_deadlock(DeadlockOptions(out=work))
    for pool in work.glob(f"{POOL}*"):
        _keep(pool, out / pool.name)


def _keep(path: Path, out: Path) -> None:
    analyse_and_report(path)
    RunFolder(path).copy_figures(out)  # raw samples are too large to keep


def draw_pictures(out: Path) -> None:
    """Draw the charts that the docs show, as PNG files with few colours: they are small enough for the repository."""
    example = read_example(out)
    load = example.run.measured_loads(TIMELINE)[-1]
    with TemporaryDirectory() as name:
        folder = Path(name)
        with drawing():
            save(against_loads(example.run), folder, "ratio")
            save(heat_map(example.dial), folder, DIAL)
            [drawn_curve] = [each for each in curves(example.run) if each.scenario.name == TIMELINE]
            save(draw_curve(example.run, drawn_curve), folder, "curve")
            save(draw_deadlock(example.deadlock, DeadlockOptions.threads), folder, DEADLOCK)
        drawn = timeline.draw_one(example.run, RunFolder(out / RUN).read_trial, folder, TIMELINE, load, 0)
        for path in drawn.paths if drawn is not None else []:
            path.rename(folder / f"timeline{path.suffix}")
        for path in folder.glob("*.png"):
            with Image.open(path) as picture:
                picture.convert("RGB").quantize(COLOURS).save(out / path.name, optimize=True)
