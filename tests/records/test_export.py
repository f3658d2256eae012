"""Samples in the formats of other programs, and in a notebook: the same ones, none lost, none altered."""

import csv
import importlib.util
import math
from pathlib import Path

import numpy as np
import pytest
from pyarrow import parquet

import loadtests
from loadtests.analysis.analyse import analyse
from loadtests.experiment.loads import OpenLoop
from loadtests.experiment.options import RunOptions
from loadtests.records import export
from loadtests.records.export import export_samples
from loadtests.records.run_folder import RunFolder, UnreadableRun, create_run_folder
from loadtests.records.sample_columns import COLUMNS
from loadtests.records.trial_file import CONTROL, TrialKey
from loadtests.runner.run_log import new_manifest
from loadtests.system.cores import Cores
from loadtests.system.errors import UsageError
from tests.benchmarks.made_up import recording, run_folder
from tests.e2e.harness import bench_here
from tests.runner.test_resume import NOW

REQUESTS = 5000


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    """A run of two blocks with 1 and 8 users: 5,000 requests a trial, some of which failed or were cut off."""
    found, keys = run_folder(tmp_path_factory.mktemp("runs") / "run", [1, 8], 2)
    for number, key in enumerate(keys):
        found.write_trial(key, recording(REQUESTS, 2000.0, number))
    found.write_outcome(analyse(found, found.read_manifest()))
    return found


def test_csv_and_parquet_hold_the_same_samples(folder: RunFolder, tmp_path: Path) -> None:
    assert export_samples(folder, tmp_path / "s.csv") == (8 * REQUESTS, [])
    assert export_samples(folder, tmp_path / "s.parquet") == (8 * REQUESTS, [])
    table = parquet.read_table(tmp_path / "s.parquet")
    assert {field.name: str(field.type) for field in table.schema} == COLUMNS
    with (tmp_path / "s.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == table.num_rows
    for place in (0, 1, 4999, 5000, 20_000, 39_999):
        row, same = rows[place], table.slice(place, 1).to_pylist()[0]
        for name, kind in COLUMNS.items():
            if same[name] is None:
                assert row[name] == ""
            elif kind == "double":
                assert float(row[name]) == pytest.approx(same[name], abs=1e-7)
            elif kind == "bool":
                assert row[name] == str(same[name]).lower()
            else:
                assert row[name] == str(same[name])
    cut_off = [row for row in rows if row["failure"] == "cut_off"]
    assert cut_off
    assert {(row["ended_s"], row["response_s"], row["status"]) for row in cut_off} == {("", "", "")}
    assert not list(tmp_path.glob(".*"))


def test_windows_and_failures_are_those_of_the_report(folder: RunFolder) -> None:
    run = loadtests.open_run(folder.path)
    for cell in run.summary.cells:
        samples = run.samples(cell.scenario, users=int(cell.load.size), label=cell.label)
        counted = samples["window"] >= 0
        assert np.count_nonzero(counted) == cell.requests
        assert np.count_nonzero(counted & (samples["failure"] != "none")) == sum(cell.failures.values())
        response = np.where(samples["failure"] == "none", samples["response_s"], np.inf)[counted]
        assert float(np.quantile(response, 0.5)) == pytest.approx(cell.latency_s["p50"], rel=0.01)


def test_a_run_in_a_notebook(folder: RunFolder) -> None:
    run = loadtests.open_run(str(folder.path))
    assert repr(run) == "<OpenedRun run: async ÷ sync, 2 cells>"
    assert [(each.scenario, each.load.size) for each in run.verdicts()] == [("noop", 1), ("noop", 8)]
    samples = run.samples()
    assert list(samples) == list(COLUMNS)
    assert {len(column) for column in samples.values()} == {8 * REQUESTS}
    assert set(samples["side"]) == {"sync", "async"}
    assert len(list(run.trials("noop", users=8, label="b"))) == 2
    assert len(run.samples(users=1)["run"]) == 4 * REQUESTS


def test_controls_and_open_loops_have_rows_of_their_own(tmp_path: Path) -> None:
    experiment = RunOptions(scenarios=("noop",), rate="50", blocks=1).experiment()
    manifest = new_manifest(experiment, "run", NOW, Cores((0,), (1,)))
    folder = create_run_folder(tmp_path / "run", manifest)
    for name in ("noop", f"{CONTROL}noop"):
        for label in ("a", "b"):
            folder.write_trial(TrialKey(0, name, OpenLoop(50).slug, label), recording(100, 100.0, 1))
    run = loadtests.open_run(folder.path)
    samples = run.samples(rate=50, label="b")
    assert (samples["side"][0], samples["rate"][0], samples["users"][0]) == ("async", 50.0, -1)
    control = run.samples(label="b", control=True)
    assert (control["side"][0], control["control"][0], control["scenario"][0]) == ("sync", True, "noop")
    assert export_samples(folder, tmp_path / "s.csv") == (400, [])


def test_what_is_not_there_is_told_in_one_sentence(folder: RunFolder, tmp_path: Path) -> None:
    run = loadtests.open_run(folder.path)
    with pytest.raises(UsageError, match="has no such samples; its cells are noop with 1 user, noop with 8 users"):
        run.samples("query")
    with pytest.raises(UsageError, match="write a or b"):
        run.samples(label="c")
    with pytest.raises(UnreadableRun, match=r"is not a run: it has no run\.json"):
        loadtests.open_run(tmp_path)


@pytest.mark.parametrize("name", ["s.csv", "s.parquet"])
def test_a_damaged_trial_leaves_the_file_that_was_there(tmp_path: Path, name: str) -> None:
    folder, keys = run_folder(tmp_path / "run", [1], 1)
    folder.write_trial(keys[0], recording(100, 100.0, 1))
    (folder.trials / keys[1].file_name).write_bytes(b"half")
    (tmp_path / name).write_text("before")
    with pytest.raises(UnreadableRun, match="is not a whole trial of this run"):
        export_samples(folder, tmp_path / name)
    assert (tmp_path / name).read_text() == "before"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["run", name]


def test_the_command_exports_several_files_and_refuses_what_it_can_not_write(
    folder: RunFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, table, text = str(folder.path), str(tmp_path / "s.parquet"), str(tmp_path / "r.prom")
    status, output, errors = bench_here("export", run, "--to", table, "--to", text)
    assert (status, errors) == (0, "")
    assert output == f"40,000 samples   {table}\nresults   {text}\n"
    assert "must end in .csv, .parquet, .openmetrics or .prom" in bench_here("export", run, "--to", "s.xlsx")[2]
    assert "there is no folder" in bench_here("export", run, "--to", str(tmp_path / "no" / "s.csv"))[2]
    empty = run_folder(tmp_path / "empty", [1], 1)[0]
    status, _, errors = bench_here("export", str(empty.path), "--to", str(tmp_path / "e.csv"))
    assert (status, errors) == (2, f"bench: {empty.path} holds no samples, so there is nothing to export\n")
    assert "summary.json is missing; bench report" in bench_here("export", str(empty.path), "--to", text)[2]
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)
    status, _, errors = bench_here("export", run, "--to", table)
    assert status == 2
    assert "Parquet needs pyarrow, which is not installed; write .csv, or run with pyarrow: uv run --extra" in errors


def test_times_are_exact_to_100_ns() -> None:
    texts = export._texts(np.array([1.0000001, 0.25, math.nan, 0.0]))
    assert texts == ["1.0000001", "0.25", "", "0"]


@pytest.mark.parametrize("name", ["=1+2", "+1", "-1", "@SUM(1)", "\t=1", "＝1", "'=1", "'"])
def test_a_text_is_no_formula_in_a_spreadsheet_and_can_be_had_back(name: str, tmp_path: Path) -> None:
    folder, keys = run_folder(tmp_path / "run", [1], 1)
    folder.write_manifest(folder.read_manifest().model_copy(update={"name": name}))
    folder.write_trial(keys[0], recording(100, 100.0, 1))
    export_samples(folder, tmp_path / "s.csv")
    with (tmp_path / "s.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert {row["run"] for row in rows} == {f"'{name}"}
    assert {row["scenario"] for row in rows} == {"noop"}
    export_samples(folder, tmp_path / "s.parquet")
    assert set(parquet.read_table(tmp_path / "s.parquet")["run"].to_pylist()) == {name}


def test_negative_numbers_stay_numbers() -> None:
    assert export._texts(np.array([-0.25, -3.0])) == ["-0.25", "-3"]
    assert export._texts(np.array([-2, 7], np.int32)) == [-2, 7]
