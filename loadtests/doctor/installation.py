"""What the system grants a process that opens thousands of connections.

Python, the packages that the project declares, and tools that are nice to have.
"""

import platform
import resource
import shutil
import sqlite3
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module, metadata

from packaging.requirements import Requirement

from loadtests.doctor import Check
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
PROJECT = "def-or-async"
PYTHON_LEAST = (3, 11)
SQLITE_LEAST = (3, 35, 0)
"""The first to know RETURNING, with which SQLAlchemy inserts; without it a write takes one statement more."""
COMPILED = ("uvloop", "httptools")
"""What the servers run on: installed is not enough, it must load."""
SYNC = "uv sync"


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


def check_versions() -> Check:
    """Compare what is installed with what is declared."""
    try:
        declared = [Requirement(line) for line in metadata.requires(PROJECT) or []]
    except metadata.PackageNotFoundError:
        finding = f"the project ({PROJECT}) is not installed, so nothing says what it needs"
        return Check("versions", ok=False, finding=finding, mend=SYNC)
    applying = [requirement for requirement in declared if requirement.marker is None or requirement.marker.evaluate()]
    faults = [*unmet(applying, _installed(applying)), *_broken(COMPILED)]
    return judge_versions(sys.version_info[:2], sqlite3.sqlite_version_info, len(applying), faults)


def unmet(requirements: Iterable[Requirement], installed: Mapping[str, str]) -> list[str]:
    """Return a phrase for each requirement that is not satisfied."""
    return [
        f"{each.name} {installed[each.name]} is not {each.specifier}"
        if each.name in installed
        else f"{each.name} is missing"
        for each in requirements
        if each.name not in installed or not each.specifier.contains(installed[each.name], prereleases=True)
    ]


def judge_versions(python: tuple[int, ...], sqlite: tuple[int, ...], packages: int, faults: Sequence[str]) -> Check:
    """Ask for what the project declares."""
    if python < PYTHON_LEAST:
        finding = f"Python {_dotted(python)}; the project needs {_dotted(PYTHON_LEAST)} or later"
        return Check("versions", ok=False, finding=finding, mend=f"uv python install 3.13 && {SYNC}")
    if faults:
        return Check("versions", ok=False, finding="; ".join(faults), mend=SYNC)
    if sqlite < SQLITE_LEAST:
        finding = (
            f"SQLite {_dotted(sqlite)} is older than {_dotted(SQLITE_LEAST)}: every insert takes one statement more"
        )
        return Check("versions", ok=False, finding=finding, mend=f"use uv's own Python: uv python install && {SYNC}")
    named = f"{platform.python_implementation()} {platform.python_version()}, SQLite {_dotted(sqlite)}"
    return Check("versions", ok=True, finding=f"{named}, and {packages} packages as declared")


def check_tools() -> Check:
    """Look for programs that are used where they are found; nothing depends on them."""
    return judge_tools({name: shutil.which(name) is not None for name in ("git", "wrk")})


def judge_tools(found: Mapping[str, bool]) -> Check:
    """Tell what is there; nothing here needs attention."""
    without = {"git": "no git (runs will not know their commit)", "wrk": "no wrk (a second opinion on the driver)"}
    return Check("tools", ok=True, finding=", ".join(name if there else without[name] for name, there in found.items()))


def _installed(requirements: Iterable[Requirement]) -> dict[str, str]:
    found = {}
    for each in requirements:
        try:
            found[each.name] = metadata.version(each.name)
        except metadata.PackageNotFoundError:
            continue
    return found


def _broken(modules: Iterable[str]) -> list[str]:
    faults = []
    for name in modules:
        try:
            import_module(name)
        except ImportError as error:
            faults.append(f"{name} does not load: {error}")
    return faults


def _dotted(version: Iterable[int]) -> str:
    return ".".join(map(str, version))
