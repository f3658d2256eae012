"""The deadlock of threads and database connections, over a grid of users and pool sizes: measured and drawn.

Each cell is measured without a limit on sessions, and with FastAPI's ``max_concurrency``.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from loadtests.experiment.blog import DEFAULT_THREADS
from loadtests.experiment.loads import ClosedLoop
from loadtests.experiment.options import SQLITE, RunOptions
from loadtests.experiment.sides import LABELS, SideLabel
from loadtests.lessons.measure import analyse_and_report
from loadtests.records.run_folder import check_free, new_folder
from loadtests.report.charts.style import INK, MUTED, drawing, save, wrap
from loadtests.report.doubts import SIGN
from loadtests.report.view import RunView, view_of
from loadtests.report.wording import listed, number
from loadtests.runner import run
from loadtests.system.errors import RunError, UsageError, describe_error

SCENARIO = "get_post"
NAME = "deadlock"
POOL = "pool-"
"""A run's folder is called by this and the number of connections."""
MAX_POOLS = 8
MAX_CONNECTIONS = 1000
CELL_WIDTH, CELL_HEIGHT = 0.86, 0.46
LEFT, GAP, MARGIN, TOP, FOOT = 0.8, 0.42, 0.18, 0.4, 1.08
TITLE_PT, TITLE_LINE = 13.5, 0.255
STALLS_COLOUR, ANSWERS_COLOUR, PARTLY_COLOUR = INK, "#dff0e6", "#f6d9b8"
PANEL_TITLES: Mapping[SideLabel, str] = {
    "a": "as tutorials write it: Depends(get_db)",
    "b": "the fix: Depends(get_db, max_concurrency=connections)",
}


@dataclass(frozen=True)
class DeadlockOptions:
    """The options of ``bench deadlock``, as typed.

    Attributes:
        pools: sizes of the connection pool, numbers separated by commas.
        users: of closed loops, in the same form.
        threads: of the sync build.
        blocks: fresh starts for each size of the pool.
        time_s: seconds for each cell of a block.
        database: as for ``bench run``.
        seed: everything random follows from it.
        out: a folder for the runs; None for one that is named after the time.
    """

    pools: str = "15,40,80"
    users: str = "8,16,32,48,64,128,256"
    threads: int = DEFAULT_THREADS
    blocks: int = 2
    time_s: float = 0.8
    database: str = SQLITE
    seed: int = 0
    out: Path | None = None

    def connections(self) -> list[int]:
        """Return the sizes of the pool, ascending; raises UsageError."""
        try:
            pools = sorted({int(part) for part in self.pools.split(",")})
        except ValueError:
            raise UsageError(f"--pools {self.pools}: write numbers, as in --pools 15,40,80") from None
        if not 1 <= len(pools) <= MAX_POOLS or pools[0] < 1 or pools[-1] > MAX_CONNECTIONS:
            raise UsageError(f"--pools {self.pools}: name 1 to {MAX_POOLS} sizes from 1 to {MAX_CONNECTIONS:,}")
        return pools

    def options(self, connections: int, out: Path) -> RunOptions:
        """Return the options of the run for one size of the pool; its sides differ only in the limit on sessions."""
        side = f"sync,pool_size={connections},max_overflow=0,thread_limit={self.threads}"
        return RunOptions(
            scenarios=(SCENARIO,),
            a=f"{side},session_limit=none",
            b=side,
            users=self.users,
            blocks=self.blocks,
            time_s=self.time_s,
            seed=self.seed,
            control=False,
            out=out,
            database=self.database,
            observe=True,
        )


@dataclass(frozen=True)
class DeadlockCell:
    """One number of users with one size of the pool, with or without a limit on sessions.

    Attributes:
        connections: the size of the pool.
        users: of the closed loop.
        label: ``a`` without a limit, ``b`` with one.
        rps: answers per second; None if there were none in any block.
        stalled: number of blocks in which the side stopped answering.
        failed: number of blocks in which it gave no answer for another reason.
        blocks: number of blocks that were measured.
    """

    connections: int
    users: int
    label: SideLabel
    rps: float | None
    stalled: int
    failed: int
    blocks: int


@dataclass(frozen=True)
class DeadlockResult:
    """All cells, and the files that were written.

    Attributes:
        cells: every number of users with every pool, with and without a limit on sessions.
        pictures: the chart's files.
        folder: where the runs are.
    """

    cells: list[DeadlockCell]
    pictures: list[Path]
    folder: Path


def measure_deadlock(options: DeadlockOptions) -> DeadlockResult:
    """Measure every size of the pool, and draw the chart.

    Raises:
        UsageError: the options are not possible; nothing was written.
        Interrupted, RunError: not every run could be completed; those that were are kept.
    """
    out = options.out or new_folder(NAME)
    pools = options.connections()
    check_free(out)
    runs = {connections: options.options(connections, out / f"{POOL}{connections}") for connections in pools}
    for run_options in runs.values():
        run_options.experiment()  # refuses what is not possible, before the first run
    cells = []
    for connections, run_options in runs.items():
        cells += cells_of(view_of(*analyse_and_report(run.measure(run_options))), connections)
    try:
        with drawing():
            paths = save(draw(cells, options.threads), out, NAME)
    except OSError as error:
        raise RunError(describe_error(error, out)) from error
    return DeadlockResult(cells, paths, out)


def cells_of(run: RunView, connections: int) -> list[DeadlockCell]:
    """Return the cells of one run, in which the pool of both sides had so many connections."""
    return [
        DeadlockCell(
            connections,
            load.users,
            label,
            cell.throughput.value if cell.throughput else None,
            sum(SIGN in sentence for sentence in cell.collapsed),
            sum(SIGN not in sentence for sentence in cell.collapsed),
            run.blocks,
        )
        for (_, load, label), cell in run.cells.items()
        if isinstance(load, ClosedLoop)
    ]


def finding(cells: Sequence[DeadlockCell]) -> str:
    """Say in a sentence with how many users each pool stalls, in how many starts, and whether it does with a limit."""
    pools: dict[str, list[int]] = {}
    for connections in sorted({cell.connections for cell in cells}):
        pools.setdefault(_where_it_stalls(cells, connections), []).append(connections)
    phrases = [
        f"pools of {listed([f'{each}' for each in alike])} connections {where}" for where, alike in pools.items()
    ]
    first = min((cell.users for cell in cells if cell.stalled), default=0)
    from_there = [cell for cell in cells if cell.users >= first]
    return (
        f"Without a limit on sessions, {'; '.join(phrases)}, in {_starts(from_there, 'a')};"
        f" with max_concurrency, in {_starts(from_there, 'b')}"
    )


def _where_it_stalls(cells: Sequence[DeadlockCell], connections: int) -> str:
    row = sorted(
        (cell for cell in cells if (cell.label, cell.connections) == ("a", connections)), key=lambda c: c.users
    )
    stalls = [cell.users for cell in row if cell.stalled]
    if not stalls:
        return "did not stall"
    if [cell.users for cell in row if cell.users >= stalls[0]] == stalls and len(stalls) > 1:
        return f"stall with {stalls[0]} users or more"
    return f"stall with {listed([f'{users}' for users in stalls])} users"


def _starts(cells: Sequence[DeadlockCell], label: SideLabel) -> str:
    """Count in how many fresh starts one side stalled."""
    mine = [cell for cell in cells if cell.label == label]
    stalled, starts = sum(cell.stalled for cell in mine), sum(cell.blocks for cell in mine)
    return f"{stalled or 'none'} of {starts} start{'s' if starts != 1 else ''}"


def draw(cells: Sequence[DeadlockCell], threads: int) -> Figure:
    """Draw the grid twice, without a limit on sessions and below it with one; both share their axes."""
    users = sorted({cell.users for cell in cells})
    pools = sorted({cell.connections for cell in cells})
    width, height = CELL_WIDTH * len(users), CELL_HEIGHT * len(pools)
    across = 2 * MARGIN + LEFT + width
    title = wrap(finding(cells), across - 2 * MARGIN, TITLE_PT, "bold")
    note = wrap(
        f"Requests/s of get_post in the sync build, whose {threads} threads share the connections of a pool;"
        f" {_starts_of_a_cell(cells)}. Black: it stopped answering in every start; amber: in some starts, and the"
        " figure is that of the others. All threads then wait for connections, while requests that hold one wait for"
        " threads.",
        across - 2 * MARGIN,
        7.5,
    )
    tall = MARGIN + TITLE_LINE * len(title) + TOP + 2 * height + GAP + FOOT
    figure = Figure(figsize=(across, tall))
    for i, line in enumerate(title):
        at = 1 - (MARGIN + TITLE_LINE * i) / tall
        figure.text(MARGIN / across, at, line, size=TITLE_PT, weight="bold", va="top")
    for i, line in enumerate(reversed(note)):
        figure.text(MARGIN / across, (0.08 + 0.15 * i) / tall, line, size=7.5, color=MUTED, va="bottom")
    for label in LABELS:
        lowest = label == LABELS[-1]
        y = FOOT if lowest else FOOT + height + GAP
        ax = figure.add_axes(((MARGIN + LEFT) / across, y / tall, width / across, height / tall))
        ax.set_title(PANEL_TITLES[label], size=9, weight="bold", loc="left", pad=6)
        for cell in cells:
            if cell.label == label:
                _draw_cell(ax, users.index(cell.users), pools.index(cell.connections), cell)
        ax.set_xlim(-0.5, len(users) - 0.5)
        ax.set_ylim(len(pools) - 0.5, -0.5)
        ax.set_xticks(range(len(users)), [f"{count:,}" if lowest else "" for count in users])
        ax.set_yticks(range(len(pools)), [f"{pool}" for pool in pools])
        if lowest:
            ax.set_xlabel("users", size=8.5, labelpad=2)
        ax.set_ylabel("connections" if len(pools) > 1 else "", size=8.5)
        ax.tick_params(length=0)
        for spine in ax.spines.values():
            spine.set_visible(False)
    return figure


def _starts_of_a_cell(cells: Sequence[DeadlockCell]) -> str:
    counts = sorted({cell.blocks for cell in cells})
    few = f"{counts[0]} fresh start{'s' if counts[0] != 1 else ''}"
    return f"each cell is {few}" if len(counts) == 1 else f"each cell is {counts[0]} to {counts[-1]} fresh starts"


def _draw_cell(ax: Axes, x: int, y: int, cell: DeadlockCell) -> None:
    dead = cell.rps is None
    colour = STALLS_COLOUR if dead else PARTLY_COLOUR if cell.stalled else ANSWERS_COLOUR
    ax.add_patch(Rectangle((x - 0.5, y - 0.5), 1, 1, facecolor=colour, edgecolor="white", linewidth=1.5))
    ink = "white" if dead else INK
    text = number(cell.rps) if cell.rps is not None else "✖ stalls" if not cell.failed else "✖ fails"
    lost = cell.stalled + cell.failed
    share = f"{'' if dead else '✖ '}{lost} of {cell.blocks} starts" if dead or cell.stalled else ""
    ax.text(x, y - (0.12 if share else 0), text, size=9.5, color=ink, weight="bold", ha="center", va="center")
    ax.text(x, y + 0.24, share, size=7.5, color=ink, ha="center", va="center")
