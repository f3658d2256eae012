"""Checks of process limits (open files, ports), of installed versions, and of optional tools."""

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
from loadtests.system.resources import allow_open_files, free_port
from loadtests.system.topology import read_text

SPARE_FILES = 256
"""Open files other than connections: libraries, logs, the database."""
FILES_NEEDED = 2 * MAX_USERS + SPARE_FILES
"""A driver keeps a connection for each user to both sides; a server has one to the slow API for each of its own."""
PORTS_NEEDED = 3 * MAX_USERS
"""Connections to both sides, and from one of them to the slow API."""
PORT_RANGE = "/proc/sys/net/ipv4/ip_local_port_range"
SOCKETS = "/proc/net/sockstat"
PROJECT = "def-or-async"
MIN_PYTHON = (3, 11)
MIN_SQLITE = (3, 35, 0)
"""The first version with RETURNING, which SQLAlchemy uses to insert; without it a write takes one more statement."""
COMPILED = ("uvloop", "httptools")
"""Compiled packages of the servers: they must load, not only be installed."""
SYNC = "uv sync"


def check_open_files() -> Check:
    """Read how many files a process may open, after raising its soft limit as far as a run does."""
    allow_open_files()
    return judge_open_files(*resource.getrlimit(resource.RLIMIT_NOFILE))


def judge_open_files(soft: int, hard: int) -> Check:
    """Check that there are enough open files for the highest load."""
    if soft == resource.RLIM_INFINITY or soft >= FILES_NEEDED:
        many = "no limit" if soft == resource.RLIM_INFINITY else f"{soft:,}"
        return Check("open files", ok=True, finding=f"{many}, enough for {MAX_USERS:,} users")
    enough_for = max(0, soft - SPARE_FILES) // 2
    fix = f"ulimit -n {FILES_NEEDED}"
    if hard != resource.RLIM_INFINITY and hard < FILES_NEEDED:
        fix = f"as root, raise the hard limit from {hard:,} to {FILES_NEEDED:,}; then {fix}"
    return Check("open files", ok=False, finding=f"{soft:,}, enough for {enough_for:,} of {MAX_USERS:,} users", fix=fix)


@dataclass(frozen=True)
class Ports:
    """Ports for outgoing connections.

    Attributes:
        count: size of the port range; None where it is not visible.
        taken: upper bound of those in use; 0 where that is not visible.
        waiting: held back after use (TIME_WAIT).
    """

    count: int | None
    taken: int
    waiting: int


def check_ports() -> Check:
    """Count the free ports, and bind one."""
    bound = True
    try:
        free_port()
    except OSError:
        bound = False
    return judge_ports(parse_ports(read_text(PORT_RANGE), read_text(SOCKETS)), bound=bound)


def judge_ports(ports: Ports, *, bound: bool) -> Check:
    """Check that there are enough ports for the highest load."""
    if not bound:
        return Check(
            "free ports", ok=False, finding="no port of 127.0.0.1 can be bound", fix="check that loopback is up"
        )
    if ports.count is None:
        return Check("free ports", ok=True, finding="one can be bound; how many there are is not visible here")
    free = max(0, ports.count - ports.taken - ports.waiting)
    waiting = f", {ports.waiting:,} more are held back (TIME_WAIT)" if ports.waiting else ""
    if free >= PORTS_NEEDED:
        return Check("free ports", ok=True, finding=f"{free:,}, enough for {MAX_USERS:,} users{waiting}")
    enough_for = free // 3
    fix = 'sudo sysctl net.ipv4.ip_local_port_range="16384 60999"'
    if ports.waiting > free:
        fix = "wait for a minute, until connections that were closed are forgotten"
    return Check(
        "free ports",
        ok=False,
        finding=f"{free:,}, enough for {enough_for:,} of {MAX_USERS:,} users{waiting}",
        fix=fix,
    )


def parse_ports(port_range: str | None, sockets: str | None) -> Ports:
    """Parse Linux's ip_local_port_range and sockstat; anything else counts as not visible."""
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
    """Compare installed packages with the project's requirements."""
    try:
        declared = [Requirement(line) for line in metadata.requires(PROJECT) or []]
    except metadata.PackageNotFoundError:
        finding = f"the project ({PROJECT}) is not installed, so nothing says what it needs"
        return Check("versions", ok=False, finding=finding, fix=SYNC)
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


def judge_versions(python: tuple[int, ...], sqlite: tuple[int, ...], packages: int, faults: Sequence[str]) -> Check:
    """Check that Python, SQLite and packages meet the project's requirements."""
    if python < MIN_PYTHON:
        finding = f"Python {_dotted(python)}; the project needs {_dotted(MIN_PYTHON)} or later"
        return Check("versions", ok=False, finding=finding, fix=f"uv python install 3.13 && {SYNC}")
    if faults:
        return Check("versions", ok=False, finding="; ".join(faults), fix=SYNC)
    if sqlite < MIN_SQLITE:
        finding = f"SQLite {_dotted(sqlite)} is older than {_dotted(MIN_SQLITE)}: every insert takes one statement more"
        return Check("versions", ok=False, finding=finding, fix=f"use uv's own Python: uv python install && {SYNC}")
    named = f"{platform.python_implementation()} {platform.python_version()}, SQLite {_dotted(sqlite)}"
    return Check("versions", ok=True, finding=f"{named}, and {packages} packages as declared")


def _dotted(version: Iterable[int]) -> str:
    return ".".join(map(str, version))


def check_tools() -> Check:
    """Look for optional programs."""
    return judge_tools({name: shutil.which(name) is not None for name in ("git", "wrk")})


def judge_tools(found: Mapping[str, bool]) -> Check:
    """List the optional programs that were found; a missing one needs no attention."""
    without = {"git": "no git (runs will not know their commit)", "wrk": "no wrk (a second opinion on the driver)"}
    return Check("tools", ok=True, finding=", ".join(name if there else without[name] for name, there in found.items()))
