"""The picture of the deadlock: what it says, and how many starts stand behind each cell of it."""

from collections.abc import Mapping, Sequence

import pytest

from loadtests.experiment.sides import SideLabel
from loadtests.lessons.deadlock import DeadlockCell, draw, finding
from loadtests.report.charts.style import drawing

USERS = (8, 64, 128, 256)
NOTHING = (0, 0, 0, 0)


def grid(
    stalled: Mapping[int, Sequence[int]], with_limit: Sequence[int] = NOTHING, blocks: int = 2
) -> list[DeadlockCell]:
    """Make up a grid, by how many starts of each number of users stalled without a limit, for each pool."""
    rows: list[tuple[int, SideLabel, Sequence[int]]] = [(pool, "a", row) for pool, row in stalled.items()]
    rows += [(pool, "b", with_limit) for pool in stalled]
    return [
        DeadlockCell(pool, users, label, None if count == blocks else 600.0 + users, count, 0, blocks)
        for pool, label, row in rows
        for users, count in zip(USERS, row, strict=True)
    ]


@pytest.mark.parametrize(
    ("stalled", "with_limit", "said"),
    [
        (
            {15: (0, 0, 2, 2), 40: (0, 0, 1, 2), 80: (0, 0, 1, 2)},
            NOTHING,
            "Without a limit on sessions, pools of 15, 40 and 80 connections stall with 128 users or more, in 10 of 12"
            " starts; with max_concurrency, in none of 12 starts",
        ),
        (
            {15: (0, 1, 2, 2), 80: (0, 0, 0, 1)},
            NOTHING,
            "Without a limit on sessions, pools of 15 connections stall with 64 users or more; pools of 80 connections"
            " stall with 256 users, in 6 of 12 starts; with max_concurrency, in none of 12 starts",
        ),
        (
            {15: (0, 1, 0, 0)},
            (0, 0, 0, 1),
            "Without a limit on sessions, pools of 15 connections stall with 64 users, in 1 of 6 starts;"
            " with max_concurrency, in 1 of 6 starts",
        ),
        (
            {15: NOTHING},
            NOTHING,
            "Without a limit on sessions, pools of 15 connections did not stall, in none of 8 starts;"
            " with max_concurrency, in none of 8 starts",
        ),
    ],
)
def test_the_title_counts_the_starts_from_the_first_stall_on(
    stalled: Mapping[int, Sequence[int]], with_limit: Sequence[int], said: str
) -> None:
    assert finding(grid(stalled, with_limit)) == said


def test_every_cell_that_stalls_says_in_how_many_starts_and_the_note_how_many_there_were() -> None:
    with drawing():
        figure = draw(grid({15: (0, 0, 1, 3)}, blocks=3), threads=40)
    left, right = ([text.get_text() for text in ax.texts if text.get_text()] for ax in figure.axes)
    assert left == ["608", "664", "728", "✖ 1 of 3 starts", "✖ stalls", "3 of 3 starts"]
    assert right == ["608", "664", "728", "856"]
    assert "each cell is 3 fresh starts" in " ".join(text.get_text() for text in figure.texts)


def test_a_side_that_gave_no_answer_for_another_reason_is_not_said_to_stall() -> None:
    broken = [DeadlockCell(15, 8, "a", None, 0, 2, 2), DeadlockCell(15, 8, "b", 700.0, 0, 0, 2)]
    with drawing():
        figure = draw(broken, threads=40)
    assert [text.get_text() for text in figure.axes[0].texts] == ["✖ fails", "2 of 2 starts"]
    assert finding(broken).startswith("Without a limit on sessions, pools of 15 connections did not stall,")
