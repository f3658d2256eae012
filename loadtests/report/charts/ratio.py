"""Charts of the headline ratio b ÷ a: over loads, a panel a scenario; and a forest plot at the highest load."""

import math
from collections.abc import Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from loadtests.analysis.comparison import MARGIN, MARGIN_PERCENT
from loadtests.analysis.verdict_kinds import gave_up, no_verdict
from loadtests.experiment.sides import LABELS
from loadtests.records.summary import Comparison
from loadtests.report import titles
from loadtests.report.charts.layout import Grid, arms, cut_off, grid_for, head, load_axis, ratio_axis, reach, sheet
from loadtests.report.charts.marks import MARKS, alarm, edge_of, keys, mark_kind
from loadtests.report.charts.style import FAINT, INK, MUTED, ZONE, Key, clear_of, fit, width_in
from loadtests.report.view import RunView, ratio_of
from loadtests.report.wording import named, ratio, word

ROW = 0.42
ACROSS = 9.9
GUIDE: dict[str, Any] = {"color": MUTED, "linewidth": 0.9, "linestyle": ":"}
"""Leads the eye from mark to mark; between them nothing was measured."""


def against_loads(view: RunView) -> Figure | None:
    """Draw the ratio against loads, of which there must be two values at least; None if nothing was compared."""
    shown = [s for s in view.scenarios if view.headlines(s.name)]
    if not shown:
        return None
    limit = reach(view.headlines())
    grid = grid_for(len(shown), left=0.5, right=0.5)
    note = (
        f"Each panel: {ratio_of(view, begins=False)}, with its 95 % interval over {view.evidence}, which may be shorter"
        " than the mark. Nothing was measured between the marks."
        " The axis is logarithmic, so that 2 and 0.5 are as far from 1."
        f"{cut_off(view.headlines(), limit)}"
    )
    zone = Key(f"the zone of ± {MARGIN_PERCENT} %", patch={"facecolor": ZONE, "edgecolor": FAINT})
    figure, axes = sheet(view, titles.loads_title(view), [*keys(view.headlines(), view), zone], grid, note)
    for ax, scenario in zip(axes, shown, strict=True):
        head(ax, grid, scenario.name, scenario.about, alarm(view, scenario.name))
        load_axis(ax, view.loads, grid.width)
        ratio_axis(ax.yaxis, limit)
        ax.set_ylim(math.exp(-limit), math.exp(limit))
        ax.axhspan(math.exp(-MARGIN), math.exp(MARGIN), color=ZONE, linewidth=0, zorder=0)
        ax.axhline(1, color=MUTED, linewidth=0.9, zorder=1)
        _draw_panel(ax, view, view.headlines(scenario.name), limit)
        if axes.index(ax) % grid.columns == 0:
            _draw_directions(ax, grid, view)
    return figure


def _draw_panel(ax: Axes, view: RunView, comparisons: Sequence[Comparison], limit: float) -> None:
    known = [(c.load.size, c.ratio) for c in comparisons if c.ratio and not no_verdict(c)]
    ax.plot([size for size, _ in known], [value for _, value in known], **GUIDE, zorder=2)
    for c in comparisons:
        mark = MARKS[mark_kind(c)]
        end = edge_of(c, view)
        if c.ratio and c.interval:
            ax.errorbar(
                [c.load.size], [c.ratio], yerr=arms(c), fmt="none", ecolor=FAINT if no_verdict(c) else INK,
                elinewidth=1.2, capsize=3, zorder=3,
            )  # fmt: skip
        if c.ratio and not end:
            ax.plot([c.load.size], [c.ratio], **mark.style(6), zorder=5)
        if end:
            ax.plot([c.load.size], [math.exp(0.93 * limit * end)], **mark.style(9), zorder=6)
    last = comparisons[-1]
    if last.ratio and last.load == view.loads[-1] and not edge_of(last, view) and not no_verdict(last):
        ax.annotate(
            ratio(last.ratio), (last.load.size, last.ratio), (9, 0), textcoords="offset points", weight="bold",
            va="center", annotation_clip=False,
        )  # fmt: skip


def _draw_directions(ax: Axes, grid: Grid, view: RunView) -> None:
    """Say which way is better for whom, in the corners beside the y axis."""
    up, down = view.names[view.above], view.names[view.other(view.above)]
    for y, words, va in ((0.98, f"↑ {up} better", "top"), (0.02, f"↓ {down} better", "bottom")):
        text = ax.text(
            0.02, y, fit(words, grid.width * 0.9, 7.5), transform=ax.transAxes, size=7.5, color=MUTED, va=va, zorder=4
        )
        clear_of(text)


def at_highest_load(view: RunView) -> Figure | None:
    """Draw one row a scenario, at the highest load at which it was measured; None if nothing was compared."""
    rows = [view.headlines(s.name)[-1] for s in view.scenarios if view.headlines(s.name)]
    rows.sort(key=lambda c: _rank(view, c))
    if not rows:
        return None
    limit = reach(rows)
    names = {s.name: s for s in view.scenarios}
    left = min(3.2, max(width_in(_name(view, c), 9.5, "bold") for c in rows) + 0.15)
    left = max(left, min(3.2, max(width_in(names[c.scenario].about, 8) for c in rows) + 0.15))
    right = min(3.6, max(width_in(_words_of_row(view, c), 9, "bold") for c in rows) + 0.2)
    grid = Grid(1, 1, ACROSS - left - right, ROW * len(rows), left, right, head=0.34, foot=0.28)
    zone = Key(f"the zone of ± {MARGIN_PERCENT} %", patch={"facecolor": ZONE, "edgecolor": FAINT})
    note = (
        f"{ratio_of(view)} at {named([view.highest])}, with its 95 % interval over {view.evidence}."
        " The axis is logarithmic, so that 2 and 0.5 are as far from 1."
        f"{cut_off(rows, limit)}"
    )
    figure, (ax,) = sheet(view, titles.ratio_title(view, view.highest), [*keys(rows, view), zone], grid, note)
    ratio_axis(ax.xaxis, limit)
    ax.set_xlim(math.exp(-limit), math.exp(limit))
    ax.set_ylim(len(rows) - 0.5, -0.5)
    ax.axvspan(math.exp(-MARGIN), math.exp(MARGIN), color=ZONE, linewidth=0, zorder=0)
    ax.axvline(1, color=MUTED, linewidth=0.9, zorder=1)
    ax.set_yticks([])
    ax.spines["left"].set_visible(False)
    for y, c in enumerate(rows):
        _draw_row(ax, view, y, c, limit)
        about = names[c.scenario].about
        ax.text(-left / grid.width, y - 0.17, fit(_name(view, c), left - 0.1, 9.5, "bold"), size=9.5, weight="bold",
                va="center", transform=ax.get_yaxis_transform())  # fmt: skip
        ax.text(-left / grid.width, y + 0.2, fit(about, left - 0.1, 8), size=8, color=MUTED, va="center",
                transform=ax.get_yaxis_transform())  # fmt: skip
        weight, colour = ("normal", MUTED) if no_verdict(c) else ("bold", INK)
        ax.text(1 + 0.15 / grid.width, y, fit(_words_of_row(view, c), right - 0.1, 9, "bold"), size=9, weight=weight,
                color=colour, va="center", transform=ax.get_yaxis_transform())  # fmt: skip
    half = grid.width / 2 - 0.1
    right_wins, left_wins = view.names[view.above], view.names[view.other(view.above)]
    up = 1 + 0.08 / grid.height
    ax.text(0, up, fit(f"← {left_wins} better", half, 8.5), size=8.5, color=MUTED, transform=ax.transAxes)
    ax.text(1, up, fit(f"{right_wins} better →", half, 8.5), size=8.5, color=MUTED, ha="right", transform=ax.transAxes)
    return figure


def _draw_row(ax: Axes, view: RunView, y: int, c: Comparison, limit: float) -> None:
    mark = MARKS[mark_kind(c)]
    ax.axhline(y + 0.5, color=ZONE, linewidth=0.6, zorder=0)
    end = edge_of(c, view)
    if end:
        ax.plot([math.exp(0.95 * limit * end)], [y], **mark.style(9), zorder=5)
        return
    if c.ratio is None:
        return
    faint = no_verdict(c) is not None
    if c.interval:
        ax.errorbar([c.ratio], [y], xerr=arms(c), fmt="none", ecolor=FAINT if faint else INK, elinewidth=1.5,
                    capsize=4, zorder=3)  # fmt: skip
    ax.plot([c.ratio], [y], **mark.style(9), zorder=5)


def _rank(view: RunView, c: Comparison) -> tuple[bool, float]:
    """Order rows by ratio, largest first; a verdict without one is infinitely far off, a cell left out comes last."""
    end = edge_of(c, view)
    return no_verdict(c) is not None, -math.inf * end if end else -math.log(c.ratio or 1)


def _name(view: RunView, c: Comparison) -> str:
    return c.scenario if c.load == view.highest else f"{c.scenario} ({named([c.load])})"


def _words_of_row(view: RunView, c: Comparison) -> str:
    """Say a row's ratio and verdict; response times of a side that falls behind grow, and their ratio says nothing."""
    late = view.behind(c)
    behind = "both fall behind" if len(late) == len(LABELS) else "".join(f"{view.names[x]} falls behind" for x in late)
    text = ", ".join(filter(None, [word(c, view.names), behind]))
    return text if gave_up(c) or c.ratio is None or late else f"{ratio(c.ratio)}  {text}"
