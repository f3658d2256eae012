"""From how many users on the sides part; and what the grid of users and connections says."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from loadtests.analysis.model.capacity import Resources
from loadtests.analysis.model.crossover import Crossover, crossover_of
from loadtests.lessons.deadlock import DeadlockCell, cells_of, draw
from loadtests.records.summary import CellResult, Interval, Outcome
from loadtests.report.charts.style import drawing, save
from loadtests.report.html.page import render
from loadtests.report.html.tables import crossover_in_words
from loadtests.report.view import view_of
from tests.made_up_runs import make_run

SYNC, ASYNC = Resources(1, threads=40), Resources(1)


def measured(spread: float = 0.1, users: Sequence[int] = (1, 32, 128)) -> Outcome:
    """Return a run of a call that waits 50 ms and costs 0.5 ms, give or take a share of that."""
    _, outcome = make_run(["external_api"], users, noise=0.001)

    def cell(c: CellResult) -> CellResult:
        cost = Interval(0.0005, (0.0005 * (1 - spread), 0.0005 * (1 + spread)))
        alone = Interval(1 / 0.0505, None)
        return replace(c, cpu_per_request=cost, throughput=alone if c.load.size == 1 else c.throughput)

    return replace(outcome, cells=[cell(c) for c in outcome.cells])


def found(outcome: Outcome, a: Resources = SYNC, b: Resources = ASYNC) -> Crossover | None:
    return crossover_of(outcome.cells, [c for c in outcome.comparisons if c.metric == "throughput"], a, b)


def test_the_sides_part_a_little_above_the_threads() -> None:
    parts = found(measured())
    assert parts is not None
    assert parts.users is not None
    assert 44 <= parts.users <= 50  # 40 threads, and 10 % more
    assert parts.least is not None
    assert parts.most is not None
    assert parts.least <= parts.users <= parts.most
    assert (parts.not_yet, parts.from_users) == (32, 128)


def test_what_is_known_less_well_is_a_wider_range() -> None:
    narrow, wide = found(measured(0.01)), found(measured(0.3))
    assert narrow is not None
    assert wide is not None
    assert (narrow.least or 0) >= (wide.least or 0)
    assert (narrow.most or 0) <= (wide.most or 10**9)


def test_alike_sides_never_part() -> None:
    parts = found(measured(0.0), SYNC, SYNC)
    assert parts is not None
    assert parts.users is parts.least is parts.most is None


def test_where_no_user_was_alone_the_fewest_tell() -> None:
    parts = found(measured(users=(32, 128)))
    assert parts is not None
    assert parts.users is not None
    assert 40 <= parts.users <= 50


def test_a_single_load_says_nothing() -> None:
    assert found(measured(users=(128,))) is None


def test_the_report_says_it() -> None:
    manifest, _ = make_run(["external_api"], [1, 32, 128])
    outcome = measured()
    cells = [replace(c, predicted_rps=100.0, limit="users") for c in outcome.cells]
    said = crossover_in_words(view_of(manifest, replace(outcome, cells=cells)), "external_api")
    assert said.startswith("The model predicts that async handles 10")
    assert said.endswith("The run measured this with 128 users, but not with 32.")
    assert "The model predicts that async handles" in render(manifest, replace(outcome, cells=cells), [])


def tried(**stalls: Sequence[int]) -> list[DeadlockCell]:
    return [
        DeadlockCell(int(pool[1:]), users, label, None if users in stalls[pool] and label == "a" else 1000.0,
              2 if users in stalls[pool] and label == "a" else 0, 0, 2)
        for pool in stalls
        for users in (8, 64, 128, 256)
        for label in ("a", "b")
    ]  # fmt: skip


def test_another_failure_is_no_deadlock() -> None:
    manifest, outcome = make_run(["get_post"], [8, 64])
    reasons = {"a": ["nothing was answered for 5 s"], "b": ["exited with status 1 before it was ready"]}
    cells = [replace(c, collapsed=reasons[c.label], throughput=None) for c in outcome.cells]
    seen = cells_of(view_of(manifest, replace(outcome, cells=cells)), 15)
    assert {(one.label, one.stalled, one.failed) for one in seen} == {("a", 1, 0), ("b", 0, 1)}


def test_the_grid_is_drawn(tmp_path: Path) -> None:
    with drawing():
        paths = save(draw(tried(p15=[64, 128], p80=[]), 40), tmp_path, "deadlock")
    assert all(path.stat().st_size > 5000 for path in paths)
