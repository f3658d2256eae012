"""The report of a schedule: one page with everything in it, and the writing of summary, chart and page."""

from pathlib import Path

from loadtests.records.json_files import write_json
from loadtests.records.manifest import Manifest
from loadtests.records.run_folder import OUTCOME_FILE, RunFolder
from loadtests.records.schedule_record import ScheduleOutcome, ScheduleRecord
from loadtests.report.charts.over_time import draw_course
from loadtests.report.html.page import data_uri
from loadtests.report.html.templating import TABLES, allowed, script, template
from loadtests.report.over_time import HEADINGS, headline, names_of, rows, sentences, worst
from loadtests.report.schedule_doubts import schedule_doubts
from loadtests.report.wording import printable
from loadtests.system.errors import RunError, describe_error


def render(manifest: Manifest, outcome: ScheduleOutcome, plan: ScheduleRecord, chart: Path | None) -> str:
    """Return the page: nothing has to be fetched, and all that was measured is text in it."""
    names = names_of(manifest)
    every = max(map(len, outcome.intervals.values()), default=0)
    scripts = [script(TABLES)]
    return template("schedule.html.j2").render(
        manifest=manifest,
        outcome=outcome,
        plan=plan,
        headline=headline(outcome, names),
        sentences=sentences(outcome, names),
        scenario=manifest.scenarios[0].name,
        headings=HEADINGS,
        worst=rows(outcome, names, worst(outcome)),
        all_rows=rows(outcome, names, range(every)),
        doubts=schedule_doubts(manifest, outcome, names),
        chart=data_uri(chart) if chart is not None else None,
        sides={label: (manifest.a if label == "a" else manifest.b) for label in plan.labels},
        scripts=scripts,
        allowed=allowed(scripts),
        printable=printable,
    )


def write_schedule(folder: RunFolder, manifest: Manifest, outcome: ScheduleOutcome, *, png: bool = False) -> None:
    """Write summary, chart and report; raises RunError if they can't be."""
    plan = manifest.schedule
    assert plan is not None  # noqa: S101 - it is what the outcome was derived from
    try:
        write_json(folder.path / OUTCOME_FILE, outcome)
        drawn = draw_course(outcome, plan, names_of(manifest), manifest.scenarios[0].name, folder.charts, png=png)
        chart = next((path for path in drawn if path.suffix == ".svg"), None)
        folder.write_report(render(manifest, outcome, plan, chart))
    except OSError as error:
        raise RunError(describe_error(error, folder.path)) from error
