"""The servers of one block: both sides, freshly started, on databases of their own."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

from loadtests.experiment.plan import Experiment, ServerName
from loadtests.experiment.sides import LABELS, SideLabel
from loadtests.records.samples import WORK_LEFT
from loadtests.servers.databases import Database, Databases
from loadtests.servers.server import Server, ServerFailed
from loadtests.system.cores import Cores
from loadtests.system.errors import RunError

Warm = Callable[[Mapping[ServerName, Server]], None]

REST_LIMIT_S = 2.0
"""How long to wait for a server to get done with what the warm-up left it to do."""


class BlockServers:
    """The servers of one block; a context manager that owns their processes.

    Once ``hold`` has stopped them all (SIGSTOP), only those run that ``running`` lets go on.
    """

    def __init__(
        self,
        experiment: Experiment,
        databases: Databases,
        *,
        work: Path,
        upstream_url: str,
        cores: Cores,
        warm: Warm,
        labels: Sequence[SideLabel] | None = None,
        counts_statements: bool = False,
    ) -> None:
        """Prepare a block.

        Args:
            experiment: says what the sides are.
            databases: where each side gets a fresh one.
            work: folder for this block's databases and logs.
            upstream_url: where the slow external API listens.
            cores: the division of the machine.
            warm: called with the servers, by name, when they are ready, before their rows are put back to their start.
            labels: the sides to start; None for both, and the control if the experiment has one.
            counts_statements: whether each answer tells how many SQL statements it took.
        """
        self._experiment = experiment
        self._databases = databases
        self._work = work
        self._upstream_url = upstream_url
        self._cores = cores
        self._warm = warm
        self._counts_statements = counts_statements
        everything: tuple[ServerName, ...] = (*LABELS, "control") if experiment.has_control else LABELS
        self._names = everything if labels is None else tuple(labels)
        self._stack = ExitStack()
        self._servers: dict[ServerName, Server] = {}
        self._database: dict[ServerName, Database] = {}
        self._starts = 0
        self.idle_busy: dict[ServerName, float] = {}
        """How many cores each server keeps busy without load."""
        self.broken: dict[ServerName, str] = {}
        """Servers that could not be started in this block, with the reason."""

    def __enter__(self) -> Self:
        self._work.mkdir(parents=True, exist_ok=True)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for server in self._servers.values():
            server.ask_to_end()  # both at once: each takes a moment
        self._stack.close()

    def start(self) -> dict[ServerName, float]:
        """Start the servers at once; return the seconds each took. Those that fail are in ``broken``."""
        for name in self._names:
            self._launch(name)
        return self._wait_until_ready(self._names)

    def restart(self, name: ServerName) -> float | None:
        """Replace a server by a fresh one; return the seconds it took, or None if it is ``broken`` now."""
        self._servers.pop(name).stop()
        self._launch(name)
        return self._wait_until_ready((name,)).get(name)

    def server(self, name: ServerName) -> Server:
        """Return a server; KeyError if it is broken."""
        return self._servers[name]

    def hold(self) -> None:
        """Stop all servers."""
        for server in self._servers.values():
            server.hold()

    @contextmanager
    def running(self, names: Sequence[ServerName]) -> Iterator[None]:
        """Let some servers go on, and stop them again in the end."""
        servers = [self._servers[name] for name in names]
        for server in servers:
            server.go_on()
        try:
            yield
        finally:
            for server in servers:
                server.hold()

    def restore(self, name: ServerName) -> None:
        """Bring back what a server started with; raises RunError if it holds a lock, or its own command fails."""
        self._database[name].restore()
        self._servers[name].reset()

    def _launch(self, name: ServerName) -> None:
        self._starts += 1
        database = self._databases.new(self._work, f"{name}{self._starts}")
        self._database[name] = database
        self._stack.callback(database.drop)
        database.create()
        try:
            server = Server(
                self._experiment.side(name),
                database_url=database.url,
                upstream_url=self._upstream_url,
                cores=self._cores,
                log=self._work / f"{name}{self._starts}.log",
                observe=self._experiment.observe,
                counts_statements=self._counts_statements,
                trust=self._experiment.trust,
            )
        except ServerFailed as failure:
            self.broken[name] = str(failure)
            return
        self._stack.callback(server.stop)
        self._servers[name] = server

    def _wait_until_ready(self, names: Sequence[ServerName]) -> dict[ServerName, float]:
        """Wait until servers are ready, and warm them up together; return the seconds each took to start."""
        seconds: dict[ServerName, float] = {}

        def ready(name: ServerName) -> None:
            seconds[name] = self._servers[name].wait_until_ready(self._experiment.start_limit_s)
            self._database[name].snapshot()

        def still_well(name: ServerName) -> None:
            self._servers[name].check_alive("while it was warmed up")
            self._database[name].restore()
            if any(scenario.writes for scenario in self._experiment.scenarios):
                self._servers[name].reset()

        self._for_each_running(names, ready)
        warmed = {name: self._servers[name] for name in names if name not in self.broken}
        self._warm(warmed)
        for server in warmed.values():
            server.find_processes()
        self._for_each_running(names, still_well)
        self.hold()
        for name in names:
            if name not in self.broken:
                self._servers[name].go_on()
                self.idle_busy[name] = self._servers[name].rests(REST_LIMIT_S, WORK_LEFT)
                self._servers[name].hold()
        for server in self._servers.values():
            server.go_on()
        return {name: took for name, took in seconds.items() if name not in self.broken}

    def _for_each_running(self, names: Sequence[ServerName], act: Callable[[ServerName], None]) -> None:
        """Do something with every server that is not broken; one that fails is, from then on."""
        for name in names:
            if name in self.broken:
                continue
            try:
                act(name)
            except (ServerFailed, RunError) as failure:
                self._servers.pop(name).stop()
                self.broken[name] = str(failure)
