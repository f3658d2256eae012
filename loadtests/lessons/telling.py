"""What a lesson says once it has been measured: its code, its figures, its verdict and the reason, as text (pure)."""

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from loadtests.experiment.catalogue import CATALOGUE
from loadtests.lessons.expectation import Judged, Standing, together
from loadtests.lessons.lesson import Code, Lesson
from loadtests.records.outcome import Outcome, headline_of
from loadtests.report.wording import number
from loadtests.servers.handlers import routes

STYLES: dict[Standing, str] = {
    "supported": "bold green", "refuted": "bold red", "inconclusive": "yellow", "not tested": "dim",
}  # fmt: skip
VERDICTS: dict[Standing, str] = {
    "supported": "The hypothesis holds here.",
    "refuted": "The hypothesis does not hold here.",
    "inconclusive": "This measurement cannot tell; measure again, with more blocks or on a quieter machine.",
    "not tested": "What the hypothesis needs was not measured.",
}
REASONS: dict[Standing, str] = {
    "supported": "Why", "refuted": "Why it was expected", "inconclusive": "Why it is expected",
    "not tested": "Why it is expected",
}  # fmt: skip
"""What the mechanism is introduced by: it is no reason for what did not happen."""
HERE = Path(__file__).parents[2]
"""The folder that has the builds."""


@dataclass(frozen=True)
class Seen:
    """One expectation, and what the measurement says of it."""

    says: str
    where: str
    judged: Judged


def source(code: Code) -> str:
    """Return a piece of code; of a handler its source as it is now, without its docstring's margin."""
    if code.handler is None:
        return code.text
    build, path = code.handler
    found = next(route for route in routes(HERE / f"{build}_app") if route.path == path)
    return textwrap.dedent("\n".join(found.lines))


def seen(lesson: Lesson, outcome: Outcome) -> list[Seen]:
    """Judge everything that a lesson expects."""
    return [Seen(each.says, _where(lesson, each.scenario, each.size), each.judge(outcome)) for each in lesson.expects]


def standing(all_seen: Sequence[Judged]) -> Standing:
    """Return what holds of a lesson's expectations together."""
    return together([judged.standing for judged in all_seen])


def figures(lesson: Lesson, outcome: Outcome) -> list[tuple[str, str, str, str, str]]:
    """Return a row for each cell: where, what is measured, side a's figure, side b's, and their ratio with interval."""
    rows = []
    for c in outcome.comparisons:
        if c.metric != headline_of(c.load):
            continue
        scale, unit = (1.0, "requests/s") if c.metric == "throughput" else (1000.0, "ms, slowest 1 %")
        a, b = ("none" if side.value is None else number(side.value * scale) for side in (c.a, c.b))
        spread = f" ({c.interval[0]:.2f} to {c.interval[1]:.2f})" if c.interval else ""
        ratio = "–" if c.ratio is None else f"{c.ratio:.2f}{spread}"
        rows.append((_where(lesson, c.scenario, c.load.size), unit, a, b, ratio))
    return rows


def reasons(lesson: Lesson, outcome: Outcome) -> list[str]:
    """Return what was concluded of each cell in words, with the model's sentence where there is one.

    Of clients and loops nothing is concluded: none of them is the better one for having the smaller figure.
    """
    if lesson.measure.special is not None:
        return []
    return [c.explanation for c in outcome.comparisons if c.metric == headline_of(c.load) and c.explanation]


def sides(lesson: Lesson) -> tuple[str, str]:
    """Return what to call the two sides: what tells them apart."""
    a, b = lesson.measure.a, lesson.measure.b
    if lesson.measure.special is not None:
        return a, b
    return _apart(a, b), _apart(b, a)


def _apart(spec: str, other: str) -> str:
    return spec.removeprefix(f"{other},").rpartition(":")[2]


def _where(lesson: Lesson, scenario: str, size: float) -> str:
    defaults = CATALOGUE[scenario].defaults if scenario in CATALOGUE else {}
    if defaults:  # what is asked, as it would be typed
        scenario = f"{scenario}[{','.join(f'{name}={value:.15g}' for name, value in defaults.items())}]"
    if lesson.measure.special == "loops":
        return f"{scenario}, 4 users and {size:,.4g}/s"
    if lesson.measure.rate is not None:
        return f"{scenario}, {size:,.4g}/s"
    return f"{scenario}, {size:,.4g} user{'s' if size != 1 else ''}"
