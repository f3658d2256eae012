"""Commands that teach: ``lesson`` and ``claims``."""

from pathlib import Path

import click

from loadtests.cli.group import bench


@bench.command(name="lesson")
@click.argument("name", required=False)
@click.option("--out", type=click.Path(path_type=Path), help="Where its figures go; a folder that must not exist yet.")
def lesson_(name: str | None, out: Path | None) -> None:
    """Take the lesson NAME: a question, two pieces of code, a live measurement, the answer and the reason.

    Without a NAME it lists them all. Each takes about a minute at the most.
    """
    from loadtests.commands import lesson

    if name is None:
        lesson.show_list()
    else:
        lesson.take(name, out)


@bench.command(name="claims")
@click.argument("names", nargs=-1, metavar="[CLAIM]...")
@click.option("--out", type=click.Path(path_type=Path), help="Where figures go; a folder that must not exist yet.")
def claims_(names: tuple[str, ...], out: Path | None) -> None:
    """Test what the tutorial claims and what others published, on this machine.

    Each CLAIM, or all of them, is measured and called supported, refuted or inconclusive, with its figure. All of them
    take about twenty minutes. Those about PostgreSQL need the extra: uv run --extra postgres bench claims.
    """
    from loadtests.commands import claims

    claims.show(names, out)


@bench.command(name="example", hidden=True)
@click.option("--measure", is_flag=True, help="Measure everything anew first, which takes half an hour.")
def example_(measure: bool) -> None:
    """Write the figures of this project's README and docs from results/example."""
    from loadtests.commands.example import example

    example(measure=measure)
