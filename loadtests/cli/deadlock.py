"""``bench deadlock``: threads that wait for connections, as a run for each size of the pool and one chart."""

from pathlib import Path
from typing import Any

import click
from rich.table import Table
from rich.text import Text

from loadtests.experiment.sides import LABELS
from loadtests.lessons.deadlock import DeadlockCell, DeadlockOptions, finding, measure_deadlock
from loadtests.report.wording import number
from loadtests.system.terminal import PipeConsole


@click.command(name="deadlock")
@click.option("--pools", default=DeadlockOptions.pools, help="Database connections: a row for each number.")
@click.option("--users", default=DeadlockOptions.users, help="Users: a column for each number.")
@click.option("--threads", default=DeadlockOptions.threads, help="Threads of the sync build.")
@click.option("--blocks", default=DeadlockOptions.blocks, help="Fresh starts for each number of connections.")
@click.option("--time", "time_s", default=DeadlockOptions.time_s, help="Minimum seconds for each cell of a block.")
@click.option("--database", default=DeadlockOptions.database, metavar="DATABASE", help="As for `bench run`.")
@click.option("--seed", default=DeadlockOptions.seed, help="Seed of all random choices.")
@click.option("--out", type=click.Path(path_type=Path), help="A folder for the runs, which must not exist yet.")
def deadlock_(**options: Any) -> None:  # noqa: ANN401 - click has checked their types
    """Show how threads and connections of the sync build deadlock, and how to fix it.

    A `def` route that holds a database connection needs a thread to continue. With enough users, all threads can be
    waiting for a connection while the requests that hold one wait for a thread. Each pool is measured without a
    limit on sessions, as tutorials write it, and with FastAPI's max_concurrency. It takes about three minutes.
    """
    found = measure_deadlock(DeadlockOptions(**options))
    users = sorted({cell.users for cell in found.cells})
    table = Table(title=finding(found.cells), title_justify="left", title_style="bold")
    table.add_column("connections", justify="right")
    table.add_column("sessions")
    for count in users:
        table.add_column(f"{count:,} users", justify="right")
    cells = {(cell.connections, cell.label, cell.users): cell for cell in found.cells}
    for connections in sorted({cell.connections for cell in found.cells}):
        for label, words in zip(LABELS, ("no limit", f"at most {connections}"), strict=True):
            row = [cells.get((connections, label, count)) for count in users]
            table.add_row(str(connections), words, *map(_figure, row))
    console = PipeConsole()
    console.print(table)
    where = "\n".join(
        ["Requests/s; each pool’s report says what waits for what.", *map(str, [*found.pictures, found.folder])]
    )
    console.print(where, highlight=False, soft_wrap=True, markup=False)


def _figure(cell: DeadlockCell | None) -> Text:
    if cell is None:
        return Text("–")
    if cell.rps is None:
        return Text(f"{'fails' if cell.failed else 'stalls'} ({cell.blocks} of {cell.blocks})", style="bold red")
    return Text(number(cell.rps) + (f" ({cell.stalled} of {cell.blocks} stall)" if cell.stalled else ""))
