"""Whether the databases that runs use can be reached."""

import socket
import struct
from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import urlsplit

from loadtests.doctor.check import Check
from loadtests.doctor.folder import check_sqlite, results_folder
from loadtests.doctor.limited import within
from loadtests.system.errors import UsageError

CONNECT_LIMIT_S = 3.0
SSL_REQUEST = struct.pack("!ii", 8, 80877103)
"""What a PostgreSQL client may ask before anything else; the answer is one letter, S or N."""


@dataclass(frozen=True)
class Address:
    """Where a database server should listen."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


def check_database(url: str | None) -> list[Check]:
    """SQLite always, for it is the default; the server at ``url`` too, if one is named. Raises UsageError."""
    server = [] if url is None else [check_postgres(parse_url(url))]
    return [check_sqlite(results_folder()), *server]


def check_postgres(address: Address) -> Check:
    """Connect, and ask what only PostgreSQL understands."""
    try:
        reply = within(2 * CONNECT_LIMIT_S, lambda: _ask(address))
    except (OSError, UnicodeError) as error:  # the latter for names that no name server could know
        return judge_postgres(address, None, getattr(error, "strerror", None) or str(error))
    return judge_postgres(address, reply, None)


def judge_postgres(address: Address, reply: bytes | None, error: str | None) -> Check:
    """Ask for a server that is there and is PostgreSQL."""
    if error is not None:
        finding = f"nothing can be reached at {address}: {error.lower()}"
        mend = "start the server, or correct host and port; a firewall may be in between"
        return Check("postgres", ok=False, finding=finding, mend=mend)
    if reply not in (b"S", b"N"):
        finding = f"something listens at {address}, but does not answer as PostgreSQL does"
        return Check("postgres", ok=False, finding=finding, mend="correct the port; PostgreSQL's own is 5432")
    return Check("postgres", ok=True, finding=f"a PostgreSQL server answers at {address}; nobody logged in")


def parse_url(url: str) -> Address:
    """Read ``postgresql://user:password@host:port/name``; raises UsageError, which never repeats a password."""
    with suppress(ValueError):
        parts = urlsplit(url)
        if parts.scheme.partition("+")[0] in ("postgresql", "postgres") and parts.hostname:
            return Address(parts.hostname, parts.port or 5432)
    raise UsageError("--database: write postgresql://HOST:PORT/NAME; SQLite is looked at in any case")


def _ask(address: Address) -> bytes:
    with socket.create_connection((address.host, address.port), timeout=CONNECT_LIMIT_S) as connection:
        connection.sendall(SSL_REQUEST)
        with suppress(TimeoutError, ConnectionError):  # it connected, so something is there
            return connection.recv(1)
    return b""
