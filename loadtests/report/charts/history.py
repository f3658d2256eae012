"""Chart of a history: a panel for each cell's ratio and figures, with intervals, and the machine's own series below."""

import io
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from loadtests.analysis.history import History, Trend
from loadtests.experiment.sides import LABELS
from loadtests.report.charts.style import FAINT, INK, LOOKS, MUTED, drawing, fit, marker
from loadtests.report.history import trend_name

WIDTH, PANEL, GAP = 10.0, 1.55, 0.65
"""Of the chart, and of a panel with what is around it, in inches."""


def history_svg(history: History) -> str:
    """Return the chart as SVG: a row for each cell, its ratio on the left and both sides on the right."""
    rows = _rows(history)
    with drawing():
        figure = Figure((WIDTH, len(rows) * (PANEL + GAP) + 0.2))
        panels = figure.subplots(len(rows), 2, squeeze=False, gridspec_kw={"hspace": GAP / PANEL, "wspace": 0.16})
        figure.subplots_adjust(
            left=0.06, right=0.985, top=1 - 0.35 / figure.get_figheight(), bottom=0.3 / figure.get_figheight()
        )
        places = {run.name: number for number, run in enumerate(history.runs, 1)}
        for axes, pair in zip(panels, rows, strict=True):
            for ax, trends in zip(axes, pair, strict=True):
                _draw(ax, trends, places)
        file = io.StringIO()
        figure.savefig(file, format="svg", metadata={"Date": None})
    return file.getvalue()


def _rows(history: History) -> list[tuple[list[Trend], list[Trend]]]:
    cells = dict.fromkeys((t.scenario, t.load) for t in history.trends if t.what in ("ratio", *LABELS))
    rows = [
        (
            [t for t in history.trends if (t.scenario, t.load) == cell and t.what == "ratio"],
            [t for t in history.trends if (t.scenario, t.load) == cell and t.what in LABELS],
        )
        for cell in cells
    ]
    machine = [[t for t in history.trends if t.what == what] for what in ("control", "driver")]
    return [*rows, (machine[0][:1], machine[1])] if any(machine) else rows


def _draw(ax: Axes, trends: Sequence[Trend], places: dict[str, int]) -> None:
    if not trends:
        ax.set_axis_off()
        return
    for trend in trends:
        x = np.array([places[run.name] for run in trend.runs])
        scale = 1000 if trend.metric == "p99" and trend.what in LABELS else 1
        y = scale * np.array([figure.value for figure in trend.figures])
        look = LOOKS["b" if trend.what == "b" else "a"]
        colour = look.colour if trend.what in LABELS else INK
        known = [(place, *figure.interval) for place, figure in zip(x, trend.figures, strict=True) if figure.interval]
        if known:  # in one go: a line for each would take minutes for a thousand runs
            at, low, high = np.array(known).T
            ax.vlines(at, scale * low, scale * high, colors=colour, linewidth=1.2, alpha=0.55)
        shape = marker(look) if trend.what in LABELS else {"marker": "o", "markersize": 3.6}
        ax.plot(x, y, linestyle="none", color=colour, **shape)
        for change in trend.changes:
            ax.axvline(places[change.after.name] - 0.5, color="#b30000", linewidth=1.2, linestyle=(0, (4, 2)))
    if trends[0].what in ("ratio", "control"):
        ax.axhline(1, color=FAINT, linewidth=0.8, zorder=0)
    else:
        ends = [figure.interval[1] if figure.interval else figure.value for t in trends for figure in t.figures]
        scale = 1000 if trends[0].metric == "p99" and trends[0].what in LABELS else 1
        ax.set_ylim(0, 1.06 * scale * max(ends))
    ax.set_xlim(0.4, len(places) + 0.6)
    ax.grid(axis="y")
    names = trend_name(trends[0]) if len(trends) == 1 else trend_name(trends[0]).replace("side a", "a and b")
    ax.set_title(fit(names, WIDTH / 2.2, 8.5), loc="left", fontsize=8.5, color=MUTED)
