"""A lesson as a page: the same that ``bench lesson`` prints, from what was measured for the docs (pure)."""

from collections.abc import Iterator, Mapping

from loadtests.lessons import telling
from loadtests.lessons.catalogue import LESSONS
from loadtests.lessons.expectation import SIGNS
from loadtests.lessons.lesson import Lesson
from loadtests.lessons.record import LessonRecord

GENERATED = "<!-- Written by `bench example`; what is changed here by hand is lost. -->"


def lesson_page(lesson: Lesson, record: LessonRecord) -> str:
    """Return a lesson's page."""
    return "\n".join([*_page(lesson, record), ""])


def lesson_index(records: Mapping[str, LessonRecord]) -> str:
    """Return the page that lists all lessons."""
    lines = [
        GENERATED,
        "# Lessons",
        "",
        "One question each: what you expect, the code, a measurement, the answer and the reason. `bench lesson NAME`"
        " takes one on your own machine (with `uv run` before it, as before every command here); these pages show what"
        " came out on ours. Each measurement is repeated in six *blocks*, fresh starts of both sides; a *ratio* is the"
        " right side divided by the left one, block by block, and its *95 % interval* is how sure that is.",
        "",
        "| lesson | question | the hypothesis | takes |",
        "| --- | --- | --- | --- |",
    ]
    for name, record in records.items():
        lesson = LESSONS[name]
        overall = telling.standing([each.judged for each in telling.seen(lesson, record.outcome)])
        words = {"supported": "holds", "refuted": "does not hold", "inconclusive": "not decided"}.get(overall, overall)
        lines.append(
            f"| [{lesson.title}]({name}.md) | {_cell(lesson.question)} | {SIGNS[overall]} {words}"
            f" | {record.seconds:.0f} s |"
        )
    return "\n".join([*lines, ""])


def _page(lesson: Lesson, record: LessonRecord) -> Iterator[str]:
    yield from [GENERATED, f"# {lesson.title}", "", f"[All lessons](README.md) · `bench lesson {lesson.name}`", ""]
    yield from [f"**Question.** {lesson.question}", "", f"**Hypothesis.** {lesson.hypothesis}", "", "## The code", ""]
    for code in lesson.code:
        yield from [f"{_upper(code.title)}:", "", "```python", telling.source(code), "```", ""]
    yield from ["## Measured", ""]
    if lesson.measure.special is None:
        yield from [f"`{lesson.measure.command}`", ""]
    a, b = telling.sides(lesson)
    yield f"| | | {_cell(a)} | {_cell(b)} | ratio (95 % interval) |"
    yield "| --- | --- | ---: | ---: | ---: |"
    for row in telling.figures(lesson, record.outcome):
        yield f"| {' | '.join(map(_cell, row))} |"
    machine = record.environment
    yield ""
    yield (
        f"On {machine.cpu}, {machine.cores} core{'s' if machine.cores != 1 else ''}, {machine.python},"
        f" {record.database}, {record.created:%-d %B %Y}; it took {record.seconds:.0f} s. Other machines give other"
        " figures; compare the ratios."
    )
    seen = telling.seen(lesson, record.outcome)
    overall = telling.standing([each.judged for each in seen])
    yield from ["", "## Verdict", "", f"**{telling.VERDICTS[overall]}**", ""]
    for each in seen:
        figure = f": {each.judged.figure}" if each.judged.figure else ""
        why = f" – {each.judged.why}" if each.judged.why else ""
        yield f"- {SIGNS[each.judged.standing]} {each.says}{figure}{why}."
    yield from ["", f"## {telling.REASONS[overall]}", "", lesson.why, ""]
    quoted = telling.reasons(lesson, record.outcome)
    yield from "\n>\n".join(f"> {sentence}" for sentence in quoted).splitlines()
    yield from [*([""] if quoted else []), "## Try next", ""]
    yield from (f"- `{command}` – {purpose}" for command, purpose in lesson.next)


def _upper(text: str) -> str:
    return f"`{text}`" if text.endswith("_app") else text[:1].upper() + text[1:]


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
