"""A side's own SQLite file, and the way back to the rows it started with."""

import contextlib
import sqlite3
from pathlib import Path

from loadtests.system.errors import RunError

LOCK_LIMIT_S = 5.0


class SqliteDatabase:
    """A database file in the run's work folder, one a side and block.

    The server itself creates and seeds it; ``remember`` keeps the rows it holds then, and ``restore`` brings
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
        return f"sqlite:///{self.path}"

    def create(self) -> None:
        """Leave it to the server, which makes the file."""

    def remember(self) -> None:
        """Take a copy of the rows as they are now; an app that made no database has none to restore."""
        self.forget()
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

    def forget(self) -> None:
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

    def fresh(self, folder: Path, name: str) -> SqliteDatabase:
        """Name a file; the server makes it."""
        return SqliteDatabase(folder / f"{name}.db")

    def check(self) -> None:
        """Return: a file does not go away."""
