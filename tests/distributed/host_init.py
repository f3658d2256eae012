"""A host's first process: it makes the namespaces, waits, and takes all that runs on the host with it when it ends.

It ends with its standard input, a pipe from whoever made the host. So no host outlives its maker, even a killed one.
"""

import json
import os
import signal
import socket
import sys
from pathlib import Path

from tests.distributed.namespaces import (
    MOUNT_BIND,
    MOUNT_PRIVATE,
    MOUNT_RECURSIVE,
    NEW_MOUNT,
    NEW_NET,
    NEW_PID,
    NEW_TIME,
    NEW_UTS,
    mount,
    unshare,
)


def main(name: str, clock_ahead_s: str, names: str) -> None:
    """Become a host; print its first process's ID, as seen from outside, once all is made but for the network."""
    unshare(NEW_MOUNT | NEW_UTS | NEW_PID | NEW_NET | NEW_TIME)
    seconds, nanoseconds = divmod(round(float(clock_ahead_s) * 1e9), 10**9)
    # Both count from the machine's start: a host that was started earlier is ahead in both.
    offsets = "".join(f"{clock} {seconds} {nanoseconds}\n" for clock in ("monotonic", "boottime"))
    Path("/proc/self/timens_offsets").write_text(offsets)
    ready, tell_ready = os.pipe()
    first = os.fork()
    if first == 0:
        _be_first(name, names, tell_ready)
        os._exit(0)
    os.close(tell_ready)
    if os.read(ready, 1) != b"y":
        sys.exit(f"the host {name} could not be made")
    print(json.dumps(first), flush=True)
    os.waitpid(first, 0)


def _be_first(name: str, names: str, tell_ready: int) -> None:
    """Give the host its name, its own view of processes, and shared memory that no other host sees; then wait."""
    socket.sethostname(name)
    mount("none", "/", flags=MOUNT_RECURSIVE | MOUNT_PRIVATE)
    mount("proc", "/proc", "proc")
    mount("tmpfs", "/dev/shm", "tmpfs")  # noqa: S108 -- it is what is mounted, not a temporary file
    mount(names, "/etc/hosts", flags=MOUNT_BIND)
    for setting in ("all", "default"):  # or its neighbour discovery would be among the packets that are counted
        Path(f"/proc/sys/net/ipv6/conf/{setting}/disable_ipv6").write_text("1")
    signal.signal(signal.SIGCHLD, lambda *_: _reap())
    os.write(tell_ready, b"y")
    os.close(1)
    while os.read(0, 1024):
        pass


def _reap() -> None:
    """Collect orphans, as the first process of any host must."""
    try:
        while os.waitpid(-1, os.WNOHANG) != (0, 0):
            pass
    except ChildProcessError:
        return


if __name__ == "__main__":
    main(*sys.argv[1:])
