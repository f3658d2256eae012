"""Temporary folders that are removed with their owner, however it ends.

An owner holds a lock in its folder, and the kernel releases the lock when the owner ends. So a folder that a killed
owner left can be told from one in use. It is removed when the next folder of its kind is made.
"""

import fcntl
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from loadtests.system.errors import shielded

LOCK = "lock"
PREFIX = "bench-work-"
"""Of a folder for whatever a command needs only while it runs."""


@contextmanager
def owned_folder(prefix: str = PREFIX) -> Iterator[Path]:
    """Make a folder, and remove it with all that is in it at the end of the block; first those that killed owners left.

    Args:
        prefix: how its name begins, and the names of others of its kind; no other folders' names may begin so.
    """
    for left in leftovers(prefix):
        shutil.rmtree(left, ignore_errors=True)
    with ExitStack() as stack:
        with shielded():
            folder = Path(tempfile.mkdtemp(prefix=prefix))
            stack.callback(lambda: shutil.rmtree(folder, ignore_errors=True))
            new = folder / f"{LOCK}.new"
            lock = stack.enter_context(new.open("wb"))
            with suppress(OSError):  # a file system without locks
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            new.rename(folder / LOCK)  # locked before others look for it: they would take the folder for a leftover
        yield folder


def leftovers(prefix: str) -> Iterator[Path]:
    """Yield this user's folders of a kind whose owners were killed; each is held until the next one is asked for."""
    for folder in Path(tempfile.gettempdir()).glob(f"{prefix}*"):
        with suppress(OSError):
            if not _is_own(folder):
                continue
            with (folder / LOCK).open("r+b") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                yield folder


def _is_own(folder: Path) -> bool:
    """Whether it is a folder of this user's, and no link to one: everybody can write beside it."""
    status = folder.lstat()
    return stat.S_ISDIR(status.st_mode) and status.st_uid == os.getuid()
