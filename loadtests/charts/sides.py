"""Small multiples of one figure of both sides, a panel a scenario: throughput, or server CPU per request."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from loadtests.charts import findings
from loadtests.charts.axis import dodge, load_axis
from loadtests.charts.sheet import Grid, grid_for, head, sheet
from loadtests.charts.style import LOOKS, Look, fit, marker, side_key, width_in
from loadtests.charts.verdicts import alarm
from loadtests.charts.view import LABELS, View
from loadtests.charts.wording import number
from loadtests.loads import Load
from loadtests.outcome import CellResult, Interval, SideLabel


@dataclass(frozen=True)
class Figures:
    """Which figure of a cell is drawn.

    Attributes:
        read: takes it out of a cell; None where it is unknown.
        noun: what it is called.
        unit: what it is measured in.
        scale: what one of its own unit is in that.
        collapses: whether a collapse is drawn as a value of 0.
    """

    read: Callable[[CellResult], Interval | None]
    noun: str
    unit: str
    scale: float
    collapses: bool


THROUGHPUT = Figures(lambda cell: cell.throughput, "Throughput", "requests/s", 1, collapses=True)
CPU = Figures(lambda cell: cell.cpu_per_request, "Server CPU per request", "ms", 1000, collapses=False)


def throughput(view: View) -> Figure | None:
    """Draw throughput against users; None if nothing was measured."""
    return _multiples(view, THROUGHPUT, findings.of_throughput(view))


def cpu(view: View) -> Figure | None:
    """Draw server CPU per request against users; None if it is unknown throughout."""
    return _multiples(view, CPU, findings.of_cpu(view))


@dataclass(frozen=True)
class _Point:
    load: Load
    value: float
    low: float
    high: float


def _points(view: View, scenario: str, label: SideLabel, figures: Figures) -> list[_Point]:
    points = []
    for load in view.measured_loads(scenario):
        cell = view.cells.get((scenario, load, label))
        if cell is not None and (known := figures.read(cell)) is not None:
            value = known.value * figures.scale
            low, high = known.interval or (known.value, known.value)
            points.append(_Point(load, value, low * figures.scale, high * figures.scale))
    return points


def _multiples(view: View, figures: Figures, title: str) -> Figure | None:
    drawn = {s.name: {label: _points(view, s.name, label, figures) for label in LABELS} for s in view.scenarios}
    shown = [s for s in view.scenarios if any(drawn[s.name].values()) or (figures.collapses and view.collapses(s.name))]
    if not shown:
        return None
    bars = len(view.loads) == 1
    keys = [side_key(label, view.names[label], "bar" if bars else "points") for label in LABELS]
    spread = "whiskers: 95 % interval over the run's blocks" if view.blocks > 1 else "one block: no interval"
    at = f", at {view.loads[0]}" if bars else ""
    spread += "; without an end they go on beyond the frame" if _cut_off(drawn.values()) else ""
    note = f"{figures.noun} in {figures.unit}{at}; each panel has its own scale, from 0; {spread}."
    right = 0.2 if bars else 0.1 + max(width_in(_end(view, label, 10000), 8.5, "bold") for label in LABELS)
    grid = grid_for(len(shown), left=0.66, right=right)
    figure, axes = sheet(view, title, keys, grid, note)
    for ax, scenario in zip(axes, shown, strict=True):
        head(ax, grid, scenario.name, scenario.title, alarm(view, scenario.name))
        (_bars if bars else _lines)(ax, view, grid, drawn[scenario.name])
        _value_axis(ax, drawn[scenario.name])
        if figures.collapses:
            _mark_collapses(ax, view, scenario.name, bars=bars)
        if axes.index(ax) % grid.columns == 0:
            ax.set_ylabel(figures.unit, size=8, labelpad=2)
    return figure


def _top(sides: Mapping[SideLabel, list[_Point]]) -> float:
    """Return the upper end of the axis: a very wide interval may leave it."""
    wanted = (max(p.value * 1.05, min(p.high, p.value * 1.6)) for points in sides.values() for p in points)
    return 1.1 * max(wanted, default=1)


def _cut_off(panels: Iterable[Mapping[SideLabel, list[_Point]]]) -> bool:
    return any(p.high > _top(sides) for sides in panels for points in sides.values() for p in points)


def _value_axis(ax: Axes, sides: dict[SideLabel, list[_Point]]) -> None:
    ax.set_ylim(0, _top(sides))
    ax.grid(visible=True, axis="y")
    ax.yaxis.set_major_locator(MaxNLocator(4))
    ax.yaxis.set_major_formatter(FuncFormatter(lambda y, _: f"{y:,.9g}"))


def _lines(ax: Axes, view: View, grid: Grid, sides: dict[SideLabel, list[_Point]]) -> None:
    loads = view.loads
    load_axis(ax, loads, grid.width)
    ends: list[tuple[float, SideLabel]] = []
    for label, direction in zip(LABELS, (-1, 1), strict=True):
        points, look = sides[label], LOOKS[label]
        if not points:
            continue
        x = dict(zip(loads, dodge(loads, direction), strict=True))
        xs, ys = [x[p.load] for p in points], [p.value for p in points]
        _whiskers(ax, xs, points, look)
        ax.plot(xs, ys, color=look.colour, linestyle=look.line, linewidth=1.9, zorder=3, **marker(look))
        if points[-1].load == loads[-1]:
            ends.append((ys[-1], label))
    for y, (value, label) in zip(_apart([v for v, _ in ends], 0.15 / grid.height * _top(sides)), ends, strict=True):
        text = _end(view, label, value)
        ax.annotate(
            text, (loads[-1].size, y), (9, 0), textcoords="offset points", color=LOOKS[label].ink, weight="bold",
            va="center", annotation_clip=False,
        )  # fmt: skip


def _bars(ax: Axes, view: View, grid: Grid, sides: dict[SideLabel, list[_Point]]) -> None:
    for x, label in enumerate(LABELS):
        look = LOOKS[label]
        for point in sides[label]:
            ax.bar(x, point.value, 0.62, color=look.colour, edgecolor=look.ink, hatch=look.hatch, zorder=2)
            _whiskers(ax, [x], [point], look)
            ax.annotate(
                number(point.value), (x, point.high), (0, 3), textcoords="offset points", weight="bold",
                ha="center", color=look.ink, zorder=6,
            )  # fmt: skip
    ax.set_xlim(-0.6, 1.6)
    ax.set_xticks([0, 1], [fit(view.names[label], grid.width * 0.48, 8) for label in LABELS])
    ax.tick_params(axis="x", length=0)


def _whiskers(ax: Axes, xs: list[float], points: list[_Point], look: Look) -> None:
    ys = np.array([p.value for p in points])
    reach = np.abs(np.array([[p.low for p in points], [p.high for p in points]]) - ys)
    ax.errorbar(xs, ys, yerr=reach, fmt="none", ecolor=look.ink, elinewidth=1.1, capsize=2.5, capthick=1.1, zorder=4)
    if len(points) > 1:
        ax.fill_between(xs, ys - reach[0], ys + reach[1], color=look.colour, alpha=0.18, linewidth=0, zorder=1)


def _end(view: View, label: SideLabel, value: float) -> str:
    """Return the label at the end of a line: the value, with the side's name where that is short."""
    name = view.names[label]
    return f"{name} {number(value)}" if len(name) <= 7 else number(value)


def _apart(values: list[float], gap: float) -> list[float]:
    """Move two values apart until they are no closer than the gap; one alone stays."""
    if len(values) != 2 or abs(values[0] - values[1]) >= gap:
        return values
    middle = max(sum(values) / 2, gap / 2)
    up = 1 if values[0] >= values[1] else -1
    return [middle + up * gap / 2, middle - up * gap / 2]


def _mark_collapses(ax: Axes, view: View, scenario: str, *, bars: bool) -> None:
    """Put a cross on the floor for every cell in which a side collapsed."""
    for label, loads in view.collapses(scenario).items():
        xs = [float(LABELS.index(label))] if bars else [load.size for load in loads]
        ax.plot(
            xs, [0] * len(xs), "X", color=LOOKS[label].ink, markersize=8.5, markeredgecolor="white", clip_on=False,
            zorder=7,
        )  # fmt: skip
