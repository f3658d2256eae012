"""All ratios at the highest load in one list, the best for b on top: a dot and a whisker each."""

import math

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from loadtests.charts import findings
from loadtests.charts.axis import arms, cut_off, ratio_axis, reach
from loadtests.charts.sheet import Grid, sheet
from loadtests.charts.style import FAINT, INK, MUTED, ZONE, Key, fit, width_in
from loadtests.charts.verdicts import MARKS, keys, kind_of, word
from loadtests.charts.view import View, gave_up
from loadtests.charts.wording import named, ratio
from loadtests.comparison import MARGIN
from loadtests.outcome import Comparison

ROW = 0.42
ACROSS = 9.9


def at_highest_load(view: View) -> Figure | None:
    """Draw one row a scenario, at the highest load at which it was measured; None if nothing was compared."""
    rows = sorted((view.headlines(s.name)[-1] for s in view.scenarios if view.headlines(s.name)), key=_rank)
    if not rows:
        return None
    a, b = view.names["a"], view.names["b"]
    limit = reach(rows)
    names = {s.name: s for s in view.scenarios}
    left = min(3.2, max(width_in(_name(view, c), 9.5, "bold") for c in rows) + 0.15)
    left = max(left, min(3.2, max(width_in(names[c.scenario].title, 8) for c in rows) + 0.15))
    right = min(3.6, max(width_in(_said(view, c), 9, "bold") for c in rows) + 0.2)
    grid = Grid(1, 1, ACROSS - left - right, ROW * len(rows), left, right, head=0.34, foot=0.28)
    zone = Key(f"the zone of ± {findings.MARGIN_PERCENT} %", patch={"facecolor": ZONE, "edgecolor": FAINT})
    note = (
        f"Throughput of {b} divided by that of {a} at {named([view.highest])}, with its 95 % interval over"
        f" {view.evidence}. The axis is logarithmic, so that 2 and 0.5 are as far from 1."
        f"{cut_off(rows, limit)}"
    )
    figure, (ax,) = sheet(view, findings.of_ratio(view, view.highest), [*keys(rows, view), zone], grid, note)
    ratio_axis(ax.xaxis, limit)
    ax.set_xlim(math.exp(-limit), math.exp(limit))
    ax.set_ylim(len(rows) - 0.5, -0.5)
    ax.axvspan(math.exp(-MARGIN), math.exp(MARGIN), color=ZONE, linewidth=0, zorder=0)
    ax.axvline(1, color=MUTED, linewidth=0.9, zorder=1)
    ax.set_yticks([])
    ax.spines["left"].set_visible(False)
    for y, c in enumerate(rows):
        _row(ax, grid, y, c, limit)
        about = names[c.scenario].title
        ax.text(-left / grid.width, y - 0.17, fit(_name(view, c), left - 0.1, 9.5, "bold"), size=9.5, weight="bold",
                va="center", transform=ax.get_yaxis_transform())  # fmt: skip
        ax.text(-left / grid.width, y + 0.2, fit(about, left - 0.1, 8), size=8, color=MUTED, va="center",
                transform=ax.get_yaxis_transform())  # fmt: skip
        ax.text(1 + 0.15 / grid.width, y, fit(_said(view, c), right - 0.1, 9, "bold"), size=9, weight="bold",
                va="center", transform=ax.get_yaxis_transform())  # fmt: skip
    half = grid.width / 2 - 0.1
    ax.text(0, 1 + 0.08 / grid.height, fit(f"← {a} better", half, 8.5), size=8.5, color=MUTED, transform=ax.transAxes)
    ax.text(1, 1 + 0.08 / grid.height, fit(f"{b} better →", half, 8.5), size=8.5, color=MUTED, ha="right",
            transform=ax.transAxes)  # fmt: skip
    return figure


def _row(ax: Axes, grid: Grid, y: int, c: Comparison, limit: float) -> None:
    mark = MARKS[kind_of(c)]
    ax.axhline(y + 0.5, color=ZONE, linewidth=0.6, zorder=0)
    gone = gave_up(c)
    if gone:
        ax.plot([math.exp(limit * (0.95 if gone == "a" else -0.95))], [y], mark.marker, color=INK, markersize=9,
                markeredgecolor="white", zorder=5)  # fmt: skip
        return
    if c.ratio is None:
        return
    if c.interval:
        ax.errorbar([c.ratio], [y], xerr=arms(c), fmt="none", ecolor=INK, elinewidth=1.5,
                    capsize=4, zorder=3)  # fmt: skip
    ax.plot([c.ratio], [y], mark.marker, markersize=9, markerfacecolor=mark.face, markeredgecolor=mark.edge,
            markeredgewidth=1.3, zorder=5)  # fmt: skip


def _rank(c: Comparison) -> float:
    """Order rows by ratio, largest first; a side that collapsed is infinitely far behind."""
    gone = gave_up(c)
    return {"a": -math.inf, "b": math.inf}[gone] if gone else -math.log(c.ratio or 1)


def _name(view: View, c: Comparison) -> str:
    return c.scenario if c.load == view.highest else f"{c.scenario} ({named([c.load])})"


def _said(view: View, c: Comparison) -> str:
    return word(view, c) if gave_up(c) or c.ratio is None else f"{ratio(c.ratio)}  {word(view, c)}"
