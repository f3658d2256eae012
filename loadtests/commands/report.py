"""``bench report``: everything that follows from a run's raw samples."""

from collections.abc import Sequence
from pathlib import Path

from loadtests.analysis.analyse import analyse
from loadtests.charts import catalogue
from loadtests.charts.timelines import draw_all
from loadtests.charts.view import view
from loadtests.lessons.verdicts import borne_on
from loadtests.records.manifest import Manifest
from loadtests.records.outcome import Outcome
from loadtests.records.run_folder import RunFolder, remove_leftovers
from loadtests.report import page
from loadtests.report.page import TestedClaim
from loadtests.system.errors import RunError, told
from loadtests.system.terminal import PipeConsole
from loadtests.verdict_table import verdict_table


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


def write(folder: RunFolder, manifest: Manifest, outcome: Outcome, claims: Sequence[TestedClaim]) -> None:
    """Write summary, charts and report; raises RunError if they can't be."""
    try:
        folder.write_outcome(outcome)
        drawn = catalogue.draw(manifest, outcome, folder.charts)
        seen = draw_all(view(manifest, outcome), folder.read_trial, folder.charts)
        folder.write_report(page.render(manifest, outcome, drawn, seen, claims))
    except OSError as error:
        raise RunError(told(error, folder.path)) from error
