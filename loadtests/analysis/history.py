"""Runs of one setting on one machine, in the order in which they were made, and where their figures change (pure).

A change of a side's own figure can come from its code, from its packages, or from the machine. Three series tell them
apart: the ratio b ÷ a, which a change of the machine hardly moves; the control, side a against itself; and the driver's
own ceiling, which no change of a side can move.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from loadtests.analysis.across_runs import Figure, own_figure, ratio_figure
from loadtests.analysis.change_points import LEAST_LENGTH, LEAST_SIDE, ChangePoint, change_points
from loadtests.analysis.run_differences import OF_THE_LOAD, READERS, SavedRun, differences
from loadtests.experiment.blog import BUILDS
from loadtests.experiment.loads import Load
from loadtests.experiment.sides import LABELS, SideLabel
from loadtests.records.manifest import Manifest
from loadtests.records.summary import Metric, headline_of

What = Literal["ratio", "a", "b", "control", "driver"]
"""What a series shows: the ratio b ÷ a, a side's own figure, side a against itself, or the driver's rate alone."""
OF_THE_MACHINE: tuple[What, ...] = ("control", "driver")
NEAR = 1
"""How many runs a change of the machine may be away from a change that it explains."""


@dataclass(frozen=True)
class CommitRange:
    """The commits between which a change lies.

    Attributes:
        before: of the last run at the old level; None if it is not known.
        after: of the first run at the new level; None if it is not known.
    """

    before: str | None
    after: str | None

    @property
    def is_same(self) -> bool:
        """Whether the code is known to be the same before and after."""
        return self.before is not None and self.before == self.after and not self.before.endswith("+")


@dataclass(frozen=True)
class TrendChange:
    """A change of level in a series, and what else changed at the same time.

    Attributes:
        point: where it is, and how large.
        before: the last run at the old level.
        after: the first run at the new level.
        commits: of the series' side, or of both, by label.
        also: what else differs between the two runs: versions, settings, the harness's commit.
        of_the_machine: whether the control or the driver's ceiling changed there too.
        with_ratio: whether the ratio of the same cell changed there too; None for the ratio itself.
        with_other: whether the other side's own figure of the same cell changed there too.
        driver_bound: whether a figure beside it may be one of the load driver.
    """

    point: ChangePoint
    before: SavedRun
    after: SavedRun
    commits: dict[SideLabel, CommitRange]
    also: tuple[str, ...]
    of_the_machine: bool
    with_ratio: bool | None
    with_other: bool
    driver_bound: bool = False


@dataclass(frozen=True)
class Trend:
    """One series.

    Attributes:
        scenario: of the cell; empty for the driver.
        load: of the cell; None for the driver.
        metric: of the cell; None for the driver.
        what: the kind of its figures.
        runs: those that have a figure, in order.
        figures: one for each of them.
        changes: of its level, in order.
    """

    scenario: str
    load: Load | None
    metric: Metric
    what: What
    runs: tuple[SavedRun, ...]
    figures: tuple[Figure, ...]
    changes: tuple[TrendChange, ...] = ()


@dataclass(frozen=True)
class History:
    """All runs of one setting on one machine.

    Attributes:
        runs: in the order in which they were made.
        trends: series of all cells, of the control, and of the driver.
        left_out: which runs are in no series of a scenario, as they asked something else under its name, each a
            sentence without its end.
    """

    runs: tuple[SavedRun, ...]
    trends: tuple[Trend, ...]
    left_out: tuple[str, ...] = ()

    @property
    def is_long_enough(self) -> bool:
        """Whether it has enough runs to be searched for changes."""
        return any(len(trend.figures) >= LEAST_LENGTH for trend in self.trends)


def histories(runs: Iterable[SavedRun]) -> list[History]:
    """Return the history of each setting on each machine, the one with the most runs first.

    Other commits and other package versions do not make another setting: their effect is what a history should show.
    """
    groups: dict[tuple[object, ...], list[SavedRun]] = {}
    for run in sorted(runs, key=lambda each: each.manifest.created):
        groups.setdefault(_setting(run), []).append(run)
    return [_history(group) for group in sorted(groups.values(), key=len, reverse=True)]


def _setting(run: SavedRun) -> tuple[object, ...]:
    """Return what runs of one history share."""
    sides, settings = READERS["sides"](run.manifest), READERS["settings"](run.manifest)
    of_load = tuple((what, value) for what, value in settings.items() if what in OF_THE_LOAD)
    given = {what: value for what, value in sides.items() if value != "None"}  # a setting that came later is not given
    return run.machine, tuple(sorted(given.items())), of_load


def _history(runs: Sequence[SavedRun]) -> History:
    plain = [trend for trend in _series(runs) if trend.figures]
    looked_at = sum(len(trend.figures) >= LEAST_LENGTH for trend in plain)
    points = {
        number: change_points(
            [figure.value for figure in trend.figures], [figure.standard_error for figure in trend.figures], looked_at
        )
        for number, trend in enumerate(plain)
    }
    machine = {
        plain[n].runs[p.index].name for n, found in points.items() if plain[n].what in OF_THE_MACHINE for p in found
    }
    changed = {
        (plain[n].what, plain[n].scenario, plain[n].load, plain[n].runs[p.index].name)
        for n, found in points.items()
        for p in found
    }
    return History(
        tuple(runs),
        tuple(_with_changes(trend, points[number], machine, changed) for number, trend in enumerate(plain)),
        tuple(_asked_otherwise(runs)),
    )


def _series(runs: Sequence[SavedRun]) -> Iterable[Trend]:
    cells = {(scenario.name, load): None for run in runs for scenario, load in run.manifest.cells()}
    alike = {scenario: _asking_the_same(runs, scenario) for scenario, _ in cells}
    compared = {
        (run.name, c.scenario, c.load): c
        for run in runs
        for c in run.outcome.comparisons
        if c.metric == headline_of(c.load)
    }
    by_side = {(run.name, c.scenario, c.load, c.label): c for run in runs for c in run.outcome.cells}
    for cell in cells:
        (scenario, load), metric = cell, headline_of(cell[1])
        ratios = [(run, ratio_figure(c)) for run in alike[scenario] if (c := compared.get((run.name, *cell)))]
        yield _trend(scenario, load, metric, "ratio", ratios)
        for label in LABELS:
            own = [
                (run, own_figure(by_side.get((run.name, *cell, label)), compared.get((run.name, *cell))))
                for run in alike[scenario]
            ]
            yield _trend(scenario, load, metric, label, own)
    controls: dict[tuple[str, Load], list[tuple[SavedRun, Figure | None]]] = {}
    for run in runs:
        if (found := run.outcome.control) is not None and run in alike.get(found.scenario, runs):
            controls.setdefault((found.scenario, found.load), []).append((run, ratio_figure(found)))
    for (scenario, load), figures in controls.items():
        yield _trend(scenario, load, headline_of(load), "control", figures)
    ceilings = [(run, _ceiling(run.manifest)) for run in runs]
    yield _trend("", None, "throughput", "driver", ceilings)


def _asking_the_same(runs: Sequence[SavedRun], scenario: str) -> list[SavedRun]:
    """Return the runs that asked the same under a name as the newest one; those that did not keep it may have."""
    asked = [_asked(run.manifest, scenario) for run in runs]
    newest = next((each for each in reversed(asked) if each is not None), None)
    return [run for run, each in zip(runs, asked, strict=True) if each in (None, newest)]


def _asked(manifest: Manifest, scenario: str) -> object:
    """Return what a run asked under a scenario's name; None if that is not known."""
    found = (each for each in manifest.scenarios if each.name == scenario and each.requests)
    return next(((each.kind, each.requests) for each in found), None)


def _asked_otherwise(runs: Sequence[SavedRun]) -> Iterable[str]:
    for scenario in dict.fromkeys(each.name for run in runs for each in run.manifest.scenarios):
        kept = {run.name for run in _asking_the_same(runs, scenario)}
        if others := [run.name for run in runs if run.name not in kept]:
            yield f"{scenario}: {', '.join(others)} asked different requests under this name"


def _ceiling(manifest: Manifest) -> Figure | None:
    ceiling = manifest.driver_ceiling_rps
    return Figure(ceiling, None, 1) if ceiling else None


def _trend(
    scenario: str, load: Load | None, metric: Metric, what: What, found: Sequence[tuple[SavedRun, Figure | None]]
) -> Trend:
    known = [(run, figure) for run, figure in found if figure is not None]
    return Trend(scenario, load, metric, what, tuple(r for r, _ in known), tuple(f for _, f in known))


def _with_changes(
    trend: Trend, points: Sequence[ChangePoint], machine: set[str], changed: set[tuple[What, str, Load | None, str]]
) -> Trend:
    changes = []
    for point in points:
        before, after = trend.runs[point.index - 1], trend.runs[point.index]
        around = {run.name for run in trend.runs[max(0, point.index - NEAR) : point.index + NEAR + 1]}
        labels = [label for label in LABELS if trend.what in (label, "ratio")]
        beside = trend.figures[max(0, point.index - LEAST_SIDE) : point.index + LEAST_SIDE]
        cell = trend.scenario, trend.load
        there = {what for what, *where, name in changed if tuple(where) == cell and name in around}
        also = [
            f"{each.what} {each.values[0]} → {each.values[1]}"
            for each in differences([before, after])
            if each.kind != "commit" or each.what == "harness"
        ]
        changes.append(
            TrendChange(
                point=point,
                before=before,
                after=after,
                commits={
                    label: CommitRange(commit_of(before.manifest, label), commit_of(after.manifest, label))
                    for label in labels
                },
                also=tuple(also),
                of_the_machine=trend.what not in OF_THE_MACHINE and bool(around & machine),
                with_ratio="ratio" in there if trend.what in LABELS else None,
                with_other=trend.what in LABELS and there >= set(LABELS),
                driver_bound=any(each.driver_bound for each in beside),
            )
        )
    return Trend(trend.scenario, trend.load, trend.metric, trend.what, trend.runs, trend.figures, tuple(changes))


def commit_of(manifest: Manifest, label: SideLabel) -> str | None:
    """Return a side's commit; of the blog's builds that of the harness, whose repository they are in."""
    side = manifest.a if label == "a" else manifest.b
    if side.commit is None and side.settings.get("app") in BUILDS.values():
        return manifest.environment.commit
    return side.commit
