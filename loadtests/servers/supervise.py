"""A process between the harness and a side's server: it starts any command, and ends it when its own owner ends.

``python -m loadtests.servers.supervise FOLDER CORES COMMAND…``. The command gets this process's environment, and its
exit status becomes this one's.
"""

import ctypes
import signal
import subprocess
import sys

from loadtests.system.cores import parse_cores, pin
from loadtests.system.pausing import PR_SET_PDEATHSIG
from loadtests.system.processes import exit_with_parent
from loadtests.system.resources import allow_open_files

_libc = ctypes.CDLL(None) if sys.platform == "linux" else None


def main() -> None:
    """Start the command, pass SIGTERM on to it, and wait for its end."""
    folder, cores, *command = sys.argv[1:]
    allow_open_files()
    process: subprocess.Popen[bytes] | None = None
    is_to_end = False

    def end(*_: object) -> None:
        nonlocal is_to_end
        is_to_end = True
        if process is not None:
            process.terminate()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, end)
    try:
        # Before there is a second thread: after a fork only the one that forked goes on.
        process = subprocess.Popen(  # noqa: S603 - the user's own command
            command,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            preexec_fn=lambda: _begin(cores),  # noqa: PLW1509
        )
    except (OSError, subprocess.SubprocessError) as error:
        sys.exit(f"{command[0]} can't be started in {folder}: {error}")
    if is_to_end:  # while it was being started
        process.terminate()
    exit_with_parent()
    status = process.wait()
    sys.exit(128 - status if status < 0 else status)


def _begin(cores: str) -> None:
    """Have the kernel end it when this process is killed, which could not pass that on; and keep to the cores."""
    if _libc is not None:
        _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    pin(parse_cores(cores))


if __name__ == "__main__":
    main()
