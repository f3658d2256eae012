"""Databases on a PostgreSQL server, one a side and block, made for the run and dropped with it."""

import contextlib
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, MetaData, NullPool, Table, create_engine, make_url, text
from sqlalchemy.exc import DBAPIError, OperationalError, SQLAlchemyError
from sqlalchemy.schema import CreateSchema

from loadtests.system.errors import RunError, shielded

CONNECT_LIMIT_S = 5
LOCK_LIMIT_MS = 5000
STATEMENT_LIMIT_MS = 60_000
CONNECT: dict[str, Any] = {
    "connect_timeout": CONNECT_LIMIT_S,
    "tcp_user_timeout": 15_000,  # a host that vanishes is given up after so many milliseconds
    "keepalives_idle": 5,
    "keepalives_interval": 5,
    "keepalives_count": 2,
    "options": f"-c lock_timeout={LOCK_LIMIT_MS} -c statement_timeout={STATEMENT_LIMIT_MS}",
}
CROWDED_LIMIT_S = 5.0
"""How long to wait for a free connection: a side may hold all that there are."""
RETRY_S = 0.1
COPIES = "bench_copies"
"""The schema in which a database keeps the rows that it began with."""


class PostgresDatabase:
    """One side's database in one block."""

    def __init__(self, server: "PostgresDatabases", name: str) -> None:
        self._server = server
        self._name = name
        self._tables: list[Table] = []
        self._sequences: list[tuple[str, int | None]] = []
        self._dropped = False

    def __repr__(self) -> str:
        return f"<PostgresDatabase {self._name}>"

    @property
    def url(self) -> str:
        """What ``BLOG_DATABASE_URL`` is set to: without a driver, each build has its own."""
        return self._server.url.set(database=self._name).render_as_string(hide_password=False)

    def create(self) -> None:
        """Make it; a signal waits until that is done, or nobody would know that it is there."""
        with shielded():
            self._server.execute(f'CREATE DATABASE "{self._name}"')

    def snapshot(self) -> None:
        """Copy every table into a schema of its own, beside the app's; and note where numbering stands."""
        with self._connected("copied") as connection:
            metadata = MetaData()
            metadata.reflect(connection, schema="public")
            self._tables = metadata.sorted_tables  # what is referred to comes first
            if not self._tables:
                return
            connection.execute(CreateSchema(COPIES))
            for table in self._tables:
                copy, name = _quoted(connection, COPIES, table.name), _quoted(connection, "public", table.name)
                connection.execute(text(f"CREATE TABLE {copy} AS TABLE {name}"))
            sequences = "SELECT sequencename, last_value FROM pg_sequences WHERE schemaname = 'public'"
            self._sequences = [(name, value) for name, value in connection.execute(text(sequences))]

    def restore(self) -> None:
        """Bring back the remembered rows in one transaction; raises RunError."""
        if not self._tables:
            return
        with self._connected("restored") as connection:
            names = [_quoted(connection, "public", table.name) for table in self._tables]
            connection.execute(text(f"TRUNCATE {', '.join(names)}"))
            for table, name in zip(self._tables, names, strict=True):
                columns = ", ".join(_quoted(connection, c.name) for c in table.columns if c.computed is None)
                copy = _quoted(connection, COPIES, table.name)
                values = f"OVERRIDING SYSTEM VALUE SELECT {columns} FROM {copy}"  # noqa: S608 - quoted names
                connection.execute(text(f"INSERT INTO {name} ({columns}) {values}"))
            for sequence, value in self._sequences:
                where = _quoted(connection, "public", sequence)
                arguments = {"where": where, "value": 1 if value is None else value, "called": value is not None}
                connection.execute(text("SELECT setval(CAST(:where AS regclass), :value, :called)"), arguments)

    def drop(self) -> None:
        """Drop it, whoever is still connected to it; raises RunError if it stays on a server that is there."""
        if self._dropped:
            return
        self._dropped = True
        try:
            self._server.drop(self._name)
        except RunError as failure:
            with contextlib.suppress(RunError):
                self._server.check()
                raise RunError(f"the database {self._name} is left on the server: {failure}") from None

    @contextlib.contextmanager
    def _connected(self, done: str) -> Iterator[Connection]:
        engine = self._server.engine(self._name)
        try:
            with _connection(engine) as connection, connection.begin():
                yield connection
        except SQLAlchemyError as error:
            raise RunError(f"the rows of {self._name} could not be {done}: {reason(error)}") from error
        finally:
            engine.dispose()


class PostgresDatabases:
    """Makes databases on a server that is running; close it with ``close``."""

    def __init__(self, url: str, tag: str) -> None:
        """Connect to the server, and stay connected: a side may use up every other connection.

        Args:
            url: ``postgresql://user@host:port/name``; that database itself is only connected to.
            tag: begins the names of all databases that are made, so that they can be found again.

        Raises:
            RunError: it can't be reached, or refuses.
        """
        self.url: URL = make_url(url)
        self._prefix = f"bench_{tag}_"
        self._engine = self.engine().execution_options(isolation_level="AUTOCOMMIT")
        with self._errors_in_a_line():
            self._connection = self._engine.connect()
        self.version = f"PostgreSQL {self._ask('SHOW server_version').split()[0]}"

    def __repr__(self) -> str:
        return f"<PostgresDatabases {self.url!r}>"

    def new(self, folder: Path, name: str) -> PostgresDatabase:
        """Name a database as nothing else is named."""
        return PostgresDatabase(self, f"{self._prefix}{name}_{uuid.uuid4().hex[:12]}")

    def check(self) -> None:
        """Raise RunError if the server does not answer, or has closed the connection."""
        self._ask("SELECT 'here'")

    def clear(self) -> None:
        """Drop every database that begins with this tag; raises RunError."""
        pattern = self._prefix.replace("_", r"\_") + "%"
        query = text("SELECT datname FROM pg_database WHERE datname LIKE :pattern")
        with self._errors_in_a_line():
            left = list(self._connection.execute(query, {"pattern": pattern}).scalars())
        for name in left:
            self.drop(name)

    def drop(self, name: str) -> None:
        """Drop a database, whoever is connected to it; raises RunError."""
        self.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')

    def engine(self, database: str | None = None) -> Engine:
        """Return an engine for the harness's own statements."""
        url = self.url.set(drivername="postgresql+psycopg")
        return create_engine(
            url if database is None else url.set(database=database), poolclass=NullPool, connect_args=CONNECT
        )

    def execute(self, statement: str) -> None:
        """Execute a statement that no transaction may surround; raises RunError."""
        with self._errors_in_a_line():
            self._connection.exec_driver_sql(statement)

    def close(self) -> None:
        """Close the connection."""
        with contextlib.suppress(SQLAlchemyError):
            self._connection.close()
        self._engine.dispose()

    def _ask(self, query: str) -> str:
        with self._errors_in_a_line():
            return str(self._connection.exec_driver_sql(query).scalar_one())

    @contextlib.contextmanager
    def _errors_in_a_line(self) -> Iterator[None]:
        """Turn what the server said into a RunError of one line."""
        try:
            yield
        except SQLAlchemyError as error:
            where = f"{self.url.host or 'the local socket'}:{self.url.port or 5432}"
            raise RunError(f"the PostgreSQL server at {where}: {reason(error)}") from error


def reason(error: SQLAlchemyError) -> str:
    """Return what a database said, in one line."""
    cause: Any = error.orig if isinstance(error, DBAPIError) else error
    lines = [line.strip() for line in str(cause).splitlines() if line.strip()]
    return lines[0] if lines else type(cause).__name__


def _connection(engine: Engine) -> Connection:
    """Connect; while the server has no connection left, try again for a while."""
    deadline = time.monotonic() + CROWDED_LIMIT_S
    while True:
        try:
            return engine.connect()
        except OperationalError as error:
            if "too many connections" not in str(error) or time.monotonic() > deadline:
                raise
            time.sleep(RETRY_S)


def _quoted(connection: Connection, *names: str) -> str:
    quote = connection.dialect.identifier_preparer.quote_identifier
    return ".".join(map(quote, names))
