"""Panels of the HTML report: both sides' handlers as a diff with their SQL, and the start of “What if” (pure).

“What if” starts from each scenario that the model knows, with what the run found out about it.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import zip_longest

from loadtests.analysis.model.limits import UNKNOWN, demand_of, resources
from loadtests.experiment import blog
from loadtests.experiment.loads import ClosedLoop
from loadtests.experiment.sides import LABELS, SideLabel
from loadtests.records.handler_record import HandlerRecord
from loadtests.records.scenario_record import ScenarioRecord
from loadtests.records.summary import CellResult
from loadtests.report.view import RunView

COMMENT = "--"
"""How a line of SQL begins that is for readers."""
_TOKEN = re.compile(r"\w+\s*|\s+|[^\w\s]")
ALIKE = 0.5
"""Two lines that share less than this are not two forms of one line, and are marked as a whole."""
Part = tuple[str, bool]
"""A piece of a line, and whether the other side lacks it."""
SPARE = {"threads": blog.DEFAULT_THREADS, "connections": blog.DEFAULT_POOL_SIZE + blog.DEFAULT_OVERFLOW}
"""Where the sliders stand when a side that needs none is made to need some: what AnyIO and SQLAlchemy have."""


@dataclass(frozen=True)
class Line:
    """A line of one side.

    Attributes:
        parts: its pieces; none where only the other side has a line here.
        differs: whether the other side lacks it, or has another one.
    """

    parts: list[Part]
    differs: bool = False

    @property
    def gap(self) -> bool:
        """Whether it is only there to keep the lines of both sides level."""
        return not self.parts


@dataclass(frozen=True)
class Column:
    """One side's handler.

    Attributes:
        label: ``a`` or ``b``.
        name: of the side; of both where both run the same.
        files: where it stands.
        lines: its source.
    """

    label: SideLabel
    name: str
    files: list[str]
    lines: list[Line]


@dataclass(frozen=True)
class Handlers:
    """What both sides run for a scenario.

    Attributes:
        said: how much differs, in a sentence.
        columns: two, or one where there is nothing to compare.
        statements: SQL that is sent, below a sentence on who sends it; empty where no query is named.
    """

    said: str
    columns: list[Column]
    statements: list[tuple[str, str]]


def handlers_of(run: RunView, scenario: str) -> Handlers | None:
    """Return what a scenario's requests reach; None where that was not kept, or where both sides are other apps."""
    known = run.manifest.handlers.get(scenario)
    if not known:
        return None
    both = f"{run.names['a']} and {run.names['b']}"
    if set(known) == set(LABELS):
        a, b = known["a"], known["b"]
        sql = [_statements_of("both sides", a)] if a.statements == b.statements else _statements(run, known)
        if a.lines == b.lines:
            return Handlers("Both sides run the same lines.", [_alone("a", both, a)], sql)
        left, right = side_by_side(a.lines, b.lines)
        columns = [
            Column("a", run.names["a"], a.files, left),
            Column("b", run.names["b"], b.files, right),
        ]
        return Handlers(_how_many_differ(left, right), columns, sql)
    columns = [_alone(label, run.names[label], record) for label, record in known.items()]
    return Handlers("The other side’s source is not known.", columns, _statements(run, known))


def _alone(label: SideLabel, name: str, record: HandlerRecord) -> Column:
    return Column(label, name, record.files, side_by_side(record.lines, record.lines)[0])


def _statements(run: RunView, known: Mapping[SideLabel, HandlerRecord]) -> list[tuple[str, str]]:
    return [_statements_of(run.names[label], record) for label, record in known.items()]


def _statements_of(whose: str, record: HandlerRecord) -> tuple[str, str]:
    if not record.statements:
        return f"The handler of {whose} names no query.", ""
    ended = [statement + ("" if statement.startswith(COMMENT) else ";") for statement in record.statements]
    return f"SQL of {whose}, its values left open:", "\n\n".join(ended)


def _how_many_differ(left: Sequence[Line], right: Sequence[Line]) -> str:
    changed = sum(one.differs or other.differs for one, other in zip(left, right, strict=True))
    return f"Of {len(left)} lines {changed} differ{'s' if changed == 1 else ''}."


def side_by_side(a: Sequence[str], b: Sequence[str]) -> tuple[list[Line], list[Line]]:
    """Return both sides' lines, as many of the one as of the other, those that belong together at the same place."""
    left: list[Line] = []
    right: list[Line] = []
    for kind, a_from, a_to, b_from, b_to in SequenceMatcher(None, a, b, autojunk=False).get_opcodes():
        for one, other in zip_longest(a[a_from:a_to], b[b_from:b_to]):
            pair = (_unmarked_line(one), _unmarked_line(other)) if kind == "equal" else _compare_lines(one, other)
            left.append(pair[0])
            right.append(pair[1])
    return left, right


def _unmarked_line(line: str) -> Line:
    return Line([(line, False)])


def _compare_lines(one: str | None, other: str | None) -> tuple[Line, Line]:
    if one is None or other is None:
        return _marked_line(one), _marked_line(other)
    a, b = _TOKEN.findall(one), _TOKEN.findall(other)
    matcher = SequenceMatcher(None, a, b, autojunk=False)
    if matcher.ratio() < ALIKE:
        return _marked_line(one), _marked_line(other)
    left: list[Part] = []
    right: list[Part] = []
    for kind, a_from, a_to, b_from, b_to in matcher.get_opcodes():
        differs = kind != "equal"
        left += [("".join(a[a_from:a_to]), differs)] if a_from < a_to else []
        right += [("".join(b[b_from:b_to]), differs)] if b_from < b_to else []
    return Line(left, differs=True), Line(right, differs=True)


def _marked_line(line: str | None) -> Line:
    return Line([]) if line is None else Line([(line, True)], differs=True)


@dataclass(frozen=True)
class Start:
    """One side of a scenario, as the sliders begin.

    Attributes:
        cpu_ms: CPU time of a request, in milliseconds.
        wait_ms: all other time of a request that is alone, in milliseconds.
        cores: that the side can use at the same time.
        threads: that requests need one of; None where they need none.
        connections: likewise.
        points: users, and the requests/s that were measured with them.
    """

    cpu_ms: float
    wait_ms: float
    cores: int
    threads: int | None
    connections: int | None
    points: list[tuple[int, float]]


@dataclass(frozen=True)
class Choice:
    """A scenario that can be chosen: its name, its title, and where both sides begin."""

    name: str
    title: str
    a: Start
    b: Start


@dataclass(frozen=True)
class Panel:
    """The panel.

    Attributes:
        names: of both sides.
        choices: at least one, in the run's order.
        chosen: the name of the one to begin with.
        most_users: where the users' slider ends.
        users: where it begins.
        spare: threads and connections of a side that needed none, should it need some.
    """

    names: dict[SideLabel, str]
    choices: list[Choice]
    chosen: str
    most_users: int
    users: int
    spare: dict[str, int]


def panel(run: RunView) -> Panel | None:
    """Return the panel; None where the model knows no scenario of the run: open loops, other apps, no user alone."""
    if run.open_loop:
        return None
    choices = [choice for scenario in run.scenarios if (choice := _choice(run, scenario)) is not None]
    if not choices:
        return None
    heaviest = max(users for choice in choices for start in (choice.a, choice.b) for users, _ in start.points)
    return Panel(
        names=dict(run.names),
        choices=choices,
        chosen=_most_telling(run, choices),
        most_users=max(512, 2 * heaviest),
        users=heaviest,
        spare=SPARE,
    )


def _most_telling(run: RunView, choices: Sequence[Choice]) -> str:
    """Return the scenario in which b wins by most, one that mostly waits if there is one."""
    waits = {scenario.name for scenario in run.scenarios if scenario.kind == "I/O-bound"}
    most = {
        choice.name: max((c.ratio for c in run.headlines(choice.name) if c.ratio), default=0.0) for choice in choices
    }
    return max(most, key=lambda name: (name in waits, most[name]))


def _choice(run: RunView, scenario: ScenarioRecord) -> Choice | None:
    if scenario.kind in UNKNOWN:
        return None
    cells = [cell for (name, _, _), cell in run.cells.items() if name == scenario.name]
    starts = [_start(run, scenario.name, [cell for cell in cells if cell.label == label], label) for label in LABELS]
    a, b = starts
    return Choice(scenario.name, scenario.title, a, b) if a and b else None


def _start(run: RunView, scenario: str, cells: Sequence[CellResult], label: SideLabel) -> Start | None:
    """Return what is known of one side; None if no lighter load, and no cell beside it, tells what a request needs."""
    side = run.manifest.a if label == "a" else run.manifest.b
    has = resources(side, scenario, max(1, len(run.manifest.server_cores)))
    everything = list(run.cells.values())
    heaviest_first = sorted(cells, key=lambda cell: -cell.load.size)
    overhead_s = run.manifest.driver_overhead_s
    demand = next(filter(None, (demand_of(cell, everything, overhead_s) for cell in heaviest_first)), None)
    if has is None or demand is None:
        return None
    points = [
        (cell.load.users, cell.throughput.value)
        for cell in reversed(heaviest_first)
        if cell.throughput and isinstance(cell.load, ClosedLoop)
    ]
    return Start(1000 * demand.cpu_s, 1000 * demand.wait_s, has.cores, has.threads, has.connections, points)
