"""The display while a run goes on: what is measured, which block, how long still."""

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import TextColumn

from loadtests.runner import Listener
from loadtests.runner import Progress as Standing
from loadtests.system.terminal import progress_bar


@contextmanager
def display(console: Console, blocks: int, trials: int) -> Iterator[Listener]:
    """Show a run's progress; yields what to tell it. In a pipe it prints a line a block instead."""
    if not console.is_terminal:
        yield _lines(console, blocks)
        return
    with progress_bar(console, TextColumn("block {task.fields[block]}/{task.fields[blocks]}")) as bar:
        task = bar.add_task("", total=trials, block=1, blocks=blocks, now="starting")
        yield lambda at: bar.update(task, completed=at.done, block=at.block + 1, now=at.now)


def _lines(console: Console, blocks: int) -> Listener:
    seen: set[int] = set()

    def tell(at: Standing) -> None:
        if at.block not in seen:
            seen.add(at.block)
            console.print(f"block {at.block + 1} of {blocks}")

    return tell
