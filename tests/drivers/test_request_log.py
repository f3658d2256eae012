import time

import pytest

from loadtests.drivers.request_log import RequestLog


def test_an_earlier_instant_is_told_by_the_clock_that_stood_still_in_between() -> None:
    log = RequestLog(started_s=100.0)
    log.pause(101.0)
    log.go_on(104.0)
    log.pause(105.0)
    log.go_on(115.0)
    instants = [100.5, 101.0, 102.0, 104.0, 104.5, 105.0, 110.0, 115.0, 116.0]
    assert [log.at(instant) for instant in instants] == pytest.approx([0.5, 1.0, 1.0, 1.0, 1.5, 2.0, 2.0, 2.0, 3.0])


def test_an_instant_in_the_pause_that_goes_on_is_its_beginning() -> None:
    log = RequestLog(started_s=time.perf_counter() - 1.0)
    log.pause(log.started_s + 0.25)
    assert log.at(time.perf_counter()) == log.now() == pytest.approx(0.25)
