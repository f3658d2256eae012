"""Chart of one scenario's throughput against users, both sides in one picture: measured points, ceilings and bends.

Between the loads nothing was measured, so only the model's line is drawn there.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import fmean
from typing import Literal

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, MaxNLocator

from loadtests.analysis.model.curve import Ceiling
from loadtests.experiment.loads import ClosedLoop
from loadtests.experiment.sides import LABELS, SideLabel
from loadtests.records.trial_file import slug_of
from loadtests.report.charts.layout import Grid, sheet
from loadtests.report.charts.marks import DRIVER_BOUND_KEY, floor_marks, whiskers
from loadtests.report.charts.style import INK, LOOKS, MUTED, Key, clear_of, drawing, marker, save, width_in
from loadtests.report.curves import IN_VIEW, LEAST_BEND, THINGS, Curve, ceiling_words, curves, finding, reading
from loadtests.report.view import RunView
from loadtests.report.wording import named, number
from loadtests.system.forks import call_all

PREFIX = "curve-"
WIDTH, HEIGHT, LEFT = 5.3, 3.3, 0.72
LABEL_PT, LABEL_GAP, BEND_LINE = 8.5, 0.17, 0.17
"""Of what stands beside and above the panel, in points and inches."""
LABEL_AWAY = 0.14 / WIDTH
"""From the panel, as a share of its width."""
SAME = 0.05
"""Two ceilings that differ by less are drawn as one that both sides share."""
MODELS: Mapping[SideLabel, tuple[float, tuple[float, ...]]] = {"a": (0, (5, 5)), "b": (5, (5, 5))}
"""Dashes of one side fall into the other's gaps: both are seen where the lines coincide."""
DOTTED: Literal[":"] = ":"


def draw(view: RunView, curve: Curve) -> Figure:
    """Draw one scenario."""
    top = _top(curve)
    beside = [*_ceiling_labels(view, curve), *_end_labels(view, curve)]
    right = 0.2 + max((width_in(label.text, LABEL_PT, label.weight) for label in beside), default=0.0)
    bends = _bends(view, curve)
    grid = Grid(1, 1, WIDTH, HEIGHT, LEFT, right, head=0.14 + BEND_LINE * len(bends), foot=0.5)
    figure, (ax,) = sheet(view, finding(view, curve), _keys(view, curve), grid, _note(view, curve))
    _axes(ax, curve, top)
    for ceiling in {label.line for label in beside if label.line is not None}:
        ax.axhline(ceiling, color=MUTED, linewidth=1.0, linestyle=DOTTED, zorder=1.5)
    _draw_bends(ax, bends, curve.most)
    for label in LABELS:
        look, side = LOOKS[label], curve.sides[label]
        if side.model:
            ax.plot(
                range(1, len(side.model) + 1), side.model, color=look.colour, linewidth=1.6, linestyle=MODELS[label],
                zorder=3,
            )  # fmt: skip
        _draw_points(ax, curve, label)
    floor_marks(ax, view, curve.scenario.name)
    _draw_beside(ax, beside, top)
    return figure


def _top(curve: Curve) -> float:
    ceilings = [each.rps for label in LABELS for each in curve.shown(label)]
    supposed = [curve.if_def.rps] if _in_view(curve) and curve.if_def is not None else []
    return 1.1 * max([curve.highest, *ceilings, *supposed]) or 1.0


def _in_view(curve: Curve) -> bool:
    """Whether the ceiling that is only supposed is drawn: it is not where all points are far below it."""
    return curve.if_def is not None and curve.if_def.rps <= IN_VIEW * curve.highest


def _axes(ax: Axes, curve: Curve, top: float) -> None:
    ax.set_xlim(0, 1.03 * curve.most)
    ax.set_ylim(0, top)
    ax.grid(visible=True, axis="y")
    ax.xaxis.set_major_locator(MaxNLocator(8, integer=True))
    ax.yaxis.set_major_locator(MaxNLocator(6))
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.9g}"))
    ax.set_xlabel("users (each waits for an answer before asking again)", size=9)
    ax.set_ylabel("requests answered per second", size=9)


def _draw_points(ax: Axes, curve: Curve, label: SideLabel) -> None:
    points, look = list(curve.points[label]), LOOKS[label]
    if not points:
        return
    shift = 0.004 * curve.most * (-1 if label == "a" else 1)  # so that two whiskers at the same load stay apart
    xs = [point.load.size + shift for point in points]
    whiskers(ax, xs, points, look, band=False)
    ax.plot(xs, [point.value for point in points], **{**marker(look), "linestyle": "none"}, zorder=5)
    out = [(x, point.value) for x, point in zip(xs, points, strict=True) if point.driver_bound]
    style = {**marker(look), "markerfacecolor": "white", "linestyle": "none"}
    ax.plot([x for x, _ in out], [value for _, value in out], **style, zorder=6)


@dataclass(frozen=True)
class Label:
    """What stands beside the panel.

    Attributes:
        text: what it says.
        y: the height that it belongs to, in requests/s.
        colour: of its letters.
        weight: of its letters.
        line: at which height a line is drawn for it, in requests/s; None for a point's label.
    """

    text: str
    y: float
    colour: str
    weight: str = "normal"
    line: float | None = None


def _end_labels(view: RunView, curve: Curve) -> list[Label]:
    return [
        Label(f"{view.names[label]} {number(last)}", last, LOOKS[label].ink, "bold")
        for label in LABELS
        if (last := curve.last(label)) is not None
    ]


def _ceiling_labels(view: RunView, curve: Curve) -> list[Label]:
    """Name every ceiling once: one that both sides have is said to be of both."""
    left: dict[SideLabel, list[Ceiling]] = {label: list(curve.shown(label)) for label in LABELS}
    labels = []
    for one in curve.shown("a"):
        other = next((each for each in left["b"] if _same(one, each)), None)
        if other is not None:
            left["a"].remove(one)
            left["b"].remove(other)
            each_s = fmean((one.each_s, other.each_s))
            both = Ceiling(one.limit, one.number, each_s, one.bend)
            labels.append(Label(f"both: {ceiling_words(both)}", both.rps, INK, line=both.rps))
    for label, own in left.items():
        name, ink = view.names[label], LOOKS[label].ink
        labels += [Label(f"{name}: {ceiling_words(each)}", each.rps, ink, line=each.rps) for each in own]
    if curve.if_def is not None and _in_view(curve):
        words = f"def routes: {ceiling_words(curve.if_def)}"
        labels.append(Label(words, curve.if_def.rps, MUTED, line=curve.if_def.rps))
    return labels


def _same(one: Ceiling, other: Ceiling) -> bool:
    same = (one.limit, one.number) == (other.limit, other.number)
    return same and abs(math.log(one.rps / other.rps)) <= SAME


def _draw_beside(ax: Axes, labels: Sequence[Label], top: float) -> None:
    """Write labels beside the panel at their heights, apart where they would touch, each with a line to its own."""
    if not labels:
        return
    ordered = sorted(labels, key=lambda label: label.y)
    gap = LABEL_GAP / HEIGHT * top
    heights = spread([label.y for label in ordered], gap)
    heights = [max(height, gap * i) for i, height in enumerate(heights)]  # none below the panel
    for label, y in zip(ordered, heights, strict=True):
        ax.annotate(
            label.text, (1.0, label.y), (1 + LABEL_AWAY, y), xycoords=ax.get_yaxis_transform(),
            textcoords=ax.get_yaxis_transform(), color=label.colour, weight=label.weight, size=LABEL_PT, va="center",
            annotation_clip=False,
            arrowprops={"arrowstyle": "-", "color": MUTED, "linewidth": 0.6, "shrinkA": 1, "shrinkB": 0,
                        "relpos": (0, 0.5)},
        )  # fmt: skip


def spread(values: Sequence[float], gap: float) -> list[float]:
    """Move ascending values apart until neighbours are no closer than the gap, each group about its own middle."""
    groups: list[list[float]] = []
    for value in values:
        groups.append([value])
        while len(groups) > 1 and _lower_end(groups[-1], gap) < _lower_end(groups[-2], gap) + gap * len(groups[-2]):
            groups[-2:] = [[*groups[-2], *groups[-1]]]
    return [_lower_end(group, gap) + gap * i for group in groups for i in range(len(group))]


def _lower_end(group: Sequence[float], gap: float) -> float:
    return fmean(group) - gap * (len(group) - 1) / 2


@dataclass(frozen=True)
class Bend:
    """Where a side runs out of something, or both do.

    Attributes:
        users: how many.
        text: of what, and which side.
        colour: of line and letters.
    """

    users: int
    text: str
    colour: str


def _bends(view: RunView, curve: Curve) -> list[Bend]:
    """Return where each side runs out of something, ascending; a bend of both sides is one."""
    said: dict[tuple[int, str], list[SideLabel]] = {}
    for label in LABELS:
        side = curve.sides[label]
        for ceiling in curve.shown(label):
            # Of a side that the model does not know another limit may come first: then its core never fills up.
            fills_up = ceiling == side.first and (side.model or curve.reached(label) == ceiling)
            if (ceiling.limit != "cpu" or fills_up) and LEAST_BEND <= ceiling.bend <= curve.most:
                said.setdefault((round(ceiling.bend), _taken(ceiling)), []).append(label)
    if curve.if_def is not None and _in_view(curve) and curve.if_def.bend <= curve.most:
        said[round(curve.if_def.bend), f"{_taken(curve.if_def)} by def routes"] = []
    found = []
    for (users, words), labels in sorted(said.items()):
        alone = len(labels) == 1
        whose = f"{view.names[labels[0]]}: " if alone else ""
        ink = LOOKS[labels[0]].ink if alone else INK if labels else MUTED
        found.append(Bend(users, f"{whose}{users} users, {words}", ink))
    return found


def _draw_bends(ax: Axes, bends: Sequence[Bend], most: int) -> None:
    """Draw a line at each bend, up to a label above the panel, where no mark is: the first one's stands highest."""
    for row, bend in enumerate(reversed(bends)):
        height = 1 + (0.1 + BEND_LINE * row) / HEIGHT
        ax.plot(
            [bend.users, bend.users], [0, height], color=bend.colour, linewidth=1.0, linestyle=DOTTED, zorder=1.5,
            transform=ax.get_xaxis_transform(), clip_on=False,
        )  # fmt: skip
        left = width_in(bend.text, LABEL_PT) > WIDTH * (1 - bend.users / (1.03 * most))
        text = ax.annotate(
            bend.text, (bend.users, height), (-4 if left else 4, 0), xycoords=ax.get_xaxis_transform(),
            textcoords="offset points", size=LABEL_PT, color=bend.colour, ha="right" if left else "left", va="center",
            annotation_clip=False, zorder=8,
        )  # fmt: skip
        clear_of(text)


def _taken(ceiling: Ceiling) -> str:
    if ceiling.limit == "cpu":
        return "the core is always busy" if ceiling.number == 1 else f"all {ceiling.number} cores are always busy"
    return f"all {ceiling.number} {THINGS[ceiling.limit]}s taken"


def _keys(view: RunView, curve: Curve) -> list[Key]:
    keys = [
        Key(f"{view.names[label]}, measured", marker=Line2D([], [], **{**marker(LOOKS[label]), "linestyle": "none"}))
        for label in LABELS
        if curve.points[label]
    ]
    keys += [
        Key(f"model of {view.names[label]}",
            marker=Line2D([], [], color=LOOKS[label].colour, linestyle=(0, (5, 2.2)), linewidth=1.6))
        for label in LABELS
        if curve.sides[label].model
    ]  # fmt: skip
    if _in_view(curve) or any(curve.shown(label) for label in LABELS):
        keys.append(Key("the most a limit allows", marker=Line2D([], [], color=MUTED, linestyle=DOTTED, linewidth=1)))
    out = any(point.driver_bound for points in curve.points.values() for point in points)
    return [*keys, DRIVER_BOUND_KEY] if out else keys


def _note(view: RunView, curve: Curve) -> str:
    wide = any(point.high > _top(curve) for points in curve.points.values() for point in points)
    beyond = "; one without an end extends beyond the frame" if wide else ""
    spread_words = (
        f"Whiskers: 95 % interval over blocks; where none is visible, it is shorter than the mark{beyond}."
        if view.blocks > 1
        else "One block: no interval."
    )
    based = (
        " The model takes a request's wait from the load of one user, and its CPU time from that of"
        f" {named([ClosedLoop(curve.most)])}."
        if any(side.model for side in curve.sides.values())
        else ""
    )
    return f"{curve.scenario.heading}. {spread_words}{based}"


@dataclass(frozen=True)
class Drawn:
    """A curve that was drawn.

    Attributes:
        scenario: its name.
        finding: what it says.
        reading: how to read it.
        paths: its files.
    """

    scenario: str
    finding: str
    reading: str
    paths: list[Path]


def draw_all(view: RunView, folder: Path, *, png: bool = False) -> list[Drawn]:
    """Draw every curve that there is, as SVG, and as PNG if that is wanted; remove older drawings."""
    for old in folder.glob(f"{PREFIX}*"):
        old.unlink()

    def draw_one(curve: Curve) -> Drawn:
        with drawing():
            paths = save(draw(view, curve), folder, f"{PREFIX}{slug_of(curve.scenario.name)}", png=png)
        return Drawn(curve.scenario.name, finding(view, curve), reading(view, curve), paths)

    return call_all([partial(draw_one, curve) for curve in curves(view)])
