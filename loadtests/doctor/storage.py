"""Checks of the results folder (space, SQLite's write-ahead log) and of a PostgreSQL server."""

import shutil
import socket
import sqlite3
import struct
import tempfile
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit

from loadtests.doctor import Check
from loadtests.records.run_folder import RESULTS
from loadtests.system.errors import UsageError

MIN_FREE_BYTES = 10**9
LIMIT_S = 5.0
CONNECT_LIMIT_S = 3.0
SSL_REQUEST = struct.pack("!ii", 8, 80877103)
"""The SSLRequest of the PostgreSQL protocol, which needs no login; the answer is one letter, S or N."""
T = TypeVar("T")


def check_folder() -> Check:
    """Write a file in the results folder, and read the free space."""
    folder = results_folder()
    try:
        with temporary_folder(folder) as path:
            (path / "file").write_bytes(b"x" * 4096)
        free = shutil.disk_usage(folder).free
    except OSError as error:
        return judge_folder(folder, None, error.strerror or str(error))
    return judge_folder(folder, free, None)


def judge_folder(folder: Path, free_bytes: int | None, error: str | None) -> Check:
    """Check that the folder is writable and has space for runs."""
    if error is not None or free_bytes is None:
        fix = "start it in a folder of your own, or name one: bench run --out"
        return Check("results", ok=False, finding=f"{_named(folder)} cannot be written: {error}", fix=fix)
    finding = f"{free_bytes / 1e9:,.1f} GB free in {_named(folder)}"
    if free_bytes < MIN_FREE_BYTES:
        fix = "remove old runs, or name another disk: bench run --out"
        return Check("results", ok=False, finding=f"{finding}, less than 1", fix=fix)
    return Check("results", ok=True, finding=finding)


def check_database(url: str | None) -> list[Check]:
    """Check SQLite, which is the default, and the server at ``url`` if one is given; raises UsageError."""
    server = [] if url is None else [check_postgres(parse_url(url))]
    return [check_sqlite(results_folder()), *server]


def check_sqlite(folder: Path) -> Check:
    """Write through one connection and read through another, with the write-ahead log that the blog uses."""
    try:
        with temporary_folder(folder) as path:
            mode = call_with_timeout(LIMIT_S, lambda: _write_and_read(path / "trial.db"))
    except (OSError, sqlite3.Error) as error:
        return judge_sqlite(folder, None, str(error))
    return judge_sqlite(folder, mode, None)


def judge_sqlite(folder: Path, journal_mode: str | None, error: str | None) -> Check:
    """Check that SQLite works, with a write-ahead log."""
    if error is not None:
        fix = "use a local disk that can be written: bench run --out"
        return Check("database", ok=False, finding=f"SQLite does not work in {_named(folder)}: {error}", fix=fix)
    if journal_mode != "wal":
        finding = f"SQLite has no write-ahead log in {_named(folder)}: its journal is {journal_mode!r}"
        return Check("database", ok=False, finding=finding, fix="use a local disk, not one in the network")
    return Check(
        "database", ok=True, finding=f"SQLite {sqlite3.sqlite_version} writes and reads, with a write-ahead log"
    )


def _write_and_read(path: Path) -> str:
    with closing(sqlite3.connect(path, timeout=LIMIT_S)) as writer:
        mode: str = writer.execute("PRAGMA journal_mode=WAL").fetchone()[0]
        with writer:
            writer.execute("CREATE TABLE trial (x)")
            writer.execute("INSERT INTO trial VALUES (1)")
        with closing(sqlite3.connect(path, timeout=LIMIT_S)) as reader:
            if reader.execute("SELECT x FROM trial").fetchall() != [(1,)]:
                raise sqlite3.DatabaseError("what was written was not read")
    return mode


def results_folder() -> Path:
    """Return the results folder, or the folder in which it will be created."""
    return RESULTS if RESULTS.is_dir() else Path()


@contextmanager
def temporary_folder(parent: Path) -> Iterator[Path]:
    """Create a folder that is removed afterwards; raises OSError."""
    with tempfile.TemporaryDirectory(prefix=".bench-doctor-", dir=parent, ignore_cleanup_errors=True) as path:
        yield Path(path)


def _named(folder: Path) -> str:
    return "this folder" if folder == Path() else f"{folder}/"


@dataclass(frozen=True)
class Address:
    """Host and port of a database server."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


def check_postgres(address: Address) -> Check:
    """Connect, and send an SSLRequest, which only PostgreSQL understands."""
    try:
        reply = call_with_timeout(2 * CONNECT_LIMIT_S, lambda: _ask(address))
    except (OSError, UnicodeError) as error:  # UnicodeError: for host names that can't be encoded
        return judge_postgres(address, None, getattr(error, "strerror", None) or str(error))
    return judge_postgres(address, reply, None)


def judge_postgres(address: Address, reply: bytes | None, error: str | None) -> Check:
    """Check that the server can be reached and is PostgreSQL."""
    if error is not None:
        finding = f"nothing can be reached at {address}: {error.lower()}"
        fix = "start the server, or correct host and port; a firewall may be in between"
        return Check("postgres", ok=False, finding=finding, fix=fix)
    if reply not in (b"S", b"N"):
        finding = f"something listens at {address}, but does not answer as PostgreSQL does"
        return Check("postgres", ok=False, finding=finding, fix="correct the port; PostgreSQL's own is 5432")
    return Check("postgres", ok=True, finding=f"a PostgreSQL server answers at {address}; nobody logged in")


def parse_url(url: str) -> Address:
    """Read ``postgresql://user:password@host:port/name``; raises UsageError, which never repeats a password."""
    with suppress(ValueError):
        parts = urlsplit(url)
        if parts.scheme.partition("+")[0] in ("postgresql", "postgres") and parts.hostname:
            return Address(parts.hostname, parts.port or 5432)
    raise UsageError("--database: write postgresql://HOST:PORT/NAME; SQLite is checked in any case")


def _ask(address: Address) -> bytes:
    with socket.create_connection((address.host, address.port), timeout=CONNECT_LIMIT_S) as connection:
        connection.sendall(SSL_REQUEST)
        with suppress(TimeoutError, ConnectionError):  # it connected, so something is there
            return connection.recv(1)
    return b""


def call_with_timeout(limit_s: float, call: Callable[[], T]) -> T:
    """Return what ``call`` returns, or raise what it raises; TimeoutError if it takes longer than ``limit_s`` seconds.

    Name look-ups and network file systems have no timeout of their own. A call that hangs stays behind in a daemon
    thread, which does not keep the command from ending.
    """
    answer: Future[T] = Future()

    def work() -> None:
        try:
            answer.set_result(call())
        except Exception as error:  # for the caller to handle
            answer.set_exception(error)

    threading.Thread(target=work, daemon=True).start()
    try:
        return answer.result(limit_s)
    except TimeoutError:
        if answer.done():  # the call's own
            raise
        raise TimeoutError(f"no answer within {limit_s:g} s") from None
