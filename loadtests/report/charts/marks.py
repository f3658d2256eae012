"""Marks of verdicts (shape, colour, symbol), and the points with whiskers that charts of both sides share."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.path import Path

from loadtests.analysis.comparison import MARGIN_PERCENT
from loadtests.analysis.verdict_kinds import Kind, gave_up, kind_of
from loadtests.experiment.loads import Load, ascending
from loadtests.experiment.sides import LABELS, SideLabel
from loadtests.records.summary import CellResult, Comparison, Interval
from loadtests.report.charts.style import INK, LOOKS, MUTED, STRUCK, Key, Look, dot
from loadtests.report.view import RunView
from loadtests.report.wording import named, number

DRIVER_BOUND_KEY = Key("hollow: driver-bound", marker=dot("o", "white", INK))
"""The legend entry for cells that have no verdict."""


@dataclass(frozen=True)
class Mark:
    """A verdict's shape: a side's own where that side is better, hollow where nothing is sure.

    Attributes:
        marker: matplotlib's code.
        face: colour inside; white says "not sure".
        edge: colour around.
        symbol: the same shape as a character.
        fill: how much of it is filled.
    """

    marker: str | Path
    face: str
    edge: str
    symbol: str
    fill: Literal["full", "left"] = "full"

    def style(self, size: float) -> dict[str, Any]:
        """Return matplotlib's keywords for a lone marker of a size in points."""
        return {
            "linestyle": "none", "marker": self.marker, "markersize": size, "markerfacecolor": self.face,
            "markeredgecolor": self.edge, "markeredgewidth": 1.2, "fillstyle": self.fill, "markerfacecoloralt": "white",
        }  # fmt: skip


MARKS: dict[Kind, Mark] = {
    "b": Mark(LOOKS["b"].marker, LOOKS["b"].colour, LOOKS["b"].ink, "◆"),
    "a": Mark(LOOKS["a"].marker, LOOKS["a"].colour, LOOKS["a"].ink, "●"),
    "equivalent": Mark("s", MUTED, INK, "■"),
    "unconfirmed": Mark("o", INK, INK, "◐", "left"),
    "inconclusive": Mark("o", "white", INK, "○"),
    "driver-bound": Mark(STRUCK, "white", INK, "⊘"),
    "work-left": Mark("^", "white", INK, "△"),
    "collapsed": Mark("X", INK, INK, "✖"),
}


def mark_kind(comparison: Comparison) -> Kind:
    """Return as what a comparison is drawn: what is not confirmed is not decided."""
    kind = kind_of(comparison)
    return "inconclusive" if kind == "unconfirmed" else kind


def keys(comparisons: Iterable[Comparison], view: RunView) -> list[Key]:
    """Return the legend of a chart of verdicts: what is in it, and no more."""
    words: dict[Kind, str] = {
        "b": f"{view.names['b']} better",
        "a": f"{view.names['a']} better",
        "equivalent": f"no meaningful difference: interval within ± {MARGIN_PERCENT} %",
        "inconclusive": "not decided, or not confirmed",
        "driver-bound": "left out: driver-bound",
        "work-left": "left out: leaves work behind",
        "collapsed": "one side collapsed",
    }
    seen = {mark_kind(c) for c in comparisons}
    return [
        Key(text, marker=dot(mark.marker, mark.face, mark.edge, fill=mark.fill))
        for kind, text in words.items()
        if kind in seen and (mark := MARKS[kind])
    ]


def edge_of(comparison: Comparison, view: RunView) -> int:
    """Return at which end of the axis a verdict without a ratio stands: 1 at the upper, -1 at the lower, 0 at none.

    A side that collapsed, or that failed too often to have a percentile, is infinitely far behind.
    """
    lost = gave_up(comparison)
    if lost is None and comparison.ratio is None and comparison.verdict in LABELS:
        lost = "a" if comparison.verdict == "b" else "b"
    return 0 if lost is None else -1 if lost == view.above else 1


def alarm(view: RunView, scenario: str) -> str:
    """Say which side collapsed in a scenario, or could not keep up, at which loads, and in how many blocks."""
    said = []
    for label, loads in view.collapses(scenario).items():
        planned = {load: view.blocks_of(scenario, load) for load in loads}
        partly = any(blocks < planned[load] for load, blocks in loads.items())
        blocks = f"{max(loads.values())} of {max(planned.values())}" if len(loads) == 1 else "some"
        said.append(f"{view.names[label]} collapsed at {named(list(loads))}" + (f", {blocks} blocks" if partly else ""))
    if len(said) > 1 and len({each.partition(" collapsed ")[2] for each in said}) == 1:
        said = [f"both sides collapsed {said[0].partition(' collapsed ')[2]}"]
    text = f"{MARKS['collapsed'].symbol} {'; '.join(said)}" if said else ""
    late = {
        label: named(ascending(c.load for c in view.headlines(scenario) if label in view.behind(c))) for label in LABELS
    }
    if late["a"] and late["a"] == late["b"]:
        behind = [f"both sides fall behind at {late['a']}"]
    else:
        behind = [f"{view.names[label]} falls behind at {rates}" for label, rates in late.items() if rates]
    return "; ".join(filter(None, [text, f"⚠ {'; '.join(behind)}" if behind else ""]))


@dataclass(frozen=True)
class Point:
    """One side of one cell.

    Attributes:
        load: its load.
        offered: requests/s that were due.
        value: the figure, in the chart's unit.
        low: the lower end of its interval.
        high: the upper end.
        driver_bound: whether the load driver may have been the limit.
    """

    load: Load
    offered: float
    value: float
    low: float
    high: float
    driver_bound: bool


def points_of(
    view: RunView, scenario: str, label: SideLabel, read: Callable[[CellResult], Interval | None], scale: float = 1.0
) -> list[Point]:
    """Return one side's points, from the lightest load to the heaviest, where the figure is known.

    Args:
        view: the run.
        scenario: its name.
        label: the side.
        read: takes the figure out of a cell.
        scale: what one of its own unit is in the chart's.
    """
    points = []
    for load in view.measured_loads(scenario):
        cell = view.cells.get((scenario, load, label))
        if cell is not None and (known := read(cell)) is not None:
            low, high = known.interval or (known.value, known.value)
            points.append(
                Point(
                    load, cell.offered, known.value * scale, low * scale, high * scale,
                    view.driver_bound(scenario, load, label),
                )
            )  # fmt: skip
    return points


def any_driver_bound(view: RunView) -> bool:
    """Whether any point is hollow."""
    return any(view.driver_bound(*key) for key in view.cells)


def whiskers(ax: Axes, xs: list[float], points: list[Point], look: Look, *, band: bool = True) -> None:
    """Draw the intervals of points, and a band between them if that is wanted."""
    ys = np.array([p.value for p in points])
    reach = np.abs(np.array([[p.low for p in points], [p.high for p in points]]) - ys)
    ax.errorbar(xs, ys, yerr=reach, fmt="none", ecolor=look.ink, elinewidth=1.1, capsize=2.5, capthick=1.1, zorder=4)
    if band and len(points) > 1:
        ax.fill_between(xs, ys - reach[0], ys + reach[1], color=look.colour, alpha=0.18, linewidth=0, zorder=1)


def end_label(view: RunView, label: SideLabel, value: float) -> str:
    """Return the label at the end of a line: the value, with the side's name where that is short."""
    name = view.names[label]
    return f"{name} {number(value)}" if len(name) <= 7 else number(value)


def apart(values: list[float], gap: float) -> list[float]:
    """Move two values apart until they are no closer than the gap; one alone stays."""
    if len(values) != 2 or abs(values[0] - values[1]) >= gap:
        return values
    middle = max(sum(values) / 2, gap / 2)
    up = 1 if values[0] >= values[1] else -1
    return [middle + up * gap / 2, middle - up * gap / 2]


def floor_marks(ax: Axes, view: RunView, scenario: str, *, bars: bool = False) -> None:
    """Put a cross on the floor for every cell in which a side collapsed."""
    for label, loads in view.collapses(scenario).items():
        xs = [float(LABELS.index(label))] if bars else [load.size for load in loads]
        ax.plot(
            xs, [0] * len(xs), "X", color=LOOKS[label].ink, markersize=8.5, markeredgecolor="white", clip_on=False,
            zorder=7,
        )  # fmt: skip
