"""A side's server: start it, wait until it is ready, pin its processes, stop it."""

import contextlib
import http.client
import time
from pathlib import Path
from urllib.parse import urlsplit

import psutil

from loadtests.experiment.sides import Side
from loadtests.records.samples import Recording, Timeline, collect_observations
from loadtests.servers.probe import ProbeConnection
from loadtests.system.cores import Cores, pin_others
from loadtests.system.errors import BenchError
from loadtests.system.pausing import continue_groups, stop_groups
from loadtests.system.processes import Child, Stoppable
from loadtests.system.resources import free_port, is_free_port, read_cpu

READY_LIMIT_S = 20.0
POLL_S = 0.02
REST_S = 0.05
"""A server is watched for so long to tell how busy it is without requests."""
WORKER = "multiprocessing.spawn"
"""What uvicorn's worker processes have in their command line."""


class ServerFailed(BenchError):
    """A server did not start, or is gone; the message is a sentence for the report."""


def app_environment(side: Side, database_url: str, upstream_url: str) -> dict[str, str]:
    """Return the variables that tell a side where its database and the upstream are, unless its knobs say otherwise."""
    return {"BLOG_DATABASE_URL": database_url, "BLOG_UPSTREAM_URL": upstream_url, **side.environment()}


class Server(Stoppable):
    """A running side; a context manager that owns its process, or borrows a server that runs already."""

    def __init__(
        self, side: Side, *, database_url: str, upstream_url: str, cores: Cores, log: Path, observe: bool = False
    ) -> None:
        """Start the side; it is not ready before ``wait_until_ready`` has returned.

        Args:
            side: the side.
            database_url: where its database is.
            upstream_url: where the slow external API is.
            cores: the division of the machine.
            log: the file for what it writes.
            observe: whether to look inside, also if the side does not ask for it.
        """
        self.side = side
        self._cores = cores
        self.child: Child | None = None
        self._pids: list[int] = []
        self.groups: list[int] = []
        """Its process groups; none for a server that is not ours."""
        self._observed: Path | None = None
        if side.url is not None:
            self.url = side.url
            return
        port = side.server.port or free_port()
        self.url = f"http://127.0.0.1:{port}"
        options: dict[str, object] = {
            "port": port,
            "loop": side.server.loop,
            "http": side.server.http,
            "workers": side.server.workers,
            "gc": side.server.gc,
            # Every core while it starts, which halves the time; its own from then on.
            "cores": ",".join(map(str, cores.all)),
        }
        if observe or side.server.observe == "on":
            self._observed = log.with_suffix(".observed")
            self._observed.mkdir(exist_ok=True)
            options["observe"] = self._observed.absolute()
        if side.server.port and not is_free_port(port):
            raise ServerFailed(f"port {port} is already taken by another process")
        self.child = Child(
            "loadtests.servers.serve",
            ["run", str(side.app), *(f"--{name}={value}" for name, value in options.items())],
            log=log,
            environment=app_environment(side, database_url, upstream_url),
            hidden="BLOG_",  # knobs of the caller's shell would reach both sides unseen and unrecorded
        )

    def __repr__(self) -> str:
        return f"<Server {self.side.spec} at {self.url}>"

    def wait_until_ready(self, limit_s: float = READY_LIMIT_S) -> float:
        """Poll until it answers HTTP, whatever the status; return the seconds it took.

        Raises:
            ServerFailed: it exited, or did not answer within ``limit_s`` seconds.
        """
        started = time.monotonic()
        while not self._answers(timeout_s=1.0):
            self.check_alive("before it was ready")
            if time.monotonic() - started > limit_s:
                raise ServerFailed(f"did not become ready within {limit_s:g} s")
            time.sleep(POLL_S)
        self.find_processes()
        return time.monotonic() - started

    def find_processes(self) -> None:
        """Look which processes it has, and pin them; once more when it may have started others."""
        family = self._find_family()
        self.groups = self.child.groups() if self.child is not None else []
        pin_others([process.pid for process in family], self._cores.server)
        self._pids = [process.pid for process in family if self._serves(process)]

    def check_alive(self, when: str) -> None:
        """Raise ServerFailed, with its last words, if the process has ended."""
        if self.child is None or self.child.alive:
            return
        words = self.child.last_words()
        raise ServerFailed(
            f"exited with status {self.child.process.returncode} {when}" + (f": {words}" if words else "")
        )

    @property
    def pids(self) -> list[int]:
        """Processes that serve, without what those start, which may come and go; none for a server that is not ours."""
        return self._pids

    @property
    def cpus(self) -> int:
        """How many cores it can use at once: Python code runs on one for each worker."""
        workers = self.side.server.workers
        return min(workers, len(self._cores.server)) or workers

    def busy(self, seconds: float) -> float:
        """Return how many cores it keeps busy over so many seconds; 0 if it is not ours, or gone."""
        with contextlib.suppress(psutil.NoSuchProcess):
            begun_s, cpu_s = time.monotonic(), read_cpu(self._pids)
            time.sleep(seconds)
            return (read_cpu(self._pids) - cpu_s) / (time.monotonic() - begun_s)
        return 0.0

    def rests(self, limit_s: float, allowed: float) -> float:
        """Wait until it keeps no more than so many cores busy, or time is up; return the least that it did."""
        least, deadline = self.busy(REST_S), time.monotonic() + limit_s
        while least > allowed and time.monotonic() < deadline:
            least = min(least, self.busy(REST_S))
        return least

    def hold(self) -> None:
        """Stop it, with all that it has started, until ``go_on``; does nothing to a server that is not ours."""
        stop_groups(self.groups)

    def go_on(self) -> None:
        """Let it go on."""
        continue_groups(self.groups)

    def timeline(self, recording: Recording) -> Timeline | None:
        """Return what was seen inside since a recording began; None if nobody looked."""
        if self._observed is None:
            return None
        return collect_observations(self._observed, recording.started_s, time.perf_counter(), recording.pauses)

    def ask_to_end(self) -> None:
        """Ask the process to end, if it is ours, and do not wait for it."""
        if self.child is not None:
            self.child.ask_to_end()

    def stop(self) -> None:
        """End the process, if it is ours."""
        if self.child is not None:
            self.child.stop(grace_s=0.2)

    def _answers(self, timeout_s: float) -> bool:
        connection = ProbeConnection(self.url, timeout_s)
        try:
            connection.ask("HEAD", "" if urlsplit(self.url).path else "/")
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()
        return True

    def _find_family(self) -> list[psutil.Process]:
        if self.child is None:
            return []
        with contextlib.suppress(psutil.NoSuchProcess):
            return [
                psutil.Process(self.child.pid),
                *psutil.Process(self.child.pid).children(recursive=True),
            ]
        return []

    def _serves(self, process: psutil.Process) -> bool:
        """Whether it is the server's main process, or one of uvicorn's workers, which that one spawns."""
        if self.child is None or process.pid == self.child.pid:
            return True
        with contextlib.suppress(psutil.Error):
            spawned = process.ppid() == self.child.pid and WORKER in " ".join(process.cmdline())
            return self.side.server.workers > 1 and spawned
        return False
