"""Ask both builds the same, and say whether they answer alike: the evidence for a claim that no ratio can show."""

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from loadtests.analysis.same_answers import AnswerComparison
from loadtests.experiment.exploration import Exploration
from loadtests.experiment.options import RunOptions
from loadtests.lessons.lesson import Measure
from loadtests.lessons.record import Evidence
from loadtests.records.answer_differences import Difference
from loadtests.runner.explore import explore
from loadtests.runner.next_rows import NextRows
from loadtests.runner.same_answers import Explored, check_answers
from loadtests.servers.server import Server
from loadtests.system.cores import assign_cores
from loadtests.system.errors import RunError

MEANT_TO_DIFFER = "/api/workloads/lazy"
"""A pitfall: sync answers and async refuses, as lesson missing_greenlet shows."""
CASES, SECONDS = 120, 40.0
"""How far both builds are explored beyond the scenarios' requests."""
LOCUST = "locust"
"""The driver that knows all scenarios; nothing is driven here."""


def compare_answers(measure: Measure) -> Evidence:
    """Return whether the sides of a measurement answer alike to all requests of its scenarios, and to more.

    Raises:
        RunError: a side can't be started.
    """
    options = RunOptions(
        scenarios=tuple(measure.scenarios), a=measure.a, b=measure.b, users="1", blocks=1, driver=LOCUST, unequal=True
    )
    experiment = options.experiment()
    compare = AnswerComparison()

    def explore_both(servers: Sequence[Server], work: Path) -> Explored:
        exploration = Exploration(CASES, SECONDS, writes=True)
        try:
            return explore(exploration, servers, compare, scenarios=experiment.scenarios, work=work)
        except RunError as failure:  # on a slow machine; what the scenarios ask was compared all the same
            return Explored(said=[f"nothing more was explored: {failure}"])

    exploring = explore_both if find_spec("schemathesis") else None
    found = check_answers(experiment, assign_cores(), compare, NextRows(), exploring, builds_are_alike=False)
    asked = sum(len(scenario.requests) for scenario in experiment.scenarios)
    return judged(asked, found.answered, found.differences, found.said if exploring else [])


def judged(asked: int, answered: int, differences: Sequence[Difference], said: Sequence[str]) -> Evidence:
    """Return the evidence of compared answers (pure).

    Args:
        asked: how many requests the scenarios have.
        answered: how many of them both builds answered well: where one hangs or both fail, nothing was compared.
        differences: how answers differ; a number of statements does not count.
        said: sentences on what was explored; none if nothing was.
    """
    differing = [each for each in differences if each.stops and MEANT_TO_DIFFER not in each.request]
    explored = f"; {said[0]}" if said else "; nothing was explored, which needs the extra: uv run --extra explore"
    if differing:
        first = differing[0]
        more = f", and {len(differing) - 1} more" if len(differing) > 1 else ""
        why = f"{first.request}, {first.what}: {first.a} against {first.b}{more}"
        return Evidence(why=f"{why}; {asked} requests of the scenarios{explored}", standing="refuted")
    if answered < asked:
        why = f"both builds answered only {answered} of {asked} requests of the scenarios well{explored}"
        return Evidence(why=why, standing="inconclusive")
    why = f"status, headers and bodies are alike: {asked} requests of the scenarios, twice on each build{explored}"
    return Evidence(why=f"{why}; but for {MEANT_TO_DIFFER}, which is there to differ", standing="supported")
