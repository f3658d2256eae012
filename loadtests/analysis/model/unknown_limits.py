"""Why it is not known what binds a side, in words: where the model can't speak, and where it is wrong (pure)."""

from collections.abc import Sequence

from loadtests.analysis.model.capacity import Resources
from loadtests.analysis.model.side_resources import SideResources
from loadtests.experiment.loads import ClosedLoop
from loadtests.records.summary import CellResult

NO_LONGER_A_MODEL = 0.25
"""How far off a prediction may be, for its limit to be worth a word."""
HARDLY_FULL = 0.75
"""Share of its time for which a CPU must have been busy, for a word of the model that it is the limit."""
WORTH_NAMING = 0.05
"""Share of the cores' time from which on what others took may be why."""


def busy_share(cell: CellResult, has: Resources) -> float:
    """Return the share of their time that the side's cores were busy; 0 if it is not known."""
    if not (cell.throughput and cell.cpu_per_request):
        return 0.0
    return cell.throughput.value * cell.cpu_per_request.value / has.cores


def is_far_off(cell: CellResult) -> bool:
    """Whether the model is wrong about a cell."""
    if cell.predicted_rps is None or cell.throughput is None:
        return False
    return abs(cell.predicted_rps / cell.throughput.value - 1) > NO_LONGER_A_MODEL


def why_unknown(
    cell: CellResult, others: Sequence[CellResult], known: SideResources, flags: Sequence[str], foreign: float = 0.0
) -> str:
    """Return why it is not known what binds a cell; empty where it is known, or where the model is not asked.

    Args:
        cell: with what the model says of it.
        others: of the run, the cell itself included.
        known: what the side has.
        flags: of the cell's verdict.
        foreign: the largest share of the cores' time that something else took in a block, 0 to 1.
    """
    if not isinstance(cell.load, ClosedLoop) or cell.throughput is None:
        return ""
    if said := _by_flags(cell, flags) or known.why_not:
        return said
    if cell.predicted_rps is not None and is_far_off(cell):
        return _why_wrong(cell.predicted_rps, cell.throughput.value, foreign)
    if known.has is not None and cell.limit == "cpu" and (busy := busy_share(cell, known.has)) < HARDLY_FULL:
        return f"the model says its CPU, but that was busy only {busy:.0%} of the time"
    if known.has is not None and cell.cpu_per_request is None:
        return "its CPU time could not be read"
    return (
        ""
        if known.has is None or cell.limit is not None or cell.predicted_rps is not None
        else _why_not_predicted(cell, others)
    )


def _by_flags(cell: CellResult, flags: Sequence[str]) -> str:
    """Return why what was measured says little of the server."""
    if any(flag in ("driver-bound", f"driver-bound:{cell.label}") for flag in flags):
        return "the load driver may have been the limit"
    if f"failures:{cell.label}" in flags:
        return "many of its requests failed, and a failed request may need less than a good one"
    return ""


def _why_wrong(predicted_rps: float, measured_rps: float, foreign: float) -> str:
    if predicted_rps <= measured_rps:
        why = "a request needs less under this load than under lighter ones"
    elif foreign > WORTH_NAMING:
        why = (
            f"other programs on this machine took up to {foreign:.0%} of the cores' time, or something else slows it"
            " down"
        )
    else:
        why = "something that the model does not include slows it down"
    return f"the model predicts {predicted_rps:,.0f} requests/s, but {measured_rps:,.0f} were measured: {why}"


def _why_not_predicted(cell: CellResult, others: Sequence[CellResult]) -> str:
    same = [other for other in others if (other.scenario, other.label) == (cell.scenario, cell.label)]
    lightest = min(same, key=lambda each: each.load.size)
    if lightest.load == cell.load:
        # A user who is alone has nobody to queue behind, and the lightest of several loads tells of the others.
        alone = len(same) > 1 or cell.load.size == 1
        return (
            "" if alone else f"there is no lighter load to show what a request needs: add --users 1,{cell.load.size:g}"
        )
    if not (lightest.throughput and lightest.cpu_per_request):
        return f"what a request needs was not measured at the lightest load, {lightest.load}"
    return (
        f"its CPU is already busy at the lightest load, {lightest.load}, which hides how long a request waits:"
        " add --users 1"
    )
