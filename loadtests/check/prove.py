"""Measure what a change brings: an ordinary run of one route, the app as it is beside the app with that one change."""

import re
import sys
from collections.abc import Callable, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass
from pathlib import Path

from loadtests.analysis.analyse import analyse
from loadtests.analysis.same_answers import AnswerComparison
from loadtests.analysis.sequential import SequentialSchedule
from loadtests.check.record import Gain, RouteCheck
from loadtests.experiment.options import RunOptions
from loadtests.experiment.scenario import Scenario
from loadtests.experiment.side_text import name_and_settings, side_text
from loadtests.records.run_folder import RunFolder
from loadtests.records.summary import Comparison, Outcome
from loadtests.report.html.page import write as write_report
from loadtests.runner import run
from loadtests.runner.same_answers import AnswersDiffer
from loadtests.system.errors import RunError, UsageError

BUDGET = "4m"
"""For each route that is proved: one cell, so that four blocks are enough for a verdict."""
ALL = "all"


@dataclass(frozen=True)
class ProofOptions:
    """How changes are measured.

    Attributes:
        app: the side as it is, as typed.
        users: concurrent users.
        budget: of each run, as typed.
        folder: below which the runs' folders are made.
        database: as for a run.
        start_limit_s: how long a side may take to start, in seconds.
    """

    app: str
    users: int
    budget: str
    folder: Path
    database: str
    start_limit_s: float


def chosen(routes: Sequence[RouteCheck], wanted: Sequence[str]) -> list[RouteCheck]:
    """Return the routes whose change is to be measured, by their method and path, their path alone, or all that can be.

    Raises:
        UsageError: there is no such route.
    """
    found: dict[tuple[str, str], RouteCheck] = {}
    for text in wanted:
        if text == ALL:
            own = [route for route in routes if route.change is not None]
        else:
            method, _, path = text.rpartition(" ")
            own = [route for route in routes if route.path == path and method.upper().strip() in ("", route.method)]
            if not own:
                offered = ", ".join(f"{route.method} {route.path}" for route in routes if route.change is not None)
                hint = f"; choose one of: {offered}" if offered else "; no route has a change that can be proved"
                raise UsageError(f"--prove {text!r}: the app has no such route{hint}")
        found |= {(route.method, route.path): route for route in own}
    return list(found.values())


def prove(
    route: RouteCheck, scenario: Scenario | None, options: ProofOptions, tell: Callable[[str], None]
) -> RouteCheck:
    """Return a route with the measured gain beside the predicted one; with a note if nothing was measured.

    The run's folder is kept, with its report.

    Args:
        route: what was found of it.
        scenario: what it is asked; None if it was not.
        options: how to measure.
        tell: called with what is being done.

    Raises:
        Interrupted: by a signal.
    """
    name = f"{route.method} {route.path}"
    if route.change is None or scenario is None:
        what = (
            "its change can't be made without editing a file"
            if route.verdict not in ("keep", "not-known")
            else "there is nothing to change"
        )
        return _noted(route, f"not proved: {what}")
    tell(f"proving {name}: {route.change}, {options.budget}")
    app, given = name_and_settings(options.app)
    out = options.folder / (re.sub(r"\W+", "_", name).strip("_").lower() or "root")
    asked = RunOptions(
        a=options.app,
        b=side_text(app, {**given, "change": route.change}),
        offered=(scenario,),
        users=str(options.users),
        budget=options.budget,
        control=False,
        out=out,
        database=options.database,
        start_limit=options.start_limit_s,
    )
    try:
        with redirect_stdout(sys.stderr):
            run.measure(asked, SequentialSchedule, AnswerComparison)
            outcome = _reported(out)
    except AnswersDiffer as error:
        first = next(iter(error.differences), None)
        how = f": {first.what} {first.a} / {first.b}" if first is not None else ""
        return _noted(route, f"not proved: with the change the answers differ{how}")
    except RunError as error:
        return _noted(route, f"not proved: {error}")
    return with_proof(route, outcome.comparisons, str(out), options.users)


def with_proof(route: RouteCheck, comparisons: Sequence[Comparison], folder: str, users: int) -> RouteCheck:
    """Return a route with what a run measured; with a note if that has no ratio (pure).

    Args:
        route: what was found of it.
        comparisons: of the run.
        folder: of the run.
        users: of its load.
    """
    measured = next((each for each in comparisons if each.metric == "throughput"), None)
    if measured is None or measured.ratio is None:
        why = f": {measured.explanation}" if measured is not None and measured.explanation else ""
        return _noted(route, f"not proved{why}; the run is in {folder}")
    if measured.interval is None or "too-few-blocks" in measured.flags:
        few = f"{measured.blocks} block" + ("s" if measured.blocks != 1 else "")
        return _noted(
            route,
            f"not proved: the measured throughput is {measured.ratio:.3g} times as high, but {few} are too few for a"
            f" verdict; use a longer --prove-budget; the run is in {folder}",
        )
    proved = (measured.ratio, *measured.interval)
    gain = route.gain or Gain(
        users=users,
        now_rps=measured.a.value,
        then_rps=measured.b.value,
        ratio=measured.ratio,
        low=measured.interval[0],
        high=measured.interval[1],
        limit_now="",
        limit_then="",
    )
    return route.model_copy(update={"gain": gain.model_copy(update={"proved": proved, "proof_run": folder})})


def _reported(out: Path) -> Outcome:
    folder = RunFolder(out)
    manifest = folder.read_manifest()
    outcome = analyse(folder, manifest)
    write_report(folder, manifest, outcome, [])
    return outcome


def _noted(route: RouteCheck, note: str) -> RouteCheck:
    return route.model_copy(update={"note": "; ".join(filter(None, [route.note, note]))})
