import os
import signal

import pytest

from loadtests.system.errors import Interrupted, shielded, signals_as_exceptions


def test_a_signal_becomes_an_exception_that_no_library_swallows() -> None:
    before = signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)
    try:
        with pytest.raises(Interrupted, match="interrupted by SIGTERM"), signals_as_exceptions():  # noqa: PT012
            try:
                os.kill(os.getpid(), signal.SIGTERM)
            except Exception:
                pytest.fail("an except Exception caught it")
    finally:
        signal.signal(signal.SIGTERM, before[0])
        signal.signal(signal.SIGINT, before[1])


def test_a_shielded_step_is_done_before_the_exception_comes() -> None:
    before = signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)
    done = []
    try:
        with pytest.raises(Interrupted), signals_as_exceptions(), shielded():  # noqa: PT012
            os.kill(os.getpid(), signal.SIGINT)
            done.append("step")
    finally:
        signal.signal(signal.SIGTERM, before[0])
        signal.signal(signal.SIGINT, before[1])
    assert done == ["step"]


def test_under_nohup_a_terminal_that_closes_is_nothing_to_stop_for() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with signals_as_exceptions():
            os.kill(os.getpid(), signal.SIGHUP)
    finally:
        signal.signal(signal.SIGHUP, before)


def test_without_a_signal_everything_is_as_before() -> None:
    before = signal.getsignal(signal.SIGINT)
    with signals_as_exceptions():
        assert signal.getsignal(signal.SIGINT) is not before
    assert signal.getsignal(signal.SIGINT) is before
