"""A side's own commands beside its server: what sets up what it needs, and what puts that back."""

from collections.abc import Mapping
from pathlib import Path
from subprocess import TimeoutExpired
from typing import Literal

from loadtests.experiment.sides import Side
from loadtests.servers.launch import own_start_of
from loadtests.system.cores import Cores
from loadtests.system.errors import RunError
from loadtests.system.processes import Child

LIMIT_S = 60.0


def run_side_command(
    side: Side, what: Literal["setup", "reset"], given: Mapping[str, str], cores: Cores, log: Path
) -> None:
    """Run a command of a side in its folder, with its variables, and wait for its end; nothing if it has none.

    Args:
        side: the side.
        what: which of its commands.
        given: variables that the run gives it.
        cores: the division of the machine.
        log: the file for what it writes.

    Raises:
        RunError: it failed, or took longer than LIMIT_S; the message has the last line that it wrote.
    """
    command: str | None = getattr(side.launch, what)
    if command is None:
        return
    start = own_start_of(side, command, given)
    with Child(
        "loadtests.servers.supervise",
        [str(start.folder), ",".join(map(str, cores.all)), *start.command],
        log=log,
        environment=start.environment,
        hidden="BLOG_",
        isolated=True,
    ) as child:
        try:
            status = child.process.wait(LIMIT_S)
        except TimeoutExpired:
            raise RunError(f"{what} took more than {LIMIT_S:g} s: {command}") from None
        if status:
            words = start.without_secrets(child.last_words())
            raise RunError(f"{what} ended with status {status}" + (f": {words}" if words else f": {command}"))
