"""Which driver puts on the load, and what it can be asked for."""

from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

from loadtests.drivers.jobs import PairingJob
from loadtests.drivers.locust.process import LocustDriver
from loadtests.drivers.process import Driver
from loadtests.experiment.plan import DriverName
from loadtests.experiment.sides import SideLabel
from loadtests.records.samples import Recording
from loadtests.system.cores import Cores


class LoadDriver(Protocol):
    """The owner's end of a driver; a context manager."""

    def drive(self, job: PairingJob) -> dict[SideLabel, Recording]:
        """Run one pairing; raises DriverFailed."""

    def restart(self) -> None:
        """Replace its processes by fresh ones."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


def start_driver(name: DriverName, workers: int, cores: Cores, log: Path) -> LoadDriver:
    """Start a driver."""
    return LocustDriver(cores, log, workers) if name == "locust" else Driver(cores, log)
