"""Commands that show what there is: ``list``, ``report`` and ``serve``."""

from pathlib import Path

import click

from loadtests.cli.group import bench, show_report


@bench.command(name="list")
def list_() -> None:
    """List the scenarios, with what is expected of each."""
    from loadtests.commands import list as catalogue

    catalogue.show()


@bench.command(name="report")
@click.argument("folder", type=click.Path(path_type=Path), metavar="RUN")
def report_(folder: Path) -> None:
    """Rebuild summary, charts and report of RUN, a run's folder, from its raw samples."""
    show_report(folder)


@bench.command(name="serve")
@click.argument("side")
@click.option("--port", default=8000, show_default=True, help="Where it listens, on this machine only.")
@click.option("--database", "database_url", default="sqlite:///blog.db", show_default=True, help="Its database.")
def serve_(side: str, port: int, database_url: str) -> None:
    """Serve SIDE by itself, to look at or to attack by hand.

    SIDE is written as for `bench run`: sync, async, package.module:app, with settings after commas. The slow external
    API that the blog calls runs beside it.
    """
    from loadtests.commands.serve import serve

    serve(side, port, database_url)
