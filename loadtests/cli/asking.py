"""Commands that say how much a side can do: ``capacity``."""

from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from loadtests.cli.group import bench
from loadtests.system.errors import UsageError


@bench.command(name="capacity")
@click.argument("sides", nargs=-1, metavar="[SIDE]...")
@click.option("--cpu-ms", type=float, help="What if: CPU time of a request on the server.")
@click.option("--wait-ms", type=float, help="What if: what it waits for besides: a database, another service.")
@click.option("--users", default="1,8,32,128", show_default=True, help="What if: a row for each number of users.")
@click.option("--threads", default=40, show_default=True, help="What if: threads of the sync build.")
@click.option("--pool", type=int, help="What if: connections, if a request holds one.  [default: it needs none]")
@click.option("--cores", default=1, show_default=True, help="What if: cores that the server's processes can use.")
@click.option("--think-ms", default=0.0, show_default=True, help="What if: a user's pause before asking again.")
@click.option("--slo", help="Measure: the objective, as p99=200ms or p99=200ms,errors=0.5%.  [1 % errors by default]")
@click.option("--scenario", default="get_post", show_default=True, help="Measure: what is asked.")
@click.option("--database", default="sqlite", show_default=True, help="Measure: as for `bench run`.")
@click.option("--starts", default=3, show_default=True, help="Measure: fresh starts, each with a search of its own.")
@click.option("--seed", default=0, show_default=True, help="Measure: everything random follows from it.")
@click.option("--out", type=click.Path(path_type=Path), help="Measure: a folder, which must not exist yet.")
@click.pass_context
def capacity_(context: click.Context, /, sides: tuple[str, ...], slo: str | None, **options: Any) -> None:  # noqa: ANN401 - click has checked their types
    """Say how much a side can do at the most: by a model, or measured against an objective.

    With --cpu-ms and --wait-ms a model answers without measuring: throughput of both builds, and which limit each
    meets. It is a closed queueing network of users, threads, connections, cores, and a wait that all have at the same
    time.

    With --slo it is measured: the highest rate of arrivals at which each SIDE (sync and async by default) keeps the
    objective, found by doubling, then by halving the gap down to 5 %. A miss counts when it happens twice.
    """
    measure = ("scenario", "database", "starts", "seed", "out")
    given = {p for p in options if context.get_parameter_source(p) is ParameterSource.COMMANDLINE}
    if slo is None:
        from loadtests.commands import capacity

        if sides or given & set(measure):
            raise UsageError("capacity: sides and their options are for measuring; add --slo, as in --slo p99=200ms")
        capacity.show(capacity.question(**{name: value for name, value in options.items() if name not in measure}))
        return
    from loadtests.commands import slo as searching
    from loadtests.slo import search

    if given - set(measure):
        raise UsageError("capacity: --slo measures, the other options ask a model; leave out one or the other")
    chosen = {name: options[name] for name in measure}
    searching.show(search.SloOptions(sides=sides, slo=slo, **chosen))
