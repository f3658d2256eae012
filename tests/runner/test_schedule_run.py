"""What the runner of a schedule makes of how a trial ended, without servers."""

from types import SimpleNamespace
from typing import Any

import pytest

from loadtests.drivers.job import NOT_WRITTEN
from loadtests.records.samples import BodyBytes
from loadtests.runner.schedule_run import ScheduleRunner
from loadtests.system.errors import RunError


def note(stalled: str | None, status: int | None = None, answers: int = 1) -> list[tuple[Any, ...]]:
    """Return the events that are noted of a trial."""
    events: list[tuple[Any, ...]] = []
    runner: Any = object.__new__(ScheduleRunner)
    runner._run_log = SimpleNamespace(event=lambda *event: events.append(event))
    server: Any = SimpleNamespace(exit_status=lambda: status, last_words=lambda: "no such table: posts")
    recording: Any = SimpleNamespace(stalled=stalled, good_bytes=(BodyBytes(0, answers, 10),) if answers else ())
    runner._note(0, "a", "sync", server, recording)
    return events


def test_a_side_that_falls_silent_or_ends_has_collapsed() -> None:
    assert note(None) == []
    assert note("nothing was answered for 20 s") == [(0, "a", "collapsed", "sync nothing was answered for 20 s")]
    assert note(None, 3) == [(0, "a", "collapsed", "sync exited with status 3 while it was measured")]


def test_the_log_of_a_side_that_gave_no_good_answer_is_quoted() -> None:
    assert note(None, answers=0) == [(0, "a", "log", "sync: no such table: posts")]


def test_a_disk_that_is_full_ends_the_run_and_is_no_collapse_of_the_side() -> None:
    with pytest.raises(RunError, match="sync could not be measured further: no space is left for the run's folder"):
        note(f"{NOT_WRITTEN}: no space is left for the run's folder")
