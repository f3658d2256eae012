"""Waits for a server that is silent, slow, or alive: on a clock that is set by hand."""

from collections.abc import Callable

import pytest

from loadtests.drivers.greenlets import run
from loadtests.drivers.request_log import RequestLog
from loadtests.drivers.trial import Stalled, Timeouts


class Clock(RequestLog):
    """A log whose time passes when somebody sleeps."""

    def __init__(self, happens: Callable[["Clock"], None]) -> None:
        super().__init__(0.0)
        self.time_s = 0.0
        self.happens = happens

    def now(self) -> float:
        return self.time_s

    async def sleep(self, _: float) -> None:
        self.time_s += 0.1
        self.happens(self)


def wait(log: Clock, stall_s: float, timeout_s: float, seconds: float = 200.0) -> str:
    """Wait for a time that comes by itself; return what was said instead, and when."""
    timeouts = Timeouts(log, log.sleep, stall_s=stall_s, limit_s=30.0, timeout_s=timeout_s)
    try:
        run(timeouts.until_time(seconds, "the time to come"))
    except Stalled as stall:
        return f"{stall} after {log.time_s:.0f} s"
    return "it came"


def nothing(_: Clock) -> None:
    pass


def bytes_come(log: Clock) -> None:
    log.progress()


def test_silence_is_given_up() -> None:
    log = Clock(nothing)
    log.send(0)
    assert wait(log, 5.0, 60.0) == "nothing was answered for 5 s, with 1 requests in flight after 5 s"


def test_a_stream_whose_bytes_keep_coming_is_alive_until_its_answer_takes_too_long() -> None:
    log = Clock(bytes_come)
    log.send(0)
    assert wait(log, 5.0, 60.0, seconds=55.0) == "it came"
    assert wait(log, 5.0, 60.0) == "an answer took more than 60 s, with 1 requests in flight after 60 s"


def test_one_answer_that_never_comes_among_others_that_do_is_given_up() -> None:

    def another_is_answered(log: Clock) -> None:
        log.end(log.send(0), log.time_s)

    log = Clock(another_is_answered)
    log.send(0)
    assert wait(log, 5.0, 60.0) == "an answer took more than 60 s, with 1 requests in flight after 60 s"


def test_users_who_think_are_no_stall() -> None:
    assert wait(Clock(nothing), 5.0, 60.0) == "it came"


def test_silence_counts_from_the_request_that_broke_it() -> None:
    def one_asks_after_long(log: Clock) -> None:
        if 100.0 <= log.time_s < 100.1:
            log.send(0)

    assert wait(Clock(one_asks_after_long), 5.0, 60.0).endswith("after 105 s")


@pytest.mark.parametrize("hangs_s", [0.0, 1.0, 2.4, 50.0])
def test_a_side_that_hangs_is_silent_also_where_silence_may_last_as_long_as_an_answer(hangs_s: float) -> None:
    """The oldest request is older than the silence is long: it was sent before the last answer came."""

    def answers_until_it_hangs(log: Clock) -> None:
        if log.time_s < hangs_s:
            oldest = next(iter(log.in_flight))
            log.end(oldest, log.time_s)
            log.send(0)

    log = Clock(answers_until_it_hangs)
    for _ in range(3):
        log.send(0)
    assert wait(log, 5.0, 5.0).startswith("nothing was answered for 5 s, with 3 requests in flight")
