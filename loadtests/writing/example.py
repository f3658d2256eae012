"""results/example: what this project's own docs rest on, read back."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from loadtests.analysis.analyse import analyse
from loadtests.charts.deadlock import Tried, tried_in
from loadtests.lessons.catalogue import LESSONS
from loadtests.lessons.record import LessonRecord, read_lesson
from loadtests.lessons.verdicts import FILE as CLAIMS_FILE
from loadtests.lessons.verdicts import ClaimsRecord, Evidence, read_claims
from loadtests.records.run_folder import RunFolder, UnreadableRun
from loadtests.report.view import View, view_of

EXAMPLE = Path("results/example")
RUN, DIAL, DEADLOCK, LESSON_FOLDER = "run", "dial", "deadlock", "lessons"
POOL = "pool-"
TIMELINE = "external_api"
"""Of which scenario the docs show where its requests were."""


@dataclass(frozen=True)
class Example:
    """Everything that was measured for the docs.

    Attributes:
        run: the default run.
        dial: the dial.
        deadlock: the grid of users and connections.
        lessons: each lesson, by name.
        claims: what holds.
    """

    run: View
    dial: View
    deadlock: list[Tried]
    lessons: Mapping[str, LessonRecord]
    claims: ClaimsRecord


def read_example(folder: Path = EXAMPLE) -> Example:
    """Read all of it; raises UnreadableRun naming what is missing or no good."""
    lessons = {name: read_lesson(folder / LESSON_FOLDER / f"{name}.json") for name in LESSONS}
    return Example(
        run=_run(folder / RUN),
        dial=_run(folder / DIAL),
        deadlock=_deadlock(folder / DEADLOCK),
        lessons=lessons,
        claims=_claims(folder / CLAIMS_FILE, lessons),
    )


def _claims(path: Path, lessons: Mapping[str, LessonRecord]) -> ClaimsRecord:
    """Return the claims with all that they rest on: what lessons measured is kept with them."""
    record = read_claims(path)
    evidence = {name: Evidence(outcome=lesson.outcome) for name, lesson in lessons.items()}
    return record.model_copy(update={"evidence": {**evidence, **record.evidence}})


def _run(path: Path) -> View:
    """Derive a run anew from its raw samples; read what was derived where those were not kept."""
    folder = RunFolder(path)
    manifest = folder.read_manifest()
    return view_of(manifest, analyse(folder, manifest) if folder.trials.exists() else folder.read_outcome())


def _deadlock(folder: Path) -> list[Tried]:
    pools = [path for path in sorted(folder.glob(f"{POOL}*")) if path.name.removeprefix(POOL).isdigit()]
    if not pools:
        raise UnreadableRun(f"{folder} has no runs in it")
    return [one for path in pools for one in tried_in(_run(path), int(path.name.removeprefix(POOL)))]
