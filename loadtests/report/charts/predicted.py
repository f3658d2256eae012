"""Chart of predicted against measured throughput: a point a side of each cell; on the diagonal the model is right."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

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
NAMED = 14
"""Misses that have room to be listed."""
LINE_PT, LINE_HEIGHT = 7.5, 0.15
TOUCH = 0.1
"""Numbers of points that are nearer to each other than this would overlap, in inches."""
SIDE = 4.6
"""Of the square, in inches."""


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
    legend += [Key(f"within ± {100 * NEAR:.0f} %", patch={"facecolor": ZONE, "edgecolor": MUTED})]
    legend += [DRIVER_BOUND_KEY] if any(each.driver_bound for each in known) else []
    note = (
        "Throughput in requests/s, both axes logarithmic. What a request needs is measured under lighter loads; nothing"
        " is fitted to the predicted cell. Simple bounds: min(users, threads, connections) × what one user gets,"
        " or cores ÷ CPU time. Points with a larger error are numbered."
    )
    figure, (ax,) = sheet(view, finding(view), legend, grid, note)
    _axes(ax, known)
    for each in known:
        face = {"markerfacecolor": "white"} if each.driver_bound else {}
        ax.plot([each.measured], [each.predicted], linestyle="none", **{**marker(LOOKS[each.label]), **face}, zorder=4)
    _number(ax, [each for each in known if each.missed])
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


def _number(ax: Axes, missed: Sequence[Prediction]) -> None:
    """Put numbers on the largest misses, and list them in the two corners that points near the diagonal leave empty."""
    worst = sorted(sorted(missed, key=lambda each: -abs(each.off))[:NAMED], key=lambda each: -each.measured)
    numbers = {each: str(number) for number, each in enumerate(worst, start=1)}
    for above in (True, False):
        mine = [each for each in worst if (each.off > 0) == above]
        for group in _close_together(ax, mine):
            text = ", ".join(numbers[each] for each in group)
            at = (group[0].measured, group[0].predicted)
            away, va = ((0, 5), "bottom") if above else ((0, -5), "top")
            ax.annotate(text, at, away, textcoords="offset points", size=LINE_PT, ha="center", va=va, zorder=5)
        lines = [(f"{numbers[each]}  {_said(each)}", LOOKS[each.label].ink) for each in mine]
        more = 0 if above else len(missed) - len(worst)
        _list(ax, lines + [(f"and {more} more outside the band", MUTED)] * bool(more), above=above)


def _said(each: Prediction) -> str:
    off = f"{100 * each.off:+.0f}{NO_BREAK}%".replace("-", "−")
    return f"{fit(f'{each.scenario} at {named([each.load])}', SIDE * 0.38, LINE_PT)}: {off}"


def _close_together(ax: Axes, ordered: Sequence[Prediction]) -> list[list[Prediction]]:
    """Put points whose numbers would touch into one group; in each the first is the furthest to the right."""
    inches_a_decade = SIDE / math.log10(ax.get_xlim()[1] / ax.get_xlim()[0])
    groups: list[list[Prediction]] = []
    for each in ordered:
        near = (group for group in groups if _distance(group[0], each) * inches_a_decade < TOUCH)
        group = next(near, None)
        if group is None:
            groups.append([each])
        else:
            group.append(each)
    return groups


def _distance(one: Prediction, other: Prediction) -> float:
    """Return how far two points are from each other, in decades."""
    return math.hypot(math.log10(one.measured / other.measured), math.log10(one.predicted / other.predicted))


def _list(ax: Axes, lines: Sequence[tuple[str, str]], *, above: bool) -> None:
    """Write lines, each in a colour, in the upper left or the lower right corner."""
    x, align = (0.015, "left") if above else (0.985, "right")
    top = SIDE - 0.08 if above else 0.08 + LINE_HEIGHT * len(lines)
    for row, (text, ink) in enumerate(lines):
        y = (top - LINE_HEIGHT * row) / SIDE
        clear_of(ax.text(x, y, text, transform=ax.transAxes, color=ink, size=LINE_PT, ha=align, va="top", zorder=3.5))
