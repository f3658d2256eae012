"""The owner's end of a PostgreSQL server that a run has to itself."""

import time
from pathlib import Path
from types import TracebackType
from typing import Self

from loadtests.postgres.binaries import find_binaries
from loadtests.postgres.keeper import SUPERUSER
from loadtests.records.run_folder import remove_postgres_home
from loadtests.system.errors import RunError
from loadtests.system.processes import Child
from loadtests.system.resources import free_port

READY_LIMIT_S = 60.0
POLL_S = 0.05
STOP_GRACE_S = 10.0


class Cluster:
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
        self._child = Child("loadtests.postgres.keeper", arguments, log=folder / "log")
        try:
            self._wait(ready)
        except BaseException:
            self.stop()
            raise

    def __repr__(self) -> str:
        return f"<Cluster {self._child!r}>"

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"postgresql://{SUPERUSER}@127.0.0.1:{self._port}/postgres"

    @property
    def pid(self) -> int:
        """The keeper's process id."""
        return self._child.pid

    def stop(self) -> None:
        """End the server, and remove its data wherever they are. Safe to call twice."""
        self._child.stop(STOP_GRACE_S)
        remove_postgres_home(self._folder)

    def _wait(self, ready: Path) -> None:
        deadline = time.monotonic() + READY_LIMIT_S
        while not ready.exists():
            if not self._child.alive:
                raise RunError(f"PostgreSQL did not start: {self._child.last_words() or 'it said nothing'}")
            if time.monotonic() > deadline:
                raise RunError(f"PostgreSQL did not start within {READY_LIMIT_S:g} s")
            time.sleep(POLL_S)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
