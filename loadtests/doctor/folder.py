"""The folder that runs land in: room, and a file system on which SQLite's write-ahead log works."""

import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from loadtests.doctor.check import Check
from loadtests.doctor.limited import within
from loadtests.records.run_folder import RESULTS

FREE_LEAST_BYTES = 10**9
LIMIT_S = 5.0


def check_folder() -> Check:
    """Write a file where runs land, and look how much room is left."""
    folder = results_folder()
    try:
        with trial_folder(folder) as path:
            (path / "file").write_bytes(b"x" * 4096)
        free = shutil.disk_usage(folder).free
    except OSError as error:
        return judge_folder(folder, None, error.strerror or str(error))
    return judge_folder(folder, free, None)


def judge_folder(folder: Path, free_bytes: int | None, error: str | None) -> Check:
    """Ask for a folder that can be written, with room for runs."""
    if error is not None or free_bytes is None:
        mend = "start it in a folder of your own, or name one: bench run --out"
        return Check("results", ok=False, finding=f"{_named(folder)} cannot be written: {error}", mend=mend)
    finding = f"{free_bytes / 1e9:,.1f} GB free in {_named(folder)}"
    if free_bytes < FREE_LEAST_BYTES:
        mend = "remove old runs, or name another disk: bench run --out"
        return Check("results", ok=False, finding=f"{finding}, less than 1", mend=mend)
    return Check("results", ok=True, finding=finding)


def check_sqlite(folder: Path) -> Check:
    """Write through one connection and read through another, with the write-ahead log that the blog uses."""
    try:
        with trial_folder(folder) as path:
            mode = within(LIMIT_S, lambda: _write_and_read(path / "trial.db"))
    except (OSError, sqlite3.Error) as error:
        return judge_sqlite(folder, None, str(error))
    return judge_sqlite(folder, mode, None)


def judge_sqlite(folder: Path, journal_mode: str | None, error: str | None) -> Check:
    """Ask for a database that works, with a write-ahead log."""
    if error is not None:
        mend = "use a local disk that can be written: bench run --out"
        return Check("database", ok=False, finding=f"SQLite does not work in {_named(folder)}: {error}", mend=mend)
    if journal_mode != "wal":
        finding = f"SQLite has no write-ahead log in {_named(folder)}: its journal is {journal_mode!r}"
        return Check("database", ok=False, finding=finding, mend="use a local disk, not one in the network")
    return Check(
        "database", ok=True, finding=f"SQLite {sqlite3.sqlite_version} writes and reads, with a write-ahead log"
    )


def results_folder() -> Path:
    """Return where runs land, or where the folder for them will be made."""
    return RESULTS if RESULTS.is_dir() else Path()


@contextmanager
def trial_folder(parent: Path) -> Iterator[Path]:
    """Make a folder that is gone afterwards; raises OSError."""
    with tempfile.TemporaryDirectory(prefix=".bench-doctor-", dir=parent, ignore_cleanup_errors=True) as path:
        yield Path(path)


def _named(folder: Path) -> str:
    return "this folder" if folder == Path() else f"{folder}/"


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
