"""From what was seen to where requests were, which limit that shows, and the picture of it."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from loadtests.analysis.model.capacity import Resources
from loadtests.analysis.model.demand import demand_of
from loadtests.analysis.model.limits import with_limits
from loadtests.analysis.model.observed import limit_seen, load_timeline, places, seen_in
from loadtests.experiment.catalogue import mixed_ms
from loadtests.experiment.loads import ClosedLoop
from loadtests.records.samples import ROW, UNKNOWN, Recording, Timeline
from loadtests.records.summary import Interval, Limit, Seen
from loadtests.records.trial_file import TrialKey, dump_trial, read_trial
from loadtests.report.charts.timeline import draw_all, draw_one, finding
from loadtests.report.html.page import render
from loadtests.report.view import view_of
from tests.made_up_runs import make_run
from tests.made_up_samples import recording

SYNC = Resources(1, threads=40, connections=15)
ASYNC = Resources(1, connections=15)


def timeline(instants: int = 50, **columns: Any) -> Timeline:
    rows = np.zeros(instants, ROW)
    rows["time_s"] = np.arange(instants) * 0.02
    rows["cpu_s"] = rows["time_s"] * 0.5
    for name, value in columns.items():
        rows[name] = value
    return Timeline(rows)


def seen(**values: float | None) -> Seen:
    usual: dict[str, Any] = {
        "instants": 10, "in_flight": 100.0, "threads": 0.0, "threads_waiting": 0.0, "connections": None,
        "connections_waiting": None, "turns_waiting": None, "lag_p50_s": 0.0, "lag_p95_s": 0.0,
    }  # fmt: skip
    return Seen(**{**usual, **values})


def test_every_request_is_in_one_place() -> None:
    where = places(
        timeline(
            in_flight=100, threads=40, threads_waiting=20, threads_blocked=5, connections_waiting=5, turns_waiting=30
        )
    )
    counted = [where.thread, where.loop, where.thread_queue, where.turn_queue, where.connection_queue]
    assert [float(place.mean()) for place in counted] == [35, 10, 20, 30, 5]


def test_what_the_server_does_not_have_counts_as_none() -> None:
    where = places(timeline(in_flight=7, turns_waiting=UNKNOWN, connections_waiting=UNKNOWN, threads_blocked=UNKNOWN))
    assert float(where.loop.mean()) == 7


@pytest.mark.parametrize(
    ("what", "busy", "has", "expected"),
    [
        (seen(), 0.3, ASYNC, "users"),
        (seen(threads=40.0, threads_waiting=60.0), 0.95, SYNC, "cpu"),
        (seen(threads=39.5, threads_waiting=60.0), 0.5, SYNC, "threads"),
        (seen(threads=39.5, threads_waiting=1.0), 0.5, SYNC, "users"),
        (seen(threads=15.0, turns_waiting=85.0), 0.5, SYNC, "connections"),
        (seen(connections=15.0, connections_waiting=85.0), 0.5, ASYNC, "connections"),
        (seen(threads=40.0, threads_waiting=60.0, connections_waiting=25.0), 0.1, SYNC, "threads"),
        (seen(threads=40.0, threads_waiting=2.0, turns_waiting=58.0), 0.1, SYNC, "connections"),
        (seen(threads=5.0, threads_waiting=60.0), 0.1, ASYNC, "users"),
    ],
)
def test_a_queue_tells_the_limit(what: Seen, busy: float, has: Resources, expected: Limit) -> None:
    assert limit_seen(what, busy, has) == expected


def test_windows_of_all_blocks_count_together() -> None:
    both = seen_in([timeline(10, in_flight=4), timeline(30, in_flight=8)])
    assert both is not None
    assert (both.instants, both.in_flight) == (40, 7)
    assert both.connections == 0
    assert seen_in([]) is None


def with_timeline(in_flight: int = 9) -> Recording:
    made = recording([(0.0, 0.3)], (0.1, 0.2), (0.6, 0.8))
    return replace(made, timeline=timeline(in_flight=in_flight, threads=4))


def test_a_trial_keeps_its_timeline(tmp_path: Path) -> None:
    key = TrialKey(0, "noop", "users-1", "a")
    path = tmp_path / key.file_name
    path.write_bytes(dump_trial(key, "now", with_timeline()))
    _, back = read_trial(path, "now")
    assert back.timeline is not None
    assert back.timeline.rows.tolist() == timeline(in_flight=9, threads=4).rows.tolist()
    path.write_bytes(dump_trial(key, "now", replace(with_timeline(), timeline=None)))
    assert read_trial(path, "now")[1].timeline is None


def test_the_limit_that_was_seen_stands_beside_the_one_predicted() -> None:
    manifest, outcome = make_run(["external_api"], [1, 128])
    rates = {(1, "a"): 19.0, (1, "b"): 19.0, (128, "a"): 770.0, (128, "b"): 1500.0}
    cells = [
        replace(
            cell,
            throughput=Interval(rates[int(cell.load.size), cell.label], None),
            cpu_per_request=Interval(0.0007, None),
            seen=seen(threads=40.0, threads_waiting=80.0) if cell.label == "a" else seen(),
        )
        for cell in outcome.cells
    ]
    outcome = with_limits(replace(outcome, cells=cells), manifest)
    found = {(int(c.load.size), c.label): (c.limit, c.limit_seen) for c in outcome.cells}
    assert found[128, "a"] == ("threads", "threads")
    assert found[128, "b"] == ("cpu", "cpu")
    page = render(manifest, outcome, [])
    assert "Observed limit" in page
    assert "The predicted limit was the observed one in 2 of 2 predictions." in page
    assert "Seen inside the server: its 40 threads." in page


def test_without_a_look_inside_nothing_is_said_of_it() -> None:
    page = render(*make_run(["external_api"], [1, 128]), [])
    assert "Observed limit" not in page


def test_a_dial_tells_its_demand_by_the_cell_beside() -> None:
    names = [f"mixed[cpu_ms={cpu},wait_ms={wait}]" for cpu in ("0.1", "5") for wait in ("0", "5", "50")]
    _, outcome = make_run(names, [96])
    costs = {name: 0.001 * (1 + number) for number, name in enumerate(names)}
    cells = [replace(cell, cpu_per_request=Interval(costs[cell.scenario], None)) for cell in outcome.cells]
    found = {(c.scenario, c.label): demand_of(c, cells) for c in cells}
    demand = found["mixed[cpu_ms=5,wait_ms=50]", "b"]
    assert demand is not None
    assert (demand.cpu_s, demand.wait_s) == (costs["mixed[cpu_ms=5,wait_ms=5]"], 0.05)
    first = found["mixed[cpu_ms=5,wait_ms=0]", "a"]
    assert first is not None
    assert (first.cpu_s, first.wait_s) == (costs["mixed[cpu_ms=5,wait_ms=5]"], 0.0)
    lone = [cell for cell in cells if cell.scenario == names[0]]
    assert demand_of(lone[0], lone) is None


def test_only_mixed_has_two_dials() -> None:
    assert mixed_ms("mixed[cpu_ms=0.1,wait_ms=20]") == (0.1, 20)
    assert mixed_ms("mixed") is None
    assert mixed_ms("query[wait_ms=20]") is None


def test_a_story_leaves_out_the_other_sides_turns() -> None:
    busy = np.where((np.arange(50) < 20) | (np.arange(50) >= 30), 5, 0)
    trial = load_timeline(replace(recording([(0, 1)], (0.1, 0.3), (0.7, 0.9)), timeline=timeline(in_flight=busy)))
    assert trial is not None
    assert len(trial.time_s) == 40
    assert trial.time_s[-1] == pytest.approx(0.86, abs=0.03)
    assert np.nanmax(trial.busy) == pytest.approx(0.5)


def test_nobody_looked_or_nothing_came() -> None:
    assert load_timeline(recording([(0, 1)], (0, 1))) is None
    assert load_timeline(replace(recording([(0, 1)], (0, 1)), timeline=timeline(in_flight=0))) is None


def test_timelines_are_drawn_at_the_highest_load(tmp_path: Path) -> None:
    manifest, outcome = make_run(["external_api", "hash"], [1, 128])
    run = view_of(manifest.model_copy(update={"observe": True}), outcome)
    trials = {
        TrialKey(1, "external_api", ClosedLoop(128).slug, "a"): with_timeline(40),
        TrialKey(1, "external_api", ClosedLoop(128).slug, "b"): with_timeline(128),
    }
    (tmp_path / "timeline-old.svg").touch()
    (drawn,) = draw_all(run, trials.get, tmp_path)
    assert (drawn.scenario, drawn.load, drawn.block) == ("external_api", ClosedLoop(128), 1)
    assert sorted(tmp_path.iterdir()) == sorted(drawn.paths)
    assert "sync: 36 of 40 requests on the event loop" in drawn.finding
    page = render(run.manifest, outcome, [], [drawn])
    assert "Where the requests of external_api were with 128 users" in page
    assert "Where the requests of hash" not in page


@pytest.mark.parametrize(("b", "looked"), [("async", False), ("async,observe=on", True)])
def test_trials_are_read_again_only_where_a_server_was_looked_into(b: str, looked: bool, tmp_path: Path) -> None:
    read: list[TrialKey] = []
    run = view_of(*make_run(["external_api"], [8], b=b))
    assert draw_all(run, read.append, tmp_path) == []
    assert bool(read) is looked


def test_one_side_alone_has_a_picture(tmp_path: Path) -> None:
    run = view_of(*make_run(["external_api"], [8]))
    trials = {TrialKey(0, "external_api", ClosedLoop(8).slug, "b"): with_timeline()}
    drawn = draw_one(run, trials.get, tmp_path, "external_api", ClosedLoop(8), 0)
    assert drawn is not None
    assert " sync:" not in drawn.finding
    assert draw_one(run, trials.get, tmp_path, "external_api", ClosedLoop(8), 1) is None
    assert finding(run, "x", ClosedLoop(8), {}) == "x, 8 users"
