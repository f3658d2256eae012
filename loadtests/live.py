"""The display while a run goes on: what is measured, which block, how long still."""

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    TaskProgressColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from loadtests.runner import Listener
from loadtests.runner import Progress as Standing

REFRESH_PER_S = 2
"""Often enough to watch, seldom enough that drawing does not take the driver's time."""


@contextmanager
def display(console: Console, blocks: int, trials: int) -> Iterator[Listener]:
    """Show a run's progress; yields what to tell it. In a pipe it prints a line a block instead."""
    if not console.is_terminal:
        yield _lines(console, blocks)
        return
    columns = (
        TextColumn("block {task.fields[block]}/{task.fields[blocks]}"),
        BarColumn(bar_width=24),
        TaskProgressColumn(),
        TextColumn("{task.fields[now]}", markup=False),
        TimeElapsedColumn(),
        TextColumn("gone,"),
        TimeRemainingColumn(),
        TextColumn("to go"),
    )
    with Progress(*columns, console=console, refresh_per_second=REFRESH_PER_S, speed_estimate_period=120) as bar:
        task = bar.add_task("", total=trials, block=1, blocks=blocks, now="starting")
        yield lambda at: bar.update(task, completed=at.done, block=at.block + 1, now=at.now)


def _lines(console: Console, blocks: int) -> Listener:
    seen: set[int] = set()

    def tell(at: Standing) -> None:
        if at.block not in seen:
            seen.add(at.block)
            console.print(f"block {at.block + 1} of {blocks}")

    return tell
