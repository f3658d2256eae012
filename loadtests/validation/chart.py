"""The chart of a validation: for each known answer the target, the truth, the measurement with interval, and a sign."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from loadtests.analysis.comparison import Finding, Range, Status
from loadtests.report.charts.style import FAINT, INK, MUTED, ZONE, drawing, fit, save, wrap
from loadtests.report.wording import STATUS_SIGNS, STATUS_WORDS
from loadtests.validation.findings import findings
from loadtests.validation.record import Validation
from loadtests.validation.wording import TITLES, commits, figure, found

WIDTH, NAME_WIDTH, PLOT_WIDTH, FIGURE_WIDTH = 9.9, 3.5, 3.3, 2.6
MARGIN, ROW, GROUP, HEAD, FOOT = 0.18, 0.40, 0.34, 0.62, 0.34
COLOURS: Mapping[Status, str] = {"met": "#00704f", "missed": "#b30000", "undecided": "#8a5a00"}
"""The signs tell them apart as well."""


@dataclass(frozen=True)
class _Scale:
    """Maps a value in a finding's unit to a position across the plot, 0 to 1."""

    low: float
    high: float

    def at(self, value: float) -> float:
        return min(1.0, max(0.0, (value - self.low) / (self.high - self.low)))


def draw(validation: Validation, folder: Path) -> list[Path]:
    """Write ``validation.svg`` and ``validation.png``; return their paths. The same figures give the same SVG."""
    with drawing():
        return save(_sheet(validation), folder, "validation")


def title(validation: Validation) -> str:
    """Return the number of targets that were met, missed and not decided, in words."""
    all_findings = [finding for each in findings(validation).values() for finding in each]
    counts = {status: sum(finding.status == status for finding in all_findings) for status in STATUS_SIGNS}
    text = f"{counts['met']} of {len(all_findings)} targets met"
    if counts["missed"]:
        text += f", {counts['missed']} missed"
    return text + (f", {counts['undecided']} not decided" if counts["undecided"] else "")


def _sheet(validation: Validation) -> Figure:
    groups = findings(validation)
    footer = wrap(_footer(validation), WIDTH - 2 * MARGIN, 7.5)
    rows = sum(len(each) for each in groups.values())
    tall = HEAD + GROUP * len(groups) + ROW * rows + FOOT + 0.15 * len(footer)
    figure_ = Figure(figsize=(WIDTH, tall))
    ax = figure_.add_axes((0, 0, 1, 1))
    ax.set_xlim(0, WIDTH)
    ax.set_ylim(tall, 0)
    ax.axis("off")
    ax.text(MARGIN, 0.28, title(validation), size=13.5, weight="bold", va="center")
    _legend(ax, 0.52)
    y = HEAD
    for check, each in groups.items():
        y += GROUP
        ax.text(MARGIN, y - 0.12, TITLES[check], size=10, weight="bold", va="center")
        ax.plot([MARGIN, WIDTH - MARGIN], [y] * 2, color=FAINT, linewidth=0.8)
        for finding in each:
            _row(ax, y + ROW / 2, finding)
            y += ROW
    for i, line in enumerate(footer):
        ax.text(MARGIN, y + 0.26 + 0.15 * i, line, size=7.5, color=MUTED, va="center")
    return figure_


def _row(ax: Axes, y: float, finding: Finding) -> None:
    left = MARGIN + NAME_WIDTH
    scale = _scale(finding)

    def x(value: float) -> float:
        return left + PLOT_WIDTH * scale.at(value)

    ax.text(MARGIN, y - 0.07, fit(finding.name, NAME_WIDTH - 0.2, 8.5), size=8.5, va="center")
    ax.text(MARGIN, y + 0.09, fit(finding.note, NAME_WIDTH - 0.2, 7.5), size=7.5, color=MUTED, va="center")
    low, high = x(finding.aim[0]), x(finding.aim[1])
    ax.fill([low, high, high, low], [y - 0.13, y - 0.13, y + 0.13, y + 0.13], color=ZONE, linewidth=0)
    ax.plot([left, left + PLOT_WIDTH], [y, y], color=FAINT, linewidth=0.6)
    for end, align in ((finding.aim[0], "right"), (finding.aim[1], "left")):
        if scale.low < end < scale.high:
            nudge = -0.03 if align == "right" else 0.03
            ax.text(x(end) + nudge, y + 0.12, figure(end, finding.unit), size=7, color=MUTED, va="center", ha=align)
    if finding.truth is not None:
        ax.plot([x(finding.truth)] * 2, [y - 0.15, y + 0.15], color=INK, linewidth=1.2)
    colour = COLOURS[finding.status]
    if finding.interval is not None:
        ax.plot([x(end) for end in finding.interval], [y, y], color=colour, linewidth=1.6, solid_capstyle="butt")
    face = "white" if finding.status == "undecided" else colour
    ax.plot([x(finding.found)], [y], "o", markersize=6.5, markerfacecolor=face, markeredgecolor=colour)
    right = left + PLOT_WIDTH + 0.2
    ax.text(right, y, STATUS_SIGNS[finding.status], size=11, weight="bold", color=colour, va="center")
    ax.text(right + 0.28, y, fit(found(finding), FIGURE_WIDTH - 0.3, 8.5), size=8.5, va="center")


def _scale(finding: Finding) -> _Scale:
    """Choose the ends of a row's axis so that target, truth and measurement all fit."""
    if finding.unit == "%":
        low, high = finding.interval or (finding.found, finding.found)
        return _Scale(0.0, max(0.2, high)) if finding.aim[0] == 0 else _Scale(min(0.7, low), 1.0)
    known: list[float] = [finding.found, *_finite(finding.aim), *(finding.interval or ())]
    known += [finding.truth] if finding.truth is not None else []
    low, high = min(known), max(known)
    pad = 0.15 * (high - low) or 0.5 * abs(high) or 1.0
    return _Scale(0.0 if low - pad < 0 <= low else low - pad, high + pad)


def _finite(ends: Range) -> list[float]:
    return [end for end in ends if math.isfinite(end)]


def _legend(ax: Axes, y: float) -> None:
    x = MARGIN
    ax.fill([x, x + 0.3, x + 0.3, x], [y - 0.06, y - 0.06, y + 0.06, y + 0.06], color=ZONE, linewidth=0)
    ax.text(x + 0.38, y, "the target", size=8.5, va="center")
    ax.plot([x + 1.35] * 2, [y - 0.08, y + 0.08], color=INK, linewidth=1.2)
    ax.text(x + 1.43, y, "the truth", size=8.5, va="center")
    ax.plot([x + 2.3, x + 2.6], [y, y], color=COLOURS["met"], linewidth=1.6)
    ax.plot([x + 2.45], [y], "o", markersize=6, color=COLOURS["met"])
    ax.text(x + 2.68, y, "measured, with its 95 % interval", size=8.5, va="center")
    for offset, (status, word) in zip((5.15, 5.85, 6.75), STATUS_WORDS.items(), strict=True):
        ax.text(x + offset, y, STATUS_SIGNS[status], size=10, weight="bold", color=COLOURS[status], va="center")
        ax.text(x + offset + 0.18, y, word, size=8.5, va="center")


def _footer(validation: Validation) -> str:
    machine = validation.environment
    partial = "" if validation.complete else " It is incomplete."
    quick = " A smoke test: too short to prove a rate." if validation.quick else ""
    return (
        "Each row has an axis of its own. Not decided is what rests on too little, or is off by no more than"
        f" chance.{quick}{partial} {machine.cpu}, {machine.cores} cores, {machine.system}; commit"
        f" {', '.join(commits(validation))}."
    )
