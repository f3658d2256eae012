"""What a run asks of its databases, whichever they are."""

from pathlib import Path
from typing import Protocol


class Database(Protocol):
    """One side's database in one block; the server itself makes its tables and puts in the seed's rows."""

    @property
    def url(self) -> str:
        """What ``BLOG_DATABASE_URL`` is set to."""

    def create(self) -> None:
        """Make it; call it when whoever is to ``forget`` it knows it. Raises RunError."""

    def remember(self) -> None:
        """Take a copy of the rows as they are now; an app that made no tables has none to restore."""

    def restore(self) -> None:
        """Bring back the remembered rows under the running server; raises RunError if it holds a lock for too long."""

    def forget(self) -> None:
        """Remove the copy, and the database itself where it would outlive the run's folder. Safe to call twice."""


class Databases(Protocol):
    """Where databases are made.

    Attributes:
        version: product and version, for the manifest and the report.
    """

    @property
    def version(self) -> str:
        """Product and version."""

    def fresh(self, folder: Path, name: str) -> Database:
        """Name an empty database, which is then to be made.

        Args:
            folder: of the block, for what is kept in files.
            name: of the database in it.
        """

    def check(self) -> None:
        """Raise RunError if the database server is gone."""
