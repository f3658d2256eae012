"""The limit that binds each side: CPU, threads, connections or users, as predicted, and as seen (pure).

A cell is predicted from lighter loads of the same side. Where the servers were observed, the limit that was seen is put
beside the one that was predicted. Of an app that is not the blog it is said where its limit is not known, and why.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from loadtests.analysis.model.capacity import (
    NEAR_FULL,
    Demand,
    Prediction,
    Resources,
    bound_rps,
    ceilings_rps,
    predict,
)
from loadtests.analysis.model.demand import demand_of, wait_s
from loadtests.analysis.model.observed import limit_seen
from loadtests.analysis.model.side_resources import side_resources
from loadtests.analysis.model.unknown_limits import busy_share, is_far_off, why_unknown
from loadtests.experiment import blog
from loadtests.experiment.loads import ClosedLoop, Load
from loadtests.experiment.sides import LABELS, SideLabel
from loadtests.records.manifest import Manifest, SideRecord
from loadtests.records.summary import CellResult, Comparison, Limit, Needs, Outcome, headline_of, side_names


def with_limits(outcome: Outcome, manifest: Manifest) -> Outcome:
    """Add what the model says of each cell to its figures, and to the sentences on its verdict."""
    flagged = {(c.scenario, c.load): c.flags for c in outcome.comparisons if c.metric == headline_of(c.load)}
    taken = [(block.foreign or 0.0) + (block.steal or 0.0) for block in manifest.machine]
    cells = []
    for cell in outcome.cells:
        known = side_resources(manifest, cell.label, cell.scenario)
        found = cell
        flags = flagged.get((cell.scenario, cell.load), [])
        failing = not _is_build(manifest, cell.label) and f"failures:{cell.label}" in flags
        if known.has is not None and not failing:
            found = _with_limit(cell, outcome.cells, known.has, manifest.driver_overhead_s)
        if not _is_build(manifest, cell.label):
            if known.has is not None and not failing and busy_share(cell, known.has) >= NEAR_FULL:
                found = replace(found, limit="cpu")  # which is measured, whatever the model says
            why = why_unknown(found, outcome.cells, known, flags, max(taken, default=0.0))
            found = replace(found, limit_unknown=why, assumed=list(known.assumed))
        cells.append(found)
    by_place = {(c.scenario, c.load, c.label): c for c in cells}
    comparisons = [_with_limits_explained(c, by_place, manifest) for c in outcome.comparisons]
    return replace(outcome, cells=cells, comparisons=comparisons)


def _is_build(manifest: Manifest, label: SideLabel) -> bool:
    return blog.resources_of((manifest.a if label == "a" else manifest.b).settings) is not None


def _with_limit(cell: CellResult, others: Sequence[CellResult], has: Resources, overhead_s: float | None) -> CellResult:
    found = _predict(cell, others, has, overhead_s)
    if found is not None:
        cell = replace(
            cell, predicted_rps=found.throughput_rps, limit=found.limit, bound_rps=_bound_rps(cell, others, has)
        )
    return replace(cell, limit_seen=_limit_seen(cell, has), needs=_needs(cell, others, has, overhead_s))


def _needs(cell: CellResult, others: Sequence[CellResult], has: Resources, overhead_s: float | None) -> Needs | None:
    """Return what a request of a cell needs, the lightest load's by itself."""
    same = [c for c in others if (c.scenario, c.label) == (cell.scenario, cell.label)]
    lightest = min(same, key=lambda c: c.load.size, default=cell)
    if not isinstance(lightest.load, ClosedLoop):
        return None
    demand = demand_of(cell, same, overhead_s, has)
    if demand is None and lightest.load == cell.load and cell.cpu_per_request is not None:
        wait = wait_s(cell, overhead_s or 0.0, has)
        demand = None if wait is None else Demand(cell.cpu_per_request.value, wait)
    if demand is None:
        return None
    return Needs(demand.cpu_s, demand.wait_s, lightest.load.users, ceilings_rps(demand, has))


def _predict(
    cell: CellResult, others: Sequence[CellResult], has: Resources, overhead_s: float | None
) -> Prediction | None:
    """Predict a cell from others of its side; None if the model does not reach it."""
    if not isinstance(cell.load, ClosedLoop):
        return None
    demand = demand_of(cell, others, overhead_s, has)
    return predict(demand, has, cell.load.users) if demand is not None else None


def _bound_rps(cell: CellResult, others: Sequence[CellResult], has: Resources) -> float | None:
    """Return what three divisions say of a cell, from the same measurements that the model has."""
    demand = demand_of(cell, others, has=has)
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
    return limit_seen(cell.seen, busy_share(cell, has), has)


def _with_limits_explained(
    c: Comparison, cells: Mapping[tuple[str, Load, SideLabel], CellResult], manifest: Manifest
) -> Comparison:
    if c.metric != headline_of(c.load):
        return c
    said = list(_limit_sentences(c, cells, manifest))
    return replace(c, explanation=" ".join([c.explanation, *said])) if said else c


def _limit_sentences(
    c: Comparison, cells: Mapping[tuple[str, Load, SideLabel], CellResult], manifest: Manifest
) -> Iterator[str]:
    for label, name in zip(LABELS, side_names(c.a.side, c.b.side), strict=True):
        cell = cells.get((c.scenario, c.load, label))
        if cell is None or cell.throughput is None:
            continue
        if cell.limit_unknown:
            yield f"It is not known what limits {name}: {cell.limit_unknown}."
        elif cell.predicted_rps is not None and is_far_off(cell):
            yield (
                f"The model is wrong about {name} here: it predicts {cell.predicted_rps:,.0f} requests/s, but"
                f" {cell.throughput.value:,.0f} were measured, so no limit is named."
            )
        elif cell.limit is not None:
            yield _limit_sentence(cell, cell.limit, cell.throughput.value, name, manifest)


def _limit_sentence(cell: CellResult, limit: Limit, measured_rps: float, name: str, manifest: Manifest) -> str:
    words = worded_for(limit, manifest, cell)
    if cell.predicted_rps is None:
        return f"{name} is limited by {words}, busy nearly all the time."
    return (
        f"{name} is limited by {words}: the model predicts {cell.predicted_rps:,.0f} requests/s,"
        f" {measured_rps:,.0f} were measured."
        + (f" Seen inside the server: {worded_for(cell.limit_seen, manifest, cell)}." if cell.limit_seen else "")
    )


def worded_for(limit: Limit, manifest: Manifest, cell: CellResult) -> str:
    """Return a limit of one side of a cell as a reader should see it, with its number where that is known."""
    has = side_resources(manifest, cell.label, cell.scenario).has
    side = manifest.a if cell.label == "a" else manifest.b
    return worded(limit, side) if has is None or _is_build(manifest, cell.label) else _worded(limit, has)


def worded(limit: Limit, side: SideRecord) -> str:
    """Return a limit of a build as a reader should see it, with its number where that is known."""
    known = blog.resources_of(side.settings)
    if known is None:
        return _worded(limit, Resources(2))
    return _worded(limit, Resources(known.workers, known.all_threads, known.all_connections))


def _worded(limit: Limit, has: Resources) -> str:
    words: Mapping[Limit, str] = {
        "users": "the number of its users",
        "cpu": "its core" if has.cores == 1 else "its cores",
        "threads": f"its {has.threads} threads" if has.threads else "its threads",
        "connections": f"its {has.connections} connections" if has.connections else "its connections",
    }
    return words[limit]
