"""What is left of a schedule that was broken off: which trials are carried out anew, and what is kept of them."""

import math
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from loadtests.experiment.loads import OpenLoop
from loadtests.experiment.options import RunOptions
from loadtests.experiment.sides import SideLabel
from loadtests.experiment.values import Values
from loadtests.records.manifest import Manifest
from loadtests.records.run_folder import RunFolder, create_run_folder
from loadtests.records.sample_stream import UNKNOWN, End, Reading, StreamWriter
from loadtests.records.samples import Samples
from loadtests.records.schedule_record import ScheduleRecord, stream_path
from loadtests.runner.next_rows import NextRows
from loadtests.runner.resume import check_same, experiment_of
from loadtests.runner.run_log import new_manifest
from loadtests.runner.schedule_resume import Missing, begin_anew, missing_of, set_aside
from loadtests.runner.schedule_run import pass_over, with_schedule
from loadtests.system.cores import Cores
from loadtests.system.errors import UsageError

NOW = datetime(2026, 5, 9, 12, tzinfo=UTC)
RECORD = ScheduleRecord(
    rate="20..80/s in 10s", arrivals="constant", orders=[["b", "a"], ["a", "b"]], percentile=99.0, limit_s=1.0,
    errors=0.01, raw_bytes=10**9,
)  # fmt: skip
OPTIONS = RunOptions(scenarios=("GET /x",), rate="80", arrivals="constant", blocks=2, control=False)


def manifest_of(**more: object) -> Manifest:
    experiment = OPTIONS.model_copy(update=more).experiment()
    return with_schedule(new_manifest(experiment, "run", NOW, Cores((0,), (1,))), RECORD)


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    return create_run_folder(tmp_path / "run", manifest_of())


def write(folder: RunFolder, block: int, label: SideLabel, seconds: int, *, ends: bool, run: str = "") -> Path:
    path = stream_path(folder.trials, block, label)
    with StreamWriter(path, {"run": run or folder.run_id}, 10**9) as writer:
        for second in range(seconds):
            due = second + np.arange(10) / 10
            zero = np.zeros(10, np.uint16)
            samples = Samples(due, due, due + 0.01, due + 0.01, zero + 200, zero.astype(np.uint8), zero)
            ended = 10 * (second + 1)
            writer.write(samples, Reading(second + 1.0, ended, ended, 0, 0.0, 0, math.nan, UNKNOWN))
        if ends:
            writer.end(End(float(seconds), None, None, 0, None))
    return path


def test_what_its_driver_ended_is_kept_and_all_else_is_missing(folder: RunFolder) -> None:
    assert missing_of(folder, RECORD) == [Missing(0, "b"), Missing(0, "a"), Missing(1, "a"), Missing(1, "b")]
    write(folder, 0, "b", 10, ends=True)
    write(folder, 0, "a", 3, ends=True)  # the driver gave up: that a side broke is a result
    write(folder, 1, "a", 4, ends=False)
    write(folder, 1, "b", 10, ends=True, run="another")
    assert missing_of(folder, RECORD) == [Missing(1, "a", 4.0, 40), Missing(1, "b")]


def test_a_trial_that_was_broken_off_is_kept_under_another_name_each_time(folder: RunFolder) -> None:
    path = write(folder, 0, "b", 3, ends=False)
    content = path.read_bytes()
    first = set_aside(path)
    assert first is not None
    assert (first.name, first.read_bytes()) == ("000-schedule-b-broken-off-1.stream", content)
    second = set_aside(write(folder, 0, "b", 1, ends=False))
    assert second is not None
    assert second.name == "000-schedule-b-broken-off-2.stream"
    assert set_aside(write(folder, 0, "b", 0, ends=False)) is None
    assert sorted(folder.trials.iterdir()) == [first, second]


def test_the_report_says_when_it_went_on_and_what_was_carried_out_anew(folder: RunFolder) -> None:
    for block, label in ((0, "b"), (0, "a")):
        write(folder, block, label, 10, ends=True)  # type: ignore[arg-type]
    write(folder, 1, "a", 4, ends=False)
    before = folder.read_manifest().model_copy(update={"complete": True})
    after = begin_anew(folder, before, missing_of(folder, RECORD), NOW)
    assert not after.complete
    assert [event.message for event in after.events if event.kind == "resumed"] == [
        "resumed on 2026-05-09 at 12:00 UTC with 2 of 4 trials to measure",
        "sync, block 2, was broken off after 0:04 and is carried out from the beginning; the 40 requests until then are"
        " kept in 001-schedule-a-broken-off-1.stream",
    ]
    assert missing_of(folder, RECORD) == [Missing(1, "a"), Missing(1, "b")]


def test_the_experiment_of_a_schedule_comes_back_from_its_manifest() -> None:
    before = manifest_of()
    found = experiment_of(Manifest.model_validate_json(before.model_dump_json(by_alias=True)))
    assert found.loads == (OpenLoop(80.0, "constant"),)
    assert found.blocks == 2
    now = with_schedule(new_manifest(found, "run", NOW, Cores((0,), (1,))), RECORD)
    check_same(before, now)
    with pytest.raises(UsageError, match=r"schedule: rate was 20\.\.80/s in 10s when the run began"):
        check_same(before, with_schedule(now, RECORD.model_copy(update={"rate": "1/s for 10s"})))


def test_rows_that_an_interrupted_trial_may_have_used_are_passed_over() -> None:
    experiment = OPTIONS.experiment()
    [scenario] = experiment.scenarios
    next_rows = NextRows({"users.csv": 7})
    pass_over(next_rows, experiment, RECORD)
    assert next_rows.rows == {"users.csv": 7}
    filled = replace(scenario, values=Values("users.csv", "", ("user",), (("ada",),)))
    pass_over(next_rows, replace(experiment, scenarios=(filled,)), RECORD)
    assert next_rows.rows["users.csv"] >= 7 + RECORD.schedule.expected
