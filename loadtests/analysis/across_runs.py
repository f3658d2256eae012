"""The same cells of several runs side by side: how a ratio, or a figure, has changed, with intervals (pure).

The runs are independent, so the variance of a difference of logarithms is the sum of their variances. Each comes from
the run's own blocks: the standard error is half the width of the 95 % interval divided by Student's t. The difference
is tested with Welch's degrees of freedom. Source: B. L. Welch, The generalization of Student's problem when several
different population variances are involved, Biometrika 34 (1947).
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from loadtests.analysis.comparison import ALPHA, LEVEL, MARGIN, estimate, holm
from loadtests.analysis.run_differences import Difference, Fairness, SavedRun, cautions, differences, fairness
from loadtests.analysis.verdict_kinds import NO_VERDICT
from loadtests.experiment.loads import Load
from loadtests.experiment.sides import LABELS, SideLabel
from loadtests.records.summary import CellResult, Comparison, Metric, headline_of
from loadtests.system.errors import UsageError

MOST_NAMED = 3
"""Cells that a sentence names at most."""
Verdict = Literal["up", "down", "equivalent", "inconclusive"]
"""On a change: certainly more or less than before; within the margin, even if certain; or not decided."""


@dataclass(frozen=True)
class Figure:
    """One run's figure.

    Attributes:
        value: a ratio, or a figure in its unit.
        interval: its 95 % interval; None if there is only one block.
        blocks: how many blocks it is based on.
        driver_bound: whether it may be a figure of the load driver, so nothing is concluded from it.
    """

    value: float
    interval: tuple[float, float] | None
    blocks: int
    driver_bound: bool = False

    @property
    def standard_error(self) -> float | None:
        """Of its logarithm; None if that is not known."""
        from scipy.special import stdtrit  # noqa: PLC0415 - it takes a second, and readers of the records need none

        if self.interval is None or self.blocks < 2 or min(self.interval) <= 0:
            return None
        t = float(stdtrit(self.blocks - 1, 1 - ALPHA / 2))
        return (math.log(self.interval[1]) - math.log(self.interval[0])) / 2 / t


@dataclass(frozen=True)
class Change:
    """How a figure differs from that of the first run.

    Attributes:
        ratio: how many times as large it is.
        interval: its 95 % interval; None if one of the two has none.
        p: two-sided p-value of no change; None in the same case.
        verdict: after Holm's correction over all changes of the same table.
        driver_bound: whether one of the two may be a figure of the load driver: it gets no verdict.
    """

    ratio: float
    interval: tuple[float, float] | None
    p: float | None
    verdict: Verdict = "inconclusive"
    driver_bound: bool = False


@dataclass(frozen=True)
class Row:
    """One cell in all runs.

    Attributes:
        scenario: its name.
        load: its load.
        metric: throughput, or the 99th percentile in an open loop.
        label: the side that the figure belongs to; None for the ratio b ÷ a.
        figures: one for each run; None if it has none.
        changes: of each later run from the first one; None if one of the two has no figure.
    """

    scenario: str
    load: Load
    metric: Metric
    label: SideLabel | None
    figures: tuple[Figure | None, ...]
    changes: tuple[Change | None, ...]


@dataclass(frozen=True)
class RunsComparison:
    """Several runs side by side.

    Attributes:
        runs: in the order in which they were given; changes are from the first one.
        differences: between the runs.
        fairness: which comparisons are fair.
        cautions: what to know about single runs.
        ratios: rows of the ratios b ÷ a.
        absolute: rows of each side's figures; none if these can't be compared.
        left_out: cells that not all runs have, or whose requests differ, each as a sentence.
    """

    runs: tuple[SavedRun, ...]
    differences: tuple[Difference, ...]
    fairness: Fairness
    cautions: tuple[str, ...]
    ratios: tuple[Row, ...]
    absolute: tuple[Row, ...]
    left_out: tuple[str, ...]


def compare_runs(runs: Sequence[SavedRun]) -> RunsComparison:
    """Put the cells that runs have in common side by side; raises UsageError if they have none."""
    cells = [
        {(c.scenario, c.load): c for c in run.outcome.comparisons if c.metric == headline_of(c.load)} for run in runs
    ]
    everywhere = [cell for cell in cells[0] if all(cell in each for each in cells[1:])]
    asked = [_asked_otherwise(runs, scenario) for scenario in dict.fromkeys(scenario for scenario, _ in everywhere)]
    unlike = {scenario for scenario in asked if scenario is not None}
    common = [cell for cell in everywhere if cell[0] not in unlike]
    if not common:
        names = ", ".join(run.name for run in runs)
        raise UsageError(f"{names}: nothing can be compared, because no scenario was measured under the same load")
    fair = fairness(runs)
    ratios = [_row(*cell, None, [ratio_figure(each[cell]) for each in cells]) for cell in common]
    absolute: list[Row] = []
    if fair.is_absolute:
        sides = [{(c.scenario, c.load, c.label): c for c in run.outcome.cells} for run in runs]
        absolute = [
            _row(
                *cell,
                label,
                [own_figure(each.get((*cell, label)), own[cell]) for each, own in zip(sides, cells, strict=True)],
            )
            for cell in common
            for label in LABELS
        ]
    return RunsComparison(
        runs=tuple(runs),
        differences=tuple(differences(runs)),
        fairness=fair,
        cautions=(
            *(said for run in runs for said in cautions(run)),
            *_driver_bound_cells(runs, [[each[cell] for cell in common] for each in cells]),
        ),
        ratios=tuple(judged(ratios)),
        absolute=tuple(judged(absolute)),
        left_out=tuple(_left_out(runs, cells, unlike)),
    )


def change(before: Figure | None, after: Figure | None) -> Change | None:
    """Return how a figure has changed from one run to another, without a verdict; None if one of them has none."""
    from scipy.special import stdtr, stdtrit  # noqa: PLC0415 - see above

    if before is None or after is None:
        return None
    log = math.log(after.value) - math.log(before.value)
    driver = before.driver_bound or after.driver_bound
    errors = before.standard_error, after.standard_error
    if errors[0] is None or errors[1] is None:
        return Change(math.exp(log), None, None, driver_bound=driver)
    variances = [error**2 for error in errors if error is not None]
    error = math.sqrt(sum(variances))
    if error == 0:
        return Change(math.exp(log), (math.exp(log),) * 2, float(log == 0), driver_bound=driver)
    freedoms = (before.blocks - 1, after.blocks - 1)
    freedom = error**4 / sum(v**2 / n for v, n in zip(variances, freedoms, strict=True))
    t = float(stdtrit(freedom, 1 - (1 - LEVEL) / 2))
    p = 2 * float(stdtr(freedom, -abs(log) / error))
    return Change(math.exp(log), (math.exp(log - t * error), math.exp(log + t * error)), p, driver_bound=driver)


def judged(rows: Sequence[Row]) -> Iterable[Row]:
    """Return the rows with a verdict on each change; Holm's correction spans all of them."""
    found = [each for row in rows for each in row.changes]
    certain = iter(holm([None if each is None else each.p for each in found]))
    for row in rows:
        changes = [(each, next(certain)) for each in row.changes]
        yield replace(
            row, changes=tuple(each and replace(each, verdict=_verdict(each, sure)) for each, sure in changes)
        )


def _verdict(found: Change, sure: bool) -> Verdict:
    if found.interval is None or found.driver_bound:
        return "inconclusive"
    low, high = map(math.log, found.interval)
    if low >= -MARGIN and high <= MARGIN:  # as within a run: however sure it is, nothing follows from it
        return "equivalent"
    if sure and not low <= 0 <= high:
        return "up" if low > 0 else "down"
    return "inconclusive"


def _row(scenario: str, load: Load, label: SideLabel | None, figures: Sequence[Figure | None]) -> Row:
    changes = tuple(change(figures[0], each) for each in figures[1:])
    return Row(scenario, load, headline_of(load), label, tuple(figures), changes)


def ratio_figure(comparison: Comparison) -> Figure | None:
    """Return the ratio of a cell; None if it has none."""
    if comparison.ratio is None:
        return None
    return Figure(comparison.ratio, comparison.interval, comparison.blocks, is_driver_bound(comparison))


def own_figure(cell: CellResult | None, comparison: Comparison | None = None) -> Figure | None:
    """Return a side's headline figure over blocks, from the blocks themselves; None if a block has none.

    Args:
        cell: the side's.
        comparison: of the cell, whose flags tell whether the driver may have been the limit; None if nobody asks.
    """
    if cell is None or not cell.by_block:
        return None
    metric = headline_of(cell.load)
    values = [block.throughput if metric == "throughput" else block.p99 for block in cell.by_block]
    known = [value for value in values if value]
    if len(known) < len(values):
        return None
    found = estimate(known)
    driver = comparison is not None and is_driver_bound(comparison, cell.label)
    return Figure(found.value, found.interval, found.blocks, driver)


def is_driver_bound(comparison: Comparison, label: SideLabel | None = None) -> bool:
    """Return whether what was measured may be the load driver, on one side or, without a label, on either."""
    flags = (flag.partition(":") for flag in comparison.flags)
    return any(name in NO_VERDICT and label in (None, of or label) for name, _, of in flags)


def _driver_bound_cells(runs: Sequence[SavedRun], common: Sequence[Sequence[Comparison]]) -> Iterable[str]:
    for run, comparisons in zip(runs, common, strict=True):
        names = [f"{c.scenario} with {c.load}" for c in comparisons if is_driver_bound(c)]
        if names:
            more = f" and {len(names) - MOST_NAMED} more cells" if len(names) > MOST_NAMED else ""
            yield (
                f"{run.name}: in {', '.join(names[:MOST_NAMED])}{more} the load driver may have been the limit, so no"
                " change is concluded from it"
            )


def _asked_otherwise(runs: Sequence[SavedRun], scenario: str) -> str | None:
    """Return a scenario's name if not all runs asked the same under it."""
    records = [next(each for each in run.manifest.scenarios if each.name == scenario) for run in runs]
    first = records[0]
    old = not all(record.requests for record in records)  # before requests were kept
    same = all(record.kind == first.kind and (old or record.requests == first.requests) for record in records)
    return None if same else scenario


def _left_out(
    runs: Sequence[SavedRun], cells: Sequence[dict[tuple[str, Load], Comparison]], unlike: Iterable[str]
) -> Iterable[str]:
    for scenario in sorted(unlike):
        yield f"{scenario}: the runs sent different requests under this name"
    missing: dict[tuple[str, ...], list[str]] = {}
    for cell in dict.fromkeys(cell for each in cells for cell in each):
        lacking = tuple(run.name for run, each in zip(runs, cells, strict=True) if cell not in each)
        if lacking:
            missing.setdefault(lacking, []).append(f"{cell[0]} with {cell[1]}")
    for lacking, names in missing.items():
        more = f" and {len(names) - MOST_NAMED} more cells" if len(names) > MOST_NAMED else ""
        yield f"{', '.join(names[:MOST_NAMED])}{more}: not in {', '.join(lacking)}"
