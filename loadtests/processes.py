"""Processes that never outlive their owner.

A child's standard input is a pipe that only its owner holds. When the owner ends, however it ends, the pipe
closes, and the child ends itself: see ``lifeline``. A child leads a session of its own, so that Ctrl-C in the
terminal reaches the owner alone, and so that the child can be ended together with all that it started; what of that
began a session of its own is found by a mark: see ``strays``.
"""

import contextlib
import os
import signal
import subprocess
import sys
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from loadtests import strays
from loadtests.interrupts import shielded

GRACE_S = 2.0
"""How long a child may take to end by itself before it is killed."""


EMPTY = (
    "(Background on this",
    "[SQL:",
    "[parameters:",
    "For further information visit",
    "ERROR:    Application startup failed",
)
"""How lines begin that follow what went wrong, in the logs of SQLAlchemy, pydantic and uvicorn."""

_living: "set[Child]" = set()


def stop_all() -> None:
    """End every child that is left: those whose owner an interrupt kept from taking them over."""
    for child in list(_living):
        child.stop(grace_s=0.0)


def child_environment(folder: Path, extra: Mapping[str, str]) -> dict[str, str]:
    """Return this process's environment with ``extra``, and with temporary files inside ``folder``.

    A server that has to be killed can't remove what it put there; the run removes the folder. Where Python is told
    not to keep compiled modules, they go there too: compiling them anew would double each start.
    """
    environment = {**os.environ, "TMPDIR": str(folder.absolute()), **extra}
    if environment.pop("PYTHONDONTWRITEBYTECODE", None):
        environment["PYTHONPYCACHEPREFIX"] = str(folder.absolute().parent / "pycache")
    return environment


class Child:
    """A Python module run as a child process; a context manager that owns it."""

    def __init__(
        self,
        module: str,
        arguments: Sequence[str],
        *,
        log: Path,
        environment: Mapping[str, str] | None = None,
        pass_fds: Sequence[int] = (),
    ) -> None:
        """Start ``python -m module``.

        Args:
            module: what to run.
            arguments: its command line.
            log: where its output goes; its folder, made if need be, takes its temporary files too.
            environment: variables beside this process's own.
            pass_fds: file descriptors that it inherits.
        """
        self.log = log
        self._mark = uuid.uuid4().hex
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("ab") as sink, shielded():
            self.process = subprocess.Popen(  # noqa: S603 - our own interpreter, our own modules
                [sys.executable, "-m", module, *arguments],
                stdin=subprocess.PIPE,
                stdout=sink,
                stderr=sink,
                pass_fds=pass_fds,
                env=child_environment(log.parent, {**(environment or {}), strays.MARK: self._mark}),
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
        """Return the last line it logged that says something, or an empty string."""
        with contextlib.suppress(OSError):
            lines = [line.strip() for line in self.log.read_text(errors="replace").splitlines()]
            said = [line for line in lines if line and not line.startswith(EMPTY)]
            return said[-1] if said else ""
        return ""

    def ask_to_end(self) -> None:
        """Tell it that its owner is done with it, and do not wait; ``stop`` still has to follow."""
        if self.process.stdin is not None:
            self.process.stdin.close()
        if self.alive:
            self.process.terminate()

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
            strays.end(self._mark)
            _living.discard(self)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
