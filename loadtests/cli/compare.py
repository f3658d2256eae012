"""``bench compare``: the same cells of several runs side by side."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from loadtests.system.errors import UsageError
from loadtests.system.resources import no_garbage_collection

if TYPE_CHECKING:
    from loadtests.analysis.run_differences import SavedRun


@click.command(name="compare")
@click.argument("folders", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="RUN RUN [RUN]...")
@click.option(
    "--markdown",
    type=click.Path(path_type=Path, dir_okay=False, writable=True),
    metavar="FILE",
    help="Append the tables to this file in Markdown, for example $GITHUB_STEP_SUMMARY.",
)
@click.option(
    "--html",
    type=click.Path(path_type=Path, dir_okay=False, writable=True),
    metavar="FILE",
    help="Write the tables to this file as a page that opens offline.",
)
@no_garbage_collection()
def compare_(folders: tuple[Path, ...], markdown: Path | None, html: Path | None) -> None:
    """Put the same cells of several runs side by side, and say which comparison is fair.

    Each RUN is a run's folder; a cell is one scenario under one load. First come the differences between the runs:
    machine, commit, sides, versions, settings. Ratios b / a can be compared between machines. Each side's own figures
    can be compared only on one machine under the same load, and are left out otherwise. Changes are from the first
    run. It is better to compare two commits in one run: bench run --a @HEAD~1 --b @HEAD.
    """
    from loadtests.analysis.across_runs import compare_runs
    from loadtests.report.html.run_comparison import comparison_page
    from loadtests.report.run_comparison import comparison_markdown, comparison_table
    from loadtests.system.terminal import PipeConsole

    found = compare_runs(saved_runs(folders))
    if markdown is not None:
        with markdown.open("a", encoding="utf-8") as file:
            file.write(comparison_markdown(found))
    if html is not None:
        html.write_text(comparison_page(found), encoding="utf-8")
    PipeConsole().print(comparison_table(found))


def saved_runs(folders: tuple[Path, ...]) -> "list[SavedRun]":
    """Read at least two runs.

    Raises:
        UnreadableRun: one is no run, is of another version, or has no summary, because it has not finished.
        UsageError: there are fewer than two, or one is given twice or is a copy of another.
    """
    from loadtests.analysis.saved_runs import copies, read_saved_run

    if len(folders) < 2:
        raise UsageError(f"bench compare {folders[0]}: name at least two runs")
    paths = [folder.resolve() for folder in folders]
    if twice := next((folder for folder, path in zip(folders, paths, strict=True) if paths.count(path) > 1), None):
        raise UsageError(f"bench compare: {twice} is given twice")
    names = [path.name for path in paths]
    if len(set(names)) < len(names):  # a/run and b/run
        names = [str(folder) for folder in folders]
    runs = [read_saved_run(folder, name) for folder, name in zip(folders, names, strict=True)]
    for copy, original in copies(runs):
        raise UsageError(f"bench compare: {folders[copy]} is a copy of {folders[original]}; leave one of them out")
    return runs
