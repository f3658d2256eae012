"""A scenario's part of the HTML report: the answer in a sentence, each side's figures, every comparison.

The answer says which side is better, where, by how much, and how sure that is.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from loadtests.analysis.flags import WAITING
from loadtests.analysis.verdict_kinds import (
    ALIKE,
    fell_behind,
    gave_up,
    is_alike,
    kind_of,
    lead_in_words,
    no_verdict,
    winner,
)
from loadtests.experiment.loads import Load, ascending
from loadtests.experiment.sides import LABELS, SideLabel
from loadtests.records.scenario_record import RequestRecord, ScenarioRecord
from loadtests.records.summary import Comparison, Metric
from loadtests.report import limits, view
from loadtests.report.charts.marks import MARKS
from loadtests.report.doubts_on_conditions import flag_words
from loadtests.report.html.handlers import Handlers, handlers_of
from loadtests.report.html.tables import NOTHING, Row, adds_up, crossover_in_words, limit_of, row_of
from loadtests.report.titles import ratio_in_words
from loadtests.report.view import RunView
from loadtests.report.wording import REASONS, WORDS, listed, named, ratio, word

OTHERWISE = {
    "nothing": "neither side gave a good answer {where}",
    "few": "too few requests to know the slowest 1 % {where}",
    "driver-bound": f"no verdict {{where}}, because {REASONS['driver-bound']}",
    "work-left": f"no verdict {{where}}, because {REASONS['work-left']}",
    "behind": "no verdict on the slowest 1 % {where}, because response times grow for as long as the load lasts",
}
"""What is said of cells in which neither side is better."""
MOST_ASKED = 10
"""Requests of a scenario that are shown."""
SHOWN_OF_A_BODY = 200
"""Characters."""
ORDER = ("gone a", "gone b", "b", "a", "equal", "unconfirmed", "open", "nothing", "few", "behind", *REASONS)
"""Of the clauses in an answer."""


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
class Asked:
    """A request: its method and path, and what else it is, in words."""

    line: str
    more: str


@dataclass(frozen=True)
class Section:
    """A scenario's part of the report.

    Attributes:
        scenario: what was asked.
        anchor: what links to it name.
        answer: the question's answer in a sentence.
        asked: its requests, where its name does not say all of them.
        handlers: what both sides run for it; None where that is not known.
        headlines: by load, the comparison that the verdict is about.
        rows: each side's figures.
        ratios: by load, every comparison, the headline first.
        checks: each side's figures once more, as they must agree with each other.
        limits: what the model predicts, and which limit binds; only where it says something.
        beside_limits: sentences on what a request needs, what is assumed, and what is not known.
        parting: from how many users on b handles more, likewise.
    """

    scenario: ScenarioRecord
    anchor: str
    answer: str
    asked: list[Asked]
    handlers: Handlers | None
    headlines: list[tuple[Load, Verdict | None]]
    rows: list[Row]
    ratios: list[tuple[Load, list[Verdict | None]]]
    checks: list[Row]
    limits: list[Row]
    beside_limits: list[str]
    parting: str


def section_of(run: RunView, scenario: ScenarioRecord, anchor: str) -> Section:
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
        asked=asked(scenario),
        handlers=handlers_of(run, scenario.name),
        headlines=[
            (load, _verdict(run, scenario.name, load, run.metric) if load in measured else None) for load in loads
        ],
        rows=[row_of(run, cell) for cell in cells],
        ratios=[(load, _verdicts(run, scenario.name, load)) for load in measured],
        checks=[adds_up(run, cell) for cell in cells],
        limits=[row for cell in cells if (row := limit_of(run, cell)) is not None],
        beside_limits=limits.sentences(run, scenario.name),
        parting="" if run.open_loop else crossover_in_words(run, scenario.name),
    )


def asked(scenario: ScenarioRecord) -> list[Asked]:
    """Return the requests of a user's own scenario, unless its name is all that there is to them."""
    if not scenario.is_own:
        return []
    requests = [Asked(f"{each.method} {each.path}", _more(each)) for each in scenario.requests[:MOST_ASKED]]
    if [each.line for each in requests] == [scenario.name] and not requests[0].more and scenario.values is None:
        return []
    left = len(scenario.requests) - MOST_ASKED
    rows = f"{scenario.values.rows:,} rows of {scenario.values.file} fill the placeholders" if scenario.values else ""
    more = [f"and {left} more requests"] if left > 0 else []
    return [*requests, *(Asked("", text) for text in filter(None, [*more, rows]))]


def _more(request: RequestRecord) -> str:
    """Say what a request has beside its method and path; of headers their names alone."""
    said = [f"side b is asked {' '.join(request.b)} instead"] if request.b else []
    if request.parts:
        said.append(f"with a form of {listed([part.name for part in request.parts])}")
    elif request.body:
        body = " ".join(request.body.split())
        said.append(f"with the body {body if len(body) <= SHOWN_OF_A_BODY else body[:SHOWN_OF_A_BODY] + '…'}")
    elif request.body_file:
        said.append(f"with the body in {request.body_file}")
    if request.headers:
        said.append(f"with {listed([name for name, _ in request.headers])}")
    if request.status is not None:
        said.append(f"expecting status {request.status}")
    if request.takes:
        said.append(f"keeping {listed([name for name, _ in request.takes])} from the answer")
    said += ["only the first time"] if request.once else []
    return ", ".join([*said, *([f"{request.weight} times in a row"] if request.weight > 1 else [])])


def _verdicts(run: RunView, scenario: str, load: Load) -> list[Verdict | None]:
    """Return a cell's comparisons, the headline first; the others do without the flags that it has already."""
    first, *others = (_verdict(run, scenario, load, metric) for metric in view.metrics(run))
    told = first.flags if first else []
    return [first, *(v and replace(v, flags=[flag for flag in v.flags if flag not in told]) for v in others)]


def _verdict(run: RunView, scenario: str, load: Load, metric: Metric) -> Verdict | None:
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


def answer(view: RunView, scenario: str) -> str:
    """Answer the question for one scenario: which side is better, where, by how much, how sure."""
    cells = view.headlines(scenario)
    planned = {load for s, load in view.manifest.cells() if s.name == scenario}
    clauses = [_clause(view, kind, group, len(planned)) for kind, group in _grouped(view, cells)]
    missing = ascending(planned - {c.load for c in cells})
    if missing:
        clauses.append(f"not measured at {named(missing)}" if cells else "not measured")
    return "; ".join(clauses) + "."


def _answered(view: RunView, c: Comparison, label: SideLabel) -> bool:
    """Whether a side gave a good answer in some block of a cell, or might have: nobody looked."""
    cell = view.cells.get((c.scenario, c.load, label))
    return cell is None or cell.throughput is not None or not cell.collapsed


def _grouped(view: RunView, cells: Sequence[Comparison]) -> list[tuple[str, list[Comparison]]]:
    groups: dict[str, list[Comparison]] = {kind: [] for kind in ORDER}
    for c in cells:
        if not any(_answered(view, c, label) for label in LABELS):
            groups["nothing"].append(c)
        elif gone := gave_up(c):
            groups[f"gone {gone}"].append(c)
        elif is_alike(c):
            groups["equal"].append(c)
        elif better := winner(c):
            groups[better].append(c)
        elif why := no_verdict(c):
            groups[why].append(c)
        elif fell_behind(c) and c.metric in WAITING:
            groups["behind"].append(c)
        elif "too-few-samples" in c.flags:
            groups["few"].append(c)
        else:
            groups["unconfirmed" if kind_of(c) == "unconfirmed" else "open"].append(c)
    return [(kind, group) for kind, group in groups.items() if group]


def _clause(view: RunView, kind: str, group: Sequence[Comparison], of: int) -> str:
    a, b = view.names["a"], view.names["b"]
    loads = ascending(c.load for c in group)
    where = f"at every {_load_word(view)}" if 1 < of == len(group) else f"at {named(loads)}"
    match kind.split():
        case ["gone", gone]:
            other = a if gone == "b" else b
            return f"{a if gone == 'a' else b} collapses {where}, {other} does not"
        case ["equal"]:
            return f"{ALIKE} {where}{_leads(view, group)}" + _behind(view, group)
        case ["open" | "unconfirmed"]:
            said = WORDS["unconfirmed" if kind == "unconfirmed" else "inconclusive"]
            return f"{said} {where.replace('every', 'any')}" + _behind(view, group)
        case ["a" | "b" as better]:
            name = a if better == "a" else b
            return f"{name} is better {where}" + _how_much(view, group) + _behind(view, group)
    if kind in ("behind", "nothing", *REASONS):
        where = where.replace("every", "any")
    return OTHERWISE[kind].format(where=where) + _behind(view, group)


def _leads(view: RunView, group: Sequence[Comparison]) -> str:
    """Say which side is surely ahead within the margin, and at which load unless there is but one."""
    found = [(c.load, lead_in_words(c, view.names["a"], view.names["b"])) for c in group]
    at = {load: f" at {named([load])}" if len(group) > 1 else "" for load, _ in found}
    said = [f"{text}{at[load]}" for load, text in sorted(found, key=lambda each: each[0].size) if text]
    return f" ({', '.join(said)})" if said else ""


def _load_word(view: RunView) -> str:
    return "rate" if view.open_loop else "load"


def _how_much(view: RunView, group: Sequence[Comparison]) -> str:
    """Say what the ratio is at the highest load of a group at which it means something, and how sure."""
    settled = [c for c in group if c.ratio is not None and not fell_behind(c)]
    if not settled:
        return ""
    top = max(settled, key=lambda c: c.load.size)
    at = f" at {named([top.load])}" if len(group) > 1 else ""
    return f": {ratio_in_words(view, top)}{at}{_interval_of(view, top)}"


def _interval_of(view: RunView, c: Comparison) -> str:
    if c.interval is None or c.ratio is None:
        return ""
    low, high = c.interval if not view.open_loop or c.ratio > 1 else (1 / c.interval[1], 1 / c.interval[0])
    return (
        f", 95 % interval {ratio(low)} to {ratio(high)}"
        if view.open_loop
        else f" (95 % interval {ratio(low)} to {ratio(high)})"
    )


def _behind(view: RunView, group: Sequence[Comparison]) -> str:
    """Say which side can't keep up with the arrivals, if one of the group can't, or may not."""
    late = {label: ascending(c.load for c in group if label in view.behind(c)) for label in LABELS}
    if late["a"] and late["a"] == late["b"]:
        return f" (neither side keeps up at {named(late['a'])})"
    said = [f"{view.names[label]} can't keep up at {named(loads)}" for label, loads in late.items() if loads]
    for label in LABELS:
        loads = ascending(c.load for c in group if label in fell_behind(c) and label not in view.behind(c))
        said += [f"{view.names[label]} may not keep up at {named(loads)}"] if loads else []
    return f" ({', '.join(said)})" if said else ""
