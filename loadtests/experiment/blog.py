"""Where the blog is: beside this package, in a clone of the repository. Who installed the package alone has none.

So nothing of the blog is imported before it is asked for: ``bench`` measures other apps without it.
"""

from pathlib import Path
from typing import TYPE_CHECKING

from loadtests.system.errors import UsageError

if TYPE_CHECKING:
    from shared.settings import Settings

ROOT = Path(__file__).parents[2]
"""The repository; of an installed package the folder that it was installed into."""
ELSEWHERE = "the blog is part of the repository, not of the installed package; run this in a clone of it"


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
