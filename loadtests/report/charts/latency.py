"""Chart of response times at the highest load: for each side a line from the median to the 99th percentile."""

import math
from collections.abc import Mapping

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from loadtests.analysis.trial_summary import samples_needed
from loadtests.analysis.verdict_kinds import kind_of
from loadtests.experiment.loads import Load
from loadtests.experiment.sides import LABELS
from loadtests.records.summary import CellResult, Metric
from loadtests.report import titles
from loadtests.report.charts.layout import Grid, sheet
from loadtests.report.charts.marks import MARKS
from loadtests.report.charts.style import INK, LOOKS, MUTED, ZONE, Key, clear_of, dot, fit, side_key, width_in
from loadtests.report.view import RunView
from loadtests.report.wording import listed, milliseconds, named, number, ratio, word

SHOWN: Mapping[str, tuple[str, str]] = {"p50": ("o", "median"), "p90": ("|", "p90"), "p99": (">", "p99")}
"""Percentile → its marker and its word. None is hollow: in all charts that means "not decided"."""
ACROSS = 9.9
GROUP = 0.72


def at_highest_load(view: RunView) -> Figure | None:
    """Draw response times; None if no percentile is known."""
    groups = [(s, view.measured_loads(s.name)[-1]) for s in view.scenarios]
    cells = [[view.cells.get((s.name, load, label)) for label in LABELS] for s, load in groups]
    known = [v for pair in cells for cell in pair for v in _percentiles(cell).values()]
    if not known:
        return None
    left = min(3.3, max(width_in(view.names[label], 8.5) for label in LABELS) + 0.55)
    notes = [missing_percentiles(view, cell) for pair in cells for cell in pair if _percentiles(cell)]
    right = max(0.6, max((width_in(note, 8) for note in notes), default=0) + 0.1)
    grid = Grid(1, 1, ACROSS - left - right, GROUP * len(groups), left, right, head=0.1, foot=0.42)
    keys = [side_key(label, view.names[label], "line") for label in LABELS]
    keys += [
        Key("median (half are faster)", marker=dot("o", INK, INK)),
        Key("p90", marker=dot("|", INK, INK, 9)),
        Key("p99 (1 in 100 is slower)", marker=dot(">", INK, INK)),
    ]
    since = ", from when a request was due" if view.open_loop else ""
    note = (
        f"Response times of all blocks together at {named([view.highest])}{since}, on a logarithmic axis; a percentile"
        f" is missing where there are too few requests for it. ×: {view.names['b']} divided by {view.names['a']},"
        " block by block, which may differ from the quotient of the figures shown."
    )
    figure, (ax,) = sheet(view, titles.latency_title(view), keys, grid, note)
    ax.set_xscale("log")
    low, high = min(known) * 1000, max(known) * 1000
    pad = max(1.1, (high / low) ** 0.09)
    _ticks(ax, low / pad, high * pad)
    ax.set_ylim(len(groups) * 1.0, 0)
    ax.set_yticks([])
    ax.spines["left"].set_visible(False)
    for i, ((scenario, load), pair) in enumerate(zip(groups, cells, strict=True)):
        at = "" if load == view.highest else f" ({named([load])})"
        name = fit(scenario.name + at, ACROSS * 0.4, 9.5, "bold")
        ax.axhline(i, color=ZONE, linewidth=0.8, zorder=0, xmin=-left / grid.width, xmax=1 + right / grid.width,
                   clip_on=False)  # fmt: skip
        across = ax.get_yaxis_transform()
        ax.text(-left / grid.width, i + 0.17, name, size=9.5, weight="bold", va="center", transform=across, zorder=6)
        room = 0.12 + width_in(name, 9.5, "bold")
        sure = _verdicts_in_words(view, scenario.name, load)
        free = ACROSS - room - width_in(sure, 8.5, "bold") - 0.3
        about = fit(scenario.about, free, 8) if free > 0.5 else ""
        below = ax.text((room - left) / grid.width, i + 0.17, about, size=8, color=MUTED, va="center",
                        transform=across, zorder=6)  # fmt: skip
        beside = ax.text(1 + right / grid.width, i + 0.17, sure, size=8.5, weight="bold", ha="right", va="center",
                         transform=across, zorder=6)  # fmt: skip
        for text in (below, beside):
            clear_of(text)
        for row, (label, cell) in enumerate(zip(LABELS, pair, strict=True)):
            y = i + 0.48 + 0.31 * row
            ax.text(-left / grid.width + 0.3 / grid.width, y, fit(view.names[label], left - 0.45, 8.5), size=8.5,
                    color=LOOKS[label].ink, va="center", transform=across)  # fmt: skip
            _row(ax, y, label, _percentiles(cell))
            x = 1 + 0.05 / grid.width if _percentiles(cell) else 0.01
            ax.text(x, y, missing_percentiles(view, cell), size=8, color=MUTED, va="center", transform=across)
    ax.set_xlabel("response time in milliseconds, logarithmic", size=8, labelpad=3)
    return figure


def _verdicts_in_words(view: RunView, scenario: str, load: Load) -> str:
    """Say how sure the differences are, of the medians and of the 99th percentiles.

    Response times of a side that falls behind grow for as long as one measures: of those no ratio is worth telling.
    """
    metrics: tuple[tuple[Metric, str], ...] = (("p50", "median"), ("p99", "p99"))
    said = []
    for metric, noun in metrics:
        c = view.comparisons.get((scenario, load, metric))
        if c is not None and (late := view.behind(c)):
            both = len(late) == len(LABELS)
            return f"{MARKS[kind_of(c)].symbol} {'both sides fall' if both else f'{view.names[late[0]]} falls'} behind"
        if c is not None and c.ratio is not None:
            said.append(f"{noun} {MARKS[kind_of(c)].symbol} {word(c, view.names)}, {ratio(c.ratio)} ×")
    return "     ".join(said)


def _percentiles(cell: CellResult | None) -> dict[str, float]:
    known = {} if cell is None else cell.latency_s
    return {name: value for name in SHOWN if (value := known.get(name)) is not None}


def _row(ax: Axes, y: float, label: str, values: Mapping[str, float]) -> None:
    if not values:
        return
    look = LOOKS["a" if label == "a" else "b"]
    ms = {name: value * 1000 for name, value in values.items()}
    ax.plot(
        [min(ms.values()), max(ms.values())], [y, y], color=look.colour, linestyle=look.line, linewidth=2.2, zorder=2
    )
    for name, x in ms.items():
        size = 11 if name == "p90" else 6.5
        ax.plot([x], [y], SHOWN[name][0], markersize=size, markerfacecolor=look.colour, markeredgecolor=look.ink,
                markeredgewidth=1.6 if name == "p90" else 1.3, zorder=4)  # fmt: skip
    first, last = next(iter(ms)), list(ms)[-1]
    ax.annotate(number(ms[first]), (ms[first], y), (-7, 0), textcoords="offset points", ha="right", va="center", size=8,
                color=look.ink, weight="bold")  # fmt: skip
    if last != first:
        ax.annotate(number(ms[last]), (ms[last], y), (7, 0), textcoords="offset points", ha="left", va="center", size=8,
                    color=look.ink)  # fmt: skip


def missing_percentiles(view: RunView, cell: CellResult | None) -> str:
    """Say which percentiles are not shown, and why."""
    if cell is None or not cell.requests:
        return "not measured"
    absent = [name for name in SHOWN if cell.latency_s.get(name) is None]
    if not absent:
        return ""
    if len(cell.collapsed) >= view.blocks_of(cell.scenario, cell.load):
        return "collapsed"
    few = all(cell.latency_samples < samples_needed(float(name[1:])) for name in absent)
    return f"no {listed(absent, 'or')}: {'too few' if few else 'failed'} requests"


def _ticks(ax: Axes, low: float, high: float) -> None:
    """Put ticks where a person would: 1, 2, 5, 10 …, or powers of ten alone where the range is wide."""
    ax.set_xlim(low, high)
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    ticks: list[float] = []
    for steps in ((1.0,), (1.0, 2.0, 5.0), (1.0, 1.5, 2.0, 3.0, 5.0, 7.0)):
        if len(ticks) < 4:
            ticks = [s * 10.0**power for power in decades for s in steps if low <= s * 10.0**power <= high]
    ax.xaxis.set_major_locator(FixedLocator(ticks or [low, high]))
    ax.xaxis.set_major_formatter(FuncFormatter(lambda x, _: milliseconds(x / 1000) if x < 1 else f"{x:,.0f}"))
    ax.xaxis.set_minor_locator(NullLocator())
    ax.grid(visible=True, axis="x")
