"""Commands that say how far to trust it: ``validate`` and ``doctor``."""

from pathlib import Path

import click

from loadtests.cli.group import bench


@bench.command(name="validate")
@click.option(
    "--comparisons",
    type=int,
    help="How often a side is compared with itself; 200 tell a good rate from a bad one.  [default: 40]",
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
    hour, with --comparisons 200 two hours. Later reports on this machine quote it.
    """
    from loadtests.commands.validate import validate
    from loadtests.validation.plan import ValidateOptions

    validate(ValidateOptions.model_validate(options))


@bench.command(name="doctor")
@click.option("--database", metavar="URL", help="Look at this server too: postgresql://HOST:PORT/NAME.")
def doctor_(database: str | None) -> None:
    """Look whether this machine is fit to measure on.

    Each line is ok or needs attention, and then says what to do. It takes a few seconds, in which nothing else should
    run. Exit status: 0 if all is ok, 1 if something needs attention; a run is possible all the same.
    """
    from loadtests.commands import doctor

    doctor.show(database)
