"""Threads against connections: users × pool, without and with a limit on sessions, and where nothing is answered."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from loadtests.analysis.analyse import analyse
from loadtests.experiment.loads import ClosedLoop
from loadtests.experiment.options import SQLITE, RunOptions
from loadtests.experiment.sides import LABELS, SideLabel
from loadtests.lessons.record import claims_covered_by
from loadtests.records.run_folder import RunFolder, check_free, new_folder
from loadtests.report.charts.style import INK, MUTED, drawing, save, wrap
from loadtests.report.doubts import SIGN
from loadtests.report.html.page import write
from loadtests.report.view import RunView, view_of
from loadtests.report.wording import listed, number
from loadtests.runner import run
from loadtests.system.errors import RunError, UsageError, describe_error

SCENARIO = "get_post"
NAME = "deadlock"
MOST_POOLS = 8
MOST_CONNECTIONS = 1000
CELL_WIDTH, CELL_HEIGHT = 0.66, 0.46
LEFT, GAP, MARGIN, TOP, FOOT = 1.0, 0.35, 0.18, 0.5, 0.95
TITLE_PT, TITLE_LINE = 13.5, 0.255
STALLS, ANSWERS, PARTLY = INK, "#dff0e6", "#f6d9b8"
HEADS: Mapping[SideLabel, str] = {
    "a": "as tutorials write it: Depends(get_db)",
    "b": "the cure: Depends(get_db, max_concurrency=connections)",
}


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

    pools: str = "15,40,80"
    users: str = "8,16,32,48,64,128,256"
    threads: int = 40
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
            blocks=self.blocks,
            time_s=self.time_s,
            seed=self.seed,
            out=out,
            database=self.database,
            observe=True,
        )


@dataclass(frozen=True)
class Tried:
    """One number of users at one pool, with or without a limit on sessions.

    Attributes:
        connections: that the pool has at the most.
        users: of the closed loop.
        label: ``a`` without a limit, ``b`` with one.
        rps: answers per second, where it answered; None where it never did.
        stalled: in how many blocks it stopped answering.
        failed: in how many blocks it gave nothing for another reason.
        blocks: in how many it was tried.
    """

    connections: int
    users: int
    label: SideLabel
    rps: float | None
    stalled: int
    failed: int
    blocks: int


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
    out = grid.out or new_folder(NAME)
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
        write(folder, manifest, outcome, claims_covered_by(manifest, outcome))
        tried += tried_in(view_of(manifest, outcome), connections)
    try:
        with drawing():
            paths = save(draw(tried, grid.threads), out, NAME)
    except OSError as error:
        raise RunError(describe_error(error, out)) from error
    return Measured(tried, paths, out)


def tried_in(run: RunView, connections: int) -> list[Tried]:
    """Return what one run says, in which both sides had so many connections."""
    return [
        Tried(
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


def finding(tried: Sequence[Tried]) -> str:
    """Say with how many users each pool stalls, and whether the cure does."""
    said = []
    for connections in sorted({one.connections for one in tried}):
        row = sorted(
            (one for one in tried if (one.label, one.connections) == ("a", connections)), key=lambda o: o.users
        )
        stalls = [one.users for one in row if one.stalled]
        on = [one.users for one in row if stalls and one.users >= stalls[0]] == stalls and len(stalls) > 1
        where = f"from {stalls[0]} users on" if on else f"with {listed([f'{users}' for users in stalls])} users"
        said.append(f"{connections} connections {f'stall {where}' if stalls else 'did not stall'}")
    cured = [one for one in tried if one.label == "b" and one.stalled]
    cure = f"the cure stalls in {len(cured)} cells" if cured else "with max_concurrency nothing stalls"
    return f"Without a limit on sessions {listed(said)}; {cure}"


def draw(tried: Sequence[Tried], threads: int) -> Figure:
    """Draw the grid twice, without and with the cure; both share their axes."""
    users = sorted({one.users for one in tried})
    pools = sorted({one.connections for one in tried})
    width, height = CELL_WIDTH * len(users), CELL_HEIGHT * len(pools)
    across = 2 * MARGIN + LEFT + 2 * width + GAP
    title = wrap(finding(tried), across - 2 * MARGIN, TITLE_PT, "bold")
    note = wrap(
        f"Requests/s of get_post in the sync build, whose {threads} threads share the connections of a pool. Black: it"
        " stopped answering in every fresh start, amber: in some. Then all threads wait for connections, and the"
        " requests that hold those wait for threads.",
        across - 2 * MARGIN,
        7.5,
    )
    tall = MARGIN + TITLE_LINE * len(title) + TOP + height + FOOT
    figure = Figure(figsize=(across, tall))
    for i, line in enumerate(title):
        at = 1 - (MARGIN + TITLE_LINE * i) / tall
        figure.text(MARGIN / across, at, line, size=TITLE_PT, weight="bold", va="top")
    for i, line in enumerate(reversed(note)):
        figure.text(MARGIN / across, (0.08 + 0.15 * i) / tall, line, size=7.5, color=MUTED, va="bottom")
    for column, label in enumerate(LABELS):
        x = MARGIN + LEFT + column * (width + GAP)
        ax = figure.add_axes((x / across, FOOT / tall, width / across, height / tall))
        ax.set_title(HEADS[label], size=9, weight="bold", loc="left", pad=6)
        for one in tried:
            if one.label == label:
                _cell(ax, users.index(one.users), pools.index(one.connections), one)
        ax.set_xlim(-0.5, len(users) - 0.5)
        ax.set_ylim(len(pools) - 0.5, -0.5)
        ax.set_xticks(range(len(users)), [f"{count:,}" for count in users])
        ax.set_yticks(range(len(pools)), [f"{pool}" for pool in pools] if not column else [""] * len(pools))
        ax.set_xlabel("users", size=8.5, labelpad=2)
        if not column:
            ax.set_ylabel("connections", size=8.5)
        ax.tick_params(length=0)
        for spine in ax.spines.values():
            spine.set_visible(False)
    return figure


def _cell(ax: Axes, x: int, y: int, one: Tried) -> None:
    dead = one.rps is None
    colour = STALLS if dead else PARTLY if one.stalled else ANSWERS
    ax.add_patch(Rectangle((x - 0.5, y - 0.5), 1, 1, facecolor=colour, edgecolor="white", linewidth=1.5))
    ink = "white" if dead else INK
    text = number(one.rps) if one.rps is not None else "✖ stalls" if not one.failed else "✖ fails"
    share = f"{one.stalled} of {one.blocks} stall" if one.stalled and not dead else ""
    ax.text(x, y - (0.12 if share else 0), text, size=8.5, color=ink, weight="bold", ha="center", va="center")
    ax.text(x, y + 0.24, share, size=6, color=ink, ha="center", va="center")
