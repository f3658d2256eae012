"""What the machine did is written down span by span, and bounded however long a schedule is."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from loadtests.experiment.options import RunOptions
from loadtests.records.run_folder import RunFolder, create_run_folder
from loadtests.records.schedule_record import ScheduleRecord
from loadtests.runner import schedule_conditions
from loadtests.runner.run_log import RunLog, new_manifest
from loadtests.runner.schedule_conditions import MOST_SPANS, SPAN_LEAST_S, Conditions, span_of
from loadtests.system.cores import Cores
from loadtests.system.resources import Reading


def record_of(rate: str, trials: int = 1) -> ScheduleRecord:
    return ScheduleRecord(
        rate=rate, arrivals="poisson", orders=[["a"]] * trials, percentile=99.0, limit_s=1.0, errors=0.01, raw_bytes=1
    )


def test_a_run_has_a_bounded_number_of_spans() -> None:
    assert span_of(record_of("10/s for 2m")) == SPAN_LEAST_S
    assert 24 * 3600 * 3 / span_of(record_of("10/s for 24h", 3)) <= MOST_SPANS


@pytest.mark.parametrize("ours", [True, False])
def test_what_others_used_is_told_for_the_span_in_which_they_did(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, ours: bool
) -> None:
    """One core is looked at. From 5 to 10 s other programs use it for 2.5 s, and the hypervisor takes it for 0.5 s."""
    now_s, busy_s, steal_s = 100.0, 10.0, 0.0
    ahead_s = iter([0.0, 0.0, 30.0, 30.0])
    monkeypatch.setattr(schedule_conditions, "read_usage", lambda _: Reading(now_s, busy_s, steal_s, 4.0))
    monkeypatch.setattr(schedule_conditions, "core_times", lambda _: [{}])
    monkeypatch.setattr("time.monotonic", lambda: now_s)
    monkeypatch.setattr("loadtests.runner.runner._ahead_s", lambda: next(ahead_s))
    experiment = RunOptions(scenarios=("GET /x",), rate="80").experiment()
    manifest = new_manifest(experiment, "run", datetime(2026, 5, 9, tzinfo=UTC), Cores((0,), (1,)))
    folder = create_run_folder(tmp_path / "run", manifest)
    conditions = Conditions(RunLog(folder, manifest), Cores((0,), (1,)), 5.0, servers_are_ours=ours)
    with conditions.of_trial(0, "b", "async") as tell:
        for second in range(1, 13):
            now_s = 100.0 + second
            if 5 < second <= 10:
                busy_s, steal_s = busy_s + 0.5, steal_s + 0.1
            tell()
    found = RunFolder(folder.path).read_manifest()
    foreign = [0.0, 0.5, 0.0] if ours else [None] * 3
    assert [(m.begin_s, m.seconds, m.steal, m.foreign) for m in found.machine] == [
        (0.0, 5.0, 0.0, foreign[0]), (5.0, 5.0, 0.1, foreign[1]), (10.0, 2.0, 0.0, foreign[2]),
    ]  # fmt: skip
    assert {m.label for m in found.machine} == {"b"}
    assert [event.message for event in found.events] == [
        "the wall clock was set forward by 30 s, or the machine slept while async was measured in block 1, before 0:10"
    ]
