"""Processes of tests that end with the process that started them, however that ends: also by SIGKILL (Linux)."""

import sys

# PR_SET_PDEATHSIG, SIGTERM: the kernel asks the process to end when its parent is gone, whatever it runs by then.
_BOUND = "import ctypes, os, sys; ctypes.CDLL(None).prctl(1, 15); os.execv(sys.argv[1], sys.argv[1:])"


def owned(command: list[str]) -> list[str]:
    """Return what runs a command, whose first word is a path, as a process that ends with its parent."""
    return [sys.executable, "-S", "-E", "-c", _BOUND, *command] if sys.platform == "linux" else command
