"""Chart of predicted against measured throughput: a point a side of each cell; on the diagonal the model is right."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from loadtests.experiment.loads import Load
from loadtests.experiment.sides import LABELS, SideLabel
from loadtests.report.charts.layout import Grid, sheet
from loadtests.report.charts.marks import DRIVER_BOUND_KEY
from loadtests.report.charts.style import LOOKS, MUTED, ZONE, Key, clear_of, dot, fit, marker
from loadtests.report.view import RunView
from loadtests.report.wording import NO_BREAK, named

NEAR = 0.10
"""How far a prediction may be off before it counts as a miss."""
NAMED = 7
"""Misses that have room to be named on either side of the diagonal."""
LINE_PT, LINE_HEIGHT = 7.0, 0.14
SIDE = 4.6
"""Of the square, in inches."""
LEADER: dict[str, Any] = {"arrowstyle": "-", "color": MUTED, "linewidth": 0.5, "shrinkA": 0, "shrinkB": 3}


@dataclass(frozen=True)
class Prediction:
    """One side of one cell, in requests/s.

    Attributes:
        scenario: its name.
        load: its load.
        label: ``a`` or ``b``.
        predicted: by the model.
        measured: by the run.
        driver_bound: whether the load driver may have been the limit.
        bound: the most by three divisions, without a model; None if it was not noted.
    """

    scenario: str
    load: Load
    label: SideLabel
    predicted: float
    measured: float
    driver_bound: bool
    bound: float | None = None

    @property
    def off(self) -> float:
        """How much too high the prediction is, as a share of what was measured."""
        return self.predicted / self.measured - 1

    @property
    def missed(self) -> bool:
        """Whether it is off by too much, and the load driver is not to blame."""
        return abs(self.off) > NEAR and not self.driver_bound


def predictions(view: RunView) -> list[Prediction]:
    """Return what the model said of this run, where it said something and something was measured."""
    return [
        Prediction(*key, cell.predicted_rps, cell.throughput.value, view.driver_bound(*key), cell.bound_rps)
        for key, cell in view.cells.items()
        if cell.predicted_rps and cell.throughput and cell.throughput.value > 0
    ]


def finding(view: RunView) -> str:
    """Say how far the model is off, and how often it is near."""
    known = [each for each in predictions(view) if not each.driver_bound]
    if not known:
        return "The model says nothing about this run"
    near = sum(not each.missed for each in known)
    off = f"{100 * median(abs(each.off) for each in known):.0f}{NO_BREAK}%"
    within = f"{NEAR:.0%}".replace("%", f"{NO_BREAK}%")
    are = "is" if near == 1 else "are"
    return (
        f"The model’s median error is {off}{_of_bound(known)}; {near} of {len(known)} predictions {are} within {within}"
    )


def _of_bound(known: Sequence[Prediction]) -> str:
    """Say in brackets how far three divisions are off, so that nobody takes the figure as evidence for the model."""
    off = [abs(each.bound / each.measured - 1) for each in known if each.bound is not None]
    return f" (simple bounds: {100 * median(off):.0f}{NO_BREAK}%)" if len(off) == len(known) else ""


def scatter(view: RunView) -> Figure | None:
    """Draw predicted against measured throughput; None where nothing was predicted."""
    known = predictions(view)
    if not known:
        return None
    grid = Grid(1, 1, SIDE, SIDE, 0.8, 0.2, head=0.1, foot=0.5)
    legend = [
        Key(view.names[label], marker=dot(LOOKS[label].marker, LOOKS[label].colour, LOOKS[label].ink))
        for label in LABELS
    ]
    legend += [Key(f"within {NEAR:.0%}", patch={"facecolor": ZONE, "edgecolor": MUTED})]
    legend += [DRIVER_BOUND_KEY] if any(each.driver_bound for each in known) else []
    note = (
        "Throughput in requests/s, both axes logarithmic. What a request needs is measured under lighter loads; nothing"
        " is fitted to the predicted cell. Simple bounds: min(users, threads, connections) × what one user gets,"
        " or cores ÷ CPU time. Points with a larger error are named."
    )
    figure, (ax,) = sheet(view, finding(view), legend, grid, note)
    _axes(ax, known)
    for each in known:
        face = {"markerfacecolor": "white"} if each.driver_bound else {}
        ax.plot([each.measured], [each.predicted], linestyle="none", **{**marker(LOOKS[each.label]), **face}, zorder=4)
    missed = [each for each in known if each.missed]
    _name(ax, [each for each in missed if each.off > 0], above=True)
    _name(ax, [each for each in missed if each.off < 0], above=False)
    return figure


def _axes(ax: Axes, known: Sequence[Prediction]) -> None:
    values = [value for each in known for value in (each.predicted, each.measured)]
    low, high = min(values) / 1.5, max(values) * 1.5
    ax.set_xscale("log")
    ax.set_yscale("log")
    ax.set_xlim(low, high)
    ax.set_ylim(low, high)
    ends = [low, high]
    ax.fill_between(ends, [e * (1 - NEAR) for e in ends], [e * (1 + NEAR) for e in ends], color=ZONE, linewidth=0)
    ax.plot(ends, ends, color=MUTED, linewidth=1, zorder=2)
    narrow = math.log10(high / low) < 2
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0) if narrow else (1.0,)))
        axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.9g}"))
        axis.set_minor_formatter(NullFormatter())
        axis.grid(visible=True)
    ax.set_xlabel("measured, requests/s →", size=9)
    ax.set_ylabel("predicted, requests/s →", size=9)


def _name(ax: Axes, missed: Sequence[Prediction], *, above: bool) -> None:
    """Name misses in the empty corner on their side of the diagonal, each with a line to its point."""
    worst = sorted(sorted(missed, key=lambda each: -abs(each.off))[:NAMED], key=lambda each: -each.predicted)
    more = len(missed) - len(worst)
    x, align = (0.015, "left") if above else (0.985, "right")
    top = SIDE - 0.08 if above else 0.08 + LINE_HEIGHT * (len(worst) + bool(more))
    look: dict[str, Any] = {"size": LINE_PT, "ha": align, "va": "top", "zorder": 3.5}
    for row, each in enumerate(worst):
        text = fit(f"{each.scenario} at {named([each.load])}: {each.off:+.0%}", SIDE * 0.48, LINE_PT)
        at = (x, (top - LINE_HEIGHT * row) / SIDE)
        ink = LOOKS[each.label].ink
        point = (each.measured, each.predicted)
        leader = {**LEADER, "relpos": (1, 0.5) if above else (0, 1)}
        clear_of(ax.annotate(text, point, at, textcoords="axes fraction", color=ink, arrowprops=leader, **look))
    if more:
        y = (top - LINE_HEIGHT * len(worst)) / SIDE
        ax.text(x, y, f"and {more} more", transform=ax.transAxes, color=MUTED, **look)
