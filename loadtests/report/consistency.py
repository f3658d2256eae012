"""Does it add up? Figures that were counted apart from each other, and must agree."""

from loadtests.analysis.flag_checks import DRIVER_BUSY_LIMIT, LITTLES_LAW_LIMIT
from loadtests.charts.view import View
from loadtests.charts.wording import milliseconds, number
from loadtests.experiment.loads import ClosedLoop
from loadtests.records.outcome import CellResult
from loadtests.report.figures import NOTHING, Figure, Row

ADDING_UP = (
    "Ended/s", "Mean time, ms", "Their product", "In flight, mean", "Product ÷ in flight", "Driver busy, mean",
    "Driver’s busiest second",
)  # fmt: skip
"""Headings of a row's figures."""


def adds_up(run: View, cell: CellResult) -> Row:
    """Return one side's figures of one cell, side by side with what they should be."""
    return Row(
        load=cell.load,
        label=cell.label,
        name=run.names[cell.label],
        figures=[
            *_littles_law(cell, steady=not run.overloaded(cell), thinking=run.thinking(cell.scenario)),
            _share(cell, cell.driver_busy),
            _share(cell, cell.driver_peak),
        ],
    )


def _littles_law(cell: CellResult, *, steady: bool, thinking: bool) -> list[Figure]:
    """Show requests that end a second × the time each takes, beside the number in flight, which is counted apart."""
    law, mean = cell.littles_law, cell.response_mean_s
    if law is None or not mean:
        return [Figure(NOTHING, "not measured")] * 5
    product = law * cell.in_flight
    missing = (
        not thinking and isinstance(cell.load, ClosedLoop) and cell.in_flight < (1 - LITTLES_LAW_LIMIT) * cell.load.size
    )
    of_users = f" of {cell.load}" if isinstance(cell.load, ClosedLoop) else ""
    return [
        Figure(number(product / mean)),
        Figure(milliseconds(mean)),
        Figure(number(product)),
        Figure(f"{number(cell.in_flight)}{of_users}", "the others waited for the client" if missing else "", missing),
        Figure(
            f"{law:.3f}",
            "" if steady else "it falls behind",
            steady and not thinking and abs(law - 1) > LITTLES_LAW_LIMIT,
        ),
    ]


def _share(cell: CellResult, busy: float) -> Figure:
    if cell.throughput is None:
        return Figure(NOTHING, "not measured")
    return Figure(f"{busy:.0%}", "", busy > DRIVER_BUSY_LIMIT)
