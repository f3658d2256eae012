"""Threads against connections: users × pool, without and with a limit on sessions, and where nothing is answered."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from loadtests.experiment.loads import ClosedLoop
from loadtests.records.outcome import SideLabel
from loadtests.report.charts.style import INK, MUTED, wrap
from loadtests.report.doubts import SIGN
from loadtests.report.view import LABELS, View
from loadtests.report.wording import listed, number

CELL_WIDTH, CELL_HEIGHT = 0.66, 0.46
LEFT, GAP, MARGIN, TOP, FOOT = 1.0, 0.35, 0.18, 0.5, 0.95
TITLE_PT, TITLE_LINE = 13.5, 0.255
STALLS, ANSWERS, PARTLY = INK, "#dff0e6", "#f6d9b8"
HEADS: Mapping[SideLabel, str] = {
    "a": "as tutorials write it: Depends(get_db)",
    "b": "the cure: Depends(get_db, max_concurrency=connections)",
}


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


def tried_in(run: View, connections: int) -> list[Tried]:
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
