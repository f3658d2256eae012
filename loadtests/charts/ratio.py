"""The headline ratio b ÷ a against the load, a panel a scenario, the others in grey behind it."""

import math
from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from loadtests.analysis.comparison import MARGIN
from loadtests.charts import findings
from loadtests.charts.axis import arms, cut_off, load_axis, ratio_axis, reach
from loadtests.charts.sheet import Grid, grid_for, head, sheet
from loadtests.charts.speech import ratio_of
from loadtests.charts.style import FAINT, INK, MUTED, ZONE, Key, clear_of, fit
from loadtests.charts.verdicts import MARKS, alarm, edge_of, keys
from loadtests.charts.view import View
from loadtests.charts.wording import MARGIN_PERCENT, ratio
from loadtests.kinds import kind_of, limited
from loadtests.records.outcome import Comparison


def against_loads(view: View) -> Figure | None:
    """Draw the ratio against loads, of which there must be two values at least; None if nothing was compared."""
    shown = [s for s in view.scenarios if view.headlines(s.name)]
    if not shown:
        return None
    limit = reach(view.headlines())
    grid = grid_for(len(shown), left=0.5, right=0.5)
    note = (
        f"Each panel: {ratio_of(view, begins=False)}, with its 95 % interval over {view.evidence}."
        " The axis is logarithmic, so that 2 and 0.5 are as far from 1."
        f"{cut_off(view.headlines(), limit)}"
    )
    others = [Key("the other scenarios", marker=_line(FAINT))] if len(shown) > 1 else []
    zone = Key(f"the zone of ± {MARGIN_PERCENT} %", patch={"facecolor": ZONE, "edgecolor": FAINT})
    figure, axes = sheet(view, findings.of_loads(view), [*keys(view.headlines(), view), zone, *others], grid, note)
    for ax, scenario in zip(axes, shown, strict=True):
        head(ax, grid, scenario.name, scenario.title, alarm(view, scenario.name))
        load_axis(ax, view.loads, grid.width)
        ratio_axis(ax.yaxis, limit)
        ax.set_ylim(math.exp(-limit), math.exp(limit))
        ax.axhspan(math.exp(-MARGIN), math.exp(MARGIN), color=ZONE, linewidth=0, zorder=0)
        ax.axhline(1, color=MUTED, linewidth=0.9, zorder=1)
        for other in shown:
            if other is not scenario:
                _plot(ax, view.headlines(other.name), FAINT, 0.9)
        _draw(ax, view, view.headlines(scenario.name), limit)
        if axes.index(ax) % grid.columns == 0:
            _directions(ax, grid, view)
    return figure


def _line(colour: str) -> Line2D:
    return Line2D([], [], color=colour, linewidth=1.2)


def _plot(ax: Axes, comparisons: Sequence[Comparison], colour: str, width: float) -> None:
    known = [(c.load.size, c.ratio) for c in comparisons if c.ratio and not limited(c)]
    ax.plot([u for u, _ in known], [r for _, r in known], color=colour, linewidth=width, zorder=2)


def _draw(ax: Axes, view: View, comparisons: Sequence[Comparison], limit: float) -> None:
    _plot(ax, comparisons, INK, 1.6)
    for c in comparisons:
        mark = MARKS[kind_of(c)]
        end = edge_of(c, view)
        if c.ratio and c.interval:
            ax.errorbar(
                [c.load.size], [c.ratio], yerr=arms(c), fmt="none", ecolor=FAINT if limited(c) else INK,
                elinewidth=1.2, capsize=3, zorder=3,
            )  # fmt: skip
        if c.ratio and not end:
            ax.plot([c.load.size], [c.ratio], **mark.style(7.5), zorder=5)
        if end:
            ax.plot([c.load.size], [math.exp(0.93 * limit * end)], **mark.style(9), zorder=6)
    _band(ax, comparisons)
    last = comparisons[-1]
    if last.ratio and last.load == view.loads[-1] and not edge_of(last, view) and not limited(last):
        ax.annotate(
            ratio(last.ratio), (last.load.size, last.ratio), (9, 0), textcoords="offset points", weight="bold",
            va="center", annotation_clip=False,
        )  # fmt: skip


def _band(ax: Axes, comparisons: Sequence[Comparison]) -> None:
    known = [(c.load.size, *c.interval) for c in comparisons if c.ratio and c.interval and not limited(c)]
    if len(known) > 1:
        sizes, low, high = zip(*known, strict=True)
        ax.fill_between(sizes, low, high, color=INK, alpha=0.13, linewidth=0, zorder=1.5)


def _directions(ax: Axes, grid: Grid, view: View) -> None:
    """Say which way is better for whom, in the corners beside the y axis."""
    up, down = view.names[view.above], view.names[view.other(view.above)]
    for y, words, va in ((0.98, f"↑ {up} better", "top"), (0.02, f"↓ {down} better", "bottom")):
        text = ax.text(
            0.02, y, fit(words, grid.width * 0.9, 7.5), transform=ax.transAxes, size=7.5, color=MUTED, va=va, zorder=4
        )
        clear_of(text)
