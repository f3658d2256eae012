"""What the model says of apps that are not the blog, from what their own processes told; or why it says nothing."""

from dataclasses import replace
from typing import Any

import pytest

from loadtests.analysis.model.capacity import Demand, Resources, ceilings_rps, predict, wait_that_gives
from loadtests.analysis.model.limits import with_limits
from loadtests.analysis.model.side_resources import side_resources
from loadtests.experiment.sides import SideLabel
from loadtests.records.handler_record import ExecutedRecord
from loadtests.records.manifest import AgentRecord, MachineRecord
from loadtests.records.summary import CellResult, Interval, Outcome
from tests.made_up_apps import ALONE_S, ASKED, ASYNC, CPU_S, RATES, TOLD, handler, manifest_of, measured

AGENT = AgentRecord(side="main:app", workers=2, observes=False, cpu="EPYC", cores=4, system="Linux 6.1")


def cell_of(outcome: Outcome, label: SideLabel, users: int = 128) -> CellResult:
    return next(c for c in outcome.cells if (c.label, c.load.size) == (label, users))


def explanation(outcome: Outcome, users: int = 128) -> str:
    return next(c.explanation for c in outcome.comparisons if c.metric == "throughput" and c.load.size == users)


def test_def_handlers_meet_their_threads_and_async_def_handlers_their_core() -> None:
    outcome = measured(manifest_of())
    a, b = (cell_of(outcome, label) for label in ("a", "b"))
    assert (a.limit, b.limit) == ("threads", "cpu")
    assert a.predicted_rps == pytest.approx(40 / ALONE_S, rel=0.03)
    assert a.limit_unknown == b.limit_unknown == ""
    assert "before is limited by its 40 threads: the model predicts 7" in explanation(outcome)
    assert "after is limited by its core" in explanation(outcome)


def test_what_a_request_needs_is_kept_with_what_it_allows() -> None:
    needs = cell_of(measured(manifest_of()), "a").needs
    assert needs is not None
    assert (needs.cpu_s, needs.users) == (CPU_S, 1)
    assert needs.wait_s == pytest.approx(ALONE_S - CPU_S)
    assert needs.ceilings_rps == pytest.approx({"cpu": 1 / CPU_S, "threads": 40 / ALONE_S})
    lightest = cell_of(measured(manifest_of(users=(32, 128))), "b", 32).needs
    assert lightest is not None
    assert lightest.wait_s == pytest.approx(ALONE_S - CPU_S, rel=0.02)
    assert lightest.users == 32


@pytest.mark.parametrize(
    ("change", "has", "assumed"),
    [
        ({}, Resources(1, threads=40), ()),
        ({"a": ASYNC}, Resources(1), ()),
        ({"settings": {"app": "main:app", "workers": 3}}, Resources(1, threads=120), ()),
        ({"told": TOLD.model_copy(update={"threads": 7})}, Resources(1, threads=7), ()),
        ({"told": None}, Resources(1, threads=40), ("40 threads, AnyIO's default", "its SQL was not seen")),
        (
            {"told": ExecutedRecord(count=2, threads=40, connections=15)},
            Resources(1, threads=40, connections=15),
            ("a request holds one of its 15 database connections from start to end",),
        ),
        (
            {"told": ExecutedRecord(count=2, threads=40)},
            Resources(1, threads=40),
            ("never queue for a database connection, because no limit of its pool could be read",),
        ),
        ({"told": ExecutedRecord(count=0)}, Resources(1), ("because it is not known how many it has",)),
        ({"a": handler("def", "async def")}, Resources(1), ("its handlers are of both kinds",)),
        ({"a": handler(missing="no route")}, Resources(1), ("its handlers are not known",)),
        ({"a": None}, Resources(1), ("its handlers are not known",)),
        (
            {"a": handler("async def", in_threads=["get_db", "Page"])},
            Resources(1),
            ("what it calls in a thread (get_db, Page) takes almost no time",),
        ),
        (
            {"settings": {"app": "main:app", "workers": 4, "command": "serve"}},
            Resources(1, threads=40),
            ("one process computes at a time",),
        ),
        ({"settings": {"url": "http://x", "pid": 7}}, Resources(1, threads=40), ("one process computes at a time",)),
        ({"settings": {"url": "http://x"}}, None, ()),
        ({"settings": {"url": "http://x", "agent": "9000"}, "agent": AGENT}, Resources(2, threads=80), ()),
        (
            {"settings": {"url": "http://x", "agent": "9000"}, "agent": AGENT.model_copy(update={"workers": None})},
            Resources(1, threads=40),
            ("one process computes at a time",),
        ),
    ],
)
def test_what_an_app_has_is_what_it_told_and_the_rest_is_said_to_be_assumed(
    change: dict[str, Any], has: Resources | None, assumed: tuple[str, ...]
) -> None:
    manifest, _ = manifest_of(**change)
    known = side_resources(manifest, "a", ASKED)
    assert known.has == has
    assert len(known.assumed) == len(assumed)
    assert all(words in said for words, said in zip(assumed, known.assumed, strict=True))


def slower(factor: float) -> dict[tuple[int, SideLabel], float]:
    return {**RATES, (128, "a"): factor * RATES[128, "a"]}


@pytest.mark.parametrize(
    ("outcome", "why"),
    [
        (lambda: measured(manifest_of(settings={"url": "http://x"}), cpu_s=None), "its CPU time was not read"),
        (lambda: measured(manifest_of(settings={"url": "http://x", "pid": 7}), cpu_s=None), "could not be read"),
        (lambda: measured(manifest_of(), slower(0.4)), "something that the model does not include slows it down"),
        (lambda: measured(manifest_of(), slower(1.5)), "a request needs less under this load than under lighter ones"),
        (lambda: measured(manifest_of(users=(128,))), "add --users 1,128"),
        (
            lambda: measured(manifest_of(users=(32, 128)), {**RATES, (32, "a"): 0.95 / CPU_S}),
            "its CPU is already busy at the lightest load, 32 users",
        ),
    ],
)
def test_why_a_limit_is_not_known_is_said(outcome: Any, why: str) -> None:
    found = outcome()
    assert why in cell_of(found, "a").limit_unknown
    assert f"It is not known what limits before: {cell_of(found, 'a').limit_unknown}." in explanation(found)


def test_other_programs_that_took_cpu_time_are_named_as_what_may_slow_it_down() -> None:
    manifest, outcome = manifest_of()
    busy = manifest.model_copy(update={"machine": [MachineRecord(block=0, seconds=1.0, steal=0.01, foreign=0.61)]})
    assert (
        "other programs on this machine took up to 62% of the cores' time"
        in cell_of(measured((busy, outcome), slower(0.4)), "a").limit_unknown
    )


def test_of_the_lightest_of_several_loads_nothing_needs_to_be_said() -> None:
    outcome = measured(manifest_of())
    assert cell_of(outcome, "a", 1).limit_unknown == ""
    assert "limit" not in explanation(outcome, 1)


def test_a_core_that_is_seen_to_be_full_is_the_limit_also_where_nothing_was_predicted() -> None:
    outcome = measured(manifest_of(users=(128,)), {**RATES, (128, "b"): 0.97 / CPU_S})
    assert cell_of(outcome, "b").limit == "cpu"
    assert cell_of(outcome, "b").predicted_rps is None
    assert "after is limited by its core, busy nearly all the time." in explanation(outcome)


def test_a_core_that_was_seen_to_be_idle_is_not_the_limit_whatever_the_model_says() -> None:
    """The first user finds the server cold, so that a request seems to cost more than it does under load."""
    manifest, outcome = manifest_of(users=(1, 32))
    cold = {1: 0.0025, 32: 0.0007}
    rates: dict[tuple[int, SideLabel], float] = {(1, "a"): 19, (1, "b"): 19, (32, "a"): 400, (32, "b"): 400}
    cells = [
        replace(
            cell,
            throughput=Interval(rates[int(cell.load.size), cell.label], None),
            cpu_per_request=Interval(cold[int(cell.load.size)], None),
        )
        for cell in outcome.cells
    ]
    found = cell_of(with_limits(replace(outcome, cells=cells), manifest), "b", 32)
    assert found.limit == "cpu"
    assert found.limit_unknown == "the model says its CPU, but that was busy only 28% of the time"


def test_a_core_that_was_seen_to_be_full_is_the_limit_whatever_the_model_says() -> None:
    manifest, outcome = manifest_of(users=(1, 32), a=ASYNC)
    warm = {1: 0.0007, 32: 0.0016}
    cells = [
        replace(
            cell,
            throughput=Interval(1 / ALONE_S if cell.load.size == 1 else 600, None),
            cpu_per_request=Interval(warm[int(cell.load.size)], None),
        )
        for cell in outcome.cells
    ]
    found = cell_of(with_limits(replace(outcome, cells=cells), manifest), "a", 32)
    assert (found.limit, found.limit_unknown) == ("cpu", "")


@pytest.mark.parametrize(
    ("flag", "why"),
    [("driver-bound:a", "the load driver may have been the limit"), ("failures:a", "many of its requests failed")],
)
def test_a_cell_that_says_little_of_its_server_has_no_known_limit(flag: str, why: str) -> None:
    manifest, outcome = manifest_of()
    bound = [replace(c, flags=[flag]) if c.load.size == 128 else c for c in outcome.comparisons]
    found = measured((manifest, replace(outcome, comparisons=bound)))
    assert why in cell_of(found, "a").limit_unknown
    assert cell_of(found, "b").limit_unknown == ""


@pytest.mark.parametrize("has", [Resources(), Resources(threads=40), Resources(2, connections=5)])
@pytest.mark.parametrize("users", [1, 8, 64])
@pytest.mark.parametrize("wait_s", [0.02, 0.05])
def test_the_wait_is_found_that_the_model_was_given(has: Resources, users: int, wait_s: float) -> None:
    rate = predict(Demand(0.0001, wait_s), has, users).throughput_rps
    assert wait_that_gives(rate, 0.0001, has, users) == pytest.approx(wait_s, rel=0.05)


def test_a_full_core_tells_no_wait() -> None:
    assert wait_that_gives(950, 0.001, Resources(), 64) is None
    assert wait_that_gives(0.0, 0.001, Resources(), 64) is None


def test_ceilings_are_what_each_resource_allows_by_itself() -> None:
    found = ceilings_rps(Demand(0.001, 0.019), Resources(2, threads=40, connections=5))
    assert found == pytest.approx({"cpu": 2000, "threads": 2000, "connections": 250})
