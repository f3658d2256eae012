"""What was seen in the warm-up decides how long a side may take while it is measured."""

from collections.abc import Sequence
from dataclasses import replace
from types import SimpleNamespace
from typing import cast

import pytest

from loadtests.experiment.fresh_values import Series
from loadtests.experiment.loads import ClosedLoop, Load, OpenLoop
from loadtests.experiment.request import Request
from loadtests.experiment.scenario_text import parse_scenario
from loadtests.experiment.sequence import Login
from loadtests.experiment.values import Values
from loadtests.runner.next_rows import NextRows
from loadtests.runner.warm_up import Limits, WarmUps, limits
from loadtests.servers.probe import ToWarm, WarmUp
from loadtests.servers.server import Server

GET = parse_scenario("GET /x")
WAITS = parse_scenario("query[wait_ms=2000]")
WELL = WarmUp((0.2, 0.1, 0.1), 0.1, 0.5)


def server(spec: str, url: str, start: int) -> Server:
    return cast("Server", SimpleNamespace(side=SimpleNamespace(spec=spec), url=url, start=start))


A, B = server("old:app", "http://a", 1), server("new:app", "http://b", 2)


@pytest.mark.parametrize(
    ("load", "slowest_s", "timeout_s", "expected"),
    [
        (ClosedLoop(1), 0.01, None, Limits(timeout_s=60, stall_s=5, phase_s=90.03, drain_s=10)),
        (ClosedLoop(128), 0.01, None, Limits(timeout_s=60, stall_s=5, phase_s=90.48, drain_s=10)),
        (ClosedLoop(1), 2.0, None, Limits(timeout_s=60, stall_s=20, phase_s=96, drain_s=10)),  # 10 such answers
        (ClosedLoop(4), 8.0, None, Limits(timeout_s=60, stall_s=60, phase_s=114, drain_s=16)),  # no longer than one may
        (ClosedLoop(1), 0.0, None, Limits(timeout_s=60, stall_s=5, phase_s=90, drain_s=10)),  # it never answered
        (ClosedLoop(1), 0.01, 5.0, Limits(timeout_s=5, stall_s=5, phase_s=35.03, drain_s=5)),
        (ClosedLoop(1), 0.01, 300.0, Limits(timeout_s=300, stall_s=300, phase_s=330.03, drain_s=10)),
        (OpenLoop(100.0), 8.0, None, Limits(timeout_s=60, stall_s=60, phase_s=114, drain_s=16)),
    ],
)
def test_silence_may_last_ten_answers_and_an_answer_a_minute(
    load: Load, slowest_s: float, timeout_s: float | None, expected: Limits
) -> None:
    found = limits(GET, load, slowest_s, timeout_s)
    assert vars(found) == pytest.approx(vars(expected))


def test_a_wait_that_the_scenario_asks_for_is_no_fault() -> None:
    """A pool of few connections serves 64 users one after another: 32 waits, if it has two."""
    found = limits(WAITS, ClosedLoop(64), 0.0, None)
    assert (found.timeout_s, found.stall_s) == (60 + 32 * 2, 5 + 2)


class Warming:
    """Takes the place of ``warm``: gives what each server is to do, and remembers how long each was given."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, **does: WarmUp) -> None:
        self.given: list[dict[str, float]] = []
        self.does = {f"http://{name}": found for name, found in does.items()}
        monkeypatch.setattr("loadtests.runner.warm_up.warm", self)

    def __call__(self, servers: Sequence[ToWarm], **_: object) -> list[WarmUp]:
        self.given.append({each.url: each.answer_s for each in servers})
        return [self.does[each.url] for each in servers]


def test_the_slower_side_of_each_scenario_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    Warming(monkeypatch, a=WELL, b=WarmUp((3.0, 3.0), 4.0, 6.0))
    warm_ups = WarmUps([GET], None)
    assert warm_ups.limits(GET, ClosedLoop(1)).stall_s == 5
    assert warm_ups.warm({"a": A, "b": B}) == []
    assert warm_ups.limits(GET, ClosedLoop(1)).stall_s == 40
    assert warm_ups.slow() == "GET /x: an answer took 4.0 s; it may take 60 s (--timeout)"


def test_quick_answers_are_not_worth_a_line(monkeypatch: pytest.MonkeyPatch) -> None:
    Warming(monkeypatch, a=WELL)
    warm_ups = WarmUps([GET], None)
    warm_ups.warm({"a": A})
    assert warm_ups.slow() is None


def test_a_side_that_hangs_is_waited_for_once(monkeypatch: pytest.MonkeyPatch) -> None:
    hangs = WarmUp((), 0.0, 60.0, unanswered=Request("GET", "/x"))
    warming = Warming(monkeypatch, a=WELL, b=hangs)
    warm_ups = WarmUps([GET], None)
    assert warm_ups.warm({"a": A, "b": B}, block=0) == ["new:app did not answer GET /x within 60 s (--timeout)"]
    assert warm_ups.warm({"b": B}, block=0) == []  # it was replaced by one like it
    assert warm_ups.warm({"a": A, "b": B}, block=1) == []
    assert warming.given == [{"http://a": 60, "http://b": 60}, {}, {"http://a": 60, "http://b": 5}]
    warming.does["http://b"] = WELL
    warm_ups.warm({"a": A, "b": B}, block=2)
    warm_ups.warm({"a": A, "b": B}, block=3)
    assert warming.given[-1] == {"http://a": 60, "http://b": 60}  # it was well in between


def test_a_side_that_still_gets_faster_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    Warming(monkeypatch, a=WELL, b=WarmUp((9.0, 5.0, 2.0), 2.5, 91.4))
    assert WarmUps([GET], None).warm({"a": A, "b": B}) == ["GET /x: new:app was still getting faster after 91 s"]


def test_what_writes_is_warmed_up_after_what_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def remember(servers: Sequence[ToWarm], **_: object) -> list[WarmUp]:
        asked.extend(request.method for each in servers for request in each.requests)
        return [WELL for _ in servers]

    monkeypatch.setattr("loadtests.runner.warm_up.warm", remember)
    WarmUps([parse_scenario("create_post"), GET], None).warm({"a": A})
    assert asked == ["GET", "POST"]


def test_each_side_is_warmed_up_with_what_it_will_be_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sides that are written alike are told apart: one path may hang, and the other not."""
    asked: list[dict[str, str]] = []
    hangs = WarmUp((), 0.0, 60.0, unanswered=Request("GET", "/y"))

    def warming(servers: Sequence[ToWarm], **_: object) -> list[WarmUp]:
        asked.append({each.url: str(each.requests[0]) for each in servers})
        return [hangs if each.url == "http://b" else WELL for each in servers]

    monkeypatch.setattr("loadtests.runner.warm_up.warm", warming)
    paired = replace(GET, requests=(replace(GET.requests[0], b=("GET", "/y")),))
    warm_ups = WarmUps([paired], None)
    one, copy, other = (server("one:app", f"http://{name}", at) for at, name in enumerate(("a", "control", "b"), 1))
    said = warm_ups.warm({"a": one, "b": other, "control": copy}, block=0)
    assert said == ["one:app did not answer GET /y within 60 s (--timeout)"]
    assert asked == [{"http://a": "GET /x", "http://control": "GET /x", "http://b": "GET /y"}]
    warm_ups.warm({"a": one, "b": other}, block=0)
    assert asked[-1] == {"http://a": "GET /x"}


def test_a_sequence_that_is_broken_off_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    Warming(monkeypatch, a=WELL, b=replace(WELL, broken_off="POST /login answered 200 without token=$.token"))
    said = "GET /x: new:app: POST /login answered 200 without token=$.token, and what comes behind it was not asked"
    assert WarmUps([GET], None).warm({"a": A, "b": B}) == [said]


def test_sides_that_are_written_alike_get_the_same_rows_and_the_control_others(monkeypatch: pytest.MonkeyPatch) -> None:
    given: dict[str, Series] = {}

    def warming(servers: Sequence[ToWarm], **_: object) -> list[WarmUp]:
        given.update({each.url: each.series for each in servers if each.series is not None})
        return [replace(WELL, next_row=5) for _ in servers]

    monkeypatch.setattr("loadtests.runner.warm_up.warm", warming)
    next_rows = NextRows()
    values = Values("users.csv", "", ("name",), (("ada",), ("bob",)))
    filled = replace(GET, requests=(replace(GET.requests[0], path="/${name}", b=("GET", "/b/${name}")),), values=values)
    one, copy, other = (server("one:app", f"http://{name}", at) for at, name in enumerate(("a", "control", "b"), 1))
    WarmUps([filled], None, next_rows=next_rows).warm({"a": one, "b": other, "control": copy})
    rows = {url: (series.row, series.row_step) for url, series in given.items()}
    assert rows == {"http://a": (0, 2), "http://control": (1, 2), "http://b": (0, 2)}
    assert next_rows.rows == {"users.csv": 5}


def test_who_warmed_up_a_start_has_logged_in_for_that_start_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    logins = (Login({"token": "t"}, frozenset({1})),)
    hangs = WarmUp((), 0.0, 60.0, unanswered=Request("GET", "/x"))
    warming = Warming(monkeypatch, a=replace(WELL, logins=logins), b=hangs)
    warm_ups = WarmUps([GET], None)
    warm_ups.warm({"a": A, "b": B})
    assert (warm_ups.logins(GET, A), warm_ups.logins(GET, B)) == (logins, ())
    warming.does["http://a"] = hangs
    again = server("old:app", "http://a", 3)
    warm_ups.warm({"a": again})
    assert warm_ups.logins(GET, again) == ()
