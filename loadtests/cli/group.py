"""The group of all commands, and what they share."""

from pathlib import Path

import click

PROSE = {"max_content_width": 100, "help_option_names": ["-h", "--help"]}


@click.group(context_settings=PROSE)
def bench() -> None:
    """Answer one question with evidence: should a route be def or async def.

    The same FastAPI blog exists twice, with `def` routes and with `async def` routes. `bench run` puts both
    under the same load, side by side, and says which one is faster, by how much, and how sure that is.
    """


def show_report(folder: Path) -> None:
    """Derive everything from a run's raw samples, and print it."""
    from loadtests.commands import report

    report.show(folder)
