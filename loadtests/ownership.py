"""Who works in a run's folder: one process at a time, and never one that is dead.

The kernel drops a lock when its holder ends, however it ends; a process id in a file would outlive it.
"""

import contextlib
import fcntl
import shutil
from collections.abc import Iterator

from loadtests.postgres import homes
from loadtests.store import RunFolder
from loadtests.system.errors import UsageError


@contextlib.contextmanager
def owned(folder: RunFolder) -> Iterator[None]:
    """Hold a run's folder, and leave no databases, logs or halves of files in it, neither own nor a dead owner's.

    Raises:
        UsageError: another process holds it.
        OSError: it can't be written.
    """
    folder.work.mkdir(exist_ok=True)
    with (folder.work / "lock").open("wb") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UsageError(f"{folder.path} is being measured by another process; wait for its end") from None
        except OSError:
            pass  # a file system without locks: nothing can be told
        for left in folder.work.iterdir():
            if left.is_dir():
                homes.remove(left)
                shutil.rmtree(left, ignore_errors=True)
        for partial in [*folder.path.glob("*.partial"), *folder.trials.glob("*.partial")]:
            partial.unlink(missing_ok=True)
        try:
            yield
        finally:
            folder.clear_work()


def clear_after_the_dead(folder: RunFolder) -> None:
    """Remove what a killed run left beside its trials; what belongs to a run that goes on is let alone."""
    if folder.work.exists():
        with contextlib.suppress(UsageError, OSError), owned(folder):
            pass
