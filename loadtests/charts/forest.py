"""All headline ratios at the highest load in one list, the largest on top: a mark and a whisker each."""

import math

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from loadtests.analysis.comparison import MARGIN
from loadtests.charts import findings
from loadtests.charts.axis import arms, cut_off, ratio_axis, reach
from loadtests.charts.sheet import Grid, sheet
from loadtests.charts.speech import ratio_of
from loadtests.charts.style import FAINT, INK, MUTED, ZONE, Key, fit, width_in
from loadtests.charts.verdicts import MARKS, edge_of, keys
from loadtests.charts.view import LABELS, View
from loadtests.charts.wording import MARGIN_PERCENT, named, ratio
from loadtests.kinds import gave_up, kind_of, limited, word
from loadtests.records.outcome import Comparison

ROW = 0.42
ACROSS = 9.9


def at_highest_load(view: View) -> Figure | None:
    """Draw one row a scenario, at the highest load at which it was measured; None if nothing was compared."""
    rows = [view.headlines(s.name)[-1] for s in view.scenarios if view.headlines(s.name)]
    rows.sort(key=lambda c: _rank(view, c))
    if not rows:
        return None
    limit = reach(rows)
    names = {s.name: s for s in view.scenarios}
    left = min(3.2, max(width_in(_name(view, c), 9.5, "bold") for c in rows) + 0.15)
    left = max(left, min(3.2, max(width_in(names[c.scenario].title, 8) for c in rows) + 0.15))
    right = min(3.6, max(width_in(_said(view, c), 9, "bold") for c in rows) + 0.2)
    grid = Grid(1, 1, ACROSS - left - right, ROW * len(rows), left, right, head=0.34, foot=0.28)
    zone = Key(f"the zone of ± {MARGIN_PERCENT} %", patch={"facecolor": ZONE, "edgecolor": FAINT})
    note = (
        f"{ratio_of(view)} at {named([view.highest])}, with its 95 % interval over {view.evidence}."
        " The axis is logarithmic, so that 2 and 0.5 are as far from 1."
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
        _row(ax, view, y, c, limit)
        about = names[c.scenario].title
        ax.text(-left / grid.width, y - 0.17, fit(_name(view, c), left - 0.1, 9.5, "bold"), size=9.5, weight="bold",
                va="center", transform=ax.get_yaxis_transform())  # fmt: skip
        ax.text(-left / grid.width, y + 0.2, fit(about, left - 0.1, 8), size=8, color=MUTED, va="center",
                transform=ax.get_yaxis_transform())  # fmt: skip
        weight, colour = ("normal", MUTED) if limited(c) else ("bold", INK)
        ax.text(1 + 0.15 / grid.width, y, fit(_said(view, c), right - 0.1, 9, "bold"), size=9, weight=weight,
                color=colour, va="center", transform=ax.get_yaxis_transform())  # fmt: skip
    half = grid.width / 2 - 0.1
    right_wins, left_wins = view.names[view.above], view.names[view.other(view.above)]
    up = 1 + 0.08 / grid.height
    ax.text(0, up, fit(f"← {left_wins} better", half, 8.5), size=8.5, color=MUTED, transform=ax.transAxes)
    ax.text(1, up, fit(f"{right_wins} better →", half, 8.5), size=8.5, color=MUTED, ha="right", transform=ax.transAxes)
    return figure


def _row(ax: Axes, view: View, y: int, c: Comparison, limit: float) -> None:
    mark = MARKS[kind_of(c)]
    ax.axhline(y + 0.5, color=ZONE, linewidth=0.6, zorder=0)
    end = edge_of(c, view)
    if end:
        ax.plot([math.exp(0.95 * limit * end)], [y], **mark.style(9), zorder=5)
        return
    if c.ratio is None:
        return
    faint = limited(c)
    if c.interval:
        ax.errorbar([c.ratio], [y], xerr=arms(c), fmt="none", ecolor=FAINT if faint else INK, elinewidth=1.5,
                    capsize=4, zorder=3)  # fmt: skip
    ax.plot([c.ratio], [y], **mark.style(9), zorder=5)


def _rank(view: View, c: Comparison) -> tuple[bool, float]:
    """Order rows by ratio, largest first; a verdict without one is infinitely far off, a cell left out comes last."""
    end = edge_of(c, view)
    return limited(c), -math.inf * end if end else -math.log(c.ratio or 1)


def _name(view: View, c: Comparison) -> str:
    return c.scenario if c.load == view.highest else f"{c.scenario} ({named([c.load])})"


def _said(view: View, c: Comparison) -> str:
    """Say a row's ratio and verdict; response times of a side that falls behind grow, and their ratio says nothing."""
    late = view.behind(c)
    behind = "both fall behind" if len(late) == len(LABELS) else "".join(f"{view.names[x]} falls behind" for x in late)
    text = ", ".join(filter(None, [word(c, view.names), behind]))
    return text if gave_up(c) or c.ratio is None or late else f"{ratio(c.ratio)}  {text}"
