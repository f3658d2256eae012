"""``bench lesson``: list the lessons, or take one."""

from pathlib import Path

import click
from rich.console import Group
from rich.padding import Padding
from rich.syntax import Syntax
from rich.table import Table
from rich.text import Text

from loadtests.lessons import text
from loadtests.lessons.catalogue import LESSONS, lesson_named
from loadtests.lessons.lesson import SIGNS, Lesson
from loadtests.lessons.measure import check_sides, measure_lesson
from loadtests.lessons.record import LessonRecord, read_lesson
from loadtests.records.run_folder import new_folder
from loadtests.system.terminal import PipeConsole

WIDE = 100
"""Columns from which on two pieces of code fit side by side."""


@click.command(name="lesson")
@click.argument("name", required=False)
@click.option("--out", type=click.Path(path_type=Path), help="The results folder, which must not exist yet.")
def lesson_(name: str | None, out: Path | None) -> None:
    """Take the lesson NAME: a question, two pieces of code, a live measurement, the answer and the reason.

    Without a NAME it lists all lessons. Each takes about a minute at most.
    """
    if name is None:
        show_list()
    else:
        take(name, out)


def show_list() -> None:
    """Print every lesson with its question."""
    table = Table(title="Lessons", title_justify="left", title_style="bold")
    table.add_column("bench lesson …")
    table.add_column("question")
    for lesson in LESSONS.values():
        table.add_row(Text(lesson.name, style="bold"), Text(lesson.question))
    PipeConsole().print(table)


def take(name: str, out: Path | None) -> None:
    """Ask, measure, answer and explain.

    Raises:
        UsageError: there is no such lesson, or it can't be measured here.
        Interrupted, RunError: it could not be completed.
    """
    lesson = lesson_named(name)
    check_sides(lesson.measure, f"lesson {name!r}")
    console = PipeConsole()
    _ask(console, lesson)
    record = measure_lesson(lesson, out or new_folder(f"lessons/{name}"))
    _answer(console, lesson, record)


def print_lesson(path: Path) -> None:
    """Print what a lesson said that was kept; raises UnreadableRun."""
    record = read_lesson(path)
    lesson, console = lesson_named(record.lesson), PipeConsole()
    _ask(console, lesson)
    _answer(console, lesson, record)


def _ask(console: PipeConsole, lesson: Lesson) -> None:
    console.print(Text(f"\n{lesson.title}", style="bold underline"))
    _say(console, "Question", lesson.question)
    _say(console, f"Hypothesis, {text.written(lesson)}", lesson.hypothesis)
    pieces = [
        Group(
            Text(code.title, style="bold"),
            Syntax(text.source(code), "python", theme="ansi_light", background_color="default", word_wrap=True),
        )
        for code in lesson.code
    ]
    side_by_side = Table.grid(expand=True, padding=(0, 2))
    if console.width >= WIDE:
        for _ in pieces:
            side_by_side.add_column(ratio=1)
        side_by_side.add_row(*pieces)
    else:
        for piece in pieces:
            side_by_side.add_row(piece)
    console.print(Padding(side_by_side, (1, 0, 1, 2)))
    if lesson.measure.compares == "sides":
        _say(console, "Measured with", lesson.measure.command)


def _answer(console: PipeConsole, lesson: Lesson, record: LessonRecord) -> None:
    table = Table(title="Measured", title_justify="left", title_style="bold")
    headings = text.headings_of(lesson)
    for heading in headings:
        table.add_column(heading, justify="left" if heading in ("", "verdict") else "right", overflow="fold")
    for where, *figures in text.figures(lesson, record.outcome):
        place = where if console.width >= WIDE else where.replace("[", "\n[", 1)
        table.add_row(*map(Text, [place, *figures][: len(headings)]))
    console.print(table)
    seen = text.judged_expectations(lesson, record.outcome)
    overall = text.standing([each.judged for each in seen])
    console.print(Text(f"\nVerdict: {text.VERDICTS[overall]}", style=text.STYLES[overall]))
    for each in seen:
        sign = Text(f"{SIGNS[each.judged.standing]} ", style=text.STYLES[each.judged.standing])
        why = f" – {each.judged.why}" if each.judged.why else ""
        figure = f": {each.judged.figure}" if each.judged.figure else ""
        console.print(Padding(sign.append(f"{each.says}{figure}{why}.", style="not bold default"), (0, 0, 0, 2)))
    _say(console, text.REASONS[overall], lesson.why)
    for sentence in text.reasons(lesson, record.outcome):
        console.print(Padding(Text(sentence), (0, 0, 0, 2)))
    if lesson.guide:
        _say(console, "The cure in your own app, with its code", f"docs/lessons/{lesson.name}.md")
    console.print(Text("\nTry next", style="bold"))
    for command, purpose in lesson.next:
        console.print(Padding(Text(command, style="cyan"), (0, 0, 0, 2)), soft_wrap=True)
        console.print(Padding(Text(purpose, style="dim"), (0, 0, 0, 4)))
    console.print(Text(f"\nTook {record.seconds:.0f} s.", style="dim"))


def _say(console: PipeConsole, what: str, text: str) -> None:
    console.print(Text(f"\n{what}", style="bold"))
    console.print(Padding(Text(text), (0, 0, 0, 2)))
