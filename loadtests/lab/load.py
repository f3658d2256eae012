"""The load process as the engine sees it: start it, tell it what to do, read its reports, replace it if it is gone."""

import time
from multiprocessing import Pipe
from multiprocessing.connection import Connection, wait
from pathlib import Path

from loadtests.drivers.job import limit_reading
from loadtests.lab.messages import Load, Report
from loadtests.system.cores import Cores
from loadtests.system.errors import RunError
from loadtests.system.processes import Child, Stoppable

MODULE = "loadtests.lab.load_process"
SILENCE_S = 5.0
"""A load process that sends nothing for this long has hung, and is replaced."""
START_S = 20.0
"""How long it may take to send its first report."""
MOST_STARTS = 3
"""It is given up after this many starts in succession without a report: it would end again and again."""


class LoadDriver(Stoppable):
    """The load process; a context manager that owns it."""

    def __init__(self, cores: Cores, log: Path) -> None:
        """Start it.

        Args:
            cores: the division of the machine.
            log: where its output goes.
        """
        self._cores = cores
        self._log = log
        self._load: Load | None = None
        self._silent_starts = 0
        self._start()

    def _start(self) -> None:
        self._pipe, theirs = Pipe()
        limit_reading(self._pipe)
        cores = ",".join(map(str, self._cores.driver))
        with theirs:
            arguments = [f"--fd={theirs.fileno()}", f"--cores={cores}"]
            self._child = Child(MODULE, arguments, log=self._log, pass_fds=[theirs.fileno()])
        self._silent_starts += 1
        self._silent_until_s = time.monotonic() + START_S

    @property
    def pid(self) -> int:
        """Its process."""
        return self._child.pid

    def tell(self, load: Load) -> None:
        """Tell it what to do from now on."""
        self._load = load
        self._send()

    def _send(self) -> None:
        try:
            self._pipe.send(self._load)
        except OSError:
            self._silent_until_s = 0.0  # it is gone, and replaced when its reports are read

    def reports(self, limit_s: float) -> list[Report]:
        """Wait for reports up to a limit, and return those that came."""
        found: list[Report] = []
        pipe: Connection = self._pipe
        try:
            if wait([pipe], limit_s):
                while pipe.poll():
                    found.append(pipe.recv())
        except (EOFError, OSError):
            self._silent_until_s = 0.0
            time.sleep(limit_s)  # otherwise the owner of a process that is gone would loop without a pause
        if found:
            self._silent_starts = 0
            self._silent_until_s = time.monotonic() + SILENCE_S
        return found

    def replace_if_gone(self) -> str:
        """Replace it if it has ended or hung; return why, in words, or an empty string.

        Raises:
            RunError: it was replaced several times, and never sent a report.
        """
        hung = time.monotonic() > self._silent_until_s
        if self._child.alive and not hung:
            return ""
        words = self._child.last_words() if not self._child.alive else ""
        if self._silent_starts >= MOST_STARTS:
            raise RunError(f"the load process does not start: {words or 'it sends nothing'}")
        self.stop()
        self._start()
        if self._load is not None:
            self._send()
        return f"the load process {'ended' if words or not hung else 'hung'}" + (f" ({words})" if words else "")

    def stop(self) -> None:
        """End it."""
        self._child.stop(grace_s=0.2)
        self._pipe.close()
