"""The page: what goes into the template, and the charts in it."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Protocol

from jinja2 import Environment, PackageLoader, StrictUndefined

from loadtests.analysis.comparison import MIN_BLOCKS, SIGN_FLIP_EXACT, SIGN_FLIP_FROM
from loadtests.analysis.summary import PERCENTILES, samples_needed
from loadtests.charts import speech
from loadtests.charts.catalogue import CHARTS, LEADING
from loadtests.charts.decided import tally
from loadtests.charts.findings import of_ratio
from loadtests.charts.timelines import Drawn
from loadtests.charts.verdicts import MARKS
from loadtests.charts.view import View, view
from loadtests.charts.wording import MARGIN_PERCENT, listed, named
from loadtests.doubts import doubts
from loadtests.experiment.loads import OpenLoop
from loadtests.records.manifest import Manifest
from loadtests.records.outcome import Outcome
from loadtests.report.consistency import ADDING_UP
from loadtests.report.figures import NOTHING, columns
from loadtests.report.images import data_uri, dots_uri
from loadtests.report.limits import agreement, headings
from loadtests.report.scripts import MODEL, PANEL, TABLES, allowed, script
from loadtests.report.sections import Section, section_of
from loadtests.report.what_if import panel


@dataclass(frozen=True)
class Plate:
    """A chart as the report shows it."""

    topic: str
    finding: str
    reading: str
    source: str
    leading: bool = False


class TestedClaim(Protocol):
    """What the page shows of a claim that the run has the cells for; all of it are words."""

    @property
    def says(self) -> str:
        """The claim."""

    @property
    def sign(self) -> str:
        """Whether it holds, as a sign."""

    @property
    def standing(self) -> str:
        """The same in a word."""

    @property
    def figure(self) -> str:
        """What was measured."""

    @property
    def why(self) -> str:
        """A remark; may be empty."""

    @property
    def lesson(self) -> str | None:
        """Where it is explained."""


def render(
    manifest: Manifest,
    outcome: Outcome,
    charts: Sequence[Path],
    timelines: Sequence[Drawn] = (),
    claims: Sequence[TestedClaim] = (),
) -> str:
    """Return the report as HTML with everything in it: charts too, and nothing to fetch.

    Args:
        manifest: run.json.
        outcome: summary.json.
        charts: what ``charts.draw`` wrote; only the SVGs are read.
        timelines: what ``charts.draw_all`` wrote.
        claims: what this run says of what is claimed.
    """
    run = view(manifest, outcome)
    templates = Environment(loader=PackageLoader("loadtests"), autoescape=True, undefined=StrictUndefined)
    templates.trim_blocks = templates.lstrip_blocks = True
    what_if = panel(run)
    scripts = [script(name) for name in (TABLES, *([MODEL, PANEL] if what_if else []))]
    doubted = doubts(run, outcome)
    sections = [section_of(run, scenario, f"s{i}") for i, scenario in enumerate(manifest.scenarios)]
    return templates.get_template("report.html.j2").render(
        manifest=manifest,
        run=run,
        speech=speech,
        complete=manifest.complete and outcome.complete,
        headline=of_ratio(run) if run.headlines() else "Nothing was measured",
        tally=tally(run),
        sections=sections,
        claims=claims,
        flags_seen=_flags_in(sections),
        plates=_plates(run, charts),
        timelines={seen.scenario: _timeline(seen) for seen in timelines},
        kinds={kind: mark.symbol for kind, mark in MARKS.items()},
        differing=_settings(manifest, differing=True),
        settings=_settings(manifest, differing=False),
        doubts=doubted,
        serious=sum(doubt.serious for doubt in doubted),
        what_if=what_if,
        what_if_data=asdict(what_if) if what_if else None,
        scripts=scripts,
        allowed=allowed(scripts),
        margin=MARGIN_PERCENT,
        needed={f"p{p:g}": samples_needed(p) for p in PERCENTILES},
        min_blocks=MIN_BLOCKS,
        sign_flip=(SIGN_FLIP_FROM, SIGN_FLIP_EXACT),
        columns=columns(run),
        adding_up=ADDING_UP,
        predicted=headings(run),
        agreement=agreement(run),
        arrivals={load.arrivals for load in run.loads if isinstance(load, OpenLoop)},
        listed=listed,
        named=named,
        nothing=NOTHING,
    )


def _plates(run: View, charts: Sequence[Path]) -> list[Plate]:
    drawn = {path.stem: path for path in charts if path.suffix == ".svg"}
    return [
        Plate(
            chart.topic(run),
            chart.finding(run),
            chart.reading(run),
            data_uri(drawn[chart.name]),
            leading=chart.name in LEADING,
        )
        for chart in CHARTS
        if chart.name in drawn
    ]


def _timeline(seen: Drawn) -> Plate:
    topic = f"Where the requests of {seen.scenario} were, with {seen.load}"
    (png,) = [path for path in seen.paths if path.suffix == ".png"]
    return Plate(topic, seen.finding, seen.reading, dots_uri(png))


def _flags_in(sections: Sequence[Section]) -> dict[str, str]:
    """Return each flag that the report shows, without the side that it concerns, with its meaning."""
    verdicts = [verdict for section in sections for _, row in section.ratios for verdict in row if verdict is not None]
    return {words.partition(" (")[0]: meaning for verdict in verdicts for words, meaning in verdict.flags}


def _settings(manifest: Manifest, *, differing: bool) -> list[tuple[str, str, str, bool]]:
    """Return settings by name with each side's value and whether they differ; all of them, or only those that do."""
    a, b = manifest.a.settings, manifest.b.settings
    names = list(dict.fromkeys([*a, *b]))
    rows = [(name, _setting(a, name), _setting(b, name), a.get(name) != b.get(name)) for name in names]
    return [row for row in rows if row[3] or not differing]


def _setting(settings: Mapping[str, object], name: str) -> str:
    return NOTHING if settings.get(name) is None else str(settings[name])
