"""The ``bench`` command: parse, call, print.

What a command needs is imported when it is called: matplotlib and the rest take a second, in which neither
`--help` nor Ctrl-C should have to wait.
"""

import sys
from contextlib import suppress
from pathlib import Path

import click
from click.core import ParameterSource

from loadtests.errors import BenchError, Interrupted, UsageError
from loadtests.interrupts import as_exception
from loadtests.processes import stop_all

PROSE = {"max_content_width": 100, "help_option_names": ["-h", "--help"]}


@click.group(context_settings=PROSE)
def bench() -> None:
    """Answer one question with evidence: should a route be def or async def.

    The same FastAPI blog exists twice, with `def` routes and with `async def` routes. `bench run` puts both
    under the same load, side by side, and says which one is faster, by how much, and how sure that is.
    """


@bench.command(name="run")
@click.argument("scenarios", nargs=-1, metavar="[SCENARIO]...")
@click.option("--a", default="sync", show_default=True, metavar="SIDE", help="The side that ratios are divided by.")
@click.option("--b", default="async", show_default=True, metavar="SIDE", help="The side that ratios are about.")
@click.option("--users", help="Concurrent users (a closed loop), one load for each number.  [default: 1,8,32,128]")
@click.option("--rate", help="Arrivals per second (an open loop) instead of users, one load for each number.")
@click.option(
    "--arrivals",
    type=click.Choice(["poisson", "constant"]),
    default="poisson",
    show_default=True,
    help="With --rate: at random, as from many independent users, or evenly spaced.",
)
@click.option("--blocks", default=6, show_default=True, help="Fresh starts of both sides; 6 at least for a verdict.")
@click.option(
    "--time",
    "time_s",
    type=float,
    help="Seconds for each scenario, load and block: both sides' turns, lead-ins included.  [default: 0.8 to 4, the "
    "more the fewer cells there are; with --rate, enough for a 99th percentile]",
)
@click.option(
    "--slice",
    "slice_s",
    type=float,
    help="Seconds measured in each turn of a side; longer where answers are rare.  [default: 0.1; with --rate, 1]",
)
@click.option("--seed", default=0, show_default=True, help="Everything random follows from it.")
@click.option(
    "--full",
    is_flag=True,
    help="Measure every scenario, not only a representative choice; takes two to three times as long.",
)
@click.option("--start-limit", default=20.0, show_default=True, help="Seconds a side may take until it answers.")
@click.option(
    "--driver",
    type=click.Choice(["httpx", "locust"]),
    default="httpx",
    show_default=True,
    help="What puts on the load; only Locust makes journeys.",
)
@click.option("--workers", default=0, show_default=True, help="Locust's worker processes, where one is not enough.")
@click.option("--out", type=click.Path(path_type=Path), help="The run's folder, which must not exist yet.")
@click.option(
    "--resume",
    type=click.Path(path_type=Path),
    metavar="RUN",
    help="Measure what an interrupted run lacks, on the same machine with the same versions; it takes no other option.",
)
@click.pass_context
def run_(context: click.Context, /, resume: Path | None, **options: object) -> None:
    """Measure both sides and say which is faster.

    Without a SCENARIO it takes a representative choice; `bench list` shows them all. A parameter goes in
    brackets: "query[wait_ms=100]". For apps that are not the blog there is "GET /path". A SIDE is sync, async,
    package.module:app, or the URL of a server that runs already; settings follow it after commas:
    sync,session_limit=none.
    """
    from loadtests.commands import run
    from loadtests.options import RunOptions

    if resume is None:
        out = run.measure(RunOptions.model_validate(options))
    else:
        _alone(context, "resume")
        out = run.resume(resume)
    _report(out)


@bench.command(name="validate")
@click.option(
    "--comparisons", type=int, help="How often a side is compared with itself; 200 prove a rate.  [default: 40]"
)
@click.option("--only", metavar="CHECKS", help="Some checks alone: aa,effects,queue,stall,drivers.  [default: all]")
@click.option("--quick", is_flag=True, help="A smoke test of a few minutes, too short to prove a rate.")
@click.option("--blog", default=0.25, show_default=True, help="Share of aa that takes the blog's own builds.")
@click.option("--blocks", default=6, show_default=True, help="Fresh starts behind each comparison.")
@click.option(
    "--time",
    "time_s",
    type=float,
    help="Seconds for each scenario, load and block.  [default: what the default `bench run` gives them]",
)
@click.option("--seed", default=0, show_default=True, help="Everything random follows from it.")
@click.option(
    "--out", type=click.Path(path_type=Path), help="The folder of validations.  [default: results/validation]"
)
def validate_(**options: object) -> None:
    """Ask questions whose answers are known, and say how often this harness is wrong on this machine.

    A side is compared with itself, and with one that does a little more on purpose; a queue, a stall and a pace
    whose figures follow from theory are measured; other clients measure beside the driver. It takes half an
    hour, with --comparisons 200 two hours and a quarter. Later reports on this machine quote it.
    """
    from loadtests.commands.validate import validate
    from loadtests.validation.sizes import ValidateOptions

    validate(ValidateOptions.model_validate(options))


@bench.command(name="list")
def list_() -> None:
    """List the scenarios, with what is expected of each."""
    from loadtests.commands import list as catalogue

    catalogue.show()


@bench.command(name="report")
@click.argument("folder", type=click.Path(path_type=Path), metavar="RUN")
def report_(folder: Path) -> None:
    """Rebuild summary, charts and report of RUN, a run's folder, from its raw samples."""
    _report(folder)


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


@bench.command(name="doctor")
@click.option("--database", metavar="URL", help="Look at this server too: postgresql://HOST:PORT/NAME.")
def doctor_(database: str | None) -> None:
    """Look whether this machine is fit to measure on.

    Each line is ok or needs attention, and then says what to do. It takes a few seconds, in which nothing else should
    run. Exit status: 0 if all is ok, 1 if something needs attention; a run is possible all the same.
    """
    from loadtests.commands import doctor

    doctor.show(database)


def main() -> None:
    """Run a command; every failure is one line on standard error and an exit status."""
    try:
        with as_exception():
            bench.main(standalone_mode=False)
    except click.ClickException as error:
        _fail(error.format_message(), 2)
    except (BenchError, Interrupted) as error:
        _fail(str(error), error.exit_status)
    finally:
        stop_all()


def _report(folder: Path) -> None:
    from loadtests.commands import report

    report.show(folder)


def _alone(context: click.Context, name: str) -> None:
    """Raise UsageError if anything is given beside the option of that name."""
    for parameter in context.command.params:
        given = context.get_parameter_source(str(parameter.name)) is ParameterSource.COMMANDLINE
        if given and parameter.name != name:
            what = parameter.opts[0] if isinstance(parameter, click.Option) else "the scenarios"
            raise UsageError(f"--{name} continues a run as it was planned; leave out {what}")


def _fail(message: str, status: int) -> None:
    with suppress(OSError):  # the terminal may be gone
        click.echo(f"bench: {message}", err=True)
    sys.exit(status)
