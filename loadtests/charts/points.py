"""One side's figure over loads, and the marks that charts of both sides share."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes

from loadtests.charts.style import INK, LOOKS, Key, Look, dot
from loadtests.charts.view import LABELS, View
from loadtests.charts.wording import number
from loadtests.experiment.loads import Load
from loadtests.records.outcome import CellResult, Interval, SideLabel

OUT = Key("hollow: the client may have been the limit", marker=dot("o", "white", INK))
"""The legend entry for cells that have no verdict."""


@dataclass(frozen=True)
class Point:
    """One side of one cell.

    Attributes:
        load: its load.
        offered: requests/s that were due.
        value: the figure, in the chart's unit.
        low: the lower end of its interval.
        high: the upper end.
        limited: whether the client may have been the limit.
    """

    load: Load
    offered: float
    value: float
    low: float
    high: float
    limited: bool


def points_of(
    view: View, scenario: str, label: SideLabel, read: Callable[[CellResult], Interval | None], scale: float = 1.0
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
                    view.client_limited(scenario, load, label),
                )
            )  # fmt: skip
    return points


def client_was_limit(view: View) -> bool:
    """Whether any point is hollow."""
    return any(view.client_limited(*key) for key in view.cells)


def whiskers(ax: Axes, xs: list[float], points: list[Point], look: Look) -> None:
    """Draw the intervals of points, and a band between them."""
    ys = np.array([p.value for p in points])
    reach = np.abs(np.array([[p.low for p in points], [p.high for p in points]]) - ys)
    ax.errorbar(xs, ys, yerr=reach, fmt="none", ecolor=look.ink, elinewidth=1.1, capsize=2.5, capthick=1.1, zorder=4)
    if len(points) > 1:
        ax.fill_between(xs, ys - reach[0], ys + reach[1], color=look.colour, alpha=0.18, linewidth=0, zorder=1)


def end_label(view: View, label: SideLabel, value: float) -> str:
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


def floor_marks(ax: Axes, view: View, scenario: str, *, bars: bool = False) -> None:
    """Put a cross on the floor for every cell in which a side collapsed."""
    for label, loads in view.collapses(scenario).items():
        xs = [float(LABELS.index(label))] if bars else [load.size for load in loads]
        ax.plot(
            xs, [0] * len(xs), "X", color=LOOKS[label].ink, markersize=8.5, markeredgecolor="white", clip_on=False,
            zorder=7,
        )  # fmt: skip
