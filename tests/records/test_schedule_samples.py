"""The samples of a schedule in other formats and in a notebook: the same columns, read in parts."""

import csv
import tracemalloc
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from pyarrow import parquet

import loadtests
from loadtests.analysis.over_time import analyse_schedule
from loadtests.experiment.rate_schedule import parse_schedule
from loadtests.records import schedule_trials
from loadtests.records.export import export_samples
from loadtests.records.json_files import write_json
from loadtests.records.run_folder import RunFolder, UnreadableRun
from loadtests.records.sample_columns import COLUMNS, ScheduleColumns
from loadtests.records.sample_stream import End, Reading, StreamWriter
from loadtests.records.samples import Recorder, Samples
from loadtests.records.scenario_record import RequestRecord
from loadtests.records.schedule_record import ScheduleRecord, stream_path
from loadtests.system.errors import UsageError
from tests.e2e.harness import bench_here
from tests.made_up_runs import make_run
from tests.records.test_sample_stream import reading
from tests.records.test_sample_stream import samples as samples_of_second

RATE = "0..200/s in 10s, 50/s for 10s"
SCHEDULE = parse_schedule(RATE, "constant")


def schedule_folder(path: Path, labels: str = "ab", blocks: int = 2, rate: str = RATE) -> RunFolder:
    """Create the folder of a run that asks side b for something else."""
    manifest, _ = make_run(["get_post"], [1])
    plan = ScheduleRecord(
        rate=rate, arrivals="constant", orders=[list(labels)] * blocks, percentile=99.0, limit_s=1.0, errors=0.01,
        raw_bytes=10**9,
    )  # fmt: skip
    asked = (RequestRecord(method="GET", path="/x"), RequestRecord(method="GET", path="/y", b=("POST", "/z")))
    scenario = manifest.scenarios[0].model_copy(update={"requests": asked})
    changes = {"scenarios": [scenario], "schedule": plan, "blocks": [], "created": datetime(2026, 1, 1, tzinfo=UTC)}
    folder = RunFolder(path)
    folder.trials.mkdir(parents=True)
    folder.write_manifest(manifest.model_copy(update={"name": path.name, **changes}))
    return folder


def write_trial(
    folder: RunFolder, block: int, label: str, *, raw_bytes: int = 10**9, ends: bool = True, run: str | None = None
) -> None:
    """Write a trial whose requests alternate, each answered after a hundredth of a second."""
    about = {"run": run or folder.run_id, "block": block, "label": label}
    recorder, second = Recorder(), 1
    with StreamWriter(stream_path(folder.trials, block, "b" if label == "b" else "a"), about, raw_bytes) as stream:
        for number, due in enumerate(SCHEDULE.schedule(1)):
            while due >= second:
                stream.write(recorder.take(), Reading(float(second), number, number, 0, 0.1, 10**7, 0.1, 10**7))
                second += 1
            recorder.record(due + 0.001, due + 0.01, request=number % 2, scheduled_s=due, status=200)
        stream.write(recorder.take(), Reading(20.0, 0, 0, 0, 0.1, 10**7, 0.1, 10**7))
        if ends:
            stream.end(End(20.0, None, None, 0, stream.raw_until_s))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    found = schedule_folder(tmp_path_factory.mktemp("runs") / "ramp")
    for block in (0, 1):
        for label in "ab":
            write_trial(found, block, label)
    return found


DUE = np.array(list(SCHEDULE.schedule(1)))


def test_its_columns_are_those_of_other_runs(folder: RunFolder) -> None:
    samples = loadtests.open_run(folder.path).samples(label="b")
    assert list(samples) == list(COLUMNS)
    assert {len(column) for column in samples.values()} == {2 * len(DUE)}
    np.testing.assert_allclose(samples["scheduled_s"], np.tile(DUE, 2), atol=1e-7)
    np.testing.assert_allclose(samples["response_s"], 0.01, atol=2e-7)
    np.testing.assert_allclose(samples["service_s"], 0.009, atol=2e-7)
    assert samples["request"][:4].tolist() == ["GET /x", "POST /z", "GET /x", "POST /z"]
    assert samples["block"].tolist() == [0] * len(DUE) + [1] * len(DUE)
    once = {name: samples[name][0] for name in ("run", "scenario", "load", "users", "label", "side", "control")}
    assert once == {
        "run": "ramp", "scenario": "get_post", "load": RATE, "users": -1, "label": "b", "side": "async",
        "control": False,
    }  # fmt: skip
    assert loadtests.open_run(folder.path).samples(label="a")["request"][1] == "GET /y"


def test_its_rate_is_the_planned_one_and_its_window_the_interval_in_which_a_request_was_due(folder: RunFolder) -> None:
    [samples, _] = loadtests.open_run(folder.path).trials(label="a")
    np.testing.assert_allclose(samples["rate"], [SCHEDULE.rate_at(due) for due in samples["scheduled_s"]])
    manifest, edges = folder.read_manifest(), np.array([9.9999999, 10.0, 20.0])
    assert manifest.schedule is not None
    columns = ScheduleColumns(manifest, manifest.schedule, 0, "a")
    nothing = np.zeros(3, np.uint16)
    at_edges = columns.of(Samples(edges, edges, edges, edges, nothing, nothing.astype(np.uint8), nothing))
    np.testing.assert_allclose(at_edges["rate"], [SCHEDULE.rate_at(each) for each in edges])
    intervals = SCHEDULE.intervals()
    assert [each.end_s for each in intervals] == [7, 10, 20]
    assert at_edges["window"].tolist() == [1, 2, 2]
    for due, window in zip(samples["scheduled_s"], samples["window"], strict=True):
        assert intervals[window].begin_s <= due < intervals[window].end_s


def test_files_hold_what_the_notebook_has_and_the_report_counts(folder: RunFolder, tmp_path: Path) -> None:
    number = 4 * len(DUE)
    assert export_samples(folder, tmp_path / "s.csv") == (number, [])
    assert export_samples(folder, tmp_path / "s.parquet") == (number, [])
    table = parquet.read_table(tmp_path / "s.parquet")
    assert {field.name: str(field.type) for field in table.schema} == COLUMNS
    samples = loadtests.open_run(folder.path).samples()
    for name in ("block", "label", "window", "request", "scheduled_s", "ended_s", "rate", "failure"):
        assert table[name].to_pylist() == samples[name].tolist()
    with (tmp_path / "s.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["request"] for row in rows] == samples["request"].tolist()
    np.testing.assert_allclose([float(row["rate"]) for row in rows], samples["rate"], atol=1e-7)
    manifest = folder.read_manifest()
    assert manifest.schedule is not None
    outcome = analyse_schedule(folder, manifest, manifest.schedule)
    for window, interval in enumerate(outcome.intervals["a"]):
        assert np.count_nonzero((samples["label"] == "a") & (samples["window"] == window)) == interval.requests


def test_a_long_trial_comes_in_parts(folder: RunFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    run = loadtests.open_run(folder.path)
    whole = run.samples(label="a")
    monkeypatch.setattr(schedule_trials, "PART", 300)
    parts = [len(part["run"]) for part in run.trials(label="a")]
    assert len(parts) > 4
    assert max(parts) < 300 + 201
    np.testing.assert_array_equal(run.samples(label="a")["sent_s"], whole["sent_s"])


def test_memory_does_not_grow_with_the_schedule(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = schedule_folder(tmp_path / "soak", labels="a", blocks=1, rate="2000/s for 50s")
    about = {"run": folder.run_id, "block": 0, "label": "a"}
    with StreamWriter(stream_path(folder.trials, 0, "a"), about, 10**9) as stream:
        for second in range(50):
            stream.write(samples_of_second(second, 2000), reading(second + 1.0))
    monkeypatch.setattr(schedule_trials, "PART", 5000)
    sizes, samples = [], 0
    for part in loadtests.open_run(folder.path).trials():
        if not samples:
            tracemalloc.start()
        samples += len(part["run"])
        sizes.append(sum(column.nbytes for column in part.values()))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert samples == 100_000
    assert peak < sum(sizes) / 2


def test_requests_without_samples_are_told(tmp_path: Path) -> None:
    folder = schedule_folder(tmp_path / "run", blocks=1)
    write_trial(folder, 0, "a", raw_bytes=2000)
    write_trial(folder, 0, "b", ends=False)
    status, output, errors = bench_here("export", str(folder.path), "--to", str(tmp_path / "s.csv"))
    assert status == 0
    kept = int(output.split()[0].replace(",", ""))
    assert len(DUE) < kept < 2 * len(DUE)
    assert errors.splitlines() == [
        f"{tmp_path / 's.csv'}: block 0, side a: {2 * len(DUE) - kept:,} requests were only counted, because the"
        " trial's file was full",
        f"{tmp_path / 's.csv'}: block 0, side b: the driver was ended early, so the last second may be missing",
    ]


def test_a_notebook_is_told_what_a_schedule_has_and_what_it_has_not(folder: RunFolder, tmp_path: Path) -> None:
    run = loadtests.open_run(folder.path)
    assert repr(run) == f"<OpenedRun ramp: async ÷ sync, {RATE}>"
    for wrong in ({"scenario": "noop"}, {"users": 1}, {"rate": 50.0}, {"control": True}):
        with pytest.raises(UsageError, match=r"has no such samples; it has those of get_post with 0\.\.200/s in 10s"):
            run.samples(**wrong)
    with pytest.raises(UnreadableRun, match="it is not there; bench report"):
        _ = run.over_time
    manifest = folder.read_manifest()
    assert manifest.schedule is not None
    outcome = analyse_schedule(folder, manifest, manifest.schedule)
    write_json(folder.path / "summary.json", outcome)
    assert loadtests.open_run(folder.path).over_time == outcome
    with pytest.raises(UnreadableRun, match="is a run of a schedule, which has no cells"):
        run.verdicts()
    (folder.path / "summary.json").write_text("{}")
    with pytest.raises(UnreadableRun, match=r"can't be read: .*; bench report .* rebuilds it"):
        _ = loadtests.open_run(folder.path).over_time


@pytest.mark.parametrize("content", [b"half", None], ids=["no stream", "another run's"])
def test_a_trial_that_is_not_one_of_the_run_is_refused(tmp_path: Path, content: bytes | None) -> None:
    folder = schedule_folder(tmp_path / "run", labels="a", blocks=1)
    if content is None:
        write_trial(folder, 0, "a", run="another")
    else:
        stream_path(folder.trials, 0, "a").write_bytes(content)
    with pytest.raises(UnreadableRun, match=r"000-schedule-a\.stream"):
        export_samples(folder, tmp_path / "s.csv")
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


def test_a_schedule_without_trials_has_nothing_to_export(tmp_path: Path) -> None:
    folder = schedule_folder(tmp_path / "run")
    with pytest.raises(UsageError, match="holds no samples, so there is nothing to export"):
        export_samples(folder, tmp_path / "s.csv")
