"""What is known of the blog beforehand: its two builds, where they are, and the threads and connections they have.

Code that works for any app asks here what a side has, instead of naming a build. Of other apps nothing is known. The
blog stands beside this package in a clone of the repository; who installed the package alone has none. So nothing of
it is imported before it is asked for: ``bench`` measures other apps without it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from loadtests.system.errors import UsageError

if TYPE_CHECKING:
    from shared.settings import Settings

BUILDS = {"sync": "sync_app.main:app", "async": "async_app.main:app"}
ROOT = Path(__file__).parents[2]
"""The repository; of an installed package the folder that it was installed into."""
ELSEWHERE = "the blog is part of the repository, not of the installed package; run this in a clone of it"
DEFAULT_THREADS = 40
DEFAULT_POOL_SIZE = 5
DEFAULT_OVERFLOW = 10
"""The defaults of ``shared.settings``, which is not there where the harness is installed without the blog."""
GIVEN_BY_A_RUN = frozenset({"database_url", "upstream_url"})
"""Settings that a run gives each side itself."""
SIZES_OF_THE_DATA = ("seed_users", "seed_posts")
"""Settings that say how much a new blog holds."""
DATABASE_DRIVER = "database_driver"
"""The setting that chooses among drivers of PostgreSQL; SQLite has one for each build."""
POOL_TIMEOUT_S = 30
"""How long a request waits for a connection until the pool gives up: SQLAlchemy's default, which the builds keep."""
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


def _number(settings: SideSettings, name: str, default: int) -> int:
    value = settings.get(name)
    return default if value is None else int(value)


def find_settings() -> "type[Settings] | None":
    """Return what describes the blog's settings; None where there is no blog."""
    if not (ROOT / "sync_app").is_dir():  # somebody else's package may be called shared, too
        return None
    try:
        from shared.settings import Settings  # noqa: PLC0415 - see above
    except ImportError:
        return None
    return Settings


def check_blog(wanted_by: str) -> "type[Settings]":
    """Return what describes the blog's settings.

    Args:
        wanted_by: what can't do without, as it was typed.

    Raises:
        UsageError: there is no blog here; the message says where it is.
    """
    settings = find_settings()
    if settings is None:
        raise UsageError(f"{wanted_by}: {ELSEWHERE}")
    return settings
