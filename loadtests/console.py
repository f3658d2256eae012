"""The terminal, or whatever standard output is."""

import os
import sys

from rich.console import Console


class PipeConsole(Console):
    """A console that falls silent when its reader goes away (`bench run | head`), instead of ending the command."""

    def on_broken_pipe(self) -> None:
        """Print nowhere from now on."""
        self.quiet = True
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
