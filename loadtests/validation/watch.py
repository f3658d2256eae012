"""The display while a validation goes on: which check, what it does, how long still."""

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import Progress as ProgressBar
from rich.progress import TextColumn

from loadtests.system.terminal import progress_bar


class Watch:
    """Where a validation stands: steps whose lengths were estimated beforehand, one after another."""

    def __init__(self, console: Console, bar: ProgressBar | None, total_s: float) -> None:
        self._console = console
        self._bar = bar
        self._task = bar.add_task("", total=total_s, step="", now="starting") if bar else None
        self._behind_s = 0.0
        self._length_s = 0.0

    def step(self, name: str, length_s: float) -> None:
        """Begin a step; in a pipe it is a line.

        Args:
            name: what it is.
            length_s: how long it takes, about, in seconds.
        """
        self._behind_s += self._length_s
        self._length_s = length_s
        if self._bar is None or self._task is None:
            self._console.print(name, highlight=False, markup=False)
        else:
            self._bar.update(self._task, completed=self._behind_s, step=name, now="")

    def tell(self, now: str, behind_s: float) -> None:
        """Say what a step does, and how many of its seconds are over."""
        if self._bar is not None and self._task is not None:
            done = self._behind_s + min(behind_s, self._length_s)
            self._bar.update(self._task, completed=done, now=now)


@contextmanager
def watching(console: Console, total_s: float) -> Iterator[Watch]:
    """Show a validation's progress."""
    if not console.is_terminal:
        yield Watch(console, None, total_s)
        return
    with progress_bar(console, TextColumn("{task.fields[step]}", markup=False)) as bar:
        yield Watch(console, bar, total_s)
