"""``bench report``: everything that follows from a run's raw samples."""

from pathlib import Path

from rich.console import Console

from loadtests import charts
from loadtests import report as reports
from loadtests.analysis import analyse
from loadtests.store import RunFolder
from loadtests.verdict_table import verdict_table


def show(path: Path) -> None:
    """Derive summary, charts and report, and print the verdicts; raises UnreadableRun."""
    console = Console()
    folder = RunFolder(path)
    manifest = folder.read_manifest()
    outcome = analyse(folder, manifest)
    folder.write_outcome(outcome)
    drawn = charts.draw(manifest, outcome, folder.charts)
    folder.write_report(reports.render(manifest, outcome, drawn))
    console.print(verdict_table(manifest, outcome))
    console.print(f"\ncharts   {folder.charts}\nreport   {folder.report}", highlight=False, soft_wrap=True)
