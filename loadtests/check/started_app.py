"""The app that is checked: started as a side of a run is, with what a build of the blog needs beside it."""

from contextlib import ExitStack
from pathlib import Path
from typing import Self

from loadtests.experiment.sides import Side
from loadtests.servers.auxiliary import SlowApi
from loadtests.servers.databases import open_databases
from loadtests.servers.server import Server
from loadtests.system.cores import Cores


class StartedApp:
    """Starts the app, also anew if a route ends it, with all that it needs; a context manager that owns that."""

    def __init__(self, side: Side, database: str, start_limit_s: float, work: Path, cores: Cores) -> None:
        """Prepare.

        Args:
            side: the app.
            database: of a build of the blog, as for a run.
            start_limit_s: how long it may take to start, in seconds.
            work: where databases, logs and what is seen go; it is there.
            cores: the division of the machine.
        """
        self._side, self._database, self._limit_s, self._work, self._cores = side, database, start_limit_s, work, cores
        self._stack = ExitStack()
        self._starts = 0
        self.seen = work / "seen"
        """Where the app's process writes what it sees."""

    def __enter__(self) -> Self:
        for each in (self.seen, self._work / "databases"):
            each.mkdir()
        self._stack.__enter__()
        try:
            databases = open_databases(self._database, self._work / "databases", self._cores)
            self._databases = self._stack.enter_context(databases)
            self._upstream = (
                self._stack.enter_context(SlowApi(self._cores, self._work / "slow_api" / "log")).url
                if self._side.is_build
                else ""
            )
        except BaseException:
            self._stack.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def start(self) -> Server:
        """Return a server that is ready; raises ServerFailed."""
        self._starts += 1
        database = self._databases.new(self._work / "databases", f"app{self._starts}")
        self._stack.callback(database.drop)
        database.create()
        server = Server(
            self._side,
            database_url=database.url,
            upstream_url=self._upstream,
            cores=self._cores,
            log=self._work / "servers" / f"app{self._starts}.log",
            check=self.seen.absolute(),
        )
        self._stack.callback(server.stop)
        server.wait_until_ready(self._limit_s)
        return server
