"""Axes on which equal factors are equal distances: loads, with the real ones as ticks, and ratios around 1."""

import math
from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.axis import XAxis, YAxis
from matplotlib.ticker import FixedFormatter, FixedLocator, NullLocator

from loadtests.charts.style import width_in
from loadtests.experiment.loads import Load
from loadtests.kinds import gave_up
from loadtests.records.outcome import Comparison

TICKS = (
    (math.log(2.05), (0.5, 0.67, 0.8, 1, 1.25, 1.5, 2)),
    (math.log(4.5), (0.25, 0.33, 0.5, 0.67, 0.8, 1, 1.25, 1.5, 2, 3, 4)),
    (math.log(12), (0.1, 0.2, 0.33, 0.5, 1, 2, 3, 5, 10)),
    (math.log(150), (0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 100)),
    (math.inf, (1e-6, 1e-5, 1e-4, 1e-3, 0.01, 0.1, 1, 10, 100, 1000, 1e4, 1e5, 1e6)),
)
"""Up to which distance from 1, on the log scale, which ticks are readable."""


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
    return " A whisker without an end goes on beyond the frame." if cut else ""


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
