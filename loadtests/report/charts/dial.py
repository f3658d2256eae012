"""Heat map of the dial: CPU time against waiting time, the ratio in each cell, and the model's crossover.

A dial is a grid of ``mixed`` scenarios at one load; which scenarios of a run make one up is found here, too.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import fmean
from typing import Any

from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap, Normalize
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle
from matplotlib.text import Text

from loadtests.analysis.comparison import WORTH
from loadtests.analysis.model.capacity import Demand
from loadtests.analysis.model.crossover import crossover_wait_s
from loadtests.analysis.model.side_resources import resources
from loadtests.experiment.catalogue import mixed_ms
from loadtests.experiment.loads import ClosedLoop
from loadtests.experiment.sides import LABELS
from loadtests.records.summary import Comparison
from loadtests.report.charts.layout import Grid, sheet
from loadtests.report.charts.marks import MARKS, keys
from loadtests.report.charts.style import FAINT, INK, LOOKS, MUTED, Key
from loadtests.report.view import RunView, ratio_of
from loadtests.report.wording import NO_BREAK, kind_of, no_verdict, ratio

CELL_WIDTH, CELL_HEIGHT = 0.98, 0.78
FULL = math.log(3.5)
"""A ratio from which on a cell has a side's whole colour."""
PALE = LinearSegmentedColormap.from_list("dial", ["#7db4d8", "#ffffff", "#f3c766"])
"""From side a's colour over nothing to side b's; pale enough to write on."""
STEPS = 12
"""Points of the curve between two rows."""
LEAST = 2
"""Rows and columns that make a grid."""


def heat_map(view: RunView) -> Figure | None:
    """Draw the grid of ``mixed`` scenarios at the highest load; None if the run has no such grid."""
    dial = dial_of(view)
    if dial is None:
        return None
    grid = Grid(1, 1, CELL_WIDTH * len(dial.waits_ms), CELL_HEIGHT * len(dial.cpus_ms), 0.95, 0.25, head=0.1, foot=0.5)
    note = (
        f"{ratio_of(view)} with {dial.load}; small: its 95 % interval over {view.evidence}. The more colour, the"
        " further from 1. Each mark says how sure that is; what is not decided is grey."
    )
    curve = curve_of(dial, view)
    legend = keys(dial.cells.values(), view)
    legend += [Key(_curve_meaning(view), marker=_curve_key())] if curve else []
    figure, (ax,) = sheet(view, finding(view), legend, grid, note)
    for (cpu_ms, wait_ms), comparison in dial.cells.items():
        _cell(ax, dial.waits_ms.index(wait_ms), dial.cpus_ms.index(cpu_ms), comparison)
    for row, crossing in enumerate(dial.crossings(view)):
        if crossing is not None:
            ends = [_column(dial.waits_ms, end) for end in (crossing.low_ms, crossing.high_ms)]
            ax.plot([min(end, len(dial.waits_ms) - 0.5) for end in ends], [row, row], color=LOOKS["b"].ink,
                linewidth=5, alpha=0.45, solid_capstyle="butt", zorder=5)  # fmt: skip
    if curve:
        xs, ys = zip(*curve, strict=True)
        ax.plot(xs, ys, color="white", linewidth=4, zorder=5, solid_capstyle="butt")
        ax.plot(xs, ys, **_curve_style(), zorder=6)
    _axes(ax, dial)
    return figure


def finding(view: RunView) -> str:
    """Say where b wins by most, and where a does, or that neither does anywhere."""
    dial = dial_of(view)
    known = {at: c for at, c in dial.cells.items() if c.ratio and not no_verdict(c)} if dial else {}
    a, b = view.names["a"], view.names["b"]
    said = []
    for label, choose in (("b", max), ("a", min)):
        won = {at: c for at, c in known.items() if c.verdict == label and "small" not in c.flags}
        if won:
            (cpu_ms, wait_ms), best = choose(won.items(), key=lambda item: item[1].ratio or 1.0)
            only = "only " if label == "a" else ""
            where = f"with {cpu_ms:g}{NO_BREAK}ms of CPU and {wait_ms:g}{NO_BREAK}ms of wait"
            said.append(f"{only}{ratio(best.ratio or 1)} times as many requests {where}")
    if not said:
        return f"Nowhere on this dial is it sure that {b} or {a} handles more requests"
    return f"Against {a}, {b} handles {', but '.join(said)}"


def reading(view: RunView) -> str:
    """Say how to read it."""
    a, b = view.names["a"], view.names["b"]
    return (
        "Each cell is a request that computes for so long, then waits for so long. To the right, where requests mostly"
        f" wait, {b} can serve more of them at once; to the left and below, where they mostly compute, both wait for"
        " the same core. From the dashed line on, a model that knows threads, cores and CPU time, but none of these"
        f" ratios, gives {b} {WORTH - 1:.0%} more than {a}, for what threads do alone; a bar across it is where it"
        " would be if the CPU time of every cell in the row were at either end of its 95 % interval."
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


def curve_of(dial: Dial, view: RunView) -> list[tuple[float, float]]:
    """Return the model's crossing as points in the grid's own units: columns and rows, from their middles."""
    rows = [crossing.wait_ms if crossing else None for crossing in dial.crossings(view)]
    points: list[tuple[float, float]] = []
    for (row, here), (_, below) in pairwise(enumerate(rows)):
        if here is None or below is None:
            continue
        for step in range(STEPS + 1):
            share = step / STEPS
            wait_ms = here + (below - here) * share
            points.append((_column(dial.waits_ms, wait_ms), row + share))
    inside = [(x, y) for x, y in points if x <= len(dial.waits_ms) - 0.5]
    return inside if len(inside) > 1 else []


def _column(waits_ms: Sequence[float], wait_ms: float) -> float:
    """Return where a wait lies between the columns, whose waits need not be evenly spaced."""
    for number, (low, high) in enumerate(pairwise(waits_ms)):
        if wait_ms <= high:
            share = (wait_ms - low) / (high - low)
            if low > 0:
                share = math.log(max(wait_ms, low) / low) / math.log(high / low)
            return number + share
    *_, before, last = waits_ms
    return len(waits_ms) - 1 + (wait_ms - last) / (last - before)


def _cell(ax: Axes, x: int, y: int, c: Comparison) -> None:
    kind = kind_of(c)
    decided = kind in ("a", "b", "equivalent", "collapsed")
    size = math.log(c.ratio) if c.ratio else 0.0
    colour = PALE(Normalize(-FULL, FULL, clip=True)(size)) if decided else "#f1f1f1"
    ax.add_patch(Rectangle((x - 0.5, y - 0.5), 1, 1, facecolor=colour, edgecolor="white", linewidth=2))
    ax.plot([x - 0.34], [y - 0.02], **MARKS[kind].style(7), zorder=7)
    ink = INK if decided else MUTED
    text = ratio(c.ratio) if c.ratio else "–"
    value = ax.text(x + 0.08, y - 0.02, text, size=12, weight="bold" if decided else "normal", color=ink, ha="center",
            va="center", zorder=8)  # fmt: skip
    _cover_curve(value, colour)
    if c.interval:
        low, high = map(ratio, c.interval)
        span = ax.text(x, y + 0.31, f"{low} – {high}", size=7, color=ink, ha="center", va="center", zorder=8)
        _cover_curve(span, colour)


def _cover_curve(text: Text, colour: Any) -> None:  # noqa: ANN401 - whatever matplotlib takes for a colour
    """Put the cell's own colour under a text, so that the curve does not cross it."""
    text.set_bbox({"facecolor": colour, "edgecolor": "none", "alpha": 0.85, "pad": 1})


def _axes(ax: Axes, dial: Dial) -> None:
    ax.set_xlim(-0.5, len(dial.waits_ms) - 0.5)
    ax.set_ylim(len(dial.cpus_ms) - 0.5, -0.5)
    ax.set_xticks(range(len(dial.waits_ms)), [f"{wait:g}" for wait in dial.waits_ms])
    ax.set_yticks(range(len(dial.cpus_ms)), [f"{cpu:g}" for cpu in dial.cpus_ms])
    ax.set_xlabel("waiting time of a request, ms →", size=9)
    ax.set_ylabel("← CPU time, ms", size=9)
    ax.tick_params(length=0, labelsize=9)
    for side in ("left", "bottom"):
        ax.spines[side].set_color(FAINT)


def _curve_meaning(view: RunView) -> str:
    return f"from here on the model gives {view.names['b']} {WORTH - 1:.0%} more"


def _curve_style() -> dict[str, Any]:
    return {"color": LOOKS["b"].ink, "linewidth": 2.0, "linestyle": (0, (5, 2))}


def _curve_key() -> Line2D:
    return Line2D([], [], **_curve_style())


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
