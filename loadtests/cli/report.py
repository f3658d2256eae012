"""``bench report``: rebuild summary, charts and report from a run's raw samples, and judge its thresholds."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click
from rich.console import Console

from loadtests.experiment.loads import ascending
from loadtests.experiment.plan import BUDGET_S
from loadtests.experiment.thresholds import Threshold, ThresholdOptions
from loadtests.records.manifest import Manifest
from loadtests.records.summary import Outcome
from loadtests.system.errors import BenchError, RunError, UsageError
from loadtests.system.resources import no_garbage_collection

if TYPE_CHECKING:
    from loadtests.analysis.thresholds import Judgement
    from loadtests.report.view import RunView

NO_OPTIONS = ThresholdOptions()
_Command = TypeVar("_Command", bound=Callable[..., Any])


def threshold_options(command: _Command) -> _Command:
    """Add the options that set thresholds, and say where what became of them goes."""
    for option in (
        click.option(
            "--markdown",
            type=click.Path(path_type=Path, dir_okay=False, writable=True),
            metavar="FILE",
            help="Append verdicts and conditions to this file in Markdown, for example $GITHUB_STEP_SUMMARY.",
        ),
        click.option(
            "--junit",
            type=click.Path(path_type=Path, dir_okay=False, writable=True),
            metavar="FILE",
            help="Write the results of the conditions to this file, as JUnit XML.",
        ),
        click.option(
            "--not-decided",
            type=click.Choice(["pass", "fail"]),
            default=NO_OPTIONS.not_decided,
            help="Result of a condition that the run can't decide.",
        ),
        click.option(
            "--fail-if",
            multiple=True,
            metavar="CONDITION",
            help="Exit with status 1 if this holds: [SCENARIO[@USERS].][a.|b.]METRIC[.ratio], then <, <=, > "
            'or >=, then a value, as in "throughput.ratio < 0.95" or "get_post@32.b.p99 > 200ms". METRIC is '
            "throughput, p50, p95, p99, errors, cpu or memory. "
            "It fails only if chance is unlikely to explain it. May be repeated.",
        ),
    ):
        command = option(command)
    return command


@click.command(name="report")
@click.argument("folder", type=click.Path(path_type=Path), metavar="RUN")
@click.option("--png", is_flag=True, help="Also write each chart as PNG, where SVG can't be shown.")
@threshold_options
@no_garbage_collection()
def report_(folder: Path, png: bool, **options: object) -> None:
    """Rebuild summary, charts and report of RUN, a run's folder, from its raw samples.

    For a lesson or for claims it prints the results.
    """
    from loadtests.lessons.record import CLAIMS_FILE, LESSON_FILE
    from loadtests.records.run_folder import RunFolder

    demands = ThresholdOptions.model_validate(options)
    is_run = RunFolder(folder).exists
    if demands.given and not is_run and ((folder / CLAIMS_FILE).exists() or (folder / LESSON_FILE).exists()):
        raise UsageError(f"{folder}: conditions need a run; this folder holds other results")
    if (folder / CLAIMS_FILE).exists():
        from loadtests.cli import claims  # what measures takes a second to import, and a report needs none of it

        claims.print_claims(folder)
        return
    if is_run or not (folder / LESSON_FILE).exists():
        show_report(folder, png=png, demands=demands)
    if (folder / LESSON_FILE).exists():
        from loadtests.cli import lesson

        lesson.print_lesson(folder / LESSON_FILE)


class ThresholdMissed(BenchError):
    """A figure of the run is one that a condition forbids."""

    exit_status = 1


@no_garbage_collection()
def show_report(path: Path, *, png: bool = False, demands: ThresholdOptions = NO_OPTIONS) -> None:
    """Derive summary, charts and report from a run's raw samples, and print the verdicts.

    Args:
        path: the run's folder.
        png: whether charts are written as PNG too.
        demands: thresholds that the run must keep.

    Raises:
        UnreadableRun: it is no run, or not a whole one.
        UsageError: a threshold is none, or the run has no such cell.
        RunError: nothing was measured; or something can't be written; or neither side gave one good answer, or one side
            none of any kind, and then the report is there all the same.
        ThresholdMissed: all was written, and a threshold was missed.
    """
    from loadtests.analysis.analyse import analyse
    from loadtests.analysis.thresholds import judge_thresholds
    from loadtests.lessons.record import claims_covered_by
    from loadtests.records.run_folder import RunFolder, remove_leftovers
    from loadtests.system.forks import Fork

    folder = RunFolder(path)
    manifest = folder.read_manifest()
    if manifest.schedule is not None:
        from loadtests.cli.schedule import NO_CONDITIONS, show_schedule

        if demands.given:
            raise UsageError(NO_CONDITIONS.format(path))
        show_schedule(path, png=png)
        return
    if not manifest.cells():
        longer_s = max(BUDGET_S, 2 * (manifest.budget_s or 0.0))
        raise RunError(
            f"{path}: the budget was used up before anything was measured; give it a longer one, as in"
            f" --budget {longer_s / 60:.0f}m, or fewer users"
        )
    thresholds = thresholds_of(manifest, demands)
    remove_leftovers(folder)
    with Fork(partial(analyse, folder, manifest)) as analysis:
        # What draws takes as long to import as a run does to analyse.
        from loadtests.report.answers import nothing_good, unserved
        from loadtests.report.html.page import write
        from loadtests.report.thresholds import threshold_table
        from loadtests.report.verdict_table import verdict_table
        from loadtests.report.view import view_of
        from loadtests.system.terminal import PipeConsole

        outcome = analysis.result()
    view = view_of(manifest, outcome)
    judgement = judge_thresholds(thresholds, outcome, least_blocks=manifest.least_blocks)
    table = threshold_table(judgement, view, undecided_fails=demands.not_decided == "fail")
    write(folder, manifest, outcome, claims_covered_by(manifest, outcome), png=png, thresholds=table)
    console = PipeConsole()  # last: whatever becomes of what is printed, the report is there
    console.print(verdict_table(manifest, outcome))
    where = f"\ncharts   {folder.charts}\nreport   {folder.report}"
    console.print(where, highlight=False, soft_wrap=True, markup=False)
    missed = None
    if demands.given:
        try:
            tell(console, view, outcome, judgement, demands)
        except ThresholdMissed as error:
            missed = error
    if outcome.unanswered:  # which says more than that a threshold was missed
        raise RunError(nothing_good(outcome))
    if outcome.unserved:
        raise RunError(unserved(outcome, (manifest.a.spec, manifest.b.spec)))
    if missed is not None:
        raise missed


def thresholds_of(manifest: Manifest, demands: ThresholdOptions) -> tuple[Threshold, ...]:
    """Return the thresholds of a run; raises UsageError if one is none, or is about what the run does not hold."""
    loads = ascending({load for _, load in manifest.cells()})
    return demands.thresholds([each.name for each in manifest.scenarios], loads)


def tell(
    console: Console, view: "RunView", outcome: Outcome, judgement: "Judgement", demands: ThresholdOptions
) -> None:
    """Say what became of the thresholds, here and in the files that were asked for.

    Raises:
        RunError: nothing was measured that could be judged.
        ThresholdMissed: a threshold was missed.
    """
    from loadtests.report.junit import junit
    from loadtests.report.markdown import markdown
    from loadtests.report.thresholds import line, summary

    if demands.fail_if and not judgement.judged:
        raise RunError("nothing that a condition needs was measured")
    undecided_fails = demands.not_decided == "fail"
    if demands.junit is not None:
        demands.junit.write_bytes(junit(view, judgement, undecided_fails=undecided_fails))
    if demands.markdown is not None:
        with demands.markdown.open("a", encoding="utf-8") as file:
            file.write(markdown(view, outcome, judgement, undecided_fails=undecided_fails))
    if not demands.fail_if:
        return
    open_, missed = judgement.of("undecided"), judgement.of("missed")
    said = [summary(judgement, undecided_fails=undecided_fails)]
    said += [] if undecided_fails else [f"not decided: {line(each, view)}" for each in open_]
    console.print("\n".join(["", *said]), highlight=False, soft_wrap=True, markup=False)
    failing = [line(each, view) for each in missed]
    failing += [f"not decided: {line(each, view)}" for each in open_] if undecided_fails else []
    if failing:
        raise ThresholdMissed("\n".join(["thresholds were missed", *failing]))
