"""A lesson as text: its code, figures, verdict and reason, and its page in the docs (pure).

``bench lesson`` prints the same that the page shows.
"""

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from loadtests.analysis.verdict_kinds import ALIKE
from loadtests.experiment.blog import ELSEWHERE, ROOT, find_settings
from loadtests.experiment.catalogue import CATALOGUE
from loadtests.experiment.sides import LABELS, SideLabel
from loadtests.lessons.catalogue import LESSONS
from loadtests.lessons.lesson import CLOSED_LOOP_USERS, SIGNS, Code, Judgement, Lesson, Ratio, Standing, combined
from loadtests.lessons.record import LessonRecord
from loadtests.records.summary import Comparison, Metric, Outcome, headline_of
from loadtests.report.wording import number, word
from loadtests.servers.handlers import routes

STYLES: dict[Standing, str] = {
    "supported": "bold green", "refuted": "bold red", "inconclusive": "yellow", "not tested": "dim",
}  # fmt: skip
VERDICTS: dict[Standing, str] = {
    "supported": "The hypothesis holds here.",
    "refuted": "The hypothesis does not hold here.",
    "inconclusive": "This measurement does not decide it; measure again, with more blocks or on a quieter machine.",
    "not tested": "What the hypothesis needs was not measured.",
}
REASONS: dict[Standing, str] = {
    "supported": "Why", "refuted": "Why it was expected", "inconclusive": "Why it is expected",
    "not tested": "Why it is expected",
}  # fmt: skip
"""The heading of the mechanism: it can't explain what was not observed."""
SHOWN_AS: Mapping[Metric, tuple[float, str]] = {
    "throughput": (1.0, "requests/s"), "p50": (1000.0, "ms, median"), "p99": (1000.0, "ms, slowest 1 %"),
    "cpu_per_request": (1000.0, "ms, CPU time"),
}  # fmt: skip
"""What a figure is multiplied by, and the unit it then has."""
GENERATED = "<!-- Written by `bench example`; changes made by hand are lost. -->"


@dataclass(frozen=True)
class JudgedExpectation:
    """An expectation with its judgement.

    Attributes:
        says: the expectation as a sentence.
        where: the scenario and load.
        judged: what the measurement says.
    """

    says: str
    where: str
    judged: Judgement


def source(code: Code) -> str:
    """Return a piece of code; for a handler its current source, dedented."""
    if code.handler is None:
        return code.text
    build, path = code.handler
    if find_settings() is None:
        return f"# the handler of {path} in {build}_app; {ELSEWHERE}"
    found = next(route for route in routes(ROOT / f"{build}_app") if route.path == path)
    return textwrap.dedent("\n".join(found.lines))


def judged_expectations(lesson: Lesson, outcome: Outcome) -> list[JudgedExpectation]:
    """Judge everything that a lesson expects."""
    return [
        JudgedExpectation(each.says, _where(lesson, each.scenario, each.size), each.judge(outcome))
        for each in lesson.expects
    ]


def standing(judged: Sequence[Judgement]) -> Standing:
    """Return whether a lesson's expectations hold together."""
    return combined([each.standing for each in judged])


class FiguresRow(NamedTuple):
    """What was measured in one cell, in words.

    Attributes:
        where: scenario and load.
        unit: of the sides' figures.
        a: figure of side a.
        b: figure of side b.
        ratio: b ÷ a with its interval.
        verdict: as in every other table; empty where clients or loops are compared.
    """

    where: str
    unit: str
    a: str
    b: str
    ratio: str
    verdict: str


def figures(lesson: Lesson, outcome: Outcome) -> list[FiguresRow]:
    """Return a row for each cell, and for each other metric that the lesson expects something of."""
    names: Mapping[SideLabel, str] = dict(zip(LABELS, sides(lesson), strict=True))
    rows = []
    for c in _shown(lesson, outcome):
        scale, unit = SHOWN_AS[c.metric]
        a, b = ("none" if side.value is None else number(side.value * scale) for side in (c.a, c.b))
        spread = f" ({c.interval[0]:.2f} to {c.interval[1]:.2f})" if c.interval else ""
        ratio = "–" if c.ratio is None else f"{c.ratio:.2f}{spread}"
        verdict = word(c, names) if lesson.measure.compares == "sides" else ""
        rows.append(FiguresRow(_where(lesson, c.scenario, c.load.size), unit, a, b, ratio, verdict))
    return rows


def _shown(lesson: Lesson, outcome: Outcome) -> Iterator[Comparison]:
    expected = {(each.scenario, each.size, each.metric) for each in lesson.expects if isinstance(each, Ratio)}
    for c in outcome.comparisons:
        if c.metric == headline_of(c.load) or (c.scenario, c.load.size, c.metric) in expected:
            yield c


def headings_of(lesson: Lesson) -> list[str]:
    """Return the headings over the rows of figures; where clients or loops are compared there is no verdict."""
    return [
        "",
        "",
        *sides(lesson),
        "ratio (95 % interval)",
        *(["verdict"] if lesson.measure.compares == "sides" else []),
    ]


def short(row: FiguresRow) -> tuple[str, str]:
    """Return in a few words where a row of figures was measured, and what was found there."""
    if row.ratio == "–":
        return row.where, f"{row.verdict}, {row.a} against {row.b}"
    verdict = f"{row.verdict}, " if ALIKE in row.verdict else ""  # who is better is in the ratio, and in what to use
    longer = "" if row.unit == "requests/s" else f" × as long ({row.unit.removeprefix('ms, ')})"
    return row.where, f"{verdict}{row.ratio}{longer}"


def reasons(lesson: Lesson, outcome: Outcome) -> list[str]:
    """Return each cell with the explanation of each verdict shown of it, and the model's sentence where there is one.

    Where clients or loops are compared there are none: a client or a loop is not better because its figure is smaller.
    """
    if lesson.measure.compares != "sides":
        return []
    return [
        f"{_where(lesson, c.scenario, c.load.size)} – {c.explanation}" for c in _shown(lesson, outcome) if c.explanation
    ]


def sides(lesson: Lesson) -> tuple[str, str]:
    """Return the names of the two sides: the part of each specification that differs."""
    a, b = lesson.measure.a, lesson.measure.b
    if lesson.measure.compares != "sides":
        return a, b
    return _difference(a, b), _difference(b, a)


def _difference(spec: str, other: str) -> str:
    name, *settings = spec.split(",")
    other_name, *other_settings = other.split(",")
    own = [setting for setting in settings if setting not in other_settings]
    return ",".join(own if name == other_name and own else [name.rpartition(":")[2], *own])


def _where(lesson: Lesson, scenario: str, size: float) -> str:
    defaults = CATALOGUE[scenario].defaults if scenario in CATALOGUE else {}
    if defaults:  # as it would be typed with its parameters
        scenario = f"{scenario}[{','.join(f'{name}={value:.15g}' for name, value in defaults.items())}]"
    if lesson.measure.compares == "loops":
        return f"{scenario}, {CLOSED_LOOP_USERS} users and {size:,.4g}/s"
    if lesson.measure.rate is not None:
        return f"{scenario}, {size:,.4g}/s"
    return f"{scenario}, {size:,.4g} user{'s' if size != 1 else ''}"


def lesson_page(lesson: Lesson, record: LessonRecord, *, otherwise: str = "") -> str:
    """Return a lesson's page; ``otherwise`` is a sentence on other runs of its cells that had another verdict."""
    return "\n".join([*_page(lesson, record, otherwise), ""])


def _page(lesson: Lesson, record: LessonRecord, otherwise: str) -> Iterator[str]:
    yield from [GENERATED, f"# {lesson.title}", "", f"[All lessons](README.md) · `bench lesson {lesson.name}`", ""]
    yield from [f"**Question.** {lesson.question}", "", f"**Hypothesis**, {written(lesson)}. {lesson.hypothesis}", ""]
    yield from ["## The code", ""]
    for code in lesson.code:
        yield from [f"{_upper(code.title)}:", "", "```python", source(code), "```", ""]
    yield from ["## Measured", ""]
    if lesson.measure.compares == "sides":
        yield from [f"`{lesson.measure.command}`", ""]
    headings = headings_of(lesson)
    yield "".join(f"| {_cell(heading)} " if heading else "| " for heading in headings) + "|"
    yield "| --- | --- | ---: | ---: | ---: |" + " --- |" * (len(headings) - 5)
    for row in figures(lesson, record.outcome):
        yield f"| {' | '.join(map(_cell, row[: len(headings)]))} |"
    machine = record.environment
    yield ""
    yield (
        f"On {machine.cpu}, {machine.cores} core{'s' if machine.cores != 1 else ''}, {machine.python},"
        f" {record.database}, {record.created:%-d %B %Y}; it took {record.seconds:.0f} s. Figures differ"
        " between machines; compare the ratios."
    )
    yield from ["", otherwise] if otherwise else []
    judged = judged_expectations(lesson, record.outcome)
    overall = standing([each.judged for each in judged])
    yield from ["", "## Verdict", "", f"**{VERDICTS[overall]}**", ""]
    for each in judged:
        figure = f": {each.judged.figure}" if each.judged.figure else ""
        why = f" – {each.judged.why}" if each.judged.why else ""
        yield f"- {SIGNS[each.judged.standing]} {each.says}{figure}{why}."
    yield from ["", f"## {REASONS[overall]}", "", lesson.why, ""]
    quoted = reasons(lesson, record.outcome)
    yield from "\n>\n".join(f"> {sentence}" for sentence in quoted).splitlines()
    yield from [*([""] if quoted else []), *lesson.guide.splitlines(), *([""] if lesson.guide else [])]
    yield from ["## Try next", ""]
    yield from (f"- `{command}` – {purpose}" for command, purpose in lesson.next)


def written(lesson: Lesson) -> str:
    """Return when a lesson's hypothesis was written, in words."""
    return f"written on {lesson.written:%-d %B %Y}"


def _upper(text: str) -> str:
    return f"`{text}`" if text.endswith("_app") else text[:1].upper() + text[1:]


def lesson_index(records: Mapping[str, LessonRecord]) -> str:
    """Return the page that lists all lessons; those whose hypothesis was refuted stand first."""
    lines = [
        GENERATED,
        "# Lessons",
        "",
        "Each lesson asks one question: what you expect, the code, a measurement, the answer and the reason."
        " `bench lesson NAME` runs it on your own machine (put `uv run` before it, as before every command here); these"
        " pages show our results. Each measurement is repeated in six *blocks*, fresh starts of both sides. A *ratio*"
        " is the right side divided by the left one, block by block. Its *95 % interval* shows how certain it is.",
        "",
        "| lesson | question | the hypothesis | takes |",
        "| --- | --- | --- | --- |",
    ]
    found = {
        name: standing([each.judged for each in judged_expectations(LESSONS[name], record.outcome)])
        for name, record in records.items()
    }
    for name, overall in sorted(found.items(), key=lambda each: each[1] != "refuted"):
        lesson, record = LESSONS[name], records[name]
        words = {"supported": "holds", "refuted": "does not hold", "inconclusive": "not decided"}.get(overall, overall)
        lines.append(
            f"| [{lesson.title}]({name}.md) | {_cell(lesson.question)} | {SIGNS[overall]} {words}"
            f" | {record.seconds:.0f} s |"
        )
    return "\n".join([*lines, ""])


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
