"""``bench history``: all runs of a folder over time, and where their figures change."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from loadtests.records.run_folder import MANIFEST_FILE, RESULTS, RunFolder, UnreadableRun
from loadtests.system.errors import UsageError
from loadtests.system.resources import no_garbage_collection

if TYPE_CHECKING:
    from loadtests.analysis.run_differences import SavedRun


@click.command(name="history")
@click.argument("folder", required=False, default=RESULTS, type=click.Path(path_type=Path), metavar="[FOLDER]")
@click.option(
    "--html",
    type=click.Path(path_type=Path, dir_okay=False, writable=True),
    metavar="FILE",
    help="Write the charts to this file as a page that opens offline.",
)
@no_garbage_collection()
def history_(folder: Path, html: Path | None) -> None:
    """Show the runs in FOLDER over time, where their figures changed, and between which commits.

    Runs of one setting on one machine form a history, in the order in which they were made. To find a change of level,
    it takes at least six runs, with three on either side of the change. The command also shows side a against itself
    and the highest rate of the load driver alone: if these changed too, the machine changed. [default FOLDER: results]
    """
    from loadtests.analysis.history import histories
    from loadtests.report.history import BARS, PLAIN_BARS, history_table
    from loadtests.system.terminal import PipeConsole

    runs, left_out = readable_runs(folder)
    found = histories(runs)
    shown = [history for history in found if history.is_long_enough] or found[:1]
    for history in found:
        if history not in shown:
            names = ", ".join(run.name for run in history.runs)
            left_out.append(f"{names}: too few runs of this setting on this machine")
    left_out.extend(said for history in shown for said in history.left_out)
    if html is not None:
        from loadtests.report.html.history import history_page

        html.write_text(history_page(shown, left_out), encoding="utf-8")
    console = PipeConsole()
    signs = BARS if (sys.stdout.encoding or "").lower().startswith("utf") else PLAIN_BARS
    for history in shown:
        console.print(history_table(history, signs))
    for said in left_out:
        console.print(f"{said}.", highlight=False, markup=False, soft_wrap=True, style="dim")


def readable_runs(folder: Path) -> "tuple[list[SavedRun], list[str]]":
    """Return the complete runs of a folder, and why others are left out: a sentence each, without its full stop.

    Raises:
        UsageError: there is no such folder, or no run in it that can be read.
    """
    from loadtests.analysis.run_differences import SavedRun, cautions

    if not folder.is_dir():
        raise UsageError(f"bench history: there is no folder {folder}")
    runs: list[SavedRun] = []
    said: list[str] = []
    for path in sorted(each.parent for each in folder.glob(f"*/{MANIFEST_FILE}")):
        try:
            run = SavedRun(path.name, RunFolder(path).read_manifest(), RunFolder(path).read_outcome())
        except UnreadableRun as error:
            said.append(f"left out: {error}")
            continue
        if run.manifest.complete and run.outcome.complete:
            runs.append(run)
            said.extend(cautions(run))
        else:
            said.append(f"left out: {run.name} is incomplete; bench run --resume {path} completes it")
    if not runs:
        raise UsageError("\n".join([f"bench history {folder}: the folder holds no complete run", *said]))
    return runs, _shortened(said)


def _shortened(said: Sequence[str], most: int = 6) -> list[str]:
    return [*said[:most], *([f"and {len(said) - most} more messages of this kind"] if len(said) > most else [])]
