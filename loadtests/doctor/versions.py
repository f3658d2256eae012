"""Python, the packages that the project declares, and tools that are nice to have."""

import platform
import shutil
import sqlite3
import sys
from collections.abc import Iterable, Mapping, Sequence
from importlib import import_module, metadata

from packaging.requirements import Requirement

from loadtests.doctor.check import Check

PROJECT = "def-or-async"
PYTHON_LEAST = (3, 11)
SQLITE_LEAST = (3, 35, 0)
"""The first to know RETURNING, with which SQLAlchemy inserts; without it a write takes one statement more."""
COMPILED = ("uvloop", "httptools")
"""What the servers run on: installed is not enough, it must load."""
SYNC = "uv sync"


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
