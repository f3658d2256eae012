"""Functions called meanwhile in forks of this process, which have all that it imported and read so far.

A fork is never more than a matter of time: where none can be made, and where one fails, its function is called in this
process instead, so that it fails where that can be seen.
"""

import multiprocessing
import os
import sys
import threading
import warnings
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from multiprocessing.connection import Connection
from pickle import PickleError
from typing import Generic, TypeVar

from loadtests.system.errors import shielded
from loadtests.system.processes import Stoppable

LIMIT_S = 300.0
"""How long one waits for a fork before its function is called here."""
MOST = 4
"""Processes that share the calls of ``call_all``: each takes some hundredths of a second to fork."""
T = TypeVar("T")


def cores_to_fork_on() -> int:
    """Return on how many cores forks could run; 1 where this process should not be forked.

    A fork has one thread, whatever locks the others held. And macOS has libraries that do not survive one.
    """
    alone = sys.platform == "linux" and threading.active_count() == 1
    return len(os.sched_getaffinity(0)) if alone else 1


class Fork(Stoppable, Generic[T]):
    """A function that is called in a fork of this process; a context manager that ends the fork."""

    def __init__(self, function: Callable[[], T]) -> None:
        """Begin at once, if that is possible.

        Args:
            function: without effects that calling it twice would spoil; what it returns can be pickled.
        """
        self._function = function
        self._process: multiprocessing.process.BaseProcess | None = None
        if cores_to_fork_on() > 1:
            try:
                self._begin()
            except OSError:
                self.stop()  # the system allows no more processes
            except BaseException:
                self.stop()
                raise

    def _begin(self) -> None:
        self._result, result = multiprocessing.Pipe(duplex=False)
        fork = multiprocessing.get_context("fork").Process(target=_call, args=(self._function, result), daemon=True)
        # Shielded from signals is also the fork, for as long as it lives: its owner hears them, and ends it.
        with result, shielded(), warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # of other threads: NumPy's, which are ready for forks
            fork.start()
            self._process = fork

    def __repr__(self) -> str:
        return f"<Fork {self._function!r}: {self._process or 'not begun'}>"

    def result(self) -> T:
        """Wait for the function's result; if there is none in time, call it here."""
        if self._process is not None:
            try:
                with suppress(EOFError, OSError, PickleError):  # it failed, or was killed
                    if self._result.poll(LIMIT_S):
                        found: T = self._result.recv()
                        return found
            finally:
                self.stop()
        return self._function()

    def stop(self) -> None:
        """End the fork. Safe to call twice."""
        if self._process is not None:
            self._process.kill()
            self._process.join()
            self._process.close()
            self._result.close()
            self._process = None


def _call(function: Callable[[], T], result: Connection) -> None:
    """Be the fork: send the function's result, or nothing if it fails; end when the owner does."""
    threading.Thread(target=_end_with_owner, name="end-with-owner", daemon=True).start()
    with suppress(BaseException):  # the owner calls the function again, and sees for itself
        result.send(function())


def _end_with_owner() -> None:
    owner = multiprocessing.parent_process()
    if owner is not None:
        owner.join()
        os._exit(1)


def call_all(functions: Sequence[Callable[[], T]]) -> list[T]:
    """Call functions, in this process and in forks of it, one after the other as each has time; return their results.

    Args:
        functions: each as ``Fork`` takes it, and independent of the others.
    """
    # Whose turn it is stands in a pipe, a byte for each function: each is read by one process alone.
    turns, filled = os.pipe()
    os.write(filled, bytes(range(min(len(functions), 256))))
    os.close(filled)

    def take_turns() -> dict[int, T]:
        return {turn[0]: functions[turn[0]]() for turn in iter(lambda: os.read(turns, 1), b"")}

    with ExitStack() as stack:
        stack.callback(os.close, turns)
        helpers = min(cores_to_fork_on(), len(functions), MOST) - 1
        forks = [stack.enter_context(Fork(take_turns)) for _ in range(helpers)]
        done = take_turns()
        for fork in forks:
            done |= fork.result()
    return [done[number] if number in done else function() for number, function in enumerate(functions)]
