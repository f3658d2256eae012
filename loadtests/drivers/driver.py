"""The owner's end of a driver's process.

Which driver puts on the load, and what it can be asked for.
"""

from multiprocessing import Pipe
from pathlib import Path
from types import TracebackType
from typing import Self

from loadtests.drivers.job import DriverFailed, LoadDriver, PairingJob, Silent, limit_reading, receive
from loadtests.drivers.locust.process import LocustDriver
from loadtests.experiment.plan import DriverName
from loadtests.experiment.sides import SideLabel
from loadtests.records.samples import Recording
from loadtests.system.cores import Cores
from loadtests.system.processes import Child


class Driver:
    """A driver in a process of its own, on cores of its own; a context manager that owns it.

    It is a process because the harness must not share the interpreter that takes the time, and because one
    that dies or hangs can be replaced.
    """

    def __init__(self, cores: Cores, log: Path) -> None:
        self._cores = cores
        self._log = log
        self._start()

    def _start(self) -> None:
        self._connection, theirs = Pipe()
        limit_reading(self._connection)
        pinned = ",".join(map(str, self._cores.driver))
        with theirs:
            fd = theirs.fileno()
            self._child = Child(
                "loadtests.drivers.load_generator", [f"--fd={fd}", f"--cores={pinned}"], log=self._log, pass_fds=[fd]
            )

    def __repr__(self) -> str:
        return f"<Driver {self._child!r}>"

    def drive(self, job: PairingJob) -> dict[SideLabel, Recording]:
        """Run one pairing; raises DriverFailed if no recordings come back in time."""
        try:
            self._connection.send(job)
            return receive(self._connection, job.longest_s)
        except Silent as reason:
            raise DriverFailed(f"the load driver {reason}") from None
        except (EOFError, OSError):
            words = self._child.last_words()
            raise DriverFailed("the load driver died" + (f": {words}" if words else "")) from None

    def restart(self) -> None:
        """Replace the process by a fresh one."""
        self.stop()
        self._start()

    def stop(self) -> None:
        """End the process."""
        self._connection.close()
        self._child.stop(grace_s=0.2)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def start_driver(name: DriverName, workers: int, cores: Cores, log: Path) -> LoadDriver:
    """Start a driver."""
    return LocustDriver(cores, log, workers) if name == "locust" else Driver(cores, log)
