"""Timeline chart: where the requests of one cell were, instant by instant, both sides of one block side by side.

A report shows one of each scenario that was observed, at its highest load.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from loadtests.analysis.model import observed
from loadtests.analysis.model.observed import Line, LoadTimeline, places
from loadtests.analysis.model.side_resources import side_resources
from loadtests.experiment import blog
from loadtests.experiment.loads import ClosedLoop, Load
from loadtests.experiment.sides import LABELS, SideLabel
from loadtests.records.samples import UNKNOWN, Recording
from loadtests.records.trial_file import TrialKey
from loadtests.report.charts.layout import Grid, head, sheet
from loadtests.report.charts.style import INK, LOOKS, MUTED, ZONE, Key, drawing, save
from loadtests.report.view import RunView
from loadtests.report.wording import listed
from loadtests.system.forks import call_all

Trial = Callable[[TrialKey], Recording | None]
"""Returns one trial of the run; None if it was not measured."""
PREFIX = "timeline-"


@dataclass(frozen=True)
class Place:
    """A place where requests can be: how it looks, and what it is called."""

    name: str
    colour: str
    hatch: str
    words: str


PLACES = (
    Place("thread", "#009E73", "", "in a thread"),
    Place("loop", "#56B4E9", "", "on the event loop, running or awaiting"),
    Place("thread_queue", "#D55E00", "////", "waiting for a thread"),
    Place("turn_queue", "#CC79A7", "\\\\\\\\", "waiting for their turn at the database"),
    Place("connection_queue", "#F0E442", "....", "waiting for a connection"),
)
THREADS = Line2D([], [], color="#009E73", linewidth=1.8)
CONNECTIONS = Line2D([], [], color=INK, linewidth=1.8, linestyle=(0, (3, 1.2)))
LIMIT = Line2D([], [], color=MUTED, linewidth=1.0, linestyle=":")


def draw(view: RunView, scenario: str, load: Load, trials: Mapping[SideLabel, LoadTimeline], block: int) -> Figure:
    """Draw the sides of one cell in one block; there is at least one."""
    labels = list(trials)
    grid = Grid(4 * len(labels), len(labels), 3.35, 1.05, 0.5, 0.12)
    note = (
        f"{scenario} with {load}, block {block + 1}; only the turns in which a side was under load, one after another,"
        " with their lead-ins and lead-outs. Dotted: the most there can be."
    )
    figure, axes = sheet(view, finding(view, scenario, load, trials), _keys(trials.values()), grid, note)
    rows = [axes[i : i + len(labels)] for i in range(0, len(axes), len(labels))]
    for column, label in enumerate(labels):
        trial = trials[label]
        _draw_places(rows[0][column], trial, load)
        _draw_in_use(rows[1][column], view, scenario, label, trial)
        _draw_line(rows[2][column], trial, 100 * trial.busy, label)
        _draw_line(rows[3][column], trial, 1000 * trial.timeline.rows["lag_s"].astype(float), label)
        for row, (name, about) in zip(rows, _headings(view.names[label]), strict=True):
            head(row[column], grid, name, about)
    for row in rows:
        top = 1.08 * max(1.0, *(ax.dataLim.y1 for ax in row))
        for ax in row:
            ax.set_ylim(0, top)
            ax.yaxis.set_major_locator(MaxNLocator(4, integer=True))
            ax.grid(visible=True, axis="y")
    return figure


def finding(view: RunView, scenario: str, load: Load, trials: Mapping[SideLabel, LoadTimeline]) -> str:
    """Say where most requests of each side were."""
    said = []
    for label, trial in trials.items():
        if not len(trial.steady):
            continue
        where = places(trial.steady)
        means = {place: float(getattr(where, place.name).mean()) for place in PLACES}
        most = max(means, key=lambda place: means[place])
        whole = max(1.0, float(trial.steady.rows["in_flight"].mean()))
        said.append(f"{view.names[label]}: {means[most]:,.0f} of {whole:,.0f} requests {most.words}")
    return f"{scenario}, {load}" + (f" – {'; '.join(said)}" if said else "")


def _headings(name: str) -> tuple[tuple[str, str], ...]:
    return (
        (name, "requests that the app is busy with, by where they are"),
        (name, "threads and connections in use"),
        (name, "CPU, % of a core"),
        (name, "how late the event loop is, ms"),
    )


def _keys(trials: Iterable[LoadTimeline]) -> list[Key]:
    where = [places(trial.timeline) for trial in trials]
    keys = [
        Key(place.words, patch={"facecolor": place.colour, "edgecolor": INK, "hatch": place.hatch, "linewidth": 0.4})
        for place in PLACES
        if any(getattr(known, place.name).any() for known in where)
    ]
    window = Key("measured", patch={"facecolor": ZONE, "edgecolor": ZONE})
    return [*keys, Key("threads in use", THREADS), Key("connections in use", CONNECTIONS), window]


def _draw_places(ax: Axes, trial: LoadTimeline, load: Load) -> None:
    where = places(trial.timeline)
    base = np.zeros(len(trial.time_s))
    for place in PLACES:
        amount: Line = getattr(where, place.name)
        ax.fill_between(
            trial.time_s, base, base + amount, step="mid", facecolor=place.colour, edgecolor=INK, linewidth=0.0,
            hatch=place.hatch,
        )  # fmt: skip
        base = base + amount
    if isinstance(load, ClosedLoop):
        ax.axhline(load.users, color=LIMIT.get_color(), linewidth=1.0, linestyle=":")
    _draw_time_axis(ax, trial)


def _draw_in_use(ax: Axes, view: RunView, scenario: str, label: SideLabel, trial: LoadTimeline) -> None:
    rows = trial.timeline.rows
    for name, look in (("threads", THREADS), ("connections", CONNECTIONS)):
        known = np.where(rows[name] == UNKNOWN, np.nan, rows[name].astype(float))
        ax.plot(trial.time_s, known, color=look.get_color(), linewidth=1.8, linestyle=look.get_linestyle())
    for most in _most_in_use(view, scenario, label):
        ax.axhline(most, color=LIMIT.get_color(), linewidth=1.0, linestyle=":")
    _draw_time_axis(ax, trial)


def _most_in_use(view: RunView, scenario: str, label: SideLabel) -> Iterator[int]:
    side = view.manifest.a if label == "a" else view.manifest.b
    has = side_resources(view.manifest, label, scenario).has
    if has is not None:
        yield from has.admitted.values()
    elif (known := blog.resources_of(side.settings)) is not None and known.all_threads is not None:
        yield known.all_threads


def _draw_line(ax: Axes, trial: LoadTimeline, values: Line, label: SideLabel) -> None:
    look = LOOKS[label]
    ax.plot(trial.time_s, values, color=look.ink, linewidth=1.4)
    _draw_time_axis(ax, trial)


def _draw_time_axis(ax: Axes, trial: LoadTimeline) -> None:
    ax.set_xlim(0, max(trial.time_s[-1], 0.01))
    for opened, closed in trial.windows_s:
        ax.axvspan(opened, closed, color=ZONE, zorder=0, linewidth=0)
    for end in trial.turns_s:
        ax.axvline(end, color="white", linewidth=1.6, zorder=4)
    ax.xaxis.set_major_locator(MaxNLocator(5))
    ax.tick_params(axis="x", labelsize=7.5)


def reading(names: Sequence[str]) -> str:
    """Say how to read it."""
    return (
        f"One trial each of {listed(names)}, from left to right in seconds under load. The top row is all requests that"
        " the app has, divided by where they are: what is hatched waits in a queue. A queue says which limit binds;"
        " without one, and with a core that has time left, it is the users who are too few."
    )


@dataclass(frozen=True)
class Drawn:
    """A timeline that was drawn.

    Attributes:
        scenario: its name.
        load: its load.
        block: from 0.
        finding: what it says.
        reading: how to read it.
        paths: its files.
    """

    scenario: str
    load: Load
    block: int
    finding: str
    reading: str
    paths: list[Path]


def draw_all(run: RunView, trial: Trial, folder: Path) -> list[Drawn]:
    """Draw each scenario at its highest load, in the first block in which it was looked at; remove older drawings.

    The trials of a run that did not look into its servers are not read.
    """
    for old in folder.glob(f"{PREFIX}*"):
        old.unlink()
    if not run.observed:
        return []

    def draw_first(scenario: str) -> Drawn | None:
        load = run.measured_loads(scenario)[-1]
        found = (draw_one(run, trial, folder, scenario, load, block) for block in range(run.blocks))
        return next(filter(None, found), None)

    drawn = call_all([partial(draw_first, scenario.name) for scenario in run.scenarios])
    return [one for one in drawn if one is not None]


def draw_one(run: RunView, trial: Trial, folder: Path, scenario: str, load: Load, block: int) -> Drawn | None:
    """Draw both sides of one cell in one block; None if nobody looked into either."""
    keys = {label: TrialKey(block, scenario, load.slug, label) for label in LABELS}
    recordings = dict(_recordings(keys, trial))
    trials = {label: seen for label, r in recordings.items() if (seen := observed.load_timeline(r)) is not None}
    if not trials:
        return None
    with drawing():
        figure = draw(run, scenario, load, trials, block)
        name = PREFIX + keys["a"].file_name.removesuffix("-a.npz")
        paths = save(figure, folder, name)
    names = [run.names[label] for label in trials]
    return Drawn(scenario, load, block, finding(run, scenario, load, trials), reading(names), paths)


def _recordings(keys: Mapping[SideLabel, TrialKey], trial: Trial) -> Iterator[tuple[SideLabel, Recording]]:
    for label, key in keys.items():
        if (recording := trial(key)) is not None:
            yield label, recording
