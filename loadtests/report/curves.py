"""Curves of throughput against users: which scenarios have one, the ceilings that matter, and what they say (pure).

A report has one for each scenario whose requests mostly wait, for there the number of users decides who is ahead; a run
of a single scenario has one whatever its requests do.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

from loadtests.analysis.model.capacity import NEAR_FULL
from loadtests.analysis.model.curve import Ceiling, SideCurve, if_threads_hold_it, side_curve
from loadtests.analysis.model.side_resources import cores_of, cores_used, side_resources
from loadtests.analysis.verdict_kinds import no_verdict, winner
from loadtests.experiment.blog import DEFAULT_THREADS
from loadtests.experiment.loads import ClosedLoop
from loadtests.experiment.sides import LABELS, SideLabel
from loadtests.records.scenario_record import ScenarioRecord
from loadtests.records.summary import Comparison, Limit
from loadtests.report.charts.marks import Point, points_of
from loadtests.report.view import RunView
from loadtests.report.wording import NO_BREAK, named, number

LEAST_LOADS = 3
"""Fewer show no curve."""
LEAST_BEND = 2
"""Users: a side whose core a single user keeps busy has no bend."""
WHOLE_MS = 10
"""From here on a tenth of a millisecond is noise."""
WIDEST = 1.5
"""An interval that reaches further up than this many times its point leaves the frame."""
IN_VIEW = 1.6
"""A ceiling this many times as high as all that was measured is not shown: it would press the points down."""
EXPLAINS = 0.7
"""A side that answers this share of what a ceiling allows is near it."""
OVER = 0.1
"""How far above a ceiling that is only supposed a side may be, for it to be the one that holds it."""
THINGS: Mapping[Limit, str] = {"threads": "thread", "connections": "connection", "cpu": "core"}


@dataclass(frozen=True)
class Curve:
    """What is drawn of one scenario.

    Attributes:
        scenario: as the run has it.
        points: of each side, the lightest load first; none where nothing could be measured.
        sides: ceilings and model of each side.
        most: the heaviest load that was measured, in users.
        if_def: what the default threads of `def` routes allow, where it is not known whether the routes are such.
    """

    scenario: ScenarioRecord
    points: Mapping[SideLabel, Sequence[Point]]
    sides: Mapping[SideLabel, SideCurve]
    most: int
    if_def: Ceiling | None = None

    @property
    def highest(self) -> float:
        """How far up the points go, in requests/s, with their intervals unless these are very wide."""
        everything = [point for points in self.points.values() for point in points]
        return max((max(p.value, min(p.high, WIDEST * p.value)) for p in everything), default=0.0)

    def last(self, label: SideLabel) -> float | None:
        """Return the throughput of a side under the heaviest load, in requests/s; None if it could not be measured."""
        points = self.points[label]
        return points[-1].value if points and points[-1].load.size == self.most else None

    def shown(self, label: SideLabel) -> tuple[Ceiling, ...]:
        """Return the ceilings of a side that are worth knowing, unless they are far out of reach."""
        return tuple(each for each in self.sides[label].worth_knowing if each.rps <= IN_VIEW * self.highest)

    def held_by_threads(self, label: SideLabel) -> bool:
        """Whether a side that the model does not know stays where the default threads of `def` routes would hold it."""
        last, ceiling = self.last(label), self.if_def
        if last is None or ceiling is None or self.sides[label].model or ceiling.bend >= self.most:
            return False
        return EXPLAINS * ceiling.rps <= last <= (1 + OVER) * ceiling.rps

    def reached(self, label: SideLabel) -> Ceiling | None:
        """Return the ceiling that a side is near under the heaviest load; None if that is none.

        Of a side that the model does not know another limit may come first: its core must be nearly full.
        """
        side, last = self.sides[label], self.last(label)
        if side.first is None or last is None or side.first.bend > self.most:
            return None
        return side.first if last >= (EXPLAINS if side.model else NEAR_FULL) * side.first.rps else None


def curves(view: RunView) -> list[Curve]:
    """Return what there is to draw; nothing of an open loop."""
    found = [_curve(view, scenario) for scenario in view.scenarios] if not view.open_loop else []
    return [each for each in found if each is not None]


def stands_for_throughput(view: RunView) -> bool:
    """Whether the run's only scenario has a curve: it says all that a chart of throughput would."""
    return len(view.scenarios) == 1 and bool(curves(view))


def _curve(view: RunView, scenario: ScenarioRecord) -> Curve | None:
    loads = view.measured_loads(scenario.name)
    if len(loads) < LEAST_LOADS:
        return None
    most = int(loads[-1].size)
    sides = {label: side_of(view, scenario, label, most) for label in LABELS}
    if len(view.scenarios) > 1 and (view.thinking(scenario.name) or not any(side.waits for side in sides.values())):
        return None
    points = {label: points_of(view, scenario.name, label, lambda cell: cell.throughput) for label in LABELS}
    unknown = [] if view.thinking(scenario.name) else list(sides.values())
    if_def = if_threads_hold_it(unknown, DEFAULT_THREADS)
    return Curve(scenario, points, sides, most, if_def) if any(points.values()) else None


def side_of(view: RunView, scenario: ScenarioRecord, label: SideLabel, most: int) -> SideCurve:
    """Return what a run tells of one side beside its points, with a model up to so many users."""
    record = view.manifest.a if label == "a" else view.manifest.b
    cores = cores_of(record, view.manifest)
    known = side_resources(view.manifest, label, scenario.name)
    has = known.has if known.is_told else None
    cells = [cell for (name, _, side), cell in view.cells.items() if (name, side) == (scenario.name, label)]
    closed = [cell for cell in cells if isinstance(cell.load, ClosedLoop)]
    return side_curve(closed, has, cores_used(record, cores), view.manifest.driver_overhead_s, most)


def finding(view: RunView, curve: Curve) -> str:
    """Say who is ahead under the heaviest load, and which limit holds the other side back."""
    name, at = curve.scenario.name, named([ClosedLoop(curve.most)])
    lost = [f"{view.names[label]} collapses at {named(list(loads))}" for label, loads in view.collapses(name).items()]
    last = {label: curve.last(label) for label in LABELS}
    if last["a"] is None or last["b"] is None:
        kept = [f"{view.names[label]} answers {number(value)}/s" for label, value in last.items() if value is not None]
        return f"{name}: {'; '.join([*lost, *(f'with {at} {clause}' for clause in kept)])}"
    return f"{name}: {'; '.join([*lost, _compared(view, curve, {'a': last['a'], 'b': last['b']}, at)])}"


def _compared(view: RunView, curve: Curve, last: Mapping[SideLabel, float], at: str) -> str:
    """Say of two sides that answer under the heaviest load which one is ahead, and why as far as that is known."""
    headline = view.comparisons.get((curve.scenario.name, ClosedLoop(curve.most), view.metric))
    figures = f"with {at} {_answers(view, last)}"
    if headline is None or no_verdict(headline):
        return f"{figures}; there is no verdict"
    if (ahead := winner(headline)) is not None:
        return _ahead(view, curve, last, ahead) or figures
    return _alike(headline, curve, last, at, figures)


def _ahead(view: RunView, curve: Curve, last: Mapping[SideLabel, float], ahead: SideLabel) -> str:
    """Say which limit holds back the side that is behind; nothing if that is not known."""
    behind = view.other(ahead)
    limit = curve.reached(behind)
    if curve.held_by_threads(behind) and curve.if_def is not None:
        return (
            f"{_from(curve.if_def)}{view.names[behind]} stays near {about(last[behind])}/s, as def routes do with"
            f" {curve.if_def.number} threads; {view.names[ahead]} reaches {about(last[ahead])}/s"
        )
    if limit is None or limit.bend < LEAST_BEND:
        return ""
    return (
        f"{_from(limit)}{view.names[behind]} stays near {about(last[behind])}/s because {_stopped(limit)};"
        f" {view.names[ahead]} reaches {about(last[ahead])}/s"
    )


def _alike(headline: Comparison, curve: Curve, last: Mapping[SideLabel, float], at: str, figures: str) -> str:
    a, b = curve.reached("a"), curve.reached("b")
    if a is not None and b is not None and (a.limit, a.number) == (b.limit, b.number) and a.bend >= LEAST_BEND:
        return f"{_from(a)}both sides stay near {about(fmean(last.values()))}/s because {_stopped(a)}"
    if headline.verdict == "inconclusive":
        return f"{figures}; the difference is not decided"
    if a is None and b is None:
        return f"no meaningful difference up to {at}, where neither side has reached a limit"
    return f"no meaningful difference: {figures}"


def _from(ceiling: Ceiling) -> str:
    """Say from how many users on threads or connections are all taken; a core fills up by degrees."""
    return f"above {ceiling.bend:,.0f} users " if ceiling.limit != "cpu" else ""


def _answers(view: RunView, last: Mapping[SideLabel, float]) -> str:
    b, a = view.names["b"], view.names["a"]
    return f"{b} answers {number(last['b'])} requests/s, {a} {number(last['a'])}"


def _stopped(ceiling: Ceiling) -> str:
    if ceiling.limit == "cpu":
        return "the core is busy" if ceiling.number == 1 else f"all {ceiling.number} cores are busy"
    return f"all {ceiling.number} {THINGS[ceiling.limit]}s are taken"


def reading(view: RunView, curve: Curve) -> str:
    """Say how to read it."""
    model = (
        " The dashed lines are a model of threads, connections and cores; nothing was measured between the marks."
        if any(side.model for side in curve.sides.values())
        else " Nothing was measured between the marks."
    )
    a, b = view.names["a"], view.names["b"]
    return (
        "Higher is better. While nothing is in short supply, twice the users get twice the answers, and"
        f" {a} and {b} rise together. A horizontal dotted line is the most that a limit allows. A vertical one marks"
        " the number of users at which a side runs out of threads, connections or CPU time: beyond it, more users only"
        f" wait longer.{model}"
    )


def ceiling_words(ceiling: Ceiling) -> str:
    """Say how a ceiling follows: "40 threads ÷ 50 ms ≈ 800/s"."""
    thing = THINGS[ceiling.limit] + ("s" if ceiling.number != 1 else "")
    milliseconds = 1000 * ceiling.each_s
    each = f"{milliseconds:,.0f}" if milliseconds >= WHOLE_MS else number(milliseconds)
    of_cpu = " of CPU" if ceiling.limit == "cpu" else ""
    return f"{ceiling.number} {thing} ÷ {each}{NO_BREAK}ms{of_cpu} ≈ {about(ceiling.rps)}/s"


def about(value: float) -> str:
    """Write a figure with two digits that count: 801 as 800, 1,382 as 1,400."""
    if value <= 0:
        return "0"
    digits = 1 - math.floor(math.log10(value))
    return f"{round(value, digits):,.{max(0, digits)}f}"
