"""What every check needs: cores, a folder for the work, a clock, and someone to tell."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from urllib.request import urlopen

from loadtests.drivers.jobs import Target
from loadtests.experiment.sides import parse_side
from loadtests.servers.server import Server
from loadtests.system.cores import Cores

ASK_LIMIT_S = 30.0
Tell = Callable[[str, float], None]
"""Takes what is being done and how many seconds of the plan lie behind it."""


@dataclass(frozen=True)
class Stage:
    """Where checks are carried out.

    Attributes:
        work: a folder for databases, logs and trials, removed in the end.
        cores: the division of the machine.
        created: when the validation was started.
        commit: of this project.
        seed: everything random follows from it.
        tell: called with what is being done, and how many seconds of its plan are over.
    """

    work: Path
    cores: Cores
    created: datetime
    commit: str | None
    seed: int
    tell: Tell

    def server(self, spec: str, name: str, upstream_url: str = "") -> Server:
        """Return a side that starts: a context manager that owns it.

        Args:
            spec: the side, as written.
            name: of its log and database.
            upstream_url: where the slow external API listens, if it needs one.
        """
        folder = self.work / name
        return Server(
            parse_side(spec),
            database_url=f"sqlite:///{folder}/blog.db",
            upstream_url=upstream_url,
            cores=self.cores,
            log=folder / "log",
        )


def target(server: Server) -> Target:
    """Return a server as a driver's target."""
    return Target(server.url, tuple(server.pids))


def ask(server: Server, path: str) -> object:
    """Return what one of our own servers answers to a GET, as JSON."""
    with urlopen(server.url + path, timeout=ASK_LIMIT_S) as answer:  # noqa: S310 - our own server, on loopback
        return json.loads(answer.read())
