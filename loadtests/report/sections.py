"""A scenario's part of the report: the answer, each side's figures, and every comparison."""

from dataclasses import dataclass, replace

from loadtests.charts import speech
from loadtests.charts.answers import answer
from loadtests.charts.verdicts import MARKS
from loadtests.charts.view import LABELS, View
from loadtests.charts.wording import ratio
from loadtests.doubts.doubt import flag_words
from loadtests.experiment.loads import Load, ascending
from loadtests.kinds import kind_of, word
from loadtests.records.manifest import ScenarioRecord
from loadtests.records.outcome import Comparison, Metric
from loadtests.report.consistency import adds_up
from loadtests.report.figures import NOTHING, Row, row_of
from loadtests.report.handlers import Handlers, handlers_of
from loadtests.report.limits import limit_of, parting


@dataclass(frozen=True)
class Verdict:
    """A comparison as the report shows it.

    Attributes:
        kind: for its colour.
        symbol: for those who don't see the colour.
        word: for everyone.
        ratio: b ÷ a; empty where there is none.
        rank: what a table is sorted by: the ratio as it is; None where there is none.
        interval: of the ratio; empty where there is none.
        flags: each flag's short form and its meaning.
        explanation: a sentence or more.
    """

    kind: str
    symbol: str
    word: str
    ratio: str
    rank: float | None
    interval: str
    flags: list[tuple[str, str]]
    explanation: str


@dataclass(frozen=True)
class Section:
    """A scenario's part of the report.

    Attributes:
        scenario: what was asked.
        anchor: what links to it name.
        answer: the question's answer in a sentence.
        handlers: what both sides run for it; None where that is not known.
        headlines: by load, the comparison that the verdict is about.
        rows: each side's figures.
        ratios: by load, every comparison, the headline first.
        checks: each side's figures once more, as they must agree with each other.
        limits: what the model predicts, and which limit binds; only where it says something.
        parting: from how many users on b handles more, likewise.
    """

    scenario: ScenarioRecord
    anchor: str
    answer: str
    handlers: Handlers | None
    headlines: list[tuple[Load, Verdict | None]]
    rows: list[Row]
    ratios: list[tuple[Load, list[Verdict | None]]]
    checks: list[Row]
    limits: list[Row]
    parting: str


def section_of(run: View, scenario: ScenarioRecord, anchor: str) -> Section:
    """Return a scenario's part of the report."""
    loads = ascending({load for s, load in run.manifest.cells() if s.name == scenario.name})
    measured = run.measured_loads(scenario.name)
    cells = [
        cell
        for load in measured
        for label in LABELS
        if (cell := run.cells.get((scenario.name, load, label))) is not None
    ]
    return Section(
        scenario=scenario,
        anchor=anchor,
        answer=answer(run, scenario.name),
        handlers=handlers_of(run, scenario.name),
        headlines=[
            (load, _verdict(run, scenario.name, load, run.metric) if load in measured else None) for load in loads
        ],
        rows=[row_of(run, cell) for cell in cells],
        ratios=[(load, _verdicts(run, scenario.name, load)) for load in measured],
        checks=[adds_up(run, cell) for cell in cells],
        limits=[row for cell in cells if (row := limit_of(run, cell)) is not None],
        parting="" if run.open_loop else parting(run, scenario.name),
    )


def _verdicts(run: View, scenario: str, load: Load) -> list[Verdict | None]:
    """Return a cell's comparisons, the headline first; the others do without the flags that it has already."""
    first, *others = (_verdict(run, scenario, load, metric) for metric in speech.metrics(run))
    told = first.flags if first else []
    return [first, *(v and replace(v, flags=[flag for flag in v.flags if flag not in told]) for v in others)]


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
        rank=c.ratio,
        interval=_interval(c),
        flags=[flag_words(run, flag) for flag in c.flags],
        explanation=c.explanation,
    )


def _interval(c: Comparison) -> str:
    return f"{ratio(c.interval[0])} to {ratio(c.interval[1])}" if c.interval else ""
