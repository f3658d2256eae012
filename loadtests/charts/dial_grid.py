"""The grid of a dial: which ``mixed`` scenarios of a run belong together, and what the model says of them (pure)."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

from loadtests.analysis.model.capacity import Demand
from loadtests.analysis.model.crossover import crossing_wait_s
from loadtests.analysis.model.limits import mixed_ms, resources
from loadtests.charts.view import LABELS, View
from loadtests.experiment.loads import ClosedLoop
from loadtests.records.outcome import Comparison

LEAST = 2
"""Rows and columns that make a grid."""


@dataclass(frozen=True)
class Crossing:
    """Where the model lets b win, in milliseconds of wait: by the row's mean CPU time, and by its lower and upper ends.

    An end is infinite where b would never win.
    """

    wait_ms: float
    low_ms: float
    high_ms: float


@dataclass(frozen=True)
class Dial:
    """A grid of comparisons at one load.

    Attributes:
        load: how many users.
        cpus_ms: CPU times of the rows in milliseconds, ascending.
        waits_ms: waits of the columns in milliseconds, ascending.
        cells: by CPU time and wait.
        scenarios: their names, likewise.
    """

    load: ClosedLoop
    cpus_ms: Sequence[float]
    waits_ms: Sequence[float]
    cells: Mapping[tuple[float, float], Comparison]
    scenarios: Mapping[tuple[float, float], str]

    def crossings(self, view: View) -> list["Crossing | None"]:
        """Return for each row the wait from which on the model gives b 10 % more throughput.

        What a request costs in CPU is measured, over the row; nothing else is taken from it. Both sides are given the
        mean of their costs, so that the line shows what threads do, not which side computes a little less. None where
        the model is not known (another app), or where b never gets that far.
        """
        cores = max(1, len(view.manifest.server_cores))
        a, b = (resources(side, "mixed", cores) for side in (view.manifest.a, view.manifest.b))
        if a is None or b is None:
            return [None] * len(self.cpus_ms)
        found: list[Crossing | None] = []
        for cpu_ms in self.cpus_ms:
            costs = self._costs_s(view, cpu_ms)
            waits = [
                crossing_wait_s(a, b, Demand(cost, 0.0), Demand(cost, 0.0), self.load.users) for cost in costs or ()
            ]
            ms = [math.inf if wait is None else wait * 1000 for wait in waits]
            found.append(Crossing(*ms) if ms and ms[0] < math.inf else None)
        return found

    def _costs_s(self, view: View, cpu_ms: float) -> tuple[float, float, float] | None:
        """Return the CPU time of a row's requests, the mean over its cells and both sides, in seconds.

        Also what it is if each cell's is at the lower, or each at the upper end of its 95 % interval.
        """
        names = [name for (cpu, _), name in self.scenarios.items() if cpu == cpu_ms]
        cells = [view.cells.get((name, self.load, label)) for name in names for label in LABELS]
        costs = [cell.cpu_per_request for cell in cells if cell and cell.cpu_per_request]
        if not costs:
            return None
        ends = [cost.interval or (cost.value, cost.value) for cost in costs]
        return fmean(c.value for c in costs), fmean(low for low, _ in ends), fmean(high for _, high in ends)


def dial_of(view: View) -> Dial | None:
    """Return the grid at the highest load, or None if there are too few ``mixed`` scenarios for one."""
    load = view.highest
    if not isinstance(load, ClosedLoop):
        return None
    scenarios = {at: scenario.name for scenario in view.scenarios if (at := mixed_ms(scenario.name)) is not None}
    cells = {
        at: c for at, name in scenarios.items() if (c := view.comparisons.get((name, load, view.metric))) is not None
    }
    cpus, waits = sorted({cpu for cpu, _ in cells}), sorted({wait for _, wait in cells})
    if len(cpus) < LEAST or len(waits) < LEAST:
        return None
    return Dial(load, cpus, waits, cells, scenarios)
