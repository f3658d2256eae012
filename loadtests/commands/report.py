"""``bench report``: everything that follows from a run's raw samples."""

from pathlib import Path

from loadtests.analysis.analyse import analyse
from loadtests.lessons.record import borne_on
from loadtests.records.run_folder import RunFolder, remove_leftovers
from loadtests.report.html.page import write
from loadtests.report.verdict_table import verdict_table
from loadtests.system.terminal import PipeConsole


def show(path: Path) -> None:
    """Derive summary, charts and report, and print the verdicts; raises UnreadableRun."""
    console = PipeConsole()
    folder = RunFolder(path)
    manifest = folder.read_manifest()
    remove_leftovers(folder)
    outcome = analyse(folder, manifest)
    console.print(verdict_table(manifest, outcome))
    write(folder, manifest, outcome, borne_on(manifest, outcome))
    where = f"\ncharts   {folder.charts}\nreport   {folder.report}"
    console.print(where, highlight=False, soft_wrap=True, markup=False)
