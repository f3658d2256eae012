"""A run as one file of HTML that opens offline."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from jinja2 import Environment, PackageLoader, StrictUndefined

from loadtests.charts import CHARTS, View, view
from loadtests.charts.answers import answer
from loadtests.charts.decided import tally
from loadtests.charts.findings import of_ratio
from loadtests.charts.verdicts import MARKS
from loadtests.charts.view import LABELS
from loadtests.charts.wording import MARGIN_PERCENT, listed, milliseconds, named, number, ratio
from loadtests.comparison import MIN_BLOCKS, SIGN_FLIP_EXACT, SIGN_FLIP_FROM
from loadtests.doubts import doubts, flag_words
from loadtests.kinds import kind_of, word
from loadtests.loads import Load, ascending
from loadtests.manifest import Manifest, ScenarioRecord
from loadtests.outcome import CellResult, Comparison, Interval, Metric, Outcome
from loadtests.percentiles import PERCENTILES, samples_needed

NOTHING = "—"
UNESCAPED = " /:;,=()?!*+@$[]{}|^~`.-_"
"""What may stand in an image's source as it is."""
SHOWN = ("p50", "p95", "p99")
"""Percentiles with a column of their own in the report's tables."""
METRICS: tuple[Metric, ...] = ("throughput", "p50", "p99", "cpu_per_request")


@dataclass(frozen=True)
class Verdict:
    """A comparison as the report shows it.

    Attributes:
        kind: for its colour.
        symbol: for those who don't see the colour.
        word: for everyone.
        ratio: b ÷ a; empty where there is none.
        interval: of the ratio; empty where there is none.
        flags: each flag's short form and its meaning.
        explanation: a sentence or more.
    """

    kind: str
    symbol: str
    word: str
    ratio: str
    interval: str
    flags: list[tuple[str, str]]
    explanation: str


@dataclass(frozen=True)
class Row:
    """One side under one load, as the report shows it; a figure is a text and a hint, which may be empty."""

    load: Load
    label: str
    name: str
    figures: list[tuple[str, str]]
    collapsed: list[str]


@dataclass(frozen=True)
class Section:
    """A scenario's part of the report."""

    scenario: ScenarioRecord
    anchor: str
    answer: str
    headlines: list[tuple[Load, Verdict | None]]
    rows: list[Row]
    ratios: list[tuple[Load, list[Verdict | None]]]


@dataclass(frozen=True)
class Plate:
    """A chart as the report shows it."""

    topic: str
    finding: str
    reading: str
    source: str


def render(manifest: Manifest, outcome: Outcome, charts: Sequence[Path]) -> str:
    """Return the report as HTML with everything in it: charts too, and nothing to fetch.

    Args:
        manifest: run.json.
        outcome: summary.json.
        charts: what ``charts.draw`` wrote; only the SVGs are read.
    """
    run = view(manifest, outcome)
    templates = Environment(loader=PackageLoader("loadtests"), autoescape=True, undefined=StrictUndefined)
    templates.trim_blocks = templates.lstrip_blocks = True
    sections = [_section(run, scenario, f"s{i}") for i, scenario in enumerate(manifest.scenarios)]
    return templates.get_template("report.html.j2").render(
        manifest=manifest,
        run=run,
        complete=manifest.complete and outcome.complete,
        headline=of_ratio(run) if run.headlines() else "Nothing was measured",
        tally=tally(run),
        sections=sections,
        flags_seen=_flags_in(sections),
        plates=_plates(run, charts),
        kinds={kind: mark.symbol for kind, mark in MARKS.items()},
        differing=_settings(manifest, differing=True),
        settings=_settings(manifest, differing=False),
        doubts=doubts(run, outcome),
        margin=MARGIN_PERCENT,
        needed={f"p{p:g}": samples_needed(p) for p in PERCENTILES},
        min_blocks=MIN_BLOCKS,
        sign_flip=(SIGN_FLIP_FROM, SIGN_FLIP_EXACT),
        columns=SHOWN,
        listed=listed,
        named=named,
        nothing=NOTHING,
    )


def _plates(run: View, charts: Sequence[Path]) -> list[Plate]:
    drawn = {path.stem: path for path in charts if path.suffix == ".svg"}
    return [
        Plate(chart.topic(run), chart.finding(run), chart.reading(run), data_uri(drawn[chart.name]))
        for chart in CHARTS
        if chart.name in drawn
    ]


def data_uri(path: Path) -> str:
    """Return an SVG as an image's source: in an image no script would run, and its ids clash with no other's.

    Comments and line ends are left out, and only what must be is escaped: a third smaller than base64.
    """
    svg = re.sub(r"<!--.*?-->", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
    svg = re.sub(r"\s+", " ", re.sub(r">\s+<", "><", svg))
    return f"data:image/svg+xml,{quote(svg, safe=UNESCAPED)}"


def _section(run: View, scenario: ScenarioRecord, anchor: str) -> Section:
    loads = ascending({load for s, load in run.manifest.cells() if s.name == scenario.name})
    measured = run.measured_loads(scenario.name)
    return Section(
        scenario=scenario,
        anchor=anchor,
        answer=answer(run, scenario.name),
        headlines=[
            (load, _verdict(run, scenario.name, load, run.metric) if load in measured else None) for load in loads
        ],
        rows=[
            _row(run, cell)
            for load in measured
            for label in LABELS
            if (cell := run.cells.get((scenario.name, load, label))) is not None
        ],
        ratios=[(load, [_verdict(run, scenario.name, load, m) for m in METRICS]) for load in measured],
    )


def _verdict(run: View, scenario: str, load: Load, metric: Metric) -> Verdict | None:
    c = run.comparisons.get((scenario, load, metric))
    if c is None:
        return None
    kind = kind_of(c)
    return Verdict(
        kind=kind,
        symbol=MARKS[kind].symbol,
        word=word(c, run.names),
        ratio=NOTHING if c.ratio is None else ratio(c.ratio),
        interval=_interval(c),
        flags=[flag_words(run, flag) for flag in c.flags],
        explanation=c.explanation,
    )


def _interval(c: Comparison) -> str:
    return f"{ratio(c.interval[0])} to {ratio(c.interval[1])}" if c.interval else ""


def _row(run: View, cell: CellResult) -> Row:
    megabytes = NOTHING if cell.rss_bytes is None else f"{cell.rss_bytes / 1e6:,.0f} MB"
    reasons = ", ".join(f"{count:,} {reason.replace('_', ' ')}" for reason, count in cell.failures.items())
    return Row(
        load=cell.load,
        label=cell.label,
        name=run.names[cell.label],
        figures=[
            _estimate(cell.throughput, 1),
            *(_percentile(cell, name) for name in SHOWN),
            _estimate(cell.cpu_per_request, 1000),
            (megabytes, ""),
            (NOTHING if cell.threads is None else f"{cell.threads:,}", ""),
            (f"{cell.requests:,}", ""),
            (reasons or "0", ""),
            (f"{cell.driver_busy:.0%}" if cell.throughput else NOTHING, ""),
        ],
        collapsed=[
            f"{sentence} ({count} of {run.blocks} blocks)" for sentence, count in Counter(cell.collapsed).most_common()
        ],
    )


def _estimate(known: Interval | None, scale: float) -> tuple[str, str]:
    if known is None:
        return NOTHING, "not measured"
    between = known.interval
    text = f" ({number(between[0] * scale)} to {number(between[1] * scale)})" if between else ""
    return number(known.value * scale) + text, ""


def _percentile(cell: CellResult, name: str) -> tuple[str, str]:
    value = cell.latency_s.get(name)
    if value is not None:
        return milliseconds(value), ""
    needed = samples_needed(float(name.removeprefix("p")))
    if cell.requests < needed:
        return NOTHING, f"{name} needs {needed:,} requests, there were {cell.requests:,}"
    return NOTHING, "falls among requests that failed"


def _flags_in(sections: Sequence[Section]) -> dict[str, str]:
    """Return each flag that the report shows, with its meaning."""
    verdicts = [verdict for section in sections for _, row in section.ratios for verdict in row if verdict is not None]
    return {words: meaning for verdict in verdicts for words, meaning in verdict.flags}


def _settings(manifest: Manifest, *, differing: bool) -> list[tuple[str, str, str, bool]]:
    """Return settings by name with each side's value and whether they differ; all of them, or only those that do."""
    a, b = manifest.a.settings, manifest.b.settings
    names = list(dict.fromkeys([*a, *b]))
    rows = [(name, _setting(a, name), _setting(b, name), a.get(name) != b.get(name)) for name in names]
    return [row for row in rows if row[3] or not differing]


def _setting(settings: Mapping[str, object], name: str) -> str:
    return NOTHING if settings.get(name) is None else str(settings[name])
