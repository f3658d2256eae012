"""Which driver puts on the load, and what it can be asked for."""

from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Literal, Protocol, Self

from loadtests.drivers.jobs import PairingJob
from loadtests.drivers.locust.process import LocustDriver
from loadtests.drivers.process import Driver
from loadtests.loads import ClosedLoop, Load
from loadtests.plan import Label
from loadtests.samples import Recording
from loadtests.scenario import Scenario
from loadtests.scenarios import CATALOGUE
from loadtests.system.cores import Cores
from loadtests.system.errors import UsageError

DriverName = Literal["httpx", "locust"]
MAX_WORKERS = 64


class LoadDriver(Protocol):
    """The owner's end of a driver; a context manager."""

    def drive(self, job: PairingJob) -> dict[Label, Recording]:
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


def everything(name: DriverName) -> tuple[str, ...]:
    """Return every scenario of the catalogue that a driver can drive, but for the pitfalls."""
    return tuple(
        scenario
        for scenario, entry in CATALOGUE.items()
        if entry.kind != "pitfall" and (name == "locust" or entry.journeys is None)
    )


def check_driver(name: DriverName, workers: int, scenarios: Iterable[Scenario], loads: Iterable[Load]) -> None:
    """Raise UsageError if a driver can't do what is asked of it."""
    if not 0 <= workers <= MAX_WORKERS:
        raise UsageError(f"--workers {workers}: must be from 0 to {MAX_WORKERS}")
    if name == "locust":
        if not all(isinstance(load, ClosedLoop) for load in loads):
            raise UsageError("--driver locust: an open loop is driven by httpx only; give --users instead of --rate")
        return
    if workers:
        raise UsageError(f"--workers {workers}: only Locust has workers; add --driver locust")
    for scenario in scenarios:
        if scenario.journeys is not None:
            raise UsageError(f"scenario {scenario.name!r} is a journey, which only Locust makes; add --driver locust")
