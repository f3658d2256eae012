"""Linux namespaces, of which hosts are made: the calls that Python 3.11 lacks."""

import ctypes
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

NEW_MOUNT, NEW_UTS, NEW_PID, NEW_NET, NEW_TIME = 0x0002_0000, 0x0400_0000, 0x2000_0000, 0x4000_0000, 0x80
MOUNT_BIND, MOUNT_RECURSIVE, MOUNT_PRIVATE = 0x1000, 0x4000, 0x4_0000
TUN = Path("/dev/net/tun")


def unshare(kinds: int) -> None:
    """Leave namespaces of these kinds for new ones; those of PID and time are for processes forked from now on."""
    _call("unshare", ctypes.c_int(kinds))


def mount(source: str, target: str, kind: str = "", flags: int = 0) -> None:
    """Mount a file system, or change what is mounted."""
    texts = [ctypes.c_char_p(text.encode()) for text in (source, target, kind)]
    _call("mount", *texts, ctypes.c_ulong(flags), None)


def join_network(process: int) -> None:
    """Move this process to the network namespace of another."""
    with _namespace(process, "net") as descriptor:
        _call("setns", ctypes.c_int(descriptor), ctypes.c_int(NEW_NET))


@contextmanager
def children_among(process: int) -> Iterator[None]:
    """Let what this thread starts meanwhile be born in the PID namespace of another process, yet as our own child."""
    with _namespace(os.getpid(), "pid_for_children") as own, _namespace(process, "pid") as other:
        _call("setns", ctypes.c_int(other), ctypes.c_int(NEW_PID))
        try:
            yield
        finally:
            _call("setns", ctypes.c_int(own), ctypes.c_int(NEW_PID))


def try_once() -> None:
    """Do what making hosts needs, in a process that then ends; end with what is not permitted, if anything is."""
    os.close(os.open(TUN, os.O_RDWR))
    unshare(NEW_MOUNT | NEW_UTS | NEW_PID | NEW_NET | NEW_TIME)
    mount("none", "/", flags=MOUNT_RECURSIVE | MOUNT_PRIVATE)
    bridge = ["ip", "link", "add", "name", "bridge0", "type", "bridge"]
    if said := subprocess.run(bridge, check=False, capture_output=True, text=True).stderr:
        sys.exit(said)


@contextmanager
def _namespace(process: int, kind: str) -> Iterator[int]:
    descriptor = os.open(f"/proc/{process}/ns/{kind}", os.O_RDONLY | os.O_CLOEXEC)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _call(name: str, *arguments: object) -> None:
    if getattr(ctypes.CDLL(None, use_errno=True), name)(*arguments) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{name}: {os.strerror(number)}")


if __name__ == "__main__":
    try_once()
