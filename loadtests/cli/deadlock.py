"""``bench deadlock``: threads that wait for connections, as a run for each size of the pool and one chart."""

from pathlib import Path
from typing import Any

import click
from rich.table import Table
from rich.text import Text

from loadtests.experiment.sides import LABELS
from loadtests.lessons.deadlock import Grid, Tried, finding, measure
from loadtests.report.wording import number
from loadtests.system.terminal import PipeConsole


@click.command(name="deadlock")
@click.option("--pools", default=Grid.pools, help="Database connections: a row for each number.")
@click.option("--users", default=Grid.users, help="Users: a column for each number.")
@click.option("--threads", default=Grid.threads, help="Threads of the sync build.")
@click.option("--blocks", default=Grid.blocks, help="Fresh starts for each number of connections.")
@click.option("--time", "time_s", default=Grid.time_s, help="Seconds for each cell of a block, at least.")
@click.option("--database", default=Grid.database, metavar="DATABASE", help="As for `bench run`.")
@click.option("--seed", default=Grid.seed, help="Everything random follows from it.")
@click.option("--out", type=click.Path(path_type=Path), help="A folder for the runs, which must not exist yet.")
def deadlock_(**options: Any) -> None:  # noqa: ANN401 - click has checked their types
    """Show the sync build stop answering, because threads and connections wait for each other; and the cure.

    A `def` route that holds a database connection needs a thread to go on. With enough users all threads may come to
    wait for a connection, while those who hold one wait for a thread. Each pool is measured without a
    limit on sessions, as tutorials write it, and with FastAPI's max_concurrency. It takes about three minutes.
    """
    found = measure(Grid(**options))
    tried = found.tried
    users = sorted({one.users for one in tried})
    table = Table(title=finding(tried), title_justify="left", title_style="bold")
    table.add_column("connections", justify="right")
    table.add_column("sessions")
    for count in users:
        table.add_column(f"{count:,} users", justify="right")
    cells = {(one.connections, one.label, one.users): one for one in tried}
    for connections in sorted({one.connections for one in tried}):
        for label, words in zip(LABELS, ("no limit", f"at most {connections}"), strict=True):
            row = [cells.get((connections, label, count)) for count in users]
            table.add_row(str(connections), words, *map(_figure, row))
    console = PipeConsole()
    console.print(table)
    where = "\n".join(
        ["Requests/s; each pool’s own report says who waits for whom.", *map(str, [*found.pictures, found.folder])]
    )
    console.print(where, highlight=False, soft_wrap=True, markup=False)


def _figure(one: Tried | None) -> Text:
    if one is None:
        return Text("–")
    if one.rps is None:
        return Text("fails" if one.failed else "stalls", style="bold red")
    return Text(number(one.rps) + (f" ({one.stalled} of {one.blocks} stall)" if one.stalled else ""))
