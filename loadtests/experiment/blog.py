"""What is known of the blog beforehand: the worker threads and database connections of its two builds (pure).

Code that works for any app asks here what a side has, instead of naming a build. Of other apps nothing is known.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from loadtests.experiment.catalogue import HOLD_A_CONNECTION
from loadtests.experiment.sides import BUILDS

DEFAULT_THREADS = 40
DEFAULT_POOL_SIZE = 5
DEFAULT_OVERFLOW = 10
"""The defaults of ``shared.settings``, which is not there where the harness is installed without the blog."""
POOL_TIMEOUT_S = 30
"""How long a request waits for a connection until the pool gives up: SQLAlchemy's default, which the builds keep."""
_MIXED = re.compile(r"mixed\[cpu_ms=(?P<cpu>[\d.]+),wait_ms=(?P<wait>[\d.]+)\]")

SideSettings = Mapping[str, str | int | float | None]
"""A side's settings by name, as run.json has them."""


@dataclass(frozen=True)
class BuildResources:
    """What one build has with its settings.

    Attributes:
        workers: worker processes.
        threads: worker threads of each process that handlers can run in; None where handlers run on the event loop.
        connections: requests of each process that can hold a database connection at the same time.
        limits_sessions: whether no more requests begin than there are connections for.
    """

    workers: int
    threads: int | None
    connections: int
    limits_sessions: bool

    @property
    def all_threads(self) -> int | None:
        """Worker threads of all processes together; None where handlers need none."""
        return None if self.threads is None else self.workers * self.threads

    @property
    def all_connections(self) -> int:
        """Connections of all processes together."""
        return self.workers * self.connections

    @property
    def can_deadlock(self) -> bool:
        """Whether requests that hold a connection can wait for a thread while all threads wait for a connection."""
        return self.threads is not None and not self.limits_sessions


def resources_of(settings: SideSettings) -> BuildResources | None:
    """Return what a side has; None if it is another app, or a server that ran already."""
    app = settings.get("app")
    if app not in BUILDS.values():
        return None
    connections = _number(settings, "pool_size", DEFAULT_POOL_SIZE) + _number(
        settings, "max_overflow", DEFAULT_OVERFLOW
    )
    session_limit = str(settings.get("session_limit", "pool"))
    return BuildResources(
        workers=_number(settings, "workers", 1),
        threads=_number(settings, "thread_limit", DEFAULT_THREADS) if app == BUILDS["sync"] else None,
        connections=min(connections, int(session_limit)) if session_limit.isdigit() else connections,
        limits_sessions=session_limit != "none",
    )


def holds_a_connection(scenario: str) -> bool:
    """Whether its requests hold a database connection from beginning to end; parameters of the name do not matter."""
    return scenario.partition("[")[0] in HOLD_A_CONNECTION


def mixed_ms(scenario: str) -> tuple[float, float] | None:
    """Return for how long a ``mixed`` request computes, and then waits, in milliseconds; None for any other."""
    match = _MIXED.fullmatch(scenario)
    return (float(match["cpu"]), float(match["wait"])) if match else None


def _number(settings: SideSettings, name: str, default: int) -> int:
    value = settings.get(name)
    return default if value is None else int(value)
