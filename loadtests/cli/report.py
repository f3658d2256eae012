"""``bench report``: rebuild summary, charts and report from a run's raw samples."""

from functools import partial
from pathlib import Path

import click

from loadtests.system.resources import no_garbage_collection


@click.command(name="report")
@click.argument("folder", type=click.Path(path_type=Path), metavar="RUN")
@click.option("--png", is_flag=True, help="Write each chart as PNG too, for where no SVG can be shown.")
@no_garbage_collection()
def report_(folder: Path, png: bool) -> None:
    """Rebuild summary, charts and report of RUN, a run's folder, from its raw samples.

    Of a lesson, or of claims, it prints what was found.
    """
    from loadtests.lessons.record import CLAIMS_FILE, LESSON_FILE
    from loadtests.records.run_folder import RunFolder

    if (folder / CLAIMS_FILE).exists():
        from loadtests.cli import claims  # what measures takes a second to import, and a report needs none of it

        claims.print_claims(folder)
        return
    if RunFolder(folder).exists or not (folder / LESSON_FILE).exists():
        show_report(folder, png=png)
    if (folder / LESSON_FILE).exists():
        from loadtests.cli import lesson

        lesson.print_lesson(folder / LESSON_FILE)


@no_garbage_collection()
def show_report(path: Path, *, png: bool = False) -> None:
    """Derive summary, charts and report from a run's raw samples, and print the verdicts.

    Args:
        path: the run's folder.
        png: whether charts are written as PNG too.

    Raises:
        UnreadableRun: it is no run, or not a whole one.
        RunError: something can't be written.
    """
    from loadtests.analysis.analyse import analyse
    from loadtests.lessons.record import claims_covered_by
    from loadtests.records.run_folder import RunFolder, remove_leftovers
    from loadtests.system.forks import Fork

    folder = RunFolder(path)
    manifest = folder.read_manifest()
    remove_leftovers(folder)
    with Fork(partial(analyse, folder, manifest)) as analysis:
        # What draws takes as long to import as a run does to analyse.
        from loadtests.report.html.page import write
        from loadtests.report.verdict_table import verdict_table
        from loadtests.system.terminal import PipeConsole

        outcome = analysis.result()
    write(folder, manifest, outcome, claims_covered_by(manifest, outcome), png=png)
    console = PipeConsole()  # last: whatever becomes of what is printed, the report is there
    console.print(verdict_table(manifest, outcome))
    where = f"\ncharts   {folder.charts}\nreport   {folder.report}"
    console.print(where, highlight=False, soft_wrap=True, markup=False)
