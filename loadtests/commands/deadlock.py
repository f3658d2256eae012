"""``bench deadlock``: threads against connections, as a run for each size of the pool, and one picture of them all."""

from rich.table import Table
from rich.text import Text

from loadtests.lessons.deadlock import Grid, Tried, finding, measure
from loadtests.report.view import LABELS
from loadtests.report.wording import number
from loadtests.system.terminal import PipeConsole


def show(grid: Grid) -> None:
    """Measure every pool, and print what was found and where everything is. Raises as ``measure`` does."""
    found = measure(grid)
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
