"""``bench dial``: CPU time against waiting time, as an ordinary run of the scenario ``mixed``."""

from functools import partial
from pathlib import Path
from typing import Any

import click

from loadtests.cli.run import budget_option, control_option, precision_option, timeout_option
from loadtests.experiment.options import RunOptions, dial_options
from loadtests.experiment.plan import MIN_BLOCKS
from loadtests.system.resources import Stopwatch

DEFAULTS = RunOptions()


@click.command(name="dial")
@click.option("--cpu-ms", default="0.1,1,5", help="How long a request computes: a row for each.")
@click.option("--wait-ms", default="0,5,20,50,100,200", help="How long it then waits: a column for each.")
@click.option("--a", default=DEFAULTS.a, metavar="SIDE", help="The side that ratios are divided by.")
@click.option("--b", default=DEFAULTS.b, metavar="SIDE", help="The side whose figure is divided by that of --a.")
@click.option("--users", default=80, help="Concurrent users, more than there are threads.")
@budget_option
@precision_option
@click.option(
    "--blocks",
    type=int,
    help=f"Fresh starts of both sides, in a fixed design without a budget; a verdict needs at least {MIN_BLOCKS}.",
)
@click.option("--time", "time_s", type=float, help="Seconds for each cell of a block, in a fixed design.")
@timeout_option
@click.option("--seed", default=DEFAULTS.seed, help="Seed of all random choices.")
@control_option
@click.option(
    "--observe",
    is_flag=True,
    help="Look inside the servers: threads, connections, event loop and CPU on one timeline for each trial.",
)
@click.option("--out", type=click.Path(path_type=Path), help="The run's folder, which must not exist yet.")
def dial_(**options: Any) -> None:  # noqa: ANN401 - click has checked their types
    """Vary how long a request computes and how long it waits, and compare both sides.

    Each combination is measured on both sides. One chart shows the ratios of their throughputs, with the line beyond
    which a model predicts that async wins.
    """
    watch = Stopwatch()
    from loadtests.analysis.sequential import SequentialSchedule
    from loadtests.cli.report import show_report
    from loadtests.runner import run

    schedule = partial(SequentialSchedule, slowness=watch.slowness())
    show_report(run.measure(dial_options(**options), schedule, begun_s=watch.begun_s))
