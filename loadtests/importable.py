"""Whether the sides' apps can be imported, asked before anything is written."""

import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

from loadtests.experiment.sides import BUILDS, Side
from loadtests.system.errors import UsageError
from loadtests.system.processes import Child

LIMIT_S = 30.0
POLL_S = 0.02


def check_importable(*sides: Side) -> None:
    """Import the sides' apps, each in a process of its own; raises UsageError with an import's last word.

    Our own builds are there; importing them would only take time.
    """
    apps = {side.app: side for side in sides if side.app is not None and side.app not in BUILDS.values()}
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        children = {
            side: stack.enter_context(
                Child(
                    "loadtests.servers.import_check",
                    [app],
                    log=folder / str(number) / "log",
                    environment=side.environment(),
                )
            )
            for number, (app, side) in enumerate(apps.items())
        }
        deadline = time.monotonic() + LIMIT_S
        for side, child in children.items():
            while child.alive:
                if time.monotonic() > deadline:
                    raise UsageError(f"side {side.spec!r}: its import took more than {LIMIT_S:g} s")
                time.sleep(POLL_S)
            if child.process.returncode != 0:
                reason = child.last_words() or f"its import ended with status {child.process.returncode}"
                raise UsageError(f"side {side.spec!r} can't be imported from this folder: {reason}")
