"""Layout of a chart in inches: title, legend, a grid of panels, a footer; logarithmic axes of loads and ratios."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.axis import XAxis, YAxis
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle
from matplotlib.ticker import FixedFormatter, FixedLocator, NullLocator

from loadtests.analysis.verdict_kinds import gave_up
from loadtests.experiment.loads import Load
from loadtests.records.summary import Comparison
from loadtests.report.charts.style import INK, MUTED, Key, fit, width_in, wrap
from loadtests.report.view import RunView

MARGIN = 0.18
TITLE_PT, TITLE_LINE = 13.5, 0.255
LEGEND_PT, LEGEND_LINE = 9.0, 0.24
HEAD = 0.46
FOOT = 0.34
TICKS = (
    (math.log(2.05), (0.5, 0.67, 0.8, 1, 1.25, 1.5, 2)),
    (math.log(4.5), (0.25, 0.33, 0.5, 0.67, 0.8, 1, 1.25, 1.5, 2, 3, 4)),
    (math.log(12), (0.1, 0.2, 0.33, 0.5, 1, 2, 3, 5, 10)),
    (math.log(150), (0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 100)),
    (math.inf, (1e-6, 1e-5, 1e-4, 1e-3, 0.01, 0.1, 1, 10, 100, 1000, 1e4, 1e5, 1e6)),
)
"""Up to which distance from 1, on the log scale, which ticks are readable."""


@dataclass(frozen=True)
class Grid:
    """A layout of equal panels, in inches.

    Attributes:
        panels: how many.
        columns: how many stand side by side.
        width: of a panel's own plot.
        height: of a panel's own plot.
        left: room for the y axis's tick labels.
        right: room for labels at the ends of lines.
        head: room above each panel for its heading.
        foot: room below each panel for the x axis's tick labels.
    """

    panels: int
    columns: int
    width: float
    height: float
    left: float
    right: float
    head: float = HEAD
    foot: float = FOOT

    @property
    def rows(self) -> int:
        """How many panels stand above each other."""
        return -(-self.panels // self.columns)


def grid_for(panels: int, left: float, right: float) -> Grid:
    """Choose a layout in which so many panels stay readable: at most three abreast."""
    columns = {1: 1, 2: 2, 4: 2}.get(panels, 3)
    width = {1: 5.6, 2: 3.5, 3: 3.42}[columns] - left - right
    return Grid(panels, columns, width, {1: 2.6, 2: 1.9, 3: 1.62}[columns], left, right)


def sheet(view: RunView, title: str, keys: Sequence[Key], grid: Grid, note: str) -> tuple[Figure, list[Axes]]:
    """Return a figure with its title, legend and footer set, and its empty panels."""
    said = [Key(f"“{name}” is {spec}") for name, spec in view.abbreviations.items()]
    return laid_out(title, [*keys, *said], grid, _footer(view, note))


def laid_out(title: str, keys: Sequence[Key], grid: Grid, note: str) -> tuple[Figure, list[Axes]]:
    """Return the same where no run of cells is behind it: all that is written is given."""
    across = grid.columns * (grid.left + grid.width + grid.right) + 2 * MARGIN
    usable = across - 2 * MARGIN
    lines = wrap(title, usable, TITLE_PT, "bold")
    legend = _flow(keys, usable)
    footer = wrap(note, usable, 7.5)
    top = MARGIN + TITLE_LINE * len(lines) + 0.06 + LEGEND_LINE * len(legend)
    step = grid.head + grid.height + grid.foot
    tall = top + grid.rows * step + 0.1 + 0.15 * len(footer) + 0.08
    figure = Figure(figsize=(across, tall))
    for i, line in enumerate(lines):
        y = 1 - (MARGIN + TITLE_LINE * i) / tall
        figure.text(MARGIN / across, y, line, size=TITLE_PT, weight="bold", va="top")
    for i, entries in enumerate(legend):
        _draw_keys(figure, entries, tall - (MARGIN + TITLE_LINE * len(lines) + 0.06 + LEGEND_LINE * (i + 0.5)))
    for i, line in enumerate(reversed(footer)):
        figure.text(MARGIN / across, (0.08 + 0.15 * i) / tall, line, size=7.5, color=MUTED, va="bottom")
    axes = []
    for i in range(grid.panels):
        row, column = divmod(i, grid.columns)
        x = MARGIN + column * (grid.left + grid.width + grid.right) + grid.left
        y = tall - top - row * step - grid.head - grid.height
        axes.append(figure.add_axes((x / across, y / tall, grid.width / across, grid.height / tall)))
    return figure, axes


def head(ax: Axes, grid: Grid, name: str, about: str, alarm: str = "") -> None:
    """Write a panel's heading above it: its name, and below it what that is, or what went wrong."""
    room = grid.left + grid.width + grid.right - 0.1
    x = -grid.left / grid.width + 0.02
    up = 1 + (grid.head - 0.08) / grid.height
    ax.text(x, up, fit(name, room, 9.5, "bold"), transform=ax.transAxes, size=9.5, weight="bold", va="top")
    down = 1 + (grid.head - 0.25) / grid.height
    text = fit(alarm, room, 8, "bold") if alarm else fit(about, room, 8)
    weight, colour = ("bold", INK) if alarm else ("normal", MUTED)
    ax.text(x, down, text, transform=ax.transAxes, size=8, weight=weight, color=colour, va="top")


def _footer(view: RunView, note: str) -> str:
    missing = f" Not measured: {', '.join(view.unmeasured)}." if view.unmeasured else ""
    partial = "" if view.manifest.complete else " The run is incomplete."
    return f"{note}{missing}{partial} Run: {view.manifest.name}."


def _flow(keys: Sequence[Key], usable: float) -> list[list[tuple[float, Key]]]:
    """Set the entries of a legend in rows, each with its distance from the left margin in inches."""
    rows: list[list[tuple[float, Key]]] = [[]]
    x = 0.0
    for key in keys:
        needs = key.swatch + width_in(key.text, LEGEND_PT) + 0.22
        if rows[-1] and x + needs > usable + 0.22:
            rows.append([])
            x = 0.0
        rows[-1].append((x, key))
        x += needs
    return rows if keys else []


def _draw_keys(figure: Figure, row: Sequence[tuple[float, Key]], y: float) -> None:
    across, tall = figure.get_size_inches()
    for offset, key in row:
        x = MARGIN + offset
        if key.marker is not None:
            line = Line2D(
                [(x + 0.04) / across, (x + key.swatch - 0.1) / across], [y / tall] * 2, transform=figure.transFigure
            )
            line.update_from(key.marker)
            line.set_transform(figure.transFigure)
            if line.get_linestyle() == "None":
                line.set_data([(x + 0.07) / across], [y / tall])
            figure.add_artist(line)
        if key.patch is not None:
            box = Rectangle(
                (x / across, (y - 0.065) / tall),
                (key.swatch - 0.1) / across,
                0.13 / tall,
                transform=figure.transFigure,
                **key.patch,
            )
            figure.add_artist(box)
        room = across - x - key.swatch - MARGIN
        text = fit(key.text, room, LEGEND_PT)
        figure.text((x + key.swatch) / across, y / tall, text, size=LEGEND_PT, color=INK, va="center_baseline")


def load_axis(ax: Axes, loads: Sequence[Load], width: float) -> None:
    """Make the x axis logarithmic over the loads, which must be at least two; labels that would touch are left out.

    Args:
        ax: the panel.
        loads: of one kind, ascending.
        width: of the panel, in inches.
    """
    pad = (loads[-1].size / loads[0].size) ** 0.06
    low, high = loads[0].size / pad, loads[-1].size * pad
    ax.set_xscale("log")
    ax.set_xlim(low, high)
    shown: list[str] = []
    free = math.inf
    for load in reversed(loads):
        text = str(load) if load == loads[-1] else f"{load.size:,.10g}"
        middle = width * math.log(load.size / low) / math.log(high / low)
        half = width_in(text, 8) / 2
        fits = middle + half < free - 0.08
        shown.append(text if fits else "")
        free = middle - half if fits else free
    ax.xaxis.set_major_locator(FixedLocator([load.size for load in loads]))
    ax.xaxis.set_major_formatter(FixedFormatter(shown[::-1]))
    ax.xaxis.set_minor_locator(NullLocator())


def dodge(loads: Sequence[Load], direction: int) -> list[float]:
    """Shift points a little to one side, so that two whiskers at the same load stay apart."""
    step = (loads[-1].size / loads[0].size) ** 0.009
    return [load.size * step**direction for load in loads]


def reach(comparisons: Sequence[Comparison]) -> float:
    """Return how far from 1 the axis must go, on the log scale; a very wide interval may leave it."""
    values = [abs(math.log(c.ratio)) for c in comparisons if c.ratio]
    ends = [max(abs(math.log(end)) for end in c.interval) for c in comparisons if c.interval]
    farthest = max(values, default=0)
    off = any(gave_up(c) or (c.ratio is None and c.verdict != "inconclusive") for c in comparisons)
    strip = 0.12 if off else 0.0
    return max(math.log(1.6), farthest * 1.12, min(max(ends, default=0), farthest * 1.5 + 0.2) * 1.06) * (1.06 + strip)


def cut_off(comparisons: Sequence[Comparison], limit: float) -> str:
    """Say what a whisker without an end means, if there is one; else nothing."""
    cut = any(abs(math.log(end)) > limit for c in comparisons for end in c.interval or () if end > 0)
    return " A whisker without an end extends beyond the frame." if cut else ""


def ratio_axis(axis: XAxis | YAxis, limit: float) -> None:
    """Make an axis logarithmic, with ticks that read as ratios."""
    axis.axes.set_yscale("log") if isinstance(axis, YAxis) else axis.axes.set_xscale("log")
    ticks = [t for t in next(ticks for up_to, ticks in TICKS if limit <= up_to) if abs(math.log(t)) <= limit]
    axis.set_major_locator(FixedLocator(ticks))
    axis.set_major_formatter(FixedFormatter([f"{t:g}" for t in ticks]))
    axis.set_minor_locator(NullLocator())
    axis.grid(visible=True)


def arms(comparison: Comparison) -> list[list[float]]:
    """Return how far a ratio's interval reaches down and up from it, as matplotlib takes it; never negative."""
    value = comparison.ratio or 1
    low, high = comparison.interval or (value, value)
    return [[max(0, value - low)], [max(0, high - value)]]
