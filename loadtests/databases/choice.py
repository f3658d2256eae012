"""Which database a run uses: SQLite in files, a PostgreSQL of its own, or one that stands."""

import contextlib
import hashlib
import importlib.util
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

from loadtests.databases.database import Databases
from loadtests.databases.sqlite import SqliteDatabases
from loadtests.experiment.options import POSTGRES, SQLITE
from loadtests.system.cores import Cores
from loadtests.system.errors import UsageError

EXTRA = "uv run --extra postgres bench …"


def check_database(name: str) -> None:
    """Raise UsageError if a run can't use the database of that name: ``sqlite``, ``postgres`` or a URL."""
    if name == SQLITE:
        return
    if name != POSTGRES:
        _check_url(name)
    if importlib.util.find_spec("psycopg") is None:
        raise UsageError(f"--database {name}: PostgreSQL's drivers are missing; run it with them: {EXTRA}")
    if name == POSTGRES:
        from loadtests.postgres.binaries import find_binaries  # noqa: PLC0415 - for this database alone

        find_binaries()


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
    from loadtests.databases.postgres import PostgresDatabases  # noqa: PLC0415 - its driver is an extra
    from loadtests.postgres.cluster import Cluster  # noqa: PLC0415

    tag = hashlib.sha256(str(work.absolute()).encode()).hexdigest()[:8]
    with contextlib.ExitStack() as stack:
        url = stack.enter_context(Cluster(work / "postgres", cores.driver)).url if name == POSTGRES else name
        databases = stack.enter_context(contextlib.closing(PostgresDatabases(url, tag)))
        databases.clear()  # what a run in this folder left that was killed
        yield databases


def check_reachable(name: str) -> None:
    """Raise RunError if a server that is to be running already can't be reached; nothing is written for it."""
    if name in (SQLITE, POSTGRES):
        return
    from loadtests.databases.postgres import PostgresDatabases  # noqa: PLC0415 - its driver is an extra

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
            "--database: leave password and options out of the URL, which is written down; put them into PGPASSWORD,"
            " ~/.pgpass or PGSSLMODE"
        )
