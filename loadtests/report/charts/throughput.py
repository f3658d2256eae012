"""Charts of throughput or server CPU over loads, and of answered against offered requests in an open loop.

Each is a set of small multiples, a panel a scenario. The last shows who keeps up with arrivals, and who falls behind.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedFormatter, FixedLocator, FuncFormatter, MaxNLocator

from loadtests.experiment.sides import LABELS, SideLabel
from loadtests.records.summary import CellResult, Interval
from loadtests.report import titles
from loadtests.report.charts.layout import Grid, dodge, grid_for, head, load_axis, sheet
from loadtests.report.charts.marks import (
    DRIVER_BOUND_KEY,
    Point,
    alarm,
    any_driver_bound,
    apart,
    end_label,
    floor_marks,
    points_of,
    whiskers,
)
from loadtests.report.charts.style import INK, LOOKS, MUTED, Key, fit, marker, side_key, width_in
from loadtests.report.view import RunView
from loadtests.report.wording import number

LINE = (0, (2, 2))


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


def throughput(view: RunView) -> Figure | None:
    """Draw throughput against users; None if nothing was measured."""
    return _multiples(view, THROUGHPUT, titles.throughput_title(view))


def cpu(view: RunView) -> Figure | None:
    """Draw server CPU per request against the load; None if it is unknown throughout."""
    return _multiples(view, CPU, titles.cpu_title(view))


def _points(view: RunView, scenario: str, label: SideLabel, figures: Figures) -> list[Point]:
    return points_of(view, scenario, label, figures.read, figures.scale)


def _multiples(view: RunView, figures: Figures, title: str) -> Figure | None:
    drawn = {s.name: {label: _points(view, s.name, label, figures) for label in LABELS} for s in view.scenarios}
    shown = [s for s in view.scenarios if any(drawn[s.name].values()) or (figures.collapses and view.collapses(s.name))]
    if not shown:
        return None
    bars = len(view.loads) == 1
    keys = [side_key(label, view.names[label], "bar" if bars else "points") for label in LABELS]
    keys += [DRIVER_BOUND_KEY] if any_driver_bound(view) else []
    spread = "whiskers: 95 % interval over the run's blocks" if view.blocks > 1 else "one block: no interval"
    at = f", at {view.loads[0]}" if bars else ""
    spread += "; without an end they extend beyond the frame" if _cut_off(drawn.values()) else ""
    log = "" if bars else "; the axis of users is logarithmic"
    note = f"{figures.noun} in {figures.unit}{at}; each panel has its own scale, from 0{log}; {spread}."
    right = 0.2 if bars else 0.1 + max(width_in(end_label(view, label, 10000), 8.5, "bold") for label in LABELS)
    grid = grid_for(len(shown), left=0.66, right=right)
    figure, axes = sheet(view, title, keys, grid, note)
    for ax, scenario in zip(axes, shown, strict=True):
        head(ax, grid, scenario.name, scenario.about, alarm(view, scenario.name))
        (_bars if bars else _lines)(ax, view, grid, drawn[scenario.name])
        _value_axis(ax, drawn[scenario.name])
        if figures.collapses:
            floor_marks(ax, view, scenario.name, bars=bars)
        if axes.index(ax) % grid.columns == 0:
            ax.set_ylabel(figures.unit, size=8, labelpad=2)
    return figure


def _top(sides: Mapping[SideLabel, list[Point]]) -> float:
    """Return the upper end of the axis: a very wide interval may leave it."""
    wanted = (max(p.value * 1.05, min(p.high, p.value * 1.6)) for points in sides.values() for p in points)
    return 1.1 * max(wanted, default=1)


def _cut_off(panels: Iterable[Mapping[SideLabel, list[Point]]]) -> bool:
    return any(p.high > _top(sides) for sides in panels for points in sides.values() for p in points)


def _value_axis(ax: Axes, sides: dict[SideLabel, list[Point]]) -> None:
    ax.set_ylim(0, _top(sides))
    ax.grid(visible=True, axis="y")
    ax.yaxis.set_major_locator(MaxNLocator(4))
    ax.yaxis.set_major_formatter(FuncFormatter(lambda y, _: f"{y:,.9g}"))


def _lines(ax: Axes, view: RunView, grid: Grid, sides: dict[SideLabel, list[Point]]) -> None:
    loads = view.loads
    load_axis(ax, loads, grid.width)
    ends: list[tuple[float, SideLabel]] = []
    for label, direction in zip(LABELS, (-1, 1), strict=True):
        points, look = sides[label], LOOKS[label]
        if not points:
            continue
        x = dict(zip(loads, dodge(loads, direction), strict=True))
        xs, ys = [x[p.load] for p in points], [p.value for p in points]
        whiskers(ax, xs, points, look)
        ax.plot(xs, ys, color=look.colour, linestyle=look.line, linewidth=1.9, zorder=3, **marker(look))
        hollow = [(at, p.value) for at, p in zip(xs, points, strict=True) if p.driver_bound]
        style = {**marker(look), "markerfacecolor": "white", "linestyle": "none"}
        ax.plot([at for at, _ in hollow], [value for _, value in hollow], **style, zorder=5)
        if points[-1].load == loads[-1]:
            ends.append((ys[-1], label))
    for y, (value, label) in zip(apart([v for v, _ in ends], 0.15 / grid.height * _top(sides)), ends, strict=True):
        text = end_label(view, label, value)
        ax.annotate(
            text, (loads[-1].size, y), (9, 0), textcoords="offset points", color=LOOKS[label].ink, weight="bold",
            va="center", annotation_clip=False,
        )  # fmt: skip


def _bars(ax: Axes, view: RunView, grid: Grid, sides: dict[SideLabel, list[Point]]) -> None:
    for x, label in enumerate(LABELS):
        look = LOOKS[label]
        for point in sides[label]:
            face = "white" if point.driver_bound else look.colour
            ax.bar(x, point.value, 0.62, color=face, edgecolor=look.ink, hatch=look.hatch, zorder=2)
            whiskers(ax, [x], [point], look)
            ax.annotate(
                number(point.value), (x, point.high), (0, 3), textcoords="offset points", weight="bold",
                ha="center", color=look.ink, zorder=6,
            )  # fmt: skip
    ax.set_xlim(-0.6, 1.6)
    ax.set_xticks([0, 1], [fit(view.names[label], grid.width * 0.48, 8) for label in LABELS])
    ax.tick_params(axis="x", length=0)


def against_offered(view: RunView) -> Figure | None:
    """Draw answers a second against arrivals a second, both on the same scale from 0; None if nothing was measured."""
    drawn = {
        s.name: {label: points_of(view, s.name, label, lambda cell: cell.throughput) for label in LABELS}
        for s in view.scenarios
    }
    shown = [s for s in view.scenarios if any(drawn[s.name].values()) or view.collapses(s.name)]
    if not shown:
        return None
    everything = [p for sides in drawn.values() for points in sides.values() for p in points]
    top = 1.08 * max([load.size for load in view.loads] + [max(p.offered, p.value) for p in everything])
    keys = [side_key(label, view.names[label], "points") for label in LABELS]
    keys.append(
        Key("every arriving request is answered", marker=Line2D([], [], color=INK, linestyle=LINE, linewidth=1.1))
    )
    keys += [DRIVER_BOUND_KEY] if any_driver_bound(view) else []
    spread = "whiskers: 95 % interval over the run's blocks" if view.blocks > 1 else "one block: no interval"
    note = f"Good answers per second against arrivals per second; all panels have the same scale; {spread}."
    right = 0.1 + max(width_in(end_label(view, label, 10000), 8.5, "bold") for label in LABELS)
    grid = grid_for(len(shown), left=0.66, right=right)
    figure, axes = sheet(view, titles.throughput_title(view), keys, grid, note)
    for ax, scenario in zip(axes, shown, strict=True):
        head(ax, grid, scenario.name, scenario.about, alarm(view, scenario.name))
        _rates(ax, view, grid, top)
        ax.plot([0, top], [0, top], color=INK, linestyle=LINE, linewidth=1.1, zorder=2)
        _sides(ax, view, grid, drawn[scenario.name], top)
        floor_marks(ax, view, scenario.name)
        if axes.index(ax) % grid.columns == 0:
            ax.set_ylabel("answered/s", size=8, labelpad=2)
    return figure


def _rates(ax: Axes, view: RunView, grid: Grid, top: float) -> None:
    """Set two linear axes from 0, the planned rates as ticks of the lower one; labels that would touch are left out."""
    ax.set_xlim(0, top)
    ax.set_ylim(0, top)
    shown: list[str] = []
    free = top * 2
    for load in reversed(view.loads):
        text = str(load) if load == view.loads[-1] else f"{load.size:,.10g}"
        half = width_in(text, 8) / 2 / grid.width * top
        fits = load.size + half < free - 0.02 * top
        shown.append(text if fits else "")
        free = load.size - half if fits else free
    ax.xaxis.set_major_locator(FixedLocator([load.size for load in view.loads]))
    ax.xaxis.set_major_formatter(FixedFormatter(shown[::-1]))
    ax.yaxis.set_major_locator(MaxNLocator(4))
    ax.yaxis.set_major_formatter(FuncFormatter(lambda y, _: f"{y:,.9g}"))
    ax.grid(visible=True, axis="y")
    ax.tick_params(axis="x", color=MUTED)


def _sides(ax: Axes, view: RunView, grid: Grid, sides: dict[SideLabel, list[Point]], top: float) -> None:
    ends: list[tuple[float, float, SideLabel]] = []
    for label in LABELS:
        points, look = sides[label], LOOKS[label]
        if not points:
            continue
        xs, ys = [p.offered for p in points], [p.value for p in points]
        whiskers(ax, xs, points, look)
        # The first side's marks are larger: where both keep up, they would hide behind the second's.
        size = {"markersize": 8.5 if label == "a" else 5.0}
        ax.plot(xs, ys, color=look.colour, linestyle=look.line, linewidth=1.9, zorder=3, **{**marker(look), **size})
        out = [p for p in points if p.driver_bound]
        ax.plot(
            [p.offered for p in out], [p.value for p in out],
            **{**marker(look), **size, "linestyle": "none", "markerfacecolor": "white"}, zorder=4,
        )  # fmt: skip
        ends.append((xs[-1], ys[-1], label))
    heights = apart([value for _, value, _ in ends], 0.15 / grid.height * top)
    for y, (x, value, label) in zip(heights, ends, strict=True):
        ax.annotate(
            end_label(view, label, value) if value else number(value), (x, y), (9, 0), textcoords="offset points",
            color=LOOKS[label].ink, weight="bold", va="center", annotation_clip=False,
        )  # fmt: skip
