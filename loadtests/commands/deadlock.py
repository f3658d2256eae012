"""``bench deadlock``: threads against connections, as a run for each size of the pool, and one picture of them all."""

from dataclasses import dataclass
from pathlib import Path

from rich.table import Table
from rich.text import Text

from loadtests.analysis.analyse import analyse
from loadtests.charts.deadlock import Tried, draw, finding, tried_in
from loadtests.experiment.options import RunOptions
from loadtests.lessons.verdicts import borne_on
from loadtests.records.run_folder import RunFolder, check_free
from loadtests.report.charts.style import drawing, save
from loadtests.report.html.page import write
from loadtests.report.view import LABELS, view_of
from loadtests.report.wording import number
from loadtests.runner import run
from loadtests.system.errors import RunError, UsageError, told
from loadtests.system.terminal import PipeConsole

SCENARIO = "get_post"
NAME = "deadlock"
MOST_POOLS = 8
MOST_CONNECTIONS = 1000


@dataclass(frozen=True)
class Grid:
    """What was typed.

    Attributes:
        pools: connections, as numbers with commas between them.
        users: likewise.
        threads: of the sync build.
        blocks: fresh starts of each pool.
        time_s: seconds for each cell of a block.
        database: as for ``bench run``.
        seed: everything random follows from it.
        out: a folder for the runs; None for one with today's time.
    """

    pools: str
    users: str
    threads: int
    blocks: int
    time_s: float
    database: str
    seed: int
    out: Path | None

    def connections(self) -> list[int]:
        """Return the sizes of the pool, ascending; raises UsageError."""
        try:
            pools = sorted({int(part) for part in self.pools.split(",")})
        except ValueError:
            raise UsageError(f"--pools {self.pools}: write numbers, as in --pools 15,40,80") from None
        if not 1 <= len(pools) <= MOST_POOLS or pools[0] < 1 or pools[-1] > MOST_CONNECTIONS:
            raise UsageError(f"--pools {self.pools}: name 1 to {MOST_POOLS} sizes from 1 to {MOST_CONNECTIONS:,}")
        return pools

    def options(self, connections: int, out: Path) -> RunOptions:
        """Return the run of one size of the pool, in which the sides differ in nothing but the limit on sessions."""
        side = f"sync,pool_size={connections},max_overflow=0,thread_limit={self.threads}"
        return RunOptions(
            scenarios=(SCENARIO,),
            a=f"{side},session_limit=none",
            b=side,
            users=self.users,
            rate=None,
            arrivals="poisson",
            blocks=self.blocks,
            slice_s=None,
            time_s=self.time_s,
            seed=self.seed,
            full=False,
            start_limit=20.0,
            out=out,
            database=self.database,
            observe=True,
        )


@dataclass(frozen=True)
class Measured:
    """What came of it.

    Attributes:
        tried: every number of users with every pool, with and without a limit on sessions.
        pictures: the chart's files.
        folder: where the runs are.
    """

    tried: list[Tried]
    pictures: list[Path]
    folder: Path


def measure(grid: Grid) -> Measured:
    """Measure every pool, and draw the picture.

    Raises:
        UsageError: what was asked for cannot be done; nothing was written.
        Interrupted, RunError: it could not be completed; runs that were are kept.
    """
    out = grid.out or run.new_folder(NAME)
    pools = grid.connections()
    check_free(out)
    planned = {connections: grid.options(connections, out / f"pool-{connections}") for connections in pools}
    for options in planned.values():
        options.experiment()
    tried = []
    for connections, options in planned.items():
        folder = RunFolder(run.measure(options))
        manifest = folder.read_manifest()
        outcome = analyse(folder, manifest)
        write(folder, manifest, outcome, borne_on(manifest, outcome))
        tried += tried_in(view_of(manifest, outcome), connections)
    try:
        with drawing():
            paths = save(draw(tried, grid.threads), out, NAME)
    except OSError as error:
        raise RunError(told(error, out)) from error
    return Measured(tried, paths, out)


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
