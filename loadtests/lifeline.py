"""The child's half of ``processes``: end when the owner's end of standard input closes."""

import os
import signal
import threading
import time

from loadtests import strays

GRACE_S = 2.0


def hold(grace_s: float = GRACE_S) -> None:
    """Start watching; call it first thing in a child that does not itself read standard input.

    Args:
        grace_s: how long this process needs to end by itself, in seconds.
    """
    threading.Thread(target=_watch, args=(grace_s,), name="lifeline", daemon=True).start()


def _watch(grace_s: float) -> None:
    while os.read(0, 4096):  # the owner never writes: this returns when it is gone
        pass
    end(grace_s)


def end(grace_s: float = GRACE_S) -> None:
    """End this process and all it started: politely, then after a grace period for certain."""
    strays.end(os.environ.get(strays.MARK, ""))
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(grace_s)
    # A hung server cannot act on SIGTERM. The group is ours alone: Child starts us as a session leader.
    os.killpg(os.getpgrp(), signal.SIGKILL)
