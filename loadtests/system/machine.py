"""Hardware, operating system, package versions and commit: what a run was measured on.

``machine_id`` says whether two of these are the same machine; a validation holds for the one that it was made on.
"""

import contextlib
import hashlib
import os
import platform
import sys
from importlib import metadata
from pathlib import Path

import psutil
from pydantic import BaseModel, ConfigDict

from loadtests.system.git import state_of
from loadtests.system.topology import read_text

PACKAGES = (
    "fastapi",
    "starlette",
    "pydantic",
    "sqlalchemy",
    "aiosqlite",
    "greenlet",
    "uvicorn",
    "uvloop",
    "httptools",
    "anyio",
    "httpx",
    "httpx-aiohttp",
    "aiohttp",
    "pillow",
    "locust",
    "numpy",
    "scipy",
)
OPTIONAL = ("psycopg", "asyncpg")
"""Named where they are installed: the extra for PostgreSQL."""


class Environment(BaseModel):
    """The machine and the software, as far as they can change a result.

    Attributes:
        cpu: its model name, or the architecture.
        cores: cores this process may use.
        memory_bytes: installed memory.
        system: operating system and kernel.
        virtualisation: what the machine runs in, if Linux tells.
        governor: the CPU frequency governor, if there is one.
        load_average: over one minute, when the run began.
        python: implementation and version.
        packages: exact versions of what took part.
        sqlite: version of the SQLite library.
        commit: of this project, with a plus sign if files differ from it; None outside a git checkout.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    cpu: str
    cores: int
    memory_bytes: int
    system: str
    virtualisation: str | None
    governor: str | None
    load_average: float
    python: str
    packages: dict[str, str]
    sqlite: str
    commit: str | None


def read_environment() -> Environment:
    """Look at this machine, now."""
    import sqlite3  # noqa: PLC0415 - only for its version

    return Environment(
        cpu=read_processor(),
        cores=usable_cores(),
        memory_bytes=psutil.virtual_memory().total,
        system=read_system(),
        virtualisation="a hypervisor" if " hypervisor" in (read_text("/proc/cpuinfo") or "") else None,
        governor=read_text("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"),
        load_average=round(psutil.getloadavg()[0], 2),
        python=f"{platform.python_implementation()} {platform.python_version()}",
        packages={name: metadata.version(name) for name in PACKAGES} | _optional_versions(),
        sqlite=sqlite3.sqlite_version,
        commit=own_commit(),
    )


def _optional_versions() -> dict[str, str]:
    versions = {}
    for name in OPTIONAL:
        with contextlib.suppress(metadata.PackageNotFoundError):
            versions[name] = metadata.version(name)
    return versions


def usable_cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else (os.cpu_count() or 1)


def read_system() -> str:
    """Return the operating system and its kernel."""
    return f"{platform.system()} {platform.release()}"


def read_processor() -> str:
    """Return the processor's model name, or the architecture."""
    for line in (read_text("/proc/cpuinfo") or "").splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def own_commit() -> str | None:
    """Return this project's commit, with a plus sign if files differ from it; None outside a git checkout."""
    here = Path(__file__).parents[2]
    if not (here / ".git").exists():  # an installed package may lie inside the checkout of another project
        return None
    state = state_of(here)
    return None if state is None else state[:12] + state[40:]


def command_line() -> list[str]:
    """Return the command as typed, without the path to the script."""
    return ["bench", *sys.argv[1:]]


def machine_id(environment: Environment) -> str:
    """Return an id of processor, cores, memory and system; alike machines share it, and it names nobody."""
    memory_gib = round(environment.memory_bytes / 2**30)
    parts = (environment.cpu, environment.cores, memory_gib, environment.system)
    return hashlib.sha256("\n".join(map(str, parts)).encode()).hexdigest()[:12]
