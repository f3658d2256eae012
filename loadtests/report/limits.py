"""Predicted beside measured: what the model says of a cell, and which limit binds."""

from loadtests.charts import View
from loadtests.charts.wording import number
from loadtests.limits_met import worded
from loadtests.outcome import CellResult
from loadtests.report.figures import NOTHING, Figure, Row

PREDICTED = ("Predicted/s", "Measured/s", "Off by", "What limits it")
"""Headings of a row's figures."""
OFF_MOST = 0.10


def limit_of(run: View, cell: CellResult) -> Row | None:
    """Return one side's prediction of one cell; None where the model says nothing of it."""
    if cell.predicted_rps is None or cell.limit is None:
        return None
    side = run.manifest.a if cell.label == "a" else run.manifest.b
    measured = cell.throughput.value if cell.throughput else None
    off = cell.predicted_rps / measured - 1 if measured else None
    return Row(
        load=cell.load,
        label=cell.label,
        name=run.names[cell.label],
        figures=[
            Figure(number(cell.predicted_rps)),
            Figure(NOTHING if measured is None else number(measured)),
            Figure(NOTHING) if off is None else Figure(f"{off:+.0%}".replace("-0%", "+0%"), "", abs(off) > OFF_MOST),
            Figure(worded(cell.limit, side)),
        ],
    )
