"""What the system grants a process that opens thousands of connections."""

import resource
from dataclasses import dataclass

from loadtests.doctor.check import Check
from loadtests.experiment.loads import MAX_USERS
from loadtests.system.machine import read_text
from loadtests.system.resources import allow_open_files, free_port

SPARE_FILES = 256
"""Files beside connections: libraries, logs, the database."""
FILES_NEEDED = 2 * MAX_USERS + SPARE_FILES
"""A driver keeps a connection for each user to both sides; a server has one to the slow API for each of its own."""
PORTS_NEEDED = 3 * MAX_USERS
"""To both sides, and from one of them to the slow API."""
PORT_RANGE = "/proc/sys/net/ipv4/ip_local_port_range"
SOCKETS = "/proc/net/sockstat"


@dataclass(frozen=True)
class Ports:
    """Ports for outgoing connections.

    Attributes:
        count: how many there are; None where that is not visible.
        taken: of which in use, or more; 0 where that is not visible.
        waiting: of which held back after use (TIME_WAIT).
    """

    count: int | None
    taken: int
    waiting: int


def check_open_files() -> Check:
    """Read how many files a process of a run may open, once it has asked for as many as it may."""
    allow_open_files()
    return judge_open_files(*resource.getrlimit(resource.RLIMIT_NOFILE))


def judge_open_files(soft: int, hard: int) -> Check:
    """Ask for enough files for the highest load."""
    if soft == resource.RLIM_INFINITY or soft >= FILES_NEEDED:
        many = "no limit" if soft == resource.RLIM_INFINITY else f"{soft:,}"
        return Check("open files", ok=True, finding=f"{many}, enough for {MAX_USERS:,} users")
    enough_for = max(0, soft - SPARE_FILES) // 2
    mend = f"ulimit -n {FILES_NEEDED}"
    if hard != resource.RLIM_INFINITY and hard < FILES_NEEDED:
        mend = f"as root, raise the hard limit from {hard:,} to {FILES_NEEDED:,}; then {mend}"
    return Check(
        "open files", ok=False, finding=f"{soft:,}, enough for {enough_for:,} of {MAX_USERS:,} users", mend=mend
    )


def check_ports() -> Check:
    """Count the ports that are left, and take one."""
    bound = True
    try:
        free_port()
    except OSError:
        bound = False
    return judge_ports(parse_ports(read_text(PORT_RANGE), read_text(SOCKETS)), bound=bound)


def judge_ports(ports: Ports, *, bound: bool) -> Check:
    """Ask for enough ports for the highest load."""
    if not bound:
        return Check(
            "free ports", ok=False, finding="no port of 127.0.0.1 can be bound", mend="check that loopback is up"
        )
    if ports.count is None:
        return Check("free ports", ok=True, finding="one can be bound; how many there are is not visible here")
    free = max(0, ports.count - ports.taken - ports.waiting)
    waiting = f", {ports.waiting:,} more are held back (TIME_WAIT)" if ports.waiting else ""
    if free >= PORTS_NEEDED:
        return Check("free ports", ok=True, finding=f"{free:,}, enough for {MAX_USERS:,} users{waiting}")
    enough_for = free // 3
    mend = 'sudo sysctl net.ipv4.ip_local_port_range="16384 60999"'
    if ports.waiting > free:
        mend = "wait for a minute, until connections that were closed are forgotten"
    return Check(
        "free ports",
        ok=False,
        finding=f"{free:,}, enough for {enough_for:,} of {MAX_USERS:,} users{waiting}",
        mend=mend,
    )


def parse_ports(port_range: str | None, sockets: str | None) -> Ports:
    """Read what Linux says in ip_local_port_range and sockstat; anything else is not visible."""
    try:
        low, high = map(int, (port_range or "").split())
    except ValueError:
        return Ports(None, 0, 0)
    for line in (sockets or "").splitlines():
        kind, _, rest = line.partition(":")
        words = rest.split()
        if kind == "TCP":
            counts = dict(zip(words[::2], words[1::2], strict=False))
            return Ports(high - low + 1, int(counts.get("inuse", 0)), int(counts.get("tw", 0)))
    return Ports(high - low + 1, 0, 0)
