"""``bench history``: all runs of a folder over time, and where their figures change."""

import sys
from collections.abc import Sequence
from pathlib import Path

import click

from loadtests.records.run_folder import RESULTS
from loadtests.system.resources import no_garbage_collection


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
    from loadtests.analysis.saved_runs import runs_in
    from loadtests.report.history import BARS, PLAIN_BARS, history_table
    from loadtests.system.terminal import PipeConsole

    runs, left_out = runs_in(folder)
    left_out = _shortened(left_out)
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


def _shortened(said: Sequence[str], most: int = 6) -> list[str]:
    return [*said[:most], *([f"and {len(said) - most} more messages of this kind"] if len(said) > most else [])]
