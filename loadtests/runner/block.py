"""The servers of one block: both sides, freshly started, on databases of their own."""

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

from loadtests.experiment.plan import Experiment
from loadtests.experiment.sides import LABELS, SideLabel
from loadtests.servers.databases import Database, Databases
from loadtests.servers.server import Server, ServerFailed
from loadtests.system.cores import Cores
from loadtests.system.errors import RunError

Warm = Callable[[list[Server]], None]


class BlockServers:
    """Both sides of one block, running; a context manager that owns their processes."""

    def __init__(
        self,
        experiment: Experiment,
        databases: Databases,
        *,
        work: Path,
        upstream_url: str,
        cores: Cores,
        warm: Warm,
        labels: Sequence[SideLabel] = LABELS,
    ) -> None:
        """Prepare a block.

        Args:
            experiment: says what the sides are.
            databases: where each side gets a fresh one.
            work: folder for this block's databases and logs.
            upstream_url: where the slow external API listens.
            cores: the division of the machine.
            warm: called with the servers when they are ready, before their rows are put back to their start.
            labels: the sides to start.
        """
        self._experiment = experiment
        self._made = databases
        self._work = work
        self._upstream_url = upstream_url
        self._cores = cores
        self._warm = warm
        self._labels = tuple(labels)
        self._stack = ExitStack()
        self._servers: dict[SideLabel, Server] = {}
        self._databases: dict[SideLabel, Database] = {}
        self._starts = 0
        self.broken: dict[SideLabel, str] = {}
        """Sides that could not be started in this block, with the reason."""

    def __enter__(self) -> Self:
        self._work.mkdir(parents=True, exist_ok=True)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for server in self._servers.values():
            server.ask_to_end()  # both at once: each takes a moment
        self._stack.close()

    def start(self) -> dict[SideLabel, float]:
        """Start the sides at once; return the seconds each took. Those that fail are in ``broken``."""
        for label in self._labels:
            self._launch(label)
        return self._await(self._labels)

    def restart(self, label: SideLabel) -> float | None:
        """Replace a side by a fresh one; return the seconds it took, or None if it is ``broken`` now."""
        self._servers.pop(label).stop()
        self._launch(label)
        return self._await((label,)).get(label)

    def server(self, label: SideLabel) -> Server:
        """Return a side that runs; KeyError if it is broken."""
        return self._servers[label]

    def restore(self, label: SideLabel) -> None:
        """Bring back the rows a side started with; raises RunError if it holds a lock."""
        self._databases[label].restore()

    def _launch(self, label: SideLabel) -> None:
        self._starts += 1
        database = self._made.new(self._work, f"{label}{self._starts}")
        self._databases[label] = database
        self._stack.callback(database.drop)
        database.create()
        try:
            server = Server(
                self._experiment.side(label),
                database_url=database.url,
                upstream_url=self._upstream_url,
                cores=self._cores,
                log=self._work / f"{label}{self._starts}.log",
                observe=self._experiment.observe,
            )
        except ServerFailed as failure:
            self.broken[label] = str(failure)
            return
        self._stack.callback(server.stop)
        self._servers[label] = server

    def _await(self, labels: Sequence[SideLabel]) -> dict[SideLabel, float]:
        """Wait until sides are ready, and warm them up together; return the seconds each took to start."""
        seconds: dict[SideLabel, float] = {}

        def ready(label: SideLabel) -> None:
            seconds[label] = self._servers[label].wait_until_ready(self._experiment.start_limit_s)
            self._databases[label].snapshot()

        def still_well(label: SideLabel) -> None:
            self._servers[label].check_alive("while it was warmed up")
            self._databases[label].restore()

        self._each(labels, ready)
        warmed = [self._servers[label] for label in labels if label not in self.broken]
        self._warm(warmed)
        for server in warmed:
            server.find_processes()
        self._each(labels, still_well)
        return {label: took for label, took in seconds.items() if label not in self.broken}

    def _each(self, labels: Sequence[SideLabel], act: Callable[[SideLabel], None]) -> None:
        """Do something with every side that is not broken; one that fails is, from then on."""
        for label in labels:
            if label in self.broken:
                continue
            try:
                act(label)
            except (ServerFailed, RunError) as failure:
                self._servers.pop(label).stop()
                self.broken[label] = str(failure)
