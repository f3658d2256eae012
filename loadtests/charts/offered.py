"""Answered against offered, a panel a scenario: who keeps up with an open loop, and who falls behind."""

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedFormatter, FixedLocator, FuncFormatter, MaxNLocator

from loadtests.charts import amounts
from loadtests.charts.points import OUT, Point, apart, client_was_limit, end_label, floor_marks, points_of, whiskers
from loadtests.charts.sheet import Grid, grid_for, head, sheet
from loadtests.charts.style import INK, LOOKS, MUTED, Key, marker, side_key, width_in
from loadtests.charts.verdicts import alarm
from loadtests.charts.view import LABELS, View
from loadtests.charts.wording import number
from loadtests.records.outcome import SideLabel

LINE = (0, (2, 2))


def against_offered(view: View) -> Figure | None:
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
    keys.append(Key("all that arrives is answered", marker=Line2D([], [], color=INK, linestyle=LINE, linewidth=1.1)))
    keys += [OUT] if client_was_limit(view) else []
    spread = "whiskers: 95 % interval over the run's blocks" if view.blocks > 1 else "one block: no interval"
    note = f"Good answers a second, over arrivals a second as they came; all panels have the same scale; {spread}."
    right = 0.1 + max(width_in(end_label(view, label, 10000), 8.5, "bold") for label in LABELS)
    grid = grid_for(len(shown), left=0.66, right=right)
    figure, axes = sheet(view, amounts.of_throughput(view), keys, grid, note)
    for ax, scenario in zip(axes, shown, strict=True):
        head(ax, grid, scenario.name, scenario.title, alarm(view, scenario.name))
        _rates(ax, view, grid, top)
        ax.plot([0, top], [0, top], color=INK, linestyle=LINE, linewidth=1.1, zorder=2)
        _sides(ax, view, grid, drawn[scenario.name], top)
        floor_marks(ax, view, scenario.name)
        if axes.index(ax) % grid.columns == 0:
            ax.set_ylabel("answered/s", size=8, labelpad=2)
    return figure


def _rates(ax: Axes, view: View, grid: Grid, top: float) -> None:
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


def _sides(ax: Axes, view: View, grid: Grid, sides: dict[SideLabel, list[Point]], top: float) -> None:
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
        out = [p for p in points if p.limited]
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
