"""How the sides' answers to the same request differ, side by side and in sentences (pure)."""

from collections.abc import Sequence
from itertools import groupby

from rich.console import Console
from rich.table import Table
from rich.text import Text

from loadtests.records.answer_differences import Difference
from loadtests.report.view import RunView
from loadtests.report.wording import printable

STATEMENTS = "statements"
MOST = 6
"""Differences that a sentence names."""


def show_differences(console: Console, differences: Sequence[Difference], names: tuple[str, str]) -> None:
    """Print differences side by side, request by request."""
    for request, found in groupby(differences, key=lambda each: each.request):
        table = Table(title=Text(printable(request)), title_justify="left", title_style="bold")
        for heading in ("where", *map(printable, names)):
            table.add_column(Text(heading), overflow="fold")
        for each in found:
            where = "SQL statements" if each.what == STATEMENTS else each.what
            table.add_row(*(Text(printable(text)) for text in (where, each.a, each.b)))
        console.print(table)
        if each.curl:
            console.print(printable(each.curl), highlight=False, markup=False, soft_wrap=True)


def lines(run: RunView) -> list[str]:
    """Return what is to be read before any figure: that the sides do not do the same; nothing if they do."""
    said = []
    if found := in_answers(run):
        said.append(f"The sides do not answer alike, as --unequal allows: {'; '.join(found)}")
    if found := in_statements(run):
        said.append(f"The sides execute different SQL, so a ratio is not about async: {'; '.join(found)}")
    return [printable(each) for each in said]


def in_answers(run: RunView) -> list[str]:
    """Return a sentence for each way in which answers differ, but for how many statements they took."""
    found = [each for each in run.manifest.differences if each.what != STATEMENTS]
    a, b = run.names["a"], run.names["b"]
    said = [f"{each.request}, {each.what}: {each.a} ({a}) against {each.b} ({b})" for each in found[:MOST]]
    return [*said, *([f"and {len(found) - MOST} more"] if len(found) > MOST else [])]


def in_statements(run: RunView) -> list[str]:
    """Return a sentence for each request that takes more SQL statements on one side than on the other."""
    a, b = run.names["a"], run.names["b"]
    return [
        f"{each.request}: {each.a} statement{'s' if each.a != '1' else ''} ({a}) against {each.b} ({b})"
        for each in run.manifest.differences
        if each.what == STATEMENTS
    ]
