"""The console, also where standard output is a pipe, and the progress bar."""

import os
import sys

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn

REFRESH_PER_S = 2
"""Often enough to watch, seldom enough that drawing does not take the driver's time."""
ESTIMATE_S = 120
"""How far back one looks to tell how long it still takes."""


class PipeConsole(Console):
    """A console that falls silent when its reader goes away (`bench run | head`), instead of ending the command."""

    def on_broken_pipe(self) -> None:
        """Print nowhere from now on."""
        self.quiet = True
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def progress_bar(console: Console, first: TextColumn) -> Progress:
    """Return a display of how far something is, what it does (a task's field ``now``), and how long it still takes."""
    return Progress(
        first,
        BarColumn(bar_width=24),
        TaskProgressColumn(),
        TextColumn("{task.fields[now]}", markup=False),
        TimeElapsedColumn(),
        TextColumn("gone,"),
        TimeRemainingColumn(),
        TextColumn("to go"),
        console=console,
        refresh_per_second=REFRESH_PER_S,
        speed_estimate_period=ESTIMATE_S,
    )
