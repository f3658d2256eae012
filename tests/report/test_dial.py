"""The dial: its grid, the model's line over it, its title, and what is typed for it."""

import math
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.colors import to_hex
from matplotlib.patches import Rectangle

from loadtests.analysis.trial_summary import Summary
from loadtests.experiment.options import dial_options
from loadtests.experiment.sides import SideLabel
from loadtests.report.charts.catalogue import draw
from loadtests.report.charts.dial import dial_of, finding, heat_map, steps_of
from loadtests.report.charts.style import ZONE, drawing
from loadtests.report.view import view_of
from loadtests.system.errors import UsageError
from tests.made_up_runs import Run, make_run

CPUS, WAITS = (0.1, 1.0, 5.0), (0.0, 5.0, 20.0, 50.0, 100.0, 200.0)
# Throughput async ÷ sync with 128 users, as it was measured while this was planned.
PLANNED = {
    0.1: (1.65, 1.36, 1.86, 3.18, 3.21, 3.20),
    1.0: (1.09, 1.19, 1.09, 1.04, 2.05, 3.15),
    5.0: (0.84, 0.99, 0.90, 0.89, 0.95, 0.94),
}
DEFAULTS: Mapping[str, Any] = {
    "cpu_ms": "0.1,1,5", "wait_ms": "0,20", "a": "sync", "b": "async", "users": 128, "blocks": 6, "time_s": 0.8,
    "seed": 0, "observe": False, "out": None,
}  # fmt: skip


def dialled(a: str = "sync", users: int = 128) -> Run:
    """Make up a dial as it was measured."""
    names = {f"mixed[cpu_ms={cpu:g},wait_ms={wait:g}]": (cpu, i) for cpu in CPUS for i, wait in enumerate(WAITS)}

    def change(summary: Summary, scenario: str, _users: int, label: SideLabel, block: int) -> Summary:
        cpu, column = names[scenario]
        speed = PLANNED[cpu][column] if label == "b" else 1.0
        rate = 400.0 * speed * (1 + 0.01 * (block % 3))
        return replace(summary, throughput_rps=rate, cpu_per_request_s=(cpu + (0.6 if label == "a" else 0.3)) / 1000)

    return make_run(list(names), [users], a=a, change=change)


def test_the_grid_has_a_row_for_each_cpu_time_and_a_column_for_each_wait() -> None:
    found = dial_of(view_of(*dialled()))
    assert found is not None
    assert (tuple(found.cpus_ms), tuple(found.waits_ms)) == (CPUS, WAITS)
    assert found.cells[0.1, 200.0].ratio == pytest.approx(3.2, rel=0.01)


def test_the_models_line_moves_to_longer_waits_with_more_cpu() -> None:
    run = view_of(*dialled())
    found = dial_of(run)
    assert found is not None
    short, middle, long = (each.wait_ms if each else None for each in found.crossings(run))
    assert short is not None
    assert middle is not None
    assert long is not None
    assert short < middle < long
    assert 20 < middle < 120  # near threads × CPU


def test_the_border_runs_along_the_edges_of_cells_and_never_through_one() -> None:
    run = view_of(*dialled())
    found = dial_of(run)
    assert found is not None
    waits = [each.wait_ms if each else None for each in found.crossings(run)]
    assert [sum(column < (wait or math.inf) for column in WAITS) for wait in waits] == [3, 4, 6]
    corners = steps_of(found, waits)
    # Between 20 and 50 ms in the lowest row, between 50 and 100 in the next; above it b never gets so far.
    assert corners == [(2.5, -0.5), (2.5, 0.5), (3.5, 0.5), (3.5, 1.5), (5.5, 1.5)]
    assert all(x % 1 == y % 1 == 0.5 for x, y in corners)


@pytest.mark.parametrize(
    ("waits", "corners"),
    [
        ([None, None, None], []),
        ([0.0, 0.0, 0.0], []),
        ([0.0, 5.0, None], [(-0.5, 0.5), (0.5, 0.5), (0.5, 1.5), (5.5, 1.5)]),
        ([None, 100.0, 100.0], [(5.5, 0.5), (3.5, 0.5), (3.5, 1.5), (3.5, 2.5)]),
        ([201.0, 200.0, 199.0], [(5.5, 0.5), (4.5, 0.5), (4.5, 1.5), (4.5, 2.5)]),
    ],
)
def test_the_frame_is_no_border(waits: list[float | None], corners: list[tuple[float, float]]) -> None:
    found = dial_of(view_of(*dialled()))
    assert found is not None
    assert steps_of(found, waits) == corners


def test_computing_goes_up_and_waiting_to_the_right() -> None:
    with drawing():
        figure = heat_map(view_of(*dialled()))
    assert figure is not None
    [ax] = figure.axes
    (left, right), (low, high) = ax.get_xlim(), ax.get_ylim()
    assert left < right
    assert low < high
    assert [label.get_text() for label in ax.get_yticklabels()] == ["0.1", "1", "5"]
    assert [label.get_text() for label in ax.get_xticklabels()] == ["0", "5", "20", "50", "100", "200"]
    texts = [text for text in ax.texts if text.get_text()]
    bars = [line for line in ax.get_lines() if line.get_linestyle() == "-" and line.get_marker() == "None"]
    edges = {x for line in bars for x in np.asarray(line.get_xdata(), float)}
    assert edges
    assert all(abs(x - text.get_position()[0]) > 0.3 for x in edges for text in texts)


def test_a_cell_is_coloured_where_one_side_is_better_grey_within_the_margin_and_else_white() -> None:
    manifest, outcome = dialled()
    open_ = "mixed[cpu_ms=5,wait_ms=200]"
    vague = [replace(c, verdict="inconclusive", flags=[]) if c.scenario == open_ else c for c in outcome.comparisons]
    view = view_of(manifest, replace(outcome, comparisons=vague))
    with drawing():
        figure = heat_map(view)
    found = dial_of(view)
    assert figure is not None
    assert found is not None
    grounds = {
        (CPUS[round(patch.get_y() + 0.5)], WAITS[round(patch.get_x() + 0.5)]): to_hex(patch.get_facecolor())
        for patch in figure.axes[0].patches
        if isinstance(patch, Rectangle)
    }
    assert (grounds[5.0, 200.0], grounds[1.0, 50.0]) == ("#ffffff", ZONE)
    for at, c in found.cells.items():
        grey, white = grounds[at] == ZONE, grounds[at] == "#ffffff"
        within = c.interval is not None and 1 / 1.1 < c.interval[0] <= c.interval[1] < 1.1
        assert (grey, white) == (within and at != (5.0, 200.0), at == (5.0, 200.0)), at


def test_of_another_app_the_model_knows_nothing() -> None:
    run = view_of(*dialled(a="http://127.0.0.1:8000"))
    found = dial_of(run)
    assert found is not None
    assert found.crossings(run) == [None] * 3
    assert found.threads(run) is None
    assert finding(run).startswith(f"Against {run.names['a']}, async handles 3.21 times as many requests with ")
    assert heat_map(run) is not None


def test_the_title_says_that_the_lead_is_users_divided_by_threads() -> None:
    title = finding(view_of(*dialled())).replace("\u00a0", " ")
    assert title == (
        "Where requests mostly wait, async handles up to 3.21 times as many: 128 users ÷ 40 threads = 3.2, but only"
        " 0.84 times as many with 5 ms of CPU and 0 ms of wait"
    )


def test_a_lead_that_is_something_else_is_not_explained_by_threads() -> None:
    title = finding(view_of(*dialled(users=512))).replace("\u00a0", " ")
    assert title.startswith(
        "Against sync, async handles 3.21 times as many requests with 0.1 ms of CPU and 100 ms of wait"
    )
    few = view_of(*dialled(users=32))
    found = dial_of(few)
    assert found is not None
    assert found.threads(few) is None
    assert "threads" not in finding(few)


def test_a_run_without_a_grid_has_no_dial(tmp_path: Path) -> None:
    run = make_run(["mixed", "noop", "mixed[cpu_ms=1,wait_ms=5]"], [1, 8])
    assert dial_of(view_of(*run)) is None
    assert not any(path.stem == "dial" for path in draw(*run, tmp_path))


def test_a_dial_is_a_run_of_mixed() -> None:
    options = dial_options(**DEFAULTS)
    assert len(options.experiment().cells) == 6
    assert options.scenarios[0] == "mixed[cpu_ms=0.1,wait_ms=0]"


@pytest.mark.parametrize(
    ("change", "mend"),
    [
        ({"cpu_ms": "x"}, "write milliseconds"),
        ({"cpu_ms": "1"}, "a grid takes 2 to 12"),
        ({"wait_ms": "0,-1"}, "outside 0 to"),
        ({"wait_ms": "0,nan"}, "outside 0 to"),
    ],
)
def test_an_axis_that_is_no_good_is_refused(change: dict[str, str], mend: str) -> None:
    with pytest.raises(UsageError, match=mend):
        dial_options(**{**DEFAULTS, **change})
