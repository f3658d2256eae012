"""The databases of a run: choice by name, common interface, and SQLite in files.

PostgreSQL, of the run's own or one that runs already, is in ``postgres``. Each side has a database of its own in each
block, whose first rows can be restored under the running server.
"""

import contextlib
import hashlib
import importlib.util
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

from loadtests.experiment.options import POSTGRES, SQLITE
from loadtests.system.cores import Cores
from loadtests.system.errors import RunError, UsageError

EXTRA = "uv run --extra postgres bench …"
LOCK_LIMIT_S = 5.0


def check_database(name: str) -> None:
    """Raise UsageError if a run can't use the database of that name: ``sqlite``, ``postgres`` or a URL."""
    if name == SQLITE:
        return
    if name != POSTGRES:
        _check_url(name)
    if importlib.util.find_spec("psycopg") is None:
        raise UsageError(f"--database {name}: PostgreSQL's drivers are missing; run it with them: {EXTRA}")
    if name == POSTGRES:
        from loadtests.servers.postgres_server import find_binaries  # noqa: PLC0415 - for this database alone

        find_binaries()


class Database(Protocol):
    """One side's database in one block; the server itself makes its tables and puts in the seed's rows."""

    @property
    def url(self) -> str:
        """What ``BLOG_DATABASE_URL`` is set to."""

    def create(self) -> None:
        """Make it; call it when whoever is to ``drop`` it knows it. Raises RunError."""

    def snapshot(self) -> None:
        """Take a copy of the rows as they are now; an app that made no tables has none to restore."""

    def restore(self) -> None:
        """Bring back the remembered rows under the running server; raises RunError if it holds a lock for too long."""

    def drop(self) -> None:
        """Remove the copy, and the database itself where it would outlive the run's folder. Safe to call twice."""


class Databases(Protocol):
    """Where databases are made.

    Attributes:
        version: product and version, for the manifest and the report.
    """

    @property
    def version(self) -> str:
        """Product and version."""

    def new(self, folder: Path, name: str) -> Database:
        """Name an empty database, which is then to be made.

        Args:
            folder: of the block, for what is kept in files.
            name: of the database in it.
        """

    def check(self) -> None:
        """Raise RunError if the database server is gone."""


@contextlib.contextmanager
def open_databases(name: str, work: Path, cores: Cores) -> Iterator[Databases]:
    """Lend the databases of a run.

    Args:
        name: as checked by ``check_database``.
        work: the run's work folder.
        cores: the division of the machine: a server of our own stands where the slow API stands.

    Raises:
        RunError: the database server does not start, can't be reached, or refuses.
    """
    if name == SQLITE:
        yield SqliteDatabases()
        return
    from loadtests.servers.postgres_databases import PostgresDatabases  # noqa: PLC0415 - its driver is an extra
    from loadtests.servers.postgres_server import PostgresServer  # noqa: PLC0415

    tag = hashlib.sha256(str(work.absolute()).encode()).hexdigest()[:8]
    with contextlib.ExitStack() as stack:
        url = stack.enter_context(PostgresServer(work / "postgres", cores.driver)).url if name == POSTGRES else name
        databases = stack.enter_context(contextlib.closing(PostgresDatabases(url, tag)))
        databases.clear()  # what a run in this folder left that was killed
        yield databases


def check_reachable(name: str) -> None:
    """Raise RunError if a server that is to be running already can't be reached; nothing is written for it."""
    if name in (SQLITE, POSTGRES):
        return
    from loadtests.servers.postgres_databases import PostgresDatabases  # noqa: PLC0415 - its driver is an extra

    PostgresDatabases(name, "").close()


def _check_url(name: str) -> None:
    """Raise UsageError if it is no URL that can be written down as it is; what was typed may hold a password."""
    try:
        parts = urlsplit(name)
        usable = parts.scheme == "postgresql" and bool(parts.hostname) and (parts.port is None or parts.port > 0)
        secret = parts.password is not None or bool(parts.query or parts.fragment)
    except ValueError:
        usable = secret = False
    if not usable:
        raise UsageError("--database: write sqlite, postgres, or postgresql://USER@HOST:PORT/NAME without a driver")
    if secret:
        raise UsageError(
            "--database: leave password and options out of the URL, which is recorded; put them into PGPASSWORD,"
            " ~/.pgpass or PGSSLMODE"
        )


class SqliteDatabase:
    """A database file in the run's work folder, one a side and block.

    The server itself creates and seeds it; ``snapshot`` keeps the rows it holds then, and ``restore`` brings
    them back under the running server, whose open connections see one ordinary transaction.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._pristine: sqlite3.Connection | None = None

    def __repr__(self) -> str:
        return f"<SqliteDatabase {self.path.name}>"

    @property
    def url(self) -> str:
        """What ``BLOG_DATABASE_URL`` is set to."""
        return f"sqlite:///{self.path.absolute()}"

    def create(self) -> None:
        """Leave it to the server, which makes the file."""

    def snapshot(self) -> None:
        """Take a copy of the rows as they are now; an app that made no database has none to restore."""
        self.drop()
        if not self.path.exists():
            return
        self._pristine = sqlite3.connect(":memory:")
        with contextlib.closing(self._connect()) as live:
            live.backup(self._pristine)

    def restore(self) -> None:
        """Bring back the remembered rows; raises RunError if the server holds a lock for too long."""
        if self._pristine is None:
            return
        try:
            with contextlib.closing(self._connect()) as live:
                self._pristine.backup(live)
                live.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        except sqlite3.OperationalError as error:
            raise RunError(f"the rows of {self.path.name} could not be restored: {error}") from error

    def drop(self) -> None:
        """Drop the copy."""
        if self._pristine is not None:
            self._pristine.close()
            self._pristine = None

    def _connect(self) -> sqlite3.Connection:
        return sqlite3.connect(self.path, timeout=LOCK_LIMIT_S)


class SqliteDatabases:
    """Databases in files of the run's work folder."""

    @property
    def version(self) -> str:
        """Product and version."""
        return f"SQLite {sqlite3.sqlite_version}"

    def new(self, folder: Path, name: str) -> SqliteDatabase:
        """Name a file; the server makes it."""
        return SqliteDatabase(folder / f"{name}.db")

    def check(self) -> None:
        """Return: a file does not go away."""
