"""Service demand of a request, and the limit that binds each side: CPU, threads, connections or users (pure).

What a request needs is never taken from the cell that is predicted. Its wait is the response time of a user who is
alone, without what the client is known to add to it; its CPU time what the server's clocks say under the next lighter
load. (A user alone finds the server asleep and its caches cold: a request costs up to three times as much CPU then as
under load.) In a dial, where there is one load, the wait is what the scenario asks for, and the CPU time is that of the
cell beside it: the same computation with a shorter wait.

Where the servers were observed, the limit that was seen is put beside the one that was predicted.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from loadtests.analysis.model.capacity import Demand, Prediction, Resources, bound_rps, predict
from loadtests.analysis.model.observed import limit_seen
from loadtests.experiment import blog
from loadtests.experiment.catalogue import holds_a_connection, mixed_ms
from loadtests.experiment.loads import ClosedLoop, Load
from loadtests.experiment.sides import LABELS, SideLabel
from loadtests.records.manifest import Manifest, SideRecord
from loadtests.records.summary import CellResult, Comparison, Limit, Outcome, headline_of, side_names

NO_LONGER_A_MODEL = 0.25
"""How far off a prediction may be, for its limit to be worth a word."""
UNKNOWN = frozenset({"journey", "custom", "pitfall"})
"""Kinds of scenario that the model does not know: users who think, apps it has not seen, loops that are blocked."""


def demand_of(cell: CellResult, others: Sequence[CellResult], overhead_s: float | None = None) -> Demand | None:
    """Return what a request of a cell needs; None if no other cell of that side tells.

    Args:
        cell: whose demand it is.
        others: of both sides and any scenario.
        overhead_s: the client's own part of a request, in seconds; None if unknown.
    """
    same = [other for other in others if other.label == cell.label]
    return _demand_from_lighter_load(
        cell, [other for other in same if other.scenario == cell.scenario], overhead_s or 0.0
    ) or _demand_from_cell_beside(cell, same)


def _demand_from_lighter_load(cell: CellResult, same: Sequence[CellResult], overhead_s: float) -> Demand | None:
    lighter = sorted((c for c in same if c.load.size < cell.load.size), key=lambda c: c.load.size)
    if not lighter or lighter[0].load.size != 1:
        return None
    alone, next_lighter = lighter[0], lighter[-1]
    wait_s = wait_of(alone, overhead_s)
    if wait_s is None or next_lighter.cpu_per_request is None:
        return None
    return Demand(next_lighter.cpu_per_request.value, wait_s)


def wait_of(alone: CellResult, overhead_s: float) -> float | None:
    """Return how long a request waits, in seconds, by a cell with one user; None if that is not known.

    Args:
        alone: the cell.
        overhead_s: the client's own part of a request, in seconds.
    """
    if not (alone.throughput and alone.cpu_per_request):
        return None
    return max(0.0, 1 / alone.throughput.value - alone.cpu_per_request.value - overhead_s)


def _demand_from_cell_beside(cell: CellResult, same: Sequence[CellResult]) -> Demand | None:
    """Take the CPU time of the next shorter wait; of the next longer one where there is none shorter."""
    if cell.load.size == 1 or (own := mixed_ms(cell.scenario)) is None:
        return None
    cpu_ms, wait_ms = own
    row = {
        at[1]: other.cpu_per_request.value
        for other in same
        if other.load == cell.load
        and other.cpu_per_request
        and (at := mixed_ms(other.scenario)) is not None
        and at[0] == cpu_ms
        and at[1] != wait_ms
    }
    if not row:
        return None
    shorter = [wait for wait in row if wait < wait_ms]
    return Demand(row[max(shorter) if shorter else min(row)], wait_ms / 1000)


def with_limits(outcome: Outcome, manifest: Manifest) -> Outcome:
    """Add what the model says of each cell to its figures, and to the sentences on its verdict."""
    kinds = {scenario.name: scenario.kind for scenario in manifest.scenarios}
    sides: dict[SideLabel, SideRecord] = {"a": manifest.a, "b": manifest.b}
    cores = max(1, len(manifest.server_cores))
    cells = []
    for cell in outcome.cells:
        known = kinds.get(cell.scenario) not in UNKNOWN
        has = resources(sides[cell.label], cell.scenario, cores) if known else None
        cells.append(cell if has is None else _with_limit(cell, outcome.cells, has, manifest.driver_overhead_s))
    by_place = {(c.scenario, c.load, c.label): c for c in cells}
    comparisons = [_with_limits_explained(c, by_place, sides) for c in outcome.comparisons]
    return replace(outcome, cells=cells, comparisons=comparisons)


def resources(side: SideRecord, scenario: str, cores: int) -> Resources | None:
    """Return what a side has for a scenario; None if that is not known, or if nothing keeps it from a deadlock.

    Args:
        side: with its settings.
        scenario: its name, parameters included.
        cores: that the servers were pinned to.
    """
    known = blog.resources_of(side.settings)
    holds = holds_a_connection(scenario)
    if known is None or (holds and known.can_deadlock):
        return None
    return Resources(
        cores=min(known.workers, cores),
        threads=known.all_threads,
        connections=known.all_connections if holds else None,
    )


def cores_used(side: SideRecord, cores: int) -> int:
    """Return how many cores a side can use at the same time: its worker processes, or the servers' cores if fewer.

    How many processes a side's own command starts is not known; it may use all cores.

    Args:
        side: with its settings.
        cores: that the servers were pinned to.
    """
    workers = side.settings.get("workers")
    return cores if workers is None or side.settings.get("command") else min(int(workers), cores)


def _with_limit(cell: CellResult, others: Sequence[CellResult], has: Resources, overhead_s: float | None) -> CellResult:
    found = _predict(cell, others, has, overhead_s)
    if found is not None:
        cell = replace(
            cell, predicted_rps=found.throughput_rps, limit=found.limit, bound_rps=_bound_rps(cell, others, has)
        )
    return replace(cell, limit_seen=_limit_seen(cell, has))


def _predict(
    cell: CellResult, others: Sequence[CellResult], has: Resources, overhead_s: float | None
) -> Prediction | None:
    """Predict a cell from others of its side; None if the model does not reach it."""
    if not isinstance(cell.load, ClosedLoop):
        return None
    demand = demand_of(cell, others, overhead_s)
    return predict(demand, has, cell.load.users) if demand is not None else None


def _bound_rps(cell: CellResult, others: Sequence[CellResult], has: Resources) -> float | None:
    """Return what three divisions say of a cell, from the same measurements that the model has."""
    demand = demand_of(cell, others)
    if demand is None or not isinstance(cell.load, ClosedLoop):
        return None
    alone = [
        other.throughput.value
        for other in others
        if (other.scenario, other.label, other.load.size) == (cell.scenario, cell.label, 1) and other.throughput
    ]
    return bound_rps(demand, has, cell.load.users, alone[0] if alone else None)


def _limit_seen(cell: CellResult, has: Resources) -> Limit | None:
    if cell.seen is None or not isinstance(cell.load, ClosedLoop):
        return None
    if not (cell.throughput and cell.cpu_per_request):
        return None
    return limit_seen(cell.seen, cell.throughput.value * cell.cpu_per_request.value / has.cores, has)


def _with_limits_explained(
    c: Comparison, cells: Mapping[tuple[str, Load, SideLabel], CellResult], sides: Mapping[SideLabel, SideRecord]
) -> Comparison:
    if c.metric != headline_of(c.load):
        return c
    said = list(_limit_sentences(c, cells, sides))
    return replace(c, explanation=" ".join([c.explanation, *said])) if said else c


def _limit_sentences(
    c: Comparison, cells: Mapping[tuple[str, Load, SideLabel], CellResult], sides: Mapping[SideLabel, SideRecord]
) -> Iterator[str]:
    for label, name in zip(LABELS, side_names(c.a.side, c.b.side), strict=True):
        cell = cells.get((c.scenario, c.load, label))
        if cell and cell.limit and cell.predicted_rps and cell.throughput:
            measured = cell.throughput.value
            if abs(cell.predicted_rps / measured - 1) > NO_LONGER_A_MODEL:
                yield (
                    f"Of {name} the model is wrong here: it gives {cell.predicted_rps:,.0f} requests/s, measured were"
                    f" {measured:,.0f}; so nothing is said of its limit."
                )
                continue
            yield (
                f"The limit of {name} is {worded(cell.limit, sides[label])}: the model gives it"
                f" {cell.predicted_rps:,.0f} requests/s, measured were {cell.throughput.value:,.0f}."
                + (f" Seen inside the server: {worded(cell.limit_seen, sides[label])}." if cell.limit_seen else "")
            )


def worded(limit: Limit, side: SideRecord) -> str:
    """Return a limit as a reader should see it, with its number where that is known."""
    known = blog.resources_of(side.settings)
    words: Mapping[Limit, str] = {
        "users": "its users, who all wait",
        "cpu": "its core" if known and known.workers == 1 else "its cores",
        "threads": f"its {known.all_threads} threads" if known else "its threads",
        "connections": f"its {known.all_connections} connections" if known else "its connections",
    }
    return words[limit]
