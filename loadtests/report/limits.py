"""What limits each side, in sentences: what a request needs, what that allows, what is assumed or not known (pure)."""

from collections.abc import Iterator, Sequence

from loadtests.analysis.model.limits import worded_for
from loadtests.experiment import blog
from loadtests.experiment.loads import Load, ascending
from loadtests.experiment.sides import LABELS, SideLabel
from loadtests.records.summary import CellResult
from loadtests.report.view import RunView
from loadtests.report.wording import NO_BREAK, listed, milliseconds, named, number


def sentences(run: RunView, scenario: str) -> list[str]:
    """Return what is to be read beside a scenario's table of limits."""
    by_side = {label: _cells(run, scenario, label) for label in LABELS}
    said = [sentence for label in LABELS for sentence in _needs(run, by_side[label])]
    said += [sentence for label in LABELS for sentence in _unknown(run, by_side[label])]
    return said + [sentence for label in LABELS for sentence in _assumed(run, by_side[label])]


def lines(run: RunView) -> list[str]:
    """Return a line for each scenario on what limits the sides under its heaviest load, if they are not both builds.

    Of the blog the report says it, and its lessons: what is known of an app that nobody has seen before comes first.
    """
    if all(blog.resources_of(side.settings) is not None for side in (run.manifest.a, run.manifest.b)):
        return []
    said = []
    for scenario in run.scenarios:
        load = run.measured_loads(scenario.name)[-1]
        cells = [cell for label in LABELS if (cell := run.cells.get((scenario.name, load, label))) is not None]
        if clauses := list(_clauses(run, cells)):
            said.append(f"{scenario.name} at {named([load])}: {'; '.join(clauses)}.")
    return said


def _clauses(run: RunView, cells: Sequence[CellResult]) -> Iterator[str]:
    """Say what limits each side under one load; sides of which it is unknown for the same reason together."""
    unknown = {cell.limit_unknown for cell in cells}
    if len(cells) > 1 and len(unknown) == 1 and (reason := unknown.pop()):
        yield f"it is not known what limits either side: {reason}"
    else:
        yield from filter(None, (_clause(run, cell) for cell in cells))


def _clause(run: RunView, cell: CellResult) -> str:
    name = run.names[cell.label]
    if cell.limit_unknown:
        return f"it is not known what limits {name}: {cell.limit_unknown}"
    if cell.limit is None:
        return ""
    model = "" if cell.predicted_rps is None else f" (the model predicts {number(cell.predicted_rps)}/s)"
    return f"{name} is limited by {worded_for(cell.limit, run.manifest, cell)}{model}"


def _cells(run: RunView, scenario: str, label: SideLabel) -> list[CellResult]:
    """Return one side's cells, the heaviest load first."""
    loads = reversed(run.measured_loads(scenario))
    return [cell for load in loads if (cell := run.cells.get((scenario, load, label))) is not None]


def _needs(run: RunView, cells: Sequence[CellResult]) -> Iterator[str]:
    """Say what a request needs by the heaviest load for which that is known, and what it allows."""
    cell = next((cell for cell in cells if cell.needs is not None), None)
    if cell is None or cell.needs is None:
        return
    needs = cell.needs
    users = f"{needs.users:,} user{'s' if needs.users > 1 else ''}"
    allowed = [
        f"{number(rate)}/s for {worded_for(limit, run.manifest, cell)}"
        for limit, rate in sorted(needs.ceilings_rps.items(), key=lambda item: item[1])
    ]
    yield (
        f"A request to {run.names[cell.label]} needs {milliseconds(needs.cpu_s)}{NO_BREAK}ms of CPU time and waits"
        f" {milliseconds(needs.wait_s)}{NO_BREAK}ms (measured with {users}). That allows at most {listed(allowed)},"
        " however many users there are."
    )


def _unknown(run: RunView, cells: Sequence[CellResult]) -> Iterator[str]:
    """Say why it is not known what limits a side, loads with the same reason together."""
    why: dict[str, list[Load]] = {}
    for cell in cells:
        if cell.limit_unknown:
            why.setdefault(cell.limit_unknown, []).append(cell.load)
    for reason, loads in why.items():
        yield f"It is not known what limits {run.names[cells[0].label]} at {named(ascending(loads))}: {reason}."


def _assumed(run: RunView, cells: Sequence[CellResult]) -> Iterator[str]:
    assumed = list(dict.fromkeys(each for cell in cells if cell.predicted_rps is not None for each in cell.assumed))
    if assumed:
        said = listed([f"that {each}" for each in assumed])
        yield f"For {run.names[cells[0].label]} the model assumes {said}."
