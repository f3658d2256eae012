"""Stop and continue process groups, so that nothing but what is measured runs; never leave one stopped.

What this process has stopped it continues before it ends (``release``). If it is killed, so that it can't, its owner
continues the groups; and if that is killed too, the kernel does: a server asks for a SIGCONT at its parent's death
(``continue_when_orphaned``).
"""

import contextlib
import ctypes
import os
import signal
import sys
from collections.abc import Iterable

PR_SET_PDEATHSIG = 1
"""Source: prctl(2)."""
_stopped: set[int] = set()
_released = False


def stop_groups(groups: Iterable[int]) -> None:
    """Stop every process of some process groups, until ``continue_groups``; one that is gone is passed over."""
    for group in groups:
        if _released:
            return
        _stopped.add(group)
        _send(group, signal.SIGSTOP)


def continue_groups(groups: Iterable[int]) -> None:
    """Let process groups go on; harmless for those that run."""
    for group in groups:
        _send(group, signal.SIGCONT)
        _stopped.discard(group)


def release() -> None:
    """Let everything go on that this process has stopped, and stop nothing from now on: it is about to end."""
    global _released  # noqa: PLW0603 - said by one thread, heeded by another
    _released = True
    continue_groups(list(_stopped))


def continue_when_orphaned() -> None:
    """Ask the kernel to continue this process when its parent dies; only Linux can."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGCONT)


def _send(group: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)
