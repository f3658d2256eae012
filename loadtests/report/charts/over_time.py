"""Chart of a schedule: what was offered and answered, response times, backlog and failures, on one axis of time."""

import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, MaxNLocator, MultipleLocator, NullLocator

from loadtests.experiment.rate_schedule import RateSchedule, clock
from loadtests.experiment.sides import SideLabel
from loadtests.records.schedule_record import IntervalFigures, ScheduleOutcome, ScheduleRecord
from loadtests.report.charts.layout import Grid, head, laid_out
from loadtests.report.charts.style import INK, LOOKS, MUTED, ZONE, Key, drawing, save, side_key
from loadtests.report.over_time import headline

NAME = "over-time"
STEPS_S = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 14_400)
FEW = 12
"""Intervals up to which each is marked."""
TICKS = 9
"""On the axis of time, at the most."""
PANELS = (
    ("offered and answered", "requests a second"),
    ("response time", "ms, p50 (thin) and p99 (thick)"),
    ("unanswered", "most requests in flight"),
    ("failed", "% of requests"),
)
OFFERED = Line2D([], [], color=MUTED, linewidth=1.6, linestyle=(0, (1, 1)))
LIMIT = Line2D([], [], color=INK, linewidth=1.0, linestyle=":")
BROKE = Line2D([], [], color=INK, linestyle="none", marker="x", markersize=7, markeredgewidth=2)
Value = Callable[[IntervalFigures], float | None]


def draw_course(
    outcome: ScheduleOutcome,
    plan: ScheduleRecord,
    names: Mapping[SideLabel, str],
    scenario: str,
    folder: Path,
    *,
    png: bool = False,
) -> list[Path]:
    """Draw a run's course; return the files that were written."""
    with drawing():
        return save(_draw(outcome, plan, names, scenario), folder, NAME, png=png)


def _draw(
    outcome: ScheduleOutcome, plan: ScheduleRecord, names: Mapping[SideLabel, str], scenario: str
) -> Figure | None:
    if not outcome.intervals:
        return None
    schedule = plan.schedule
    grid = Grid(len(PANELS), 1, 6.6, 1.15, 0.55, 0.12, foot=0.22)
    keys = [side_key(label, names[label], "line") for label in outcome.intervals]
    keys += [Key("offered", OFFERED), Key(f"limit of p{plan.percentile:g}", LIMIT), Key("broke", BROKE)]
    incomplete = "" if outcome.complete else " The run is incomplete."
    note = f"{scenario}; {outcome.objective}. Each point is an interval of the schedule.{incomplete} Run {outcome.run}."
    figure, axes = laid_out(f"{scenario}: {headline(outcome, names)}", keys, grid, note)
    _draw_schedule(axes[0], schedule)
    for label, intervals in outcome.intervals.items():
        look = LOOKS[label]
        _line(axes[0], intervals, lambda each: each.answered_rps, label, 1.8)
        _line(axes[1], intervals, lambda each: _ms(each.p50_s), label, 0.9)
        _line(axes[1], intervals, lambda each: _ms(each.p99_s), label, 1.8)
        _line(axes[2], intervals, lambda each: each.in_flight, label, 1.8)
        _line(axes[3], intervals, lambda each: 100 * each.errors, label, 1.8)
        for trial in outcome.trials:
            if trial.label == label and trial.broke is not None:
                axes[0].plot(
                    [trial.broke.at_s], [trial.broke.rate_rps], linestyle="none", marker="x", markersize=7,
                    markeredgewidth=2, color=look.ink, zorder=6, clip_on=False,
                )  # fmt: skip
                for ax in axes:
                    ax.axvline(trial.broke.at_s, color=look.colour, linewidth=0.8, zorder=0)
    axes[1].axhline(1000 * plan.limit_s, color=INK, linewidth=1.0, linestyle=":")
    axes[1].set_yscale("log")
    axes[1].yaxis.set_minor_locator(NullLocator())
    axes[1].yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,g}"))
    for ax, (name, about) in zip(axes, PANELS, strict=True):
        head(ax, grid, name, about)
        _time_axis(ax, schedule)
        if ax is not axes[1]:
            ax.set_ylim(bottom=0)
            ax.yaxis.set_major_locator(MaxNLocator(4, integer=True))
            ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,g}"))
    if not any(each.failed for intervals in outcome.intervals.values() for each in intervals):
        axes[3].set_ylim(0, 1)
    return figure


def _draw_schedule(ax: Axes, schedule: RateSchedule) -> None:
    """Draw the offered rate exactly, a line for each part."""
    times, rates = [], []
    for begins_s, part in zip(schedule.begins_s, schedule.parts, strict=False):
        times += [begins_s, begins_s + part.seconds]
        rates += [part.from_rps, part.to_rps]
    ax.fill_between(times, rates, color=ZONE, linewidth=0, zorder=0)
    ax.plot(times, rates, color=MUTED, linewidth=1.6, linestyle=(0, (1, 1)), zorder=1)


def _line(ax: Axes, intervals: Sequence[IntervalFigures], value: Value, label: SideLabel, width: float) -> None:
    look = LOOKS[label]
    values = heights(intervals, value)
    times = [(each.begin_s + each.end_s) / 2 for each in intervals]
    ax.plot(times, values, color=look.colour, linewidth=width, linestyle=look.line, zorder=3)
    marks = values if len(values) <= FEW else lone(values)
    ax.plot(times, marks, linestyle="none", marker=look.marker, markersize=3.5, color=look.ink, zorder=4)


def heights(intervals: Sequence[IntervalFigures], value: Value) -> list[float]:
    """Return a line's values, NaN where there is none: a line that goes on there would hide the worst intervals."""
    return [math.nan if (found := value(each)) is None else found for each in intervals]


def lone(values: Sequence[float]) -> list[float]:
    """Return those values that no line shows, for there is none on either side; NaN for all others."""
    around = [math.nan, *values, math.nan]
    return [
        here if math.isnan(before) and math.isnan(after) else math.nan
        for before, here, after in zip(around, values, around[2:], strict=False)
    ]


def _time_axis(ax: Axes, schedule: RateSchedule) -> None:
    step = next((step for step in STEPS_S if schedule.seconds / step < TICKS), STEPS_S[-1])
    ax.set_xlim(0, schedule.seconds)
    ax.xaxis.set_major_locator(MultipleLocator(step))
    ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: clock(value)))
    ax.grid(visible=True, axis="y")


def _ms(seconds: float | None) -> float | None:
    return None if seconds is None else 1000 * seconds
