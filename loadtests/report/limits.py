"""Predicted beside measured: what the model says of a cell, which limit binds, and which was seen to."""

from loadtests.analysis.model.crossover import WORTH, parting_of
from loadtests.analysis.model.limits import resources, worded
from loadtests.charts.predicted import NEAR
from loadtests.charts.view import View
from loadtests.charts.wording import NO_BREAK, number
from loadtests.records.outcome import CellResult
from loadtests.report.figures import NOTHING, Figure, Row

PREDICTED = ("Predicted/s", "Measured/s", "Off by", "What limits it")
"""Headings of a row's figures."""
OBSERVED = "Seen to limit it"
"""One more, where the servers were looked into."""


def headings(run: View) -> tuple[str, ...]:
    """Return the headings of a row's figures."""
    return (*PREDICTED, OBSERVED) if _looked_into(run) else PREDICTED


def limit_of(run: View, cell: CellResult) -> Row | None:
    """Return one side's prediction of one cell; None where the model says nothing of it."""
    if cell.predicted_rps is None or cell.limit is None:
        return None
    side = run.manifest.a if cell.label == "a" else run.manifest.b
    measured = cell.throughput.value if cell.throughput else None
    off = cell.predicted_rps / measured - 1 if measured else None
    figures = [
        Figure(number(cell.predicted_rps)),
        Figure(NOTHING if measured is None else number(measured)),
        Figure(NOTHING) if off is None else Figure(f"{off:+.0%}".replace("-0%", "+0%"), "", abs(off) > NEAR),
        Figure(worded(cell.limit, side)),
    ]
    if _looked_into(run):
        seen = cell.limit_seen
        figures.append(Figure(NOTHING) if seen is None else Figure(worded(seen, side), "", seen != cell.limit))
    return Row(load=cell.load, label=cell.label, name=run.names[cell.label], figures=figures)


def parting(run: View, scenario: str) -> str:
    """Say from how many users on b handles more, by the model and as measured; nothing where the model says nothing."""
    cores = max(1, len(run.manifest.server_cores))
    a, b = (resources(side, scenario, cores) for side in (run.manifest.a, run.manifest.b))
    cells = [cell for (name, _, _), cell in run.cells.items() if name == scenario]
    if a is None or b is None or not any(cell.predicted_rps for cell in cells):
        return ""
    found = parting_of(cells, run.headlines(scenario), a, b)
    if found is None:
        return ""
    names, more = run.names, f"{WORTH - 1:.0%}".replace("%", f"{NO_BREAK}%")
    least = "–" if found.least is None else f"{found.least:,}"
    spread = f"{least} to {found.most:,}" if found.most else f"{least}, or never" if found.least else ""
    said = (
        f"By the model {names['b']} handles {more} more than {names['a']} from {_users(found.users)} on"
        if found.users
        else f"By the model no number of users lets {names['b']} handle {more} more than {names['a']}"
    ) + (f" ({spread}, with the CPU times of a request at the ends of their 95{NO_BREAK}% intervals)" if spread else "")
    if found.from_users is None:
        return f"{said}; measured, at no load for sure."
    if found.not_yet is None:
        return f"{said}; measured, from {_users(found.from_users)} on, the lightest load there was."
    return f"{said}; measured, with {_users(found.from_users)}, and not yet with {found.not_yet:,}."


def _users(count: int) -> str:
    return f"{count:,} user{'s' if count != 1 else ''}"


def agreement(run: View) -> str:
    """Say in how many cells the limit that was predicted is the one that was seen; nothing where nobody looked."""
    judged = [cell.limit == cell.limit_seen for cell in run.cells.values() if cell.limit and cell.limit_seen]
    if not judged:
        return ""
    said = f"In {sum(judged)} of the {len(judged)} sides of cells of this run"
    return f"{said} the limit that was predicted is the one that was seen."


def _looked_into(run: View) -> bool:
    return any(cell.limit_seen for cell in run.cells.values())
