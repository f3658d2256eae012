"""The grid of a dial: which ``mixed`` scenarios of a run belong together, and what the model says of them (pure)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from loadtests.capacity import Demand
from loadtests.charts.view import View
from loadtests.crossing import crossing_wait_s
from loadtests.demands import mixed_ms
from loadtests.limits_met import resources
from loadtests.loads import ClosedLoop
from loadtests.outcome import Comparison, SideLabel

LEAST = 2
"""Rows and columns that make a grid."""


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

    def crossings_ms(self, view: View) -> list[float | None]:
        """Return for each row the wait from which on the model gives b 10 % more throughput, in milliseconds.

        What a request costs in CPU is measured, over the row; nothing else is taken from it. Both sides are given the
        mean of their costs, so that the line shows what threads do, not which side computes a little less. None where
        the model is not known (another app), or where b never gets that far.
        """
        cores = max(1, len(view.manifest.server_cores))
        a, b = (resources(side, "mixed", cores) for side in (view.manifest.a, view.manifest.b))
        if a is None or b is None:
            return [None] * len(self.cpus_ms)
        found: list[float | None] = []
        for cpu_ms in self.cpus_ms:
            demand_a, demand_b = self._demand(view, cpu_ms, "a"), self._demand(view, cpu_ms, "b")
            if demand_a is None or demand_b is None:
                found.append(None)
                continue
            both = Demand((demand_a.cpu_s + demand_b.cpu_s) / 2, 0.0)
            wait_s = crossing_wait_s(a, b, both, both, self.load.users)
            found.append(None if wait_s is None else wait_s * 1000)
        return found

    def _demand(self, view: View, cpu_ms: float, label: SideLabel) -> Demand | None:
        costs = [
            cell.cpu_per_request.value
            for (cpu, _), name in self.scenarios.items()
            if cpu == cpu_ms and (cell := view.cells.get((name, self.load, label))) and cell.cpu_per_request
        ]
        return Demand(median(costs), 0.0) if costs else None


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
