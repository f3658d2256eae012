"""How a side is started: which command, in which folder, with which interpreter and variables."""

import json
import os
import re
import shlex
import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from dotenv import dotenv_values

from loadtests import inside
from loadtests.experiment.blog import ROOT
from loadtests.experiment.sides import LOOPBACK, Side
from loadtests.system.errors import UsageError

SCRIPT = Path(inside.__file__).with_name("serve.py")
"""Run by the side's interpreter where the harness starts uvicorn."""
OURS = "loadtests."
"""How apps of this package are called: they are imported from where it is."""
LEAST_SECRET = 4
"""Characters of a value that is taken for one: shorter ones, as of ``DEBUG=1``, are found in any text."""
_REFERENCE = re.compile(r"\$\{(?P<name>[A-Za-z_]\w*)\}")


@dataclass(frozen=True)
class Start:
    """How a side's process is started.

    Attributes:
        command: what to run.
        folder: where.
        environment: all of its variables, those of this process included.
        secret: those of them whose values are written nowhere.
    """

    command: list[str]
    folder: Path
    environment: dict[str, str]
    secret: frozenset[str] = frozenset()

    def without_secrets(self, text: str) -> str:
        """Return what a side has said with the names of its secret variables in place of their values."""
        values = {value: name for name in self.secret if len(value := self.environment.get(name, "")) >= LEAST_SECRET}
        for value in sorted(values, key=len, reverse=True):
            text = text.replace(value, f"${{{values[value]}}}")
        return text


def folder_on_disk(side: Side) -> Path:
    """Return a side's folder as it is on disk, whether or not it is there; a commit of it is in the same repository."""
    if side.is_build or (side.app or "").startswith(OURS):
        return ROOT
    return Path(side.launch.dir).expanduser().absolute()


def folder_of(side: Side) -> Path:
    """Return the folder that a side is started in; raises UsageError if there is none."""
    if side.checkout is not None:
        return side.checkout
    if side.launch.commit is not None:
        raise UsageError(
            f"side {side.spec!r}: only bench run, curve and dial start a side at a commit; leave out"
            f" {side.launch.commit}"
        )
    folder = folder_on_disk(side)
    if not folder.is_dir():
        raise UsageError(f"side {side.spec!r}: there is no folder {side.launch.dir}")
    return folder


def python_of(side: Side) -> str:
    """Return the path of a side's interpreter; raises UsageError if there is none.

    A relative path is looked up in the side's folder, of a side at a commit also in that on disk, then in this one.
    """
    if side.launch.python is None:
        return sys.executable
    wanted = os.path.expanduser(side.launch.python)  # noqa: PTH111 - it may be a name to look up, as python3
    for folder in (folder_of(side), folder_on_disk(side), Path.cwd()):
        if os.access(path := folder / wanted, os.X_OK) and path.is_file():
            return str(path)
    if (found := shutil.which(wanted)) is not None:
        return found
    raise UsageError(f"side {side.spec!r}: there is no interpreter {wanted}, neither in its folder nor in this one")


def start_of(
    side: Side,
    port: int,
    given: Mapping[str, str],
    observe: Path | None = None,
    *,
    counts_statements: bool = False,
    check: Path | None = None,
    host: str = LOOPBACK,
) -> Start:
    """Return how to start a side that the harness starts.

    Args:
        side: the side.
        port: where it is to listen.
        given: variables that the run gives it.
        observe: the folder for what is seen inside; None if nobody looks.
        counts_statements: whether each answer tells how many SQL statements it took; only the harness's uvicorn can.
        check: the folder for what ``bench check`` looks at; None if it does not; only the harness's uvicorn can.
        host: the address that it is to listen at.

    Raises:
        UsageError: its folder, interpreter or variables are not there.
    """
    if side.starts_uvicorn:
        options = _options(side, port, observe) | {
            "host": host,
            "counts_statements": counts_statements,
            "check": str(check) if check else None,
        }
        command = [python_of(side), str(SCRIPT), "run", json.dumps(options)]
    else:
        command = command_of(side, port, host)
    return Start(command, folder_of(side), environment_of(side, given), _secret(side))


def _secret(side: Side) -> frozenset[str]:
    """Return the names of a side's variables that come from a file, or from this process."""
    path = side.launch.env_file
    own = {name for name, value in side.launch.env if _REFERENCE.search(value)}
    return frozenset(own | (_read(side, _env_file(side, path)).keys() if path is not None else set()))


def _env_file(side: Side, path: str) -> Path:
    """Return where a file of variables is: with its secrets it is rarely committed."""
    own = folder_of(side) / Path(path).expanduser()
    return own if side.checkout is None or own.is_file() else folder_on_disk(side) / Path(path).expanduser()


def own_start_of(side: Side, command: str, given: Mapping[str, str]) -> Start:
    """Return how to start a command of a side beside its server; for arguments and errors see ``start_of``."""
    return Start(shlex.split(command), folder_of(side), environment_of(side, given), _secret(side))


def command_of(side: Side, port: int, host: str = LOOPBACK) -> list[str]:
    """Return what starts a side that the harness's own uvicorn does not serve, as its words."""
    return side.command(python_of(side), port, host)


def try_of(side: Side, what: Literal["try", "openapi"] = "try", requests: Sequence[tuple[str, str]] = ()) -> Start:
    """Return how to find out whether a side's app can be imported, or what it is; raises UsageError as ``start_of``.

    Args:
        side: the side.
        what: what is to be found out.
        requests: method and path of those whose handlers are looked for, with ``try``.
    """
    server = side.server.server if side.launch.command is None else None
    options = {"app": side.app, "server": server, "requests": list(requests), "not_from": not_from(side)}
    command = [python_of(side), str(SCRIPT), what, json.dumps(options)]
    return Start(command, folder_of(side), environment_of(side, {}), _secret(side))


def not_from(side: Side) -> str | None:
    """Return the folder on disk from which a side at a commit must import nothing; None for any other side.

    That is the top of its repository. An editable install has Python look there, too.
    """
    if side.checkout is None:
        return None
    folder = folder_on_disk(side)
    return str(next((each for each in (folder, *folder.parents) if (each / ".git").exists()), folder))


def _options(side: Side, port: int, observe: Path | None) -> dict[str, object]:
    server = side.server
    return {
        "app": side.app,
        "port": port,
        "loop": server.loop,
        "http": server.http,
        "workers": server.workers,
        "gc": server.gc,
        "observe": str(observe) if observe else None,
        "change": server.change,
    }


def environment_of(side: Side, given: Mapping[str, str]) -> dict[str, str]:
    """Return a side's variables: of the shell, of its file, of the run, and at last its own.

    The blog's knobs of the shell are left out: they would reach both sides unseen and unrecorded.

    Raises:
        UsageError: the file can't be read, or a value refers to a variable that is not set.
    """
    environment = {name: value for name, value in os.environ.items() if not name.startswith("BLOG_")}
    if side.launch.python is not None:
        environment |= _of_interpreter(Path(python_of(side)), environment)
    if side.launch.env_file is not None:
        environment |= _read(side, _env_file(side, side.launch.env_file))
    own = {name: expanded(value, f"side {side.spec!r}: env.{name}") for name, value in side.launch.env}
    return environment | dict(given) | side.environment() | own


def expanded(text: str, wanted_by: str) -> str:
    """Replace each ``${NAME}`` by this process's variable of that name; raises UsageError if one is not set."""

    def value(match: re.Match[str]) -> str:
        found = os.environ.get(match["name"])
        if found is None:
            raise UsageError(f"{wanted_by} needs the environment variable {match['name']}, which is not set")
        return found

    return _REFERENCE.sub(value, text)


def _read(side: Side, path: Path) -> dict[str, str]:
    if not path.is_file():
        raise UsageError(f"side {side.spec!r}: there is no file {path} (env_file)")
    try:
        found = dotenv_values(path)
    except (OSError, ValueError) as error:
        raise UsageError(f"side {side.spec!r}: {path} can't be read: {error}") from None
    return {name: value for name, value in found.items() if value is not None}


def _of_interpreter(python: Path, environment: Mapping[str, str]) -> dict[str, str]:
    """Return what an activated environment of that interpreter has in its variables."""
    changed = {"PATH": os.pathsep.join(filter(None, [str(python.parent), environment.get("PATH")]))}
    if (python.parent.parent / "pyvenv.cfg").is_file():
        changed["VIRTUAL_ENV"] = str(python.parent.parent)
    return changed
