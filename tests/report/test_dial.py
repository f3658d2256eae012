"""The dial: its grid, the model's line over it, its title, and what is typed for it."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from loadtests.analysis.trial_summary import Summary
from loadtests.experiment.options import dial_options
from loadtests.experiment.sides import SideLabel
from loadtests.report.charts.catalogue import draw
from loadtests.report.charts.dial import curve_of, dial_of, finding, heat_map
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


def dialled(a: str = "sync") -> Run:
    """Make up a dial as it was measured."""
    names = {f"mixed[cpu_ms={cpu:g},wait_ms={wait:g}]": (cpu, i) for cpu in CPUS for i, wait in enumerate(WAITS)}

    def change(summary: Summary, scenario: str, _users: int, label: SideLabel, block: int) -> Summary:
        cpu, column = names[scenario]
        speed = PLANNED[cpu][column] if label == "b" else 1.0
        rate = 400.0 * speed * (1 + 0.01 * (block % 3))
        return replace(summary, throughput_rps=rate, cpu_per_request_s=(cpu + (0.6 if label == "a" else 0.3)) / 1000)

    return make_run(list(names), [128], a=a, change=change)


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
    curve = curve_of(found, run)
    assert [y for _, y in curve] == sorted(y for _, y in curve)
    assert all(-0.5 <= x <= len(WAITS) - 0.5 for x, _ in curve)


def test_of_another_app_the_model_knows_nothing() -> None:
    run = view_of(*dialled(a="http://127.0.0.1:8000"))
    found = dial_of(run)
    assert found is not None
    assert curve_of(found, run) == []
    assert heat_map(run) is not None


def test_the_title_says_where_each_side_wins_by_most() -> None:
    title = finding(view_of(*dialled())).replace("\u00a0", " ")
    assert "3.21 times as many requests with 0.1 ms of CPU and 100 ms of wait" in title
    assert "only 0.84 times as many requests with 5 ms of CPU and 0 ms of wait" in title


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
