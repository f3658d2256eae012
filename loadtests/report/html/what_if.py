"""The start of the panel “What if”: each scenario that the model knows, with what the run found out about it (pure)."""

from collections.abc import Sequence
from dataclasses import dataclass

from loadtests.analysis.model.demand import demand_of
from loadtests.analysis.model.side_resources import side_resources
from loadtests.experiment import blog
from loadtests.experiment.loads import ClosedLoop
from loadtests.experiment.sides import LABELS, SideLabel
from loadtests.records.scenario_record import ScenarioRecord
from loadtests.records.summary import CellResult
from loadtests.report.view import RunView

SPARE = {"threads": blog.DEFAULT_THREADS, "connections": blog.DEFAULT_POOL_SIZE + blog.DEFAULT_OVERFLOW}
"""Where the sliders stand when a side that needs none is made to need some: what AnyIO and SQLAlchemy have."""


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
    """A scenario that can be chosen: its name, how it is offered, and where both sides begin."""

    name: str
    heading: str
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
    cells = [cell for (name, _, _), cell in run.cells.items() if name == scenario.name]
    starts = [_start(run, scenario.name, [cell for cell in cells if cell.label == label], label) for label in LABELS]
    a, b = starts
    return Choice(scenario.name, scenario.heading, a, b) if a and b else None


def _start(run: RunView, scenario: str, cells: Sequence[CellResult], label: SideLabel) -> Start | None:
    """Return what is known of one side; None if no lighter load, and no cell beside it, tells what a request needs."""
    has = side_resources(run.manifest, label, scenario).has
    if cells and all(cell.limit_unknown and cell.needs is None for cell in cells):
        return None
    everything = list(run.cells.values())
    heaviest_first = sorted(cells, key=lambda cell: -cell.load.size)
    overhead_s = run.manifest.driver_overhead_s
    demand = next(filter(None, (demand_of(cell, everything, overhead_s, has) for cell in heaviest_first)), None)
    if has is None or demand is None:
        return None
    points = [
        (cell.load.users, cell.throughput.value)
        for cell in reversed(heaviest_first)
        if cell.throughput and isinstance(cell.load, ClosedLoop)
    ]
    return Start(1000 * demand.cpu_s, 1000 * demand.wait_s, has.cores, has.threads, has.connections, points)
