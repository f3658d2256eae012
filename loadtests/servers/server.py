"""A side's server: start it, wait until it is ready, pin its processes, stop it."""

import contextlib
import itertools
import signal
import subprocess
import time
from dataclasses import replace
from pathlib import Path

import psutil

from loadtests.experiment.sides import LOOPBACK, Side
from loadtests.records.samples import Recording, Timeline, collect_observations
from loadtests.servers.agent_watch import AgentWatch
from loadtests.servers.launch import start_of
from loadtests.servers.readiness import NotReady, listens_elsewhere, why_not_ready
from loadtests.servers.side_command import run_side_command
from loadtests.system.connections import SYSTEMS, Trust
from loadtests.system.cores import Cores, pin_others
from loadtests.system.errors import BenchError, RunError
from loadtests.system.pausing import continue_groups, stop_groups
from loadtests.system.processes import Child, Stoppable
from loadtests.system.resources import free_port, is_free_port, read_cpu

READY_LIMIT_S = 20.0
POLL_S = 0.02
ANSWER_S = 1.0
"""How long an answer may take at first that shows whether it is ready."""
TOLD_S = 1.0
"""The process that started a server ends so long after it at the most."""
EVERY_ADDRESS = "0.0.0.0"  # noqa: S104 - whoever wants that has written it
"""A server that listens there is reached at each address of its machine."""
REST_S = 0.05
"""A server is watched for so long to tell how busy it is without requests."""
SIGNALLED = 128
"""A status above it stands for a signal."""
HELPER = "multiprocessing.resource_tracker"
"""What a process has in its command line that Python starts beside a server's workers."""


_starts = itertools.count(1)


class ServerFailed(BenchError):
    """A server did not start, or is gone; the message is a sentence for the report."""


class Server(Stoppable):
    """A running side; a context manager that owns its process, or borrows a server that runs already."""

    def __init__(
        self,
        side: Side,
        *,
        database_url: str,
        upstream_url: str,
        cores: Cores,
        log: Path,
        observe: bool = False,
        trust: Trust = SYSTEMS,
        counts_statements: bool = False,
        check: Path | None = None,
        host: str = LOOPBACK,
    ) -> None:
        """Start the side; it is not ready before ``wait_until_ready`` has returned.

        Args:
            side: the side.
            database_url: where its database is.
            upstream_url: where the slow external API is.
            cores: the division of the machine.
            log: the file for what it writes.
            observe: whether to look inside, also if the side does not ask for it.
            trust: which certificates are trusted, if it is an https URL.
            counts_statements: whether each answer tells how many SQL statements it took, if the harness starts uvicorn.
            check: the folder for what requests take that ask to be looked at, if the harness starts uvicorn.
            host: the address that it listens at, if the harness starts it; 0.0.0.0 for all of this machine's.

        Raises:
            ServerFailed: its port is taken.
            RunError: its own command to set it up failed.
        """
        self.side = side
        self.start = next(_starts)
        """Which start this is in this process, from 1; of a server that runs already, which time it was taken."""
        self.trust = trust
        self.url: str
        """Where requests go, without a trailing slash."""
        self._cores = cores
        self.child: Child | None = None
        self._pids: list[int] = []
        self.groups: list[int] = []
        """Its process groups; none for a server that is not ours."""
        self.observed: Path | None = None
        """The folder for what is seen inside; None if nobody looks."""
        self._worker_count = 1
        self._log = log
        self._given = {"BLOG_DATABASE_URL": database_url, "BLOG_UPSTREAM_URL": upstream_url}
        self._affinity: dict[int, list[int]] = {}
        self._agent = None if side.agent_address is None else AgentWatch(side.agent_address)
        if side.url is not None:
            self.url = self._asked_until_ready = side.url
            return
        port = side.server.port or free_port()
        self._asked_until_ready = f"http://{LOOPBACK if host == EVERY_ADDRESS else host}:{port}"
        self.url = self._asked_until_ready + side.launch.path
        if side.starts_uvicorn and (observe or side.server.observe == "on"):
            self.observed = log.with_suffix(".observed").absolute()
            self.observed.mkdir(exist_ok=True)
        if side.server.port and not is_free_port(port, host):
            raise ServerFailed(f"port {port} is already taken by another process")
        try:
            run_side_command(side, "setup", self._given, cores, log.with_suffix(".setup"))
        except RunError as failure:
            raise RunError(f"side {side.spec!r}: {failure}") from None
        self._launched = start = start_of(
            side, port, self._given, self.observed, counts_statements=counts_statements, check=check, host=host
        )
        # Every core while it starts, which halves the time; its own from then on.
        self.child = Child(
            "loadtests.servers.supervise",
            [str(start.folder), ",".join(map(str, cores.all)), *start.command],
            log=log,
            environment=start.environment,
            hidden="BLOG_",
            isolated=True,
        )

    def __repr__(self) -> str:
        return f"<Server {self.side.spec} at {self.url}>"

    def wait_until_ready(self, limit_s: float = READY_LIMIT_S) -> float:
        """Poll until it answers HTTP; return the seconds it took.

        Whatever the status, unless the side names a path to be asked: then until that is no error.

        Args:
            limit_s: how long it may take, where the side itself does not say.

        Raises:
            ServerFailed: it exited, did not answer in time, or can't be asked at all; the message names the mend.
        """
        begun, limit_s = time.monotonic(), self.side.launch.start_limit or limit_s
        passed_s = 0.0
        # An answer may take as long as it was waited for before: the path may be a slow one.
        while (missing := self._asked(min(max(ANSWER_S, passed_s), max(ANSWER_S, limit_s - passed_s)))) is not None:
            self.check_alive("before it was ready")
            passed_s = time.monotonic() - begun
            if missing.for_good:
                raise ServerFailed(self._never(missing))
            if passed_s > limit_s:
                raise ServerFailed(self._not_started(missing, limit_s))
            time.sleep(POLL_S)
        self.find_processes()
        return time.monotonic() - begun

    def _asked(self, limit_s: float) -> NotReady | None:
        return why_not_ready(self._asked_until_ready, self.side.launch.ready, limit_s, self.trust)

    def find_processes(self) -> None:
        """Look which processes it has, and pin them; once more when it may have started others."""
        family = self._find_family()
        self.groups = self.child.groups() if self.child is not None else []
        if self.child is None and self._cores.server:
            for process in family:
                self._affinity.setdefault(process.pid, process.cpu_affinity())
        pin_others([process.pid for process in family], self._cores.server)
        first, workers = [process.pid for process in family[:1]], self._workers(family)
        # What an app starts beside its server may end; only uvicorn's workers, whose number is set, may not.
        self._pids = [*first, *workers] if self.side.starts_uvicorn and self.side.server.workers > 1 else first
        self._worker_count = self.side.server.workers if self.side.starts_uvicorn else max(1, len(workers))

    def check_alive(self, when: str) -> None:
        """Raise ServerFailed, with its last words, if the process has ended."""
        if self.child is None or (status := self.exit_status()) is None:
            return
        words = self.last_words()
        said = f"{how_it_ended(status)} {when}" + (f": {words}" if words else "")
        if not status and self.side.launch.command is not None:
            said += "; its command has to last as long as the server does: leave out what puts that in the background"
        raise ServerFailed(said)

    def limit_log(self) -> None:
        """Empty its log if it has grown large: an app may write a line for each request of a long run."""
        if self.child is not None:
            self.child.limit_log()

    def last_words(self) -> str:
        """Return the last line that it logged, without its secrets; an empty string if it is not ours."""
        return "" if self.child is None else self.without_secrets(self.child.last_words())

    def last_exception(self) -> str:
        """Return how the last exception begins that it logged, else its last words, without its secrets."""
        return "" if self.child is None else self.without_secrets(self.child.last_exception())

    def without_secrets(self, text: str) -> str:
        """Return what it has said with the names of its secret variables in place of their values."""
        return text if self.child is None else self._launched.without_secrets(text)

    def exit_status(self) -> int | None:
        """Return the status that it ended with; None if it runs, or is not ours."""
        if self.child is None:
            return None
        if self._pids and _has_ended(self._pids[0]):
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.child.process.wait(TOLD_S)  # what stands between tells it a moment later
        return self.child.process.poll()

    def processes(self) -> list[int]:
        """Look which processes it has, and return those that serve; see ``pids``."""
        self.find_processes()
        return self.pids

    @property
    def pids(self) -> list[int]:
        """Processes that serve, without what those start, which may come and go; none for a server that is not ours."""
        return self._pids

    @property
    def cpus(self) -> int:
        """How many cores it can use at once: Python code runs on one for each worker."""
        return min(self._worker_count, len(self._cores.server)) or self._worker_count

    def busy(self, seconds: float) -> float:
        """Return how many cores it keeps busy over so many seconds; 0 if that is not known, or it is gone."""
        if self._agent is not None:
            return self._agent.busy(seconds)
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

    def reset(self) -> None:
        """Have the side's own command put back what requests changed, if it has one; raises RunError."""
        if self.side.launch.reset is not None:
            run_side_command(self.side, "reset", self._given, self._cores, self._log.with_suffix(".reset"))

    def hold(self) -> None:
        """Stop it, with all that it has started, until ``go_on``; does nothing to a server that is not ours."""
        stop_groups(self.groups)

    def go_on(self) -> None:
        """Let it go on."""
        continue_groups(self.groups)

    def before_trial(self) -> None:
        """Prepare to tell what it uses in a trial that is about to begin."""
        if self._agent is not None:
            self._agent.before_trial()

    def after_trial(self, recording: Recording) -> tuple[Recording, str]:
        """Return the recording of a trial with what only the server's own machine knows of it.

        Returns:
            The recording, and why its agent's figures are not known; that is empty if they are, or it has no agent.
        """
        if self._agent is not None:
            return self._agent.after_trial(recording)
        return replace(recording, timeline=self.timeline(recording)), ""

    def timeline(self, recording: Recording) -> Timeline | None:
        """Return what was seen inside since a recording began; None if nobody looked."""
        if self.observed is None:
            return None
        return collect_observations(self.observed, recording.started_s, time.perf_counter(), recording.pauses)

    def ask_to_end(self) -> None:
        """Ask the process to end, if it is ours, and do not wait for it."""
        if self.child is not None:
            self.child.ask_to_end()

    def stop(self) -> None:
        """End the process, if it is ours; one that ran already may run where it did before."""
        if self.child is not None:
            self.child.stop(grace_s=0.2)
        for pid, cores in self._affinity.items():
            pin_others([pid], tuple(cores))
        self._affinity.clear()

    def _not_started(self, missing: NotReady, limit_s: float) -> str:
        """Say that it was not ready in time, what it lacks, and what mends that."""
        limit = f"did not become ready within {limit_s:g} s"
        if missing.is_unreachable and self.child is None:
            return f"{limit} ({missing.why}); start the server, or correct the URL"
        if missing.is_unreachable and (where := listens_elsewhere(self._find_family(), self.url)) is not None:
            return f"{limit}: {where}"
        if missing.errs and (words := self.last_exception()):
            return f"{limit} ({missing.why}: {words}); {missing.mend}"
        return f"{limit} ({missing.why}); {missing.mend}"

    def _never(self, missing: NotReady) -> str:
        """Say what it lacks where no waiting helps, and what mends that."""
        if self.child is None or not missing.speaks_tls:
            return str(missing)
        return f"{missing.why}; start it without TLS, or by yourself and name its https URL as the side"

    def _find_family(self) -> list[psutil.Process]:
        """Return its processes, the first one first: all that our own has started, or that of a server that runs."""
        with contextlib.suppress(psutil.NoSuchProcess):
            if self.child is not None:
                return psutil.Process(self.child.pid).children(recursive=True)
            if self.side.launch.pid is not None:
                first = psutil.Process(self.side.launch.pid)
                return [first, *first.children(recursive=True)]
        return []

    def _workers(self, family: list[psutil.Process]) -> list[int]:
        """Return the worker processes that the first one had when it was ready."""
        workers = []
        for process in family[1:]:
            with contextlib.suppress(psutil.Error):
                if process.ppid() == family[0].pid and HELPER not in " ".join(process.cmdline()):
                    workers.append(process.pid)
        return workers


def how_it_ended(status: int) -> str:
    """Say how a process ended, by the status that stands for it: its own, or 128 and the signal that ended it."""
    number = -status if status < 0 else status - SIGNALLED
    if status == SIGNALLED + signal.SIGKILL or status == -signal.SIGKILL:
        return "was killed (SIGKILL), as by a system that has no memory left,"
    if number in {each.value for each in signal.Signals}:
        return f"was ended by {signal.Signals(number).name}"
    return f"exited with status {status}"


def _has_ended(pid: int) -> bool:
    """Whether a process is gone, or nothing of it is left but its exit status."""
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True
