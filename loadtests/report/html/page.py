"""The HTML report: one page with everything in it, and the writing of summary, charts and page.

The page's security policy lets only its own scripts run, told by their hashes; charts are embedded as images.
"""

import io
import re
from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Protocol
from urllib.parse import quote

from PIL import Image

from loadtests.analysis.comparison import ALPHA, LEVEL, MARGIN_PERCENT, SIGN_FLIP_EXACT, SIGN_FLIP_FROM
from loadtests.analysis.control import control_in_words
from loadtests.analysis.flag_checks import DRIVER_BUSY_LIMIT, LITTLES_LAW_LIMIT
from loadtests.analysis.trial_summary import PERCENTILES, samples_needed
from loadtests.experiment.loads import OpenLoop
from loadtests.records.manifest import Manifest, SideRecord
from loadtests.records.run_folder import RunFolder
from loadtests.records.summary import Outcome
from loadtests.report import differences, view
from loadtests.report.answers import unlike
from loadtests.report.charts import catalogue, curve
from loadtests.report.charts.catalogue import CHARTS, LEADING
from loadtests.report.charts.marks import MARKS
from loadtests.report.charts.predicted import NEAR
from loadtests.report.charts.timeline import Drawn, draw_all
from loadtests.report.doubts import doubts
from loadtests.report.highlights import tally
from loadtests.report.html.sections import Section, section_of
from loadtests.report.html.tables import ADDING_UP, NOTHING, agreement, columns, headings
from loadtests.report.html.templating import TABLES, allowed, script, template
from loadtests.report.html.what_if import panel
from loadtests.report.thresholds import ThresholdTable
from loadtests.report.titles import ratio_title
from loadtests.report.view import RunView, view_of
from loadtests.report.wording import STATUS_SIGNS, STATUS_WORDS, listed, named
from loadtests.system.errors import RunError, describe_error

MODEL, PANEL = "model.js", "what_if.js"
UNESCAPED = " /:;,=()?!*+@$[]{}|^~`.-_"
"""What may stand in an image's source as it is."""
COLOURS = 64
"""Of a picture of dots: as many as a chart has, with their shades at edges."""


@dataclass(frozen=True)
class ChartBlock:
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
    curves: Sequence[curve.Drawn] = (),
    thresholds: ThresholdTable | None = None,
) -> str:
    """Return the report as HTML with everything in it: charts too, and nothing to fetch.

    Args:
        manifest: run.json.
        outcome: summary.json.
        charts: what ``charts.draw`` wrote; only the SVGs are read.
        timelines: what ``charts.draw_all`` wrote.
        claims: what this run says of what is claimed.
        curves: what ``curve.draw_all`` wrote.
        thresholds: what became of them; None if there are none.
    """
    run = view_of(manifest, outcome)
    what_if = panel(run)
    scripts = [script(name) for name in (TABLES, *([MODEL, PANEL] if what_if else []))]
    doubted = doubts(run, outcome)
    sections = [section_of(run, scenario, f"s{i}") for i, scenario in enumerate(manifest.scenarios)]
    return template("report.html.j2").render(
        manifest=manifest,
        run=run,
        view=view,
        complete=manifest.complete and outcome.complete,
        headline=ratio_title(run) if run.headlines() else "Nothing was measured",
        tally=tally(run),
        control=control_in_words(outcome.control, run.names["a"]) if outcome.control else "",
        outcome_doubted=outcome.doubted,
        unlike=[*differences.lines(run), *unlike(run)],
        sections=sections,
        claims=claims,
        thresholds=thresholds,
        flags_seen=_flags_in(sections),
        plates=_chart_blocks(run, charts),
        timelines={seen.scenario: _timeline(seen) for seen in timelines},
        curves={drawn.scenario: _curve(drawn) for drawn in curves},
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
        percent={
            "alpha": _percent(ALPHA),
            "level": _percent(LEVEL),
            "near": _percent(NEAR),
            "littles_law": _percent(LITTLES_LAW_LIMIT),
            "driver_busy": _percent(DRIVER_BUSY_LIMIT),
        },
        needed={f"p{p:g}": samples_needed(p) for p in PERCENTILES},
        min_blocks=manifest.least_blocks,
        status_signs=STATUS_SIGNS,
        status_words=STATUS_WORDS,
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


def _percent(share: float) -> str:
    return f"{100 * share:.3g}"


def _chart_blocks(run: RunView, charts: Sequence[Path]) -> list[ChartBlock]:
    drawn = {path.stem: path for path in charts if path.suffix == ".svg"}
    return [
        ChartBlock(
            chart.topic(run),
            chart.finding(run),
            chart.reading(run),
            data_uri(drawn[chart.name]),
            leading=chart.name in LEADING,
        )
        for chart in CHARTS
        if chart.name in drawn
    ]


def _timeline(seen: Drawn) -> ChartBlock:
    topic = f"Where the requests of {seen.scenario} were with {seen.load}"
    (png,) = [path for path in seen.paths if path.suffix == ".png"]
    return ChartBlock(topic, seen.finding, seen.reading, dots_uri(png))


def _curve(drawn: curve.Drawn) -> ChartBlock:
    (svg,) = [path for path in drawn.paths if path.suffix == ".svg"]
    topic = f"Throughput of {drawn.scenario} against users, with its ceilings"
    return ChartBlock(topic, drawn.finding, drawn.reading, data_uri(svg))


def _flags_in(sections: Sequence[Section]) -> dict[str, str]:
    """Return each flag that the report shows, without the side that it concerns, with its meaning."""
    verdicts = [verdict for section in sections for _, row in section.ratios for verdict in row if verdict is not None]
    return {words.partition(" (")[0]: meaning for verdict in verdicts for words, meaning in verdict.flags}


def _settings(manifest: Manifest, *, differing: bool) -> list[tuple[str, str, str, bool]]:
    """Return settings by name with each side's value and whether they differ; all of them, or only those that do."""
    a, b = (_everything(side) for side in (manifest.a, manifest.b))
    names = list(dict.fromkeys([*a, *b]))
    rows = [(name, _setting(a, name), _setting(b, name), a.get(name) != b.get(name)) for name in names]
    return [row for row in rows if row[3] or not differing]


AGENT = {
    "side": "served there",
    "workers": "workers",
    "observes": "observed",
    "cpu": "processor",
    "cores": "cores",
    "system": "system",
}
"""What the page calls what an agent has told."""


def _everything(side: SideRecord) -> dict[str, object]:
    """Return a side's settings, and what it runs on where that was looked at."""
    python = {} if side.python is None else {"Python": side.python}
    told = {} if side.agent is None else side.agent.model_dump() | {"observes": "yes" if side.agent.observes else "no"}
    agent = {AGENT[name]: value for name, value in told.items()}
    return {**side.settings, **python, **side.versions, **agent}


def _setting(settings: Mapping[str, object], name: str) -> str:
    return NOTHING if settings.get(name) is None else str(settings[name])


def data_uri(path: Path) -> str:
    """Return an SVG as an image's source: in an image no script would run, and its ids clash with no other's.

    Comments and line ends are left out, and only what must be is escaped: a third smaller than base64.
    """
    return svg_uri(path.read_text(encoding="utf-8"))


def svg_uri(svg: str) -> str:
    """Return the text of an SVG as an image's source; see ``data_uri``."""
    svg = re.sub(r"<!--.*?-->", "", svg, flags=re.DOTALL)
    svg = re.sub(r"\s+", " ", re.sub(r">\s+<", "><", svg))
    return f"data:image/svg+xml,{quote(svg, safe=UNESCAPED)}"


def dots_uri(path: Path) -> str:
    """Return a PNG as an image's source, in few colours: of a chart with very many strokes it is the smaller one."""
    packed = io.BytesIO()
    with Image.open(path) as picture:
        picture.convert("RGB").quantize(COLOURS).save(packed, "PNG", optimize=True)
    return f"data:image/png;base64,{b64encode(packed.getvalue()).decode()}"


def write(
    folder: RunFolder,
    manifest: Manifest,
    outcome: Outcome,
    claims: Sequence[TestedClaim],
    *,
    png: bool = False,
    thresholds: ThresholdTable | None = None,
) -> None:
    """Write summary, charts (as SVG; as PNG too if that is wanted) and report; raises RunError if they can't be."""
    try:
        folder.write_outcome(outcome)
        drawn = catalogue.draw(manifest, outcome, folder.charts, png=png)
        run = view_of(manifest, outcome)
        curves = curve.draw_all(run, folder.charts, png=png)
        seen = draw_all(run, folder.read_trial, folder.charts)
        folder.write_report(render(manifest, outcome, drawn, seen, claims, curves, thresholds))
    except OSError as error:
        raise RunError(describe_error(error, folder.path)) from error
