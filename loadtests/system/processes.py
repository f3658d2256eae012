"""Child processes that never outlive their owner, and orphaned grandchildren, found and killed.

A child's standard input is a pipe that only its owner holds. When the owner ends, however it ends, the pipe closes, and
the child ends itself (``exit_with_parent``). A child leads a session of its own, so that Ctrl-C in the terminal reaches
the owner alone, and so that the child can be ended together with all that it started.

A daemon, or a process that opens a new terminal session, is in no process group that its starter knows. It is found by
a mark in its environment, which a process keeps and its children inherit. Only Linux shows it to everyone; elsewhere
none is found.
"""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from loadtests.system.cores import parse_cores, pin
from loadtests.system.errors import RunError, shielded
from loadtests.system.pausing import continue_groups, continue_when_orphaned, release
from loadtests.system.resources import allow_open_files

GRACE_S = 2.0
"""How long a child may take to end by itself before it is killed."""
POLL_S = 0.02
MARK = "BENCH_CHILD"
"""The environment variable that marks a child of the harness, and all that it starts: a name for each child."""
ROUNDS = 5
"""An orphan may start another process while orphans are looked for."""
EMPTY = (
    "(Background on this",
    "[SQL:",
    "[parameters:",
    "For further information visit",
    "ERROR:    Application startup failed",
)
"""How lines begin that follow what went wrong, in the logs of SQLAlchemy, pydantic and uvicorn."""
LEAST_SPACE = 2**14
"""Bytes without which a process can't even say that it has no space."""
LONGEST_LOG = 20_000_000
"""Bytes beyond which the log of a process that runs for hours is emptied."""
LAST_BYTES = 2**20
"""How much of the end of a log is looked at for what went wrong: an app may have written gigabytes before."""
TRACEBACK = "Traceback (most recent call last):"
"""How Python begins to say where an exception was raised; the exception follows in the first line not indented."""
EXCEPTION_LINES = 3
"""Lines of an exception that are shown: what pydantic finds wrong stands in the second and third."""
_ISOLATED = ("-E", "-B") if sys.dont_write_bytecode else ("-E",)
_living: "set[Child]" = set()


def stop_all() -> None:
    """End every child that is left: those whose owner an interrupt kept from taking them over."""
    for child in list(_living):
        child.stop(grace_s=0.0)


def child_environment(folder: Path, extra: Mapping[str, str], hidden: str | None = None) -> dict[str, str]:
    """Return this process's environment with ``extra``, and with temporary files inside ``folder``.

    Args:
        folder: made for the child.
        extra: variables to add.
        hidden: variables of this process whose names begin so are left out; None to hand all of them down.

    A server that has to be killed can't remove what it put there; the run removes the folder. Where Python is told
    not to keep compiled modules, they go beside it, for all children of the run: compiling them anew would double each
    start. They never go into the system's folder for temporary files itself: they would stay there, and another user
    could have put modules there before.
    """
    own = {name: value for name, value in os.environ.items() if hidden is None or not name.startswith(hidden)}
    environment = {**own, "TMPDIR": str(folder.absolute()), **extra}
    if environment.pop("PYTHONDONTWRITEBYTECODE", None):
        own_folder = folder.absolute()
        is_shared = own_folder.parent.resolve() == Path(tempfile.gettempdir()).resolve()
        environment["PYTHONPYCACHEPREFIX"] = str((own_folder if is_shared else own_folder.parent) / "pycache")
    return environment


class Stoppable(ABC):
    """Base of what owns a process: a context manager that calls ``stop`` at its end."""

    @abstractmethod
    def stop(self) -> None:
        """End what it owns. Safe to call twice."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


class Child(Stoppable):
    """A Python module run as a child process; a context manager that owns it."""

    def __init__(
        self,
        module: str,
        arguments: Sequence[str],
        *,
        log: Path,
        environment: Mapping[str, str] | None = None,
        hidden: str | None = None,
        pass_fds: Sequence[int] = (),
        isolated: bool = False,
    ) -> None:
        """Start ``python -P -m module``: what lies in the folder that the harness is called in hides no module.

        Args:
            module: what to run.
            arguments: its command line.
            log: where its output goes; its folder, made if need be, takes its temporary files too.
            environment: variables beside this process's own.
            hidden: variables of this process whose names begin so are not handed down; None to hand all down.
            pass_fds: file descriptors that it inherits.
            isolated: whether it heeds none of Python's own variables: they are meant for what it starts.
        """
        self.log = log
        self._mark = uuid.uuid4().hex
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("ab") as sink, shielded():
            self.process = subprocess.Popen(  # noqa: S603 - our own interpreter, our own modules
                [sys.executable, "-P", *(_ISOLATED if isolated else ()), "-m", module, *arguments],
                stdin=subprocess.PIPE,
                stdout=sink,
                stderr=sink,
                pass_fds=pass_fds,
                env=child_environment(log.parent, {**(environment or {}), MARK: self._mark}, hidden),
                start_new_session=True,
            )
            _living.add(self)

    def __repr__(self) -> str:
        state = "running" if self.process.poll() is None else f"exit status {self.process.returncode}"
        return f"<Child {self.process.args!r}: {state}>"

    @property
    def pid(self) -> int:
        """Process id, also of its process group."""
        return self.process.pid

    @property
    def alive(self) -> bool:
        """Whether it still runs."""
        return self.process.poll() is None

    def last_words(self) -> str:
        """Return the last line it logged that says something; without any, that there was no space for one, or ""."""
        with contextlib.suppress(OSError):
            lines = [line.strip() for line in self._end_of_log().splitlines()]
            said = [line for line in lines if line and not line.startswith(EMPTY)]
            full = shutil.disk_usage(self.log.parent).free < LEAST_SPACE
            return said[-1] if said else f"no space is left for {self.log.parent}" if full else ""
        return ""

    def last_exception(self) -> str:
        """Return how the exception of the last traceback that it logged begins, on one line, else its last words."""
        with contextlib.suppress(OSError):
            _, traceback, after = self._end_of_log().rpartition(TRACEBACK)
            lines = after.splitlines()
            begins = next((number for number, line in enumerate(lines) if line and not line[0].isspace()), None)
            if traceback and begins is not None:
                return " ".join(" ".join(lines[begins : begins + EXCEPTION_LINES]).split())
        return self.last_words()

    def limit_log(self, most_bytes: int = LONGEST_LOG) -> None:
        """Empty the log if it has grown beyond a limit: for a process that may run for hours, and appends to it."""
        with contextlib.suppress(OSError):
            if self.log.stat().st_size > most_bytes:
                os.truncate(self.log, 0)

    def _end_of_log(self) -> str:
        """Return the last LAST_BYTES that it logged; raises OSError."""
        with self.log.open("rb") as log:
            log.seek(max(0, log.seek(0, os.SEEK_END) - LAST_BYTES))
            return log.read(LAST_BYTES).decode(errors="replace")

    def wait_until(self, ready: Callable[[], bool], limit_s: float, name: str) -> None:
        """Wait until something is true of it.

        Args:
            ready: asked again and again.
            limit_s: how long, in seconds.
            name: what to call it in a message.

        Raises:
            RunError: it ended before, or time is up.
        """
        deadline = time.monotonic() + limit_s
        while not ready():
            if not self.alive:
                raise RunError(f"{name} did not start: {self.last_words() or 'it printed nothing'}")
            if time.monotonic() > deadline:
                raise RunError(f"{name} did not start within {limit_s:g} s")
            time.sleep(POLL_S)

    def groups(self) -> list[int]:
        """Return the process groups of this process and of all that it has started, escaped ones included."""
        found = {self.pid}
        for pid in _find_orphans(f"{MARK}={self._mark}".encode()):
            with contextlib.suppress(OSError):
                found.add(os.getpgid(pid))
        return sorted(found - {os.getpgrp()})

    def ask_to_end(self) -> None:
        """Ask it to end, and do not wait for it; ``stop`` still has to follow."""
        if self.process.stdin is not None:
            self.process.stdin.close()
        if self.alive:
            self.process.terminate()
            continue_groups([self.pid])  # one that is stopped can't end by itself

    def stop(self, grace_s: float = GRACE_S) -> None:
        """Ask it to end; after ``grace_s`` kill it and everything it started. Safe to call twice."""
        if self not in _living:
            return  # its process group's number may be somebody else's by now
        try:
            if grace_s > 0:
                self.ask_to_end()
                with contextlib.suppress(subprocess.TimeoutExpired):
                    self.process.wait(grace_s)
        finally:  # a signal may cut the grace short
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.pid, signal.SIGKILL)
            self.process.wait()
            if self.process.stdin is not None:
                self.process.stdin.close()
            kill_orphans(self._mark)
            _living.discard(self)


def begin_child(cores: str = "", grace_s: float = GRACE_S) -> None:
    """Do what each child that serves or drives does first: end with its owner, allow many connections, pin itself.

    Args:
        cores: where it is pinned, as numbers with commas between them; nowhere if empty.
        grace_s: how long it needs to end by itself, in seconds.
    """
    exit_with_parent(grace_s)
    allow_open_files()
    pin(parse_cores(cores))


def exit_with_parent(grace_s: float = GRACE_S) -> None:
    """End this process when its owner ends; call it first thing in a child that does not read standard input.

    A process that was not started by ``Child``, but by hand, has no such owner, and goes on.

    Args:
        grace_s: how long this process needs to end by itself, in seconds.
    """
    if MARK in os.environ:
        continue_when_orphaned()
        threading.Thread(target=_end_with_owner, args=(grace_s,), name="end-with-owner", daemon=True).start()


def _end_with_owner(grace_s: float) -> None:
    while os.read(0, 4096):  # the owner never writes: this returns when it is gone
        pass
    exit_now(grace_s)


def exit_now(grace_s: float = GRACE_S) -> None:
    """End this process and all it started: politely, then after a grace period for certain."""
    release()
    kill_orphans(os.environ.get(MARK, ""))
    # The group is ours alone: Child starts us as a session leader.
    group = os.getpgrp()
    if not os.fork():  # who kills what is left must neither be in the group nor end with this process
        os.setsid()
        time.sleep(grace_s)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(group, signal.SIGKILL)
        os._exit(0)
    continue_groups([group])  # what is stopped can't end by itself
    os.kill(os.getpid(), signal.SIGTERM)


def kill_orphans(mark: str) -> None:
    """Kill every process with that mark that is not of this process's session."""
    for _ in range(ROUNDS):
        found = _find_orphans(f"{MARK}={mark}".encode())
        for pid in found:
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGKILL)
        if not found:
            return


def _find_orphans(variable: bytes) -> list[int]:
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            pid = int(folder.name)
            marked = variable in (folder / "environ").read_bytes().split(b"\0")
            if marked and os.getsid(pid) != os.getsid(0):
                found.append(pid)
    return found
