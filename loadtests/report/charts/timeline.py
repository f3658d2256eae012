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
from loadtests.analysis.model.observed import MEASURED, Line, LoadTimeline, Phase, places
from loadtests.analysis.model.side_resources import side_resources
from loadtests.experiment import blog
from loadtests.experiment.loads import ClosedLoop, Load
from loadtests.experiment.sides import LABELS, SideLabel
from loadtests.records.samples import UNKNOWN, Recording
from loadtests.records.trial_file import TrialKey
from loadtests.report.charts.layout import Grid, head, sheet
from loadtests.report.charts.style import INK, LOOKS, MUTED, ZONE, Key, drawing, save, width_in
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
    Place("turn_queue", "#CC79A7", "\\\\\\\\", "waiting for a turn at the database"),
    Place("connection_queue", "#F0E442", "....", "waiting for a connection"),
)
OUTSIDE = Place("outside", "#d2d2d2", "", "sent but not in the app: in transit or unread")
HEADINGS = (
    "requests in flight, by where they are",
    "threads and connections in use",
    "CPU, % of a core",
    "event loop lag, ms",
)
"""Of each row of panels."""
STRIP_FROM, STRIP_TO = 1.06, 1.26
"""Above all requests, as a share of the most there were: where the strip that names phases begins and ends."""
STRIP_PT, SMALL_PT = 7.0, 5.5
OVER = 1.6
"""How much wider than its phase a name in two lines may be: beside a short one there is room."""
MORE_THAN_USERS = "More requests than users: an answer was sent, and its request is still being finished."
THREADS = Line2D([], [], color="#009E73", linewidth=1.8)
CONNECTIONS = Line2D([], [], color=INK, linewidth=1.8, linestyle=(0, (3, 1.2)))
LIMIT = Line2D([], [], color=MUTED, linewidth=1.0, linestyle=":")


def draw(
    view: RunView,
    scenario: str,
    load: Load,
    trials: Mapping[SideLabel, LoadTimeline],
    block: int,
    *,
    details: bool = False,
) -> Figure:
    """Draw the sides of one cell in one block on one time axis; there is at least one.

    Args:
        view: the run.
        scenario: its name.
        load: its load.
        trials: of each side that was looked into.
        block: from 0.
        details: whether threads and connections in use, CPU and the event loop's lag are drawn below.
    """
    labels = list(trials)
    count = len(HEADINGS) if details else 1
    grid = Grid(count * len(labels), len(labels), 3.35, 1.05 if details else 1.7, 0.5, 0.12, foot=0.5)
    note = (
        f"{scenario} with {load}, block {block + 1}; only the turns in which a side was under load, joined together."
        " First each user may ask once, to open every connection; in the lead-in users start one by one; in the"
        " lead-out the requests in flight are answered."
        + (" Dotted: the number of users." if isinstance(load, ClosedLoop) else "")
        + (f" {MORE_THAN_USERS}" if _more_than_users(trials.values(), load) else "")
        + (" Below, dotted: all threads, and all connections." if details else "")
    )
    figure, axes = sheet(
        view, finding(view, scenario, load, trials), _keys(trials.values(), details=details), grid, note
    )
    rows = [axes[i : i + len(labels)] for i in range(0, len(axes), len(labels))]
    longest_s = max(0.01, *(float(trial.time_s[-1]) for trial in trials.values()))
    for column, label in enumerate(labels):
        trial = trials[label]
        _draw_places(rows[0][column], trial, load)
        if details:
            _draw_in_use(rows[1][column], view, scenario, label, trial)
            _draw_line(rows[2][column], trial, 100 * trial.busy, label)
            _draw_line(rows[3][column], trial, 1000 * trial.timeline.rows["lag_s"].astype(float), label)
        for row, about in zip(rows, HEADINGS, strict=False):
            head(row[column], grid, view.names[label], about)
    for number, row in enumerate(rows):
        top = max(1.0, *(ax.dataLim.y1 for ax in row))
        for ax in row:
            ax.set_xlim(0, longest_s)
            ax.set_ylim(0, (1.08 if number else STRIP_TO) * top)
            ax.yaxis.set_major_locator(MaxNLocator(4, integer=True))
            ax.grid(visible=True, axis="y")
    for ax, trial in zip(rows[0], trials.values(), strict=True):
        _name_phases(ax, grid, trial, longest_s)
    for ax in axes:
        ax.set_xlabel("seconds under load", size=8, labelpad=2)
    return figure


def _more_than_users(trials: Iterable[LoadTimeline], load: Load) -> bool:
    """Whether an app has more requests than there are users: an answer is sent before its session is closed."""
    most = max(int(trial.timeline.rows["in_flight"].max()) for trial in trials)
    return isinstance(load, ClosedLoop) and most > load.users


def _name_phases(ax: Axes, grid: Grid, trial: LoadTimeline, longest_s: float) -> None:
    """Say in a strip above all requests what goes on, where there is room for it: so a dip has a name."""
    measured = [phase for phase in trial.phases if phase.name == MEASURED]
    for phase in measured:
        ax.axvspan(phase.begin_s, phase.end_s, STRIP_FROM / STRIP_TO, 1, color=ZONE, linewidth=0, zorder=0)
    together = [Phase(MEASURED, measured[0].begin_s, measured[-1].end_s)] if measured else []
    others = [phase for phase in trial.phases if phase.name != MEASURED]
    roomy = any(width_in(MEASURED, STRIP_PT) <= each.length_s * grid.width / longest_s for each in measured)
    for phase in [*others, *(measured if roomy else together)]:
        _name_phase(ax, phase, grid.width / longest_s)


def _name_phase(ax: Axes, phase: Phase, inches_a_second: float) -> None:
    room = 0.98 * inches_a_second * phase.length_s
    in_two = "\n".join(phase.name.rsplit(" ", maxsplit=1))
    for text, points, most in ((phase.name, STRIP_PT, room), (in_two, SMALL_PT, OVER * room)):
        if max(width_in(line, points) for line in text.split("\n")) <= most:
            ax.text(
                (phase.begin_s + phase.end_s) / 2, (STRIP_FROM / STRIP_TO + 1) / 2, text,
                transform=ax.get_xaxis_transform(), size=points, color=INK if phase.name == MEASURED else MUTED,
                ha="center", va="center", linespacing=0.95, zorder=6,
            )  # fmt: skip
            return


def finding(view: RunView, scenario: str, load: Load, trials: Mapping[SideLabel, LoadTimeline]) -> str:
    """Say where most requests of each side were."""
    said = []
    for label, trial in trials.items():
        if not len(trial.steady):
            continue
        where = places(trial.steady)
        means = {place: float(getattr(where, place.name).mean()) for place in PLACES}
        inside = float(trial.steady.rows["in_flight"].mean())
        means[OUTSIDE] = max(0.0, trial.steady_sent - inside)
        most = max(means, key=lambda place: means[place])
        whole = max(1.0, inside, trial.steady_sent)
        said.append(f"{view.names[label]}: {means[most]:,.0f} of {whole:,.0f} requests {most.words}")
    return f"{scenario}, {load}" + (f" – {'; '.join(said)}" if said else "")


def _keys(trials: Iterable[LoadTimeline], *, details: bool) -> list[Key]:
    seen = list(trials)
    where = [places(trial.timeline) for trial in seen]
    shown = [place for place in PLACES if any(getattr(known, place.name).any() for known in where)]
    shown += [OUTSIDE] if any(trial.outside.any() for trial in seen) else []
    keys = [
        Key(place.words, patch={"facecolor": place.colour, "edgecolor": INK, "hatch": place.hatch, "linewidth": 0.4})
        for place in shown
    ]
    if any(len(trial.turns_s) > 1 for trial in seen):
        keys.append(Key("cut out: the other side's turn", patch={"facecolor": "white", "edgecolor": MUTED}))
    if not details:
        return keys
    return [*keys, Key("threads in use", THREADS), Key("connections in use", CONNECTIONS)]


def _draw_places(ax: Axes, trial: LoadTimeline, load: Load) -> None:
    where = places(trial.timeline)
    amounts: list[tuple[Place, Line]] = [(place, getattr(where, place.name)) for place in PLACES]
    base = np.zeros(len(trial.time_s))
    for place, amount in [*amounts, (OUTSIDE, trial.outside)]:
        ax.fill_between(
            trial.time_s, base, base + amount, step="mid", facecolor=place.colour, edgecolor=INK, linewidth=0.0,
            hatch=place.hatch,
        )  # fmt: skip
        base = base + amount
    if isinstance(load, ClosedLoop):
        ax.axhline(load.users, color=LIMIT.get_color(), linewidth=1.0, linestyle=":")
    _draw_time_axis(ax, trial, windows=False)


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


def _draw_time_axis(ax: Axes, trial: LoadTimeline, *, windows: bool = True) -> None:
    for opened, closed in trial.windows_s if windows else ():
        ax.axvspan(opened, closed, color=ZONE, zorder=0, linewidth=0)
    for end in trial.turns_s:
        ax.axvline(end, color="white", linewidth=1.6, zorder=4)
    ax.xaxis.set_major_locator(MaxNLocator(5))
    ax.tick_params(axis="x", labelsize=7.5)


def reading(names: Sequence[str]) -> str:
    """Say how to read it."""
    return (
        f"One trial each of {listed(names)}, on one axis of seconds under load: the requests in flight, by where they"
        " are. Hatched requests wait in a queue, and the queue shows which limit applies. If there is no queue and the"
        " core has time left, there are too few users to reach a limit. The strip above shows the phase: there are"
        " fewer requests in lead-in and lead-out, because users start and stop then."
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


def draw_one(
    run: RunView, trial: Trial, folder: Path, scenario: str, load: Load, block: int, *, details: bool = False
) -> Drawn | None:
    """Draw both sides of one cell in one block, with more rows if that is wanted; None if nobody looked into either."""
    keys = {label: TrialKey(block, scenario, load.slug, label) for label in LABELS}
    recordings = dict(_recordings(keys, trial))
    trials = {label: seen for label, r in recordings.items() if (seen := observed.load_timeline(r)) is not None}
    if not trials:
        return None
    with drawing():
        figure = draw(run, scenario, load, trials, block, details=details)
        name = PREFIX + keys["a"].file_name.removesuffix("-a.npz")
        paths = save(figure, folder, name)
    names = [run.names[label] for label in trials]
    return Drawn(scenario, load, block, finding(run, scenario, load, trials), reading(names), paths)


def _recordings(keys: Mapping[SideLabel, TrialKey], trial: Trial) -> Iterator[tuple[SideLabel, Recording]]:
    for label, key in keys.items():
        if (recording := trial(key)) is not None:
            yield label, recording
