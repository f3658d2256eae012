"""Commands that show what there is: ``list``, ``report``, ``timeline`` and ``serve``."""

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
    """Rebuild summary, charts and report of RUN, a run's folder, from its raw samples.

    Of a lesson, or of claims, it prints what was found.
    """
    from loadtests.commands import claims, lesson
    from loadtests.lessons.record import CLAIMS_FILE as CLAIMS
    from loadtests.lessons.record import LESSON_FILE as LESSON

    if (folder / CLAIMS).exists():
        claims.again(folder)
        return
    if (folder / "run.json").exists() or not (folder / LESSON).exists():
        show_report(folder)
    if (folder / LESSON).exists():
        lesson.again(folder / LESSON)


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


@bench.command(name="timeline")
@click.argument("folder", type=click.Path(path_type=Path), metavar="RUN")
@click.argument("scenario", required=False)
@click.option("--load", type=float, help="Users, or arrivals per second.  [default: the highest]")
@click.option("--block", default=1, show_default=True, help="Which fresh start of both sides.")
def timeline_(folder: Path, scenario: str | None, load: float | None, block: int) -> None:
    """Draw where the requests of one cell of RUN were: in threads, on the event loop, or in a queue for what.

    The run must have looked into its servers: `bench run --observe`.
    """
    from loadtests.commands import timeline

    timeline.show(folder, scenario, load, block)
