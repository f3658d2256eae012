"""Load machines: how many Locust workers on other machines send the load, and where their master listens.

Each starts ``bench worker HOST:PORT``, and goes by the master's clock; see ``drivers/locust_master.py``.
"""

import ipaddress
from dataclasses import dataclass
from urllib.parse import urlsplit

from loadtests.experiment.sides import Side
from loadtests.system.errors import UsageError

PORT = 5557
"""Locust's own."""
MOST = 64


@dataclass(frozen=True)
class LoadMachines:
    """Where Locust's master listens, and how many workers it waits for.

    Attributes:
        count: how many workers drive the load together.
        host: an address of this machine that the load machines reach.
        port: of the master there.
    """

    count: int
    host: str
    port: int

    @property
    def where(self) -> str:
        """What a load machine is to be told."""
        return f"{self.host}:{self.port}"


def parse_load_machines(count: int, bind: str | None) -> LoadMachines | None:
    """Return what ``--machines`` and ``--bind`` say; None if neither is given.

    Raises:
        UsageError: only one of them is given, or one is no good.
    """
    if not count and bind is None:
        return None
    if bind is None:
        raise UsageError(
            f"--machines {count}: say where the load machines reach this one, with --bind HOST, as in --bind 10.0.0.1"
        )
    if not count:
        raise UsageError(f"--bind {bind}: say how many load machines there are, as in --machines 3")
    if not 1 <= count <= MOST:
        raise UsageError(f"--machines {count}: must be from 1 to {MOST}")
    host, port = parse_place(bind, "--bind")
    return LoadMachines(count, host, port)


def parse_place(text: str, option: str) -> tuple[str, int]:
    """Parse ``HOST`` or ``HOST:PORT``; raises UsageError. Every address of a machine at once, ``*``, is no place."""
    try:
        parts = urlsplit(f"//{text}")
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port = None, None
    if not host or parts.netloc != text or "@" in text or host in ("*", "0.0.0.0", "::"):  # noqa: S104 - refused here
        raise UsageError(f"{option} {text}: write one address or name, with a port if need be, as in 10.0.0.1:{PORT}")
    return host, PORT if port is None else port


def check_load_machines(machines: LoadMachines, a: Side, b: Side) -> None:
    """Raise UsageError if load machines can't reach a side: one that is started here, or on each one's own loopback."""
    for side in (a, b):
        if side.url is None:
            raise UsageError(
                f"--machines {machines.count}: side {side.spec!r} would listen on this machine alone; start it where"
                " the load machines reach it (bench serve SIDE --host HOST), and name its URL"
            )
        if is_loopback(urlsplit(side.url).hostname or "") and not is_loopback(machines.host):
            raise UsageError(
                f"--machines {machines.count}: side {side.spec!r} is each load machine's own loopback; name it by the"
                " address that they reach it at"
            )


def is_loopback(host: str) -> bool:
    """Return whether a host is the machine itself, by its name or its address."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
