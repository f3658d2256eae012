"""A lane's server: started, restarted and watched while the engine keeps running."""

import os
import shutil
import threading
import time
from contextlib import suppress
from pathlib import Path

from loadtests.experiment.sides import Side, SideLabel
from loadtests.lab.observation import Observer
from loadtests.records.samples import Timeline
from loadtests.servers.databases import SqliteDatabases
from loadtests.servers.server import READY_LIMIT_S, Server, ServerFailed, how_it_ended
from loadtests.system.connections import SYSTEMS, Trust
from loadtests.system.cores import Cores
from loadtests.system.errors import BenchError
from loadtests.system.processes import Stoppable

JOIN_S = 3.0
"""How long a cancelled start may take to notice."""
LONGEST_LOG = 2**24
"""Size in bytes at which a server's log is cut: a lab runs for a long time, and /tmp may be memory."""
_starting = threading.Lock()
"""One server starts at a time: a signal must not interrupt taking ownership of a process."""


class LaneServer(Stoppable):
    """One lane's server; a context manager that owns its process.

    ``start`` returns at once; ``poll`` tells what has become of it. What a thread of it was interrupted by is kept in
    ``failure``, for the main thread to raise: a signal must end the command wherever it arrives.

    Attributes:
        label: of the lane.
        side: as the running server, or the one that starts, was given its settings.
        number: counts starts.
        down: why it does not run, in words; empty if it does, or starts.
        ready_s: when it became ready, on the monotonic clock; None if it is not.
        failure: what ended a start that was no failure of the server.
    """

    def __init__(
        self,
        label: SideLabel,
        side: Side,
        *,
        upstream_url: str,
        cores: Cores,
        work: Path,
        trust: Trust = SYSTEMS,
        start_limit_s: float = READY_LIMIT_S,
    ) -> None:
        """Prepare a lane; it is not started before ``start``.

        Args:
            label: of the lane.
            side: its app.
            upstream_url: where the slow external API is.
            cores: the division of the machine.
            work: a folder for its databases and logs.
            trust: which certificates are trusted, if it is an https URL.
            start_limit_s: how long it may take to start, in seconds, where the side itself does not say.
        """
        self.label = label
        self.side = side
        self.number = 0
        self.down = ""
        self.ready_s: float | None = None
        self.failure: BaseException | None = None
        self._upstream_url = upstream_url
        self._cores = cores
        self._work = work
        self._trust = trust
        self._start_limit_s = start_limit_s
        self._server: Server | None = None
        self._log: Path | None = None
        self._observer: Observer | None = None
        self._thread: threading.Thread | None = None
        self._stopped = threading.Event()

    @property
    def is_starting(self) -> bool:
        """Whether it is starting."""
        return self._thread is not None and self._thread.is_alive()

    @property
    def is_running(self) -> bool:
        """Whether it is ready, and nothing is known to be wrong with its process."""
        return self.ready_s is not None and not self.down and not self.is_starting

    @property
    def url(self) -> str:
        """Where it listens."""
        return self._server.url if self._server is not None else ""

    @property
    def pids(self) -> tuple[int, ...]:
        """Its processes; none if it is not ours."""
        return tuple(self._server.pids) if self._server is not None else ()

    @property
    def cpus(self) -> int:
        """How many cores it can use at once."""
        return self._server.cpus if self._server is not None else 1

    def start(self, side: Side) -> None:
        """Start or restart it with the settings of ``side``; call this only when it is not starting."""
        self.side, self.down, self.ready_s, self._observer = side, "", None, None
        self.number += 1
        self._thread = threading.Thread(target=self._start, args=(side, self.number), name=f"start-{self.label}")
        self._thread.daemon = True
        self._thread.start()

    def _start(self, side: Side, number: int) -> None:
        try:
            folder = self._work / f"{self.label}-{number}"
            with _starting:
                if self._stopped.is_set():
                    return
                folder.mkdir()  # not its parents: they may be gone
                self._log = folder / "log"
                if self._server is not None:
                    self._server.stop()
                self._server = Server(
                    side,
                    database_url=SqliteDatabases().new(folder, "blog").url,
                    upstream_url=self._upstream_url,
                    cores=self._cores,
                    log=self._log,
                    observe=True,
                    trust=self._trust,
                )
                if self._stopped.is_set():  # while it was being set up
                    self._server.stop()
                    return
            shutil.rmtree(self._work / f"{self.label}-{number - 1}", ignore_errors=True)
            self._server.wait_until_ready(self._start_limit_s)
            self._observer = Observer(folder / "log.observed") if side.starts_uvicorn else None
            self.ready_s = time.monotonic()
        except (BenchError, OSError) as error:
            self.down = f"{side.spec} {error}" if isinstance(error, ServerFailed) else str(error)
        except BaseException as error:
            self.failure = error

    def poll(self) -> None:
        """Notice if its process has ended; cut its log if it has grown large."""
        if self._server is None or self.is_starting or self.down:
            return
        with suppress(OSError):
            if self._log is not None and self._log.stat().st_size > LONGEST_LOG:
                os.truncate(self._log, 0)  # its processes append
        status = self._server.exit_status()
        if status is not None:
            words = self._server.last_words()
            self.down = f"its process {how_it_ended(status).rstrip(',')}" + (f": {words}" if words else "")

    def look(self) -> Timeline | None:
        """Return what was seen inside it in the last second; None if it can't be looked into."""
        return self._observer.look() if self._observer is not None else None

    def stop(self) -> None:
        """End its process, and cancel a start."""
        self._stopped.set()
        if self._server is not None:
            self._server.stop()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(JOIN_S)
        if self._server is not None:
            with suppress(BenchError):
                self._server.stop()
