"""Stop a process for a while, again and again: ``python -m loadtests.validation.staller``.

A process of its own, because the harness waits for the driver meanwhile, and because whatever happens to the harness,
what was stopped must go on: when the owner is gone, or a signal comes, the last thing it does is to let it.
"""

import contextlib
import os
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import FrameType

import click

from loadtests.system.processes import Child, exit_with_parent


@contextlib.contextmanager
def stalling(pids: Sequence[int], every_s: float, for_s: float, log: Path) -> Iterator[None]:
    """Stop processes for a while, again and again; whatever ends it, they go on in the end.

    Args:
        pids: the processes.
        every_s: they are stopped once in so many seconds, first after half of them.
        for_s: for so long, in seconds.
        log: of the process that does it.
    """
    arguments = [*(f"--pid={pid}" for pid in pids), f"--every={every_s}", f"--for={for_s}"]
    try:
        with Child("loadtests.validation.staller", arguments, log=log):
            yield
    finally:
        _send(pids, signal.SIGCONT)


@click.command()
@click.option("--pid", "pids", type=int, multiple=True, required=True, help="What to stop.")
@click.option("--every", "every_s", type=float, required=True, help="Stop it once in so many seconds …")
@click.option("--for", "for_s", type=float, required=True, help="… for so long.")
def main(pids: tuple[int, ...], every_s: float, for_s: float) -> None:
    """Stop and continue until the owner ends."""
    signal.signal(signal.SIGTERM, _leave)
    exit_with_parent()
    try:
        due = time.monotonic() + every_s / 2
        while True:
            time.sleep(max(0.0, due - time.monotonic()))
            _send(pids, signal.SIGSTOP)
            time.sleep(for_s)
            _send(pids, signal.SIGCONT)
            due += every_s
    finally:
        _send(pids, signal.SIGCONT)


def _send(pids: Sequence[int], number: signal.Signals) -> None:
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)


def _leave(_number: int, _frame: FrameType | None) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    sys.exit(0)


if __name__ == "__main__":
    main()
