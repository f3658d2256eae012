"""A call that may hang, waited for only so long."""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

T = TypeVar("T")


def within(limit_s: float, call: Callable[[], T]) -> T:
    """Return what ``call`` returns, or raise what it raises; TimeoutError if it takes longer than ``limit_s`` seconds.

    Name look-ups and network file systems know no time limit of their own. What hangs is left behind in a daemon
    thread, which does not keep the command from ending.
    """
    answer: Future[T] = Future()

    def work() -> None:
        try:
            answer.set_result(call())
        except Exception as error:  # whatever it is, it is the caller's to judge
            answer.set_exception(error)

    threading.Thread(target=work, daemon=True).start()
    try:
        return answer.result(limit_s)
    except TimeoutError:
        if answer.done():  # the call's own
            raise
        raise TimeoutError(f"no answer within {limit_s:g} s") from None
