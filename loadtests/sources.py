"""What each of our builds runs for a scenario, taken from its source when a run is made."""

from collections.abc import Sequence
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path

from loadtests.experiment.plan import Experiment
from loadtests.experiment.scenario import Scenario
from loadtests.experiment.sides import BUILDS, Label, Side
from loadtests.records.manifest import HandlerRecord
from loadtests.routes import Route, routes
from loadtests.statements import statements

Sources = dict[str, dict[Label, HandlerRecord]]
"""By scenario and side."""


def sources(experiment: Experiment) -> Sources:
    """Return the handlers that the scenarios' requests reach; of other apps than ours nothing is known."""
    found: Sources = {}
    labels: tuple[Label, Label] = ("a", "b")
    for label in labels:
        side = experiment.side(label)
        known = _routes(side)
        for scenario in experiment.scenarios:
            if reached := _reached(scenario, known):
                record = _record(reached, experiment.database, lazy=side.settings().get("loading") == "lazy")
                found.setdefault(scenario.name, {})[label] = record
    return found


def _routes(side: Side) -> list[Route]:
    if side.app not in BUILDS.values():
        return []
    spec = find_spec(str(side.app).partition(".")[0])  # of a package by itself: that does not import it
    folders = spec.submodule_search_locations if spec else None
    # What only readers want is no reason not to measure.
    with suppress(OSError, SyntaxError):
        return routes(Path(folders[0])) if folders else []
    return []


def _reached(scenario: Scenario, known: Sequence[Route]) -> list[Route]:
    """Return the routes of its requests, each once, in the order of the requests."""
    first = (next((route for route in known if route.answers(request)), None) for request in scenario.requests)
    return list(dict.fromkeys(route for route in first if route is not None))


def _record(reached: Sequence[Route], database: str, *, lazy: bool) -> HandlerRecord:
    lines = [line for route in reached for line in (*route.lines, "", "")][:-2]
    files = dict.fromkeys("/".join(route.file.parts[-3:]) for route in reached)
    return HandlerRecord(files=list(files), lines=lines, statements=statements("\n".join(lines), database, lazy=lazy))
