"""Exceptions of the harness with their exit statuses, and signals as exceptions.

The first SIGINT, SIGTERM or SIGHUP raises ``Interrupted``, so that every context manager cleans up.
"""

import errno
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def describe_error(error: Exception, where: object) -> str:
    """Return what an error says in a sentence; of the system's, what it means for files at ``where``."""
    if not isinstance(error, OSError):
        return str(error)
    if error.errno in FULL:
        return f"no space is left for {where}"
    return f"{error.filename or where} can't be written or read: {error.strerror or error}"


class BenchError(Exception):
    """A failure that is reported in one line, never as a traceback."""

    exit_status = 3


class UsageError(BenchError):
    """What was asked for cannot be done; the message says what to do instead."""

    exit_status = 2


class RunError(BenchError):
    """The run could not be completed."""

    exit_status = 3


class Interrupted(BaseException):
    """SIGINT, SIGTERM or SIGHUP arrived; whatever was finished is kept.

    Not an Exception, like KeyboardInterrupt: no library's ``except Exception`` must swallow it.
    """

    exit_status = 130


class _Shield:
    """Whether an exception would come at the wrong moment, and the signal that waits if so."""

    depth = 0
    waiting: int | None = None


@contextmanager
def signals_as_exceptions() -> Iterator[None]:
    """Raise Interrupted in the main thread at the first signal; ignore further ones, so that cleaning up is whole.

    Cleaning up is bounded in time: every process gets a short grace and is then killed. After an interrupt signals
    stay ignored: the process is about to end, with the right status.
    """
    # A run under nohup is to outlive its terminal.
    heard = [each for each in SIGNALS if each != signal.SIGHUP or signal.getsignal(each) is not signal.SIG_IGN]
    before = {each: signal.signal(each, _on_signal) for each in heard}
    try:
        yield
    finally:
        if signal.getsignal(signal.SIGINT) is _on_signal:
            for each, handler in before.items():
                signal.signal(each, handler)


@contextmanager
def shielded() -> Iterator[None]:
    """Hold back a signal until the end of the block: for steps that must not come apart, such as taking ownership."""
    _Shield.depth += 1
    try:
        yield
    finally:
        _Shield.depth -= 1
        if not _Shield.depth and (number := _Shield.waiting) is not None:
            _Shield.waiting = None
            raise _interruption(number)


def _on_signal(number: int, _frame: FrameType | None) -> None:
    for each in SIGNALS:
        signal.signal(each, signal.SIG_IGN)
    if _Shield.depth:
        _Shield.waiting = number
    else:
        raise _interruption(number)


def _interruption(number: int) -> Interrupted:
    return Interrupted(f"interrupted by {signal.Signals(number).name}")
