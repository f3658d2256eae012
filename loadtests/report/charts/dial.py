"""Heat map of the dial: CPU time against waiting time, the ratio in each cell, and the model's crossover.

A dial is a grid of ``mixed`` scenarios at one load; which scenarios of a run make one up is found here, too.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle

from loadtests.analysis.comparison import MARGIN_PERCENT, WORTH
from loadtests.analysis.model.capacity import Demand
from loadtests.analysis.model.crossover import crossover_wait_s
from loadtests.analysis.model.side_resources import resources
from loadtests.analysis.verdict_kinds import Kind, no_verdict
from loadtests.experiment.catalogue import mixed_ms
from loadtests.experiment.loads import ClosedLoop
from loadtests.experiment.sides import LABELS, SideLabel
from loadtests.records.summary import Comparison
from loadtests.report.charts.layout import Grid, sheet
from loadtests.report.charts.marks import MARKS, keys, mark_kind
from loadtests.report.charts.style import FAINT, INK, LOOKS, MUTED, ZONE, Key
from loadtests.report.view import RunView, ratio_of
from loadtests.report.wording import NO_BREAK, ratio

CELL_WIDTH, CELL_HEIGHT = 0.98, 0.78
FULL = math.log(3.5)
"""A ratio from which on a cell has a side's whole colour."""
PALE: Mapping[SideLabel, LinearSegmentedColormap] = {
    "a": LinearSegmentedColormap.from_list("a", ["#e1eff8", "#7db4d8"]),
    "b": LinearSegmentedColormap.from_list("b", ["#fdf0d3", "#f3c766"]),
}
"""A side's colour, from a small lead to a large one; pale enough to write on, and never white or grey."""
NEAR = 0.1
"""How far a ratio may be from users ÷ threads, for that to be what it is."""
LEAST = 2
"""Rows and columns that make a grid."""


def heat_map(view: RunView) -> Figure | None:
    """Draw the grid of ``mixed`` scenarios at the highest load; None if the run has no such grid."""
    dial = dial_of(view)
    if dial is None:
        return None
    grid = Grid(1, 1, CELL_WIDTH * len(dial.waits_ms), CELL_HEIGHT * len(dial.cpus_ms), 0.95, 0.25, head=0.1, foot=0.5)
    crossings = dial.crossings(view)
    steps = steps_of(dial, [crossing.wait_ms if crossing else None for crossing in crossings])
    ends = list(_other_ends(dial, crossings)) if steps else []
    kinds = {mark_kind(c) for c in dial.cells.values()}
    grounds = [f"grey: the whole interval lies within ± {MARGIN_PERCENT} %"] if "equivalent" in kinds else []
    grounds += ["white: no verdict"] if kinds - {"a", "b", "equivalent"} else []
    grounds += ["dotted: the line, with a row's CPU times at an end of their 95 % intervals"] if ends else []
    note = "; ".join(
        [
            f"{ratio_of(view)} with {dial.load}, and below it its 95 % interval over {view.evidence}",
            "the stronger the colour, the further from 1",
            *grounds,
        ]
    )
    legend = keys(dial.cells.values(), view)
    legend += [Key(_steps_meaning(view), marker=Line2D([], [], **_steps_style()))] if steps else []
    legend += [Key("where it could also be", marker=Line2D([], [], **_ends_style()))] * bool(ends)
    figure, (ax,) = sheet(view, finding(view), legend, grid, f"{note}.")
    for (cpu_ms, wait_ms), comparison in dial.cells.items():
        _cell(ax, dial.waits_ms.index(wait_ms), dial.cpus_ms.index(cpu_ms), comparison)
    for row, x in ends:
        ax.plot([x, x], [row - 0.5, row + 0.5], **_ends_style(), zorder=6)
    if steps:
        xs, ys = zip(*steps, strict=True)
        ax.plot(xs, ys, **_steps_style(), zorder=6, clip_on=False)
    _axes(ax, dial)
    return figure


def finding(view: RunView) -> str:
    """Say what the lead of b comes to where requests mostly wait, as users ÷ threads if that is what it is."""
    dial = dial_of(view)
    known = {at: c for at, c in dial.cells.items() if c.ratio and not no_verdict(c)} if dial else {}
    a, b = view.names["a"], view.names["b"]
    won = {label: _won_by_most(known, label) for label in LABELS}
    said = []
    if dial is not None and won["b"] is not None:
        (cpu_ms, wait_ms), most = won["b"]
        threads = dial.threads(view)
        if threads is not None and wait_ms > threads * cpu_ms and abs(most / (dial.load.users / threads) - 1) <= NEAR:
            division = f"{dial.load} ÷ {threads} threads = {dial.load.users / threads:.3g}"
            said.append(f"Where requests mostly wait, {b} handles up to {ratio(most)} times as many: {division}")
        else:
            said.append(f"Against {a}, {b} handles {ratio(most)} times as many requests {_at(cpu_ms, wait_ms)}")
    if won["a"] is not None:
        (cpu_ms, wait_ms), least = won["a"]
        only = f"only {ratio(least)} times as many {_at(cpu_ms, wait_ms)}"
        said.append(f"but {only}" if said else f"Against {a}, {b} handles {only}")
    return ", ".join(said) or f"Nowhere on this dial is there a meaningful difference between {b} and {a}"


def _won_by_most(
    known: Mapping[tuple[float, float], Comparison], label: SideLabel
) -> tuple[tuple[float, float], float] | None:
    """Return where a side wins by most, and the ratio there; None if it wins nowhere by more than the margin."""
    won = {at: c.ratio for at, c in known.items() if c.ratio and mark_kind(c) == label}
    return (max if label == "b" else min)(won.items(), key=lambda item: item[1]) if won else None


def _at(cpu_ms: float, wait_ms: float) -> str:
    return f"with {cpu_ms:g}{NO_BREAK}ms of CPU and {wait_ms:g}{NO_BREAK}ms of wait"


def reading(view: RunView) -> str:
    """Say how to read it."""
    a, b = view.names["a"], view.names["b"]
    return (
        "Each cell is a request that first computes and then waits, for the times on the axes. Right of the stepped"
        f" line a model predicts {100 * (WORTH - 1):.0f} % more for {b} than for {a}, because requests wait for a"
        " thread there. The model knows threads, cores and CPU time, but none of these ratios. It assumes the same CPU"
        " time for both sides, so a lead left of the line has another reason: a request costs one side less CPU time."
        " Dotted: where the line would be with a row's CPU time at an end of its 95 % interval."
    )


@dataclass(frozen=True)
class Dial:
    """A grid of comparisons at one load.

    Attributes:
        load: how many users.
        cpus_ms: CPU times of the rows in milliseconds, ascending.
        waits_ms: waits of the columns in milliseconds, ascending.
        cells: by CPU time and wait.
        scenarios: their names, likewise.
    """

    load: ClosedLoop
    cpus_ms: Sequence[float]
    waits_ms: Sequence[float]
    cells: Mapping[tuple[float, float], Comparison]
    scenarios: Mapping[tuple[float, float], str]

    def threads(self, view: RunView) -> int | None:
        """Return how many threads a has where b needs none, and users outnumber them; None where that is not so."""
        a, b = (resources(side, "mixed", 1) for side in (view.manifest.a, view.manifest.b))
        if a is None or b is None or a.threads is None or b.threads is not None:
            return None
        return a.threads if a.threads < self.load.users else None

    def crossings(self, view: RunView) -> list["DialCrossover | None"]:
        """Return for each row the wait from which on the model gives b ``WORTH`` times the throughput.

        What a request costs in CPU is measured, over the row; nothing else is taken from it. Both sides are given the
        mean of their costs, so that the line shows what threads do, not which side computes a little less. None where
        the model is not known (another app), or where b never gets that far.
        """
        cores = max(1, len(view.manifest.server_cores))
        a, b = (resources(side, "mixed", cores) for side in (view.manifest.a, view.manifest.b))
        if a is None or b is None:
            return [None] * len(self.cpus_ms)
        found: list[DialCrossover | None] = []
        for cpu_ms in self.cpus_ms:
            costs = self._costs_s(view, cpu_ms)
            waits = [
                crossover_wait_s(a, b, Demand(cost, 0.0), Demand(cost, 0.0), self.load.users) for cost in costs or ()
            ]
            ms = [math.inf if wait is None else wait * 1000 for wait in waits]
            found.append(DialCrossover(*ms) if ms and ms[0] < math.inf else None)
        return found

    def _costs_s(self, view: RunView, cpu_ms: float) -> tuple[float, float, float] | None:
        """Return the CPU time of a row's requests, the mean over its cells and both sides, in seconds.

        Also what it is if each cell's is at the lower, or each at the upper end of its 95 % interval.
        """
        names = [name for (cpu, _), name in self.scenarios.items() if cpu == cpu_ms]
        cells = [view.cells.get((name, self.load, label)) for name in names for label in LABELS]
        costs = [cell.cpu_per_request for cell in cells if cell and cell.cpu_per_request]
        if not costs:
            return None
        ends = [cost.interval or (cost.value, cost.value) for cost in costs]
        return fmean(c.value for c in costs), fmean(low for low, _ in ends), fmean(high for _, high in ends)


def steps_of(dial: Dial, waits_ms: Sequence[float | None]) -> list[tuple[float, float]]:
    """Return the model's border as corners along the edges of cells, from the lower end of the grid up.

    Args:
        dial: the grid.
        waits_ms: for each row the wait from which on the model lets b win; None where it never does.

    Returns:
        Columns and rows, counted from the middles of the first ones; nothing where the border lies beyond the grid.
    """
    frame = (-0.5, len(dial.waits_ms) - 0.5)
    ends = [(_edge(dial, wait_ms), row + side) for row, wait_ms in enumerate(waits_ms) for side in (-0.5, 0.5)]
    corners = list(dict.fromkeys(ends))
    while len(corners) > 1 and corners[0][0] == corners[1][0] and corners[0][0] in frame:  # there is no border
        corners.pop(0)
    while len(corners) > 1 and corners[-1][0] == corners[-2][0] and corners[-1][0] in frame:
        corners.pop()
    return corners if len(corners) > 1 else []


def _edge(dial: Dial, wait_ms: float | None) -> float:
    """Return the left edge of the first column that waits for so long; the right end of the grid if none does."""
    columns = [i for i, column_ms in enumerate(dial.waits_ms) if wait_ms is not None and column_ms >= wait_ms]
    return (columns[0] if columns else len(dial.waits_ms)) - 0.5


def _other_ends(dial: Dial, crossings: Sequence["DialCrossover | None"]) -> Iterator[tuple[int, float]]:
    """Yield rows and edges between which the border lies if CPU times are at an end of their intervals."""
    for row, crossing in enumerate(crossings):
        if crossing is not None:
            edge = _edge(dial, crossing.wait_ms)
            yield from ((row, x) for end in (crossing.low_ms, crossing.high_ms) if (x := _edge(dial, end)) != edge)


def _cell(ax: Axes, x: int, y: int, c: Comparison) -> None:
    kind = mark_kind(c)
    ax.add_patch(Rectangle((x - 0.5, y - 0.5), 1, 1, facecolor=_colour(kind, c), edgecolor="white", linewidth=2))
    ax.plot([x - 0.34], [y + 0.04], **MARKS[kind].style(7), zorder=7)
    sure = kind in ("a", "b", "equivalent", "collapsed")
    look: dict[str, Any] = {"color": INK if sure else MUTED, "ha": "center", "va": "center", "zorder": 8}
    text = ratio(c.ratio) if c.ratio else "–"
    ax.text(x + 0.08, y + 0.04, text, size=12, weight="bold" if sure else "normal", **look)
    if c.interval:
        low, high = map(ratio, c.interval)
        ax.text(x, y - 0.29, f"{low} – {high}", size=7.5, **look)


def _colour(kind: Kind, c: Comparison) -> Any:  # noqa: ANN401 - whatever matplotlib takes for one
    """Return a side's colour where it is better, the grey of the zone of ± 10 % within that, and else white."""
    if kind in LABELS:
        return PALE[kind](min(1.0, abs(math.log(c.ratio or 1.0)) / FULL))
    return ZONE if kind == "equivalent" else "white"


def _axes(ax: Axes, dial: Dial) -> None:
    ax.set_xlim(-0.5, len(dial.waits_ms) - 0.5)
    ax.set_ylim(-0.5, len(dial.cpus_ms) - 0.5)
    ax.set_xticks(range(len(dial.waits_ms)), [f"{wait:g}" for wait in dial.waits_ms])
    ax.set_yticks(range(len(dial.cpus_ms)), [f"{cpu:g}" for cpu in dial.cpus_ms])
    ax.set_xlabel("a request waits, ms →", size=9)
    ax.set_ylabel("a request computes, ms →", size=9)
    ax.tick_params(length=0, labelsize=9)
    for side in ("left", "bottom"):
        ax.spines[side].set_color(FAINT)


def _steps_meaning(view: RunView) -> str:
    return f"right of it the model predicts {100 * (WORTH - 1):.0f} % more for {view.names['b']}"


def _steps_style() -> dict[str, Any]:
    return {"color": LOOKS["b"].ink, "linewidth": 2.4, "linestyle": "-", "solid_joinstyle": "miter"}


def _ends_style() -> dict[str, Any]:
    return {"color": LOOKS["b"].ink, "linewidth": 1.4, "linestyle": ":"}


@dataclass(frozen=True)
class DialCrossover:
    """Where the model lets b win, in milliseconds of wait: by the row's mean CPU time, and by its lower and upper ends.

    An end is infinite where b would never win.
    """

    wait_ms: float
    low_ms: float
    high_ms: float


def dial_of(view: RunView) -> Dial | None:
    """Return the grid at the highest load, or None if there are too few ``mixed`` scenarios for one."""
    load = view.highest
    if not isinstance(load, ClosedLoop):
        return None
    scenarios = {at: scenario.name for scenario in view.scenarios if (at := mixed_ms(scenario.name)) is not None}
    cells = {
        at: c for at, name in scenarios.items() if (c := view.comparisons.get((name, load, view.metric))) is not None
    }
    cpus, waits = sorted({cpu for cpu, _ in cells}), sorted({wait for _, wait in cells})
    if len(cpus) < LEAST or len(waits) < LEAST:
        return None
    return Dial(load, cpus, waits, cells, scenarios)
