"""Turn the first SIGINT or SIGTERM into an exception, so that every context manager cleans up."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from loadtests.errors import Interrupted

SIGNALS = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def as_exception() -> Iterator[None]:
    """Raise Interrupted in the main thread at the first signal; ignore further ones, so that cleaning up is whole.

    Cleaning up is bounded in time: every process gets a short grace and is then killed.
    """

    def stop(number: int, _frame: FrameType | None) -> None:
        for each in SIGNALS:
            signal.signal(each, signal.SIG_IGN)
        raise Interrupted(f"interrupted by {signal.Signals(number).name}")

    before = {each: signal.signal(each, stop) for each in SIGNALS}
    try:
        yield
    finally:
        # After an interrupt signals stay ignored: the process is about to end, with the right status.
        if signal.getsignal(signal.SIGINT) is stop:
            for each, handler in before.items():
                signal.signal(each, handler)
