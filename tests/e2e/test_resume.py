"""An interrupted run goes on where it ended, under the same conditions or not at all."""

import json
import signal
from pathlib import Path
from typing import Any

import pytest

from loadtests.experiment.plan import MIN_BLOCKS
from tests.e2e.harness import bench, bench_here, eventually, started, summary

WAITS = "tests.e2e.faulty:waits"
"""Hardly needs the machine, however long it is measured."""
ARGUMENTS = ("run", "GET /x", "GET /y", f"--a={WAITS}", f"--b={WAITS}", "--users=2", "--blocks=3", "--time=0.3")
TRIALS = (2 + 1) * 3 * 2
"""Of two cells and the control in three blocks, on two sides."""


def trials(run: Path) -> dict[str, int]:
    return {path.name: path.stat().st_mtime_ns for path in (run / "trials").glob("*.npz")}


def manifest(run: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((run / "run.json").read_text())
    return loaded


def interrupt(run: Path, number: signal.Signals) -> None:
    with started(*ARGUMENTS, f"--out={run}") as harness:
        assert eventually(lambda: len(trials(run)) >= 2)
        harness.process.send_signal(number)
        status, _, errors = harness.finish()
        assert (status, f"interrupted by {number.name}; what was measured is kept" in errors) == (130, True)
        assert eventually(lambda: not harness.family())


@pytest.fixture(scope="module")
def resumed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, int]]:
    """A run that was interrupted and resumed, and what had been measured before."""
    run = tmp_path_factory.mktemp("results") / "run"
    interrupt(run, signal.SIGINT)
    before = trials(run)
    assert 2 <= len(before) < TRIALS
    spent_s = manifest(run)["seconds"]
    status, _, errors = bench("run", f"--resume={run}")
    assert status == 0, errors
    assert manifest(run)["seconds"] > spent_s > 0
    return run, before


@pytest.mark.slow
def test_what_was_measured_is_kept_and_the_rest_is_added(resumed: tuple[Path, dict[str, int]]) -> None:
    run, before = resumed
    assert len(trials(run)) == TRIALS
    pairs = [{name, name.replace("-a.npz", "-b.npz")} for name in before if name.endswith("-a.npz")]
    whole = set().union(*(pair for pair in pairs if pair <= before.keys()))
    assert {name: trials(run)[name] for name in whole} == {name: before[name] for name in whole}
    assert summary(run)["complete"] is True
    assert {c["blocks"] for c in summary(run)["comparisons"] if c["metric"] == "throughput"} == {3}
    assert not (run / "work").exists()


@pytest.mark.slow
def test_run_and_report_tell_that_it_was_resumed(resumed: tuple[Path, dict[str, int]]) -> None:
    run, _ = resumed
    [event] = [event for event in manifest(run)["events"] if event["kind"] == "resumed"]
    assert f"of {TRIALS} trials to measure" in event["message"]
    assert event["message"] in (run / "report.html").read_text()


@pytest.mark.slow
def test_a_run_that_lacks_nothing_is_refused(resumed: tuple[Path, dict[str, int]]) -> None:
    run, _ = resumed
    status, output, errors = bench_here("run", f"--resume={run}")
    assert (status, output, len(errors.splitlines())) == (2, "", 1)
    assert "the run is complete" in errors
    assert not (run / "work").exists()


@pytest.mark.slow
def test_other_versions_are_refused_and_named(resumed: tuple[Path, dict[str, int]]) -> None:
    run, _ = resumed
    before = (run / "run.json").read_bytes()
    other = json.loads(before)
    other["environment"]["packages"]["uvicorn"] = "0.1.0"
    (run / "run.json").write_text(json.dumps(other))
    try:
        status, _, errors = bench_here("run", f"--resume={run}")
    finally:
        (run / "run.json").write_bytes(before)
    assert (status, len(errors.splitlines())) == (2, 1)
    assert "packages: uvicorn was 0.1.0 when the run began and is " in errors


@pytest.mark.slow
def test_a_run_that_goes_on_is_refused_and_one_that_was_killed_is_resumed(tmp_path: Path) -> None:
    run = tmp_path / "run"
    with started(*ARGUMENTS, f"--out={run}") as harness:
        assert eventually(lambda: len(trials(run)) >= 2)
        harness.process.send_signal(signal.SIGSTOP)  # on a slow machine it would be done before the other begins
        status, _, errors = bench_here("run", f"--resume={run}")
        assert (status, len(errors.splitlines())) == (2, 1)
        assert "is being measured by another process" in errors
        assert (run / "work").exists()
        harness.process.kill()
        assert eventually(lambda: not harness.family())
    half = min((run / "trials").glob("*-a.npz"))
    half.unlink()
    (run / "trials" / "torn.partial").touch()
    status, _, errors = bench_here("run", f"--resume={run}")
    assert status == 0, errors
    assert len(list((run / "trials").iterdir())) == TRIALS
    assert summary(run)["complete"] is True


@pytest.mark.slow
def test_a_damaged_trial_is_named_and_left_to_the_user(tmp_path: Path) -> None:
    run = tmp_path / "run"
    interrupt(run, signal.SIGHUP)
    victim = run / "trials" / min(trials(run))
    victim.write_bytes(victim.read_bytes()[:100])
    status, _, errors = bench_here("run", f"--resume={run}")
    assert (status, len(errors.splitlines())) == (2, 1)
    assert victim.name in errors
    assert victim.exists()


@pytest.mark.slow
def test_a_run_with_a_budget_goes_on_with_what_is_left_of_it(tmp_path: Path) -> None:
    run = tmp_path / "run"
    asked = ("run", "GET /x", "GET /y", f"--a={WAITS}", f"--b={WAITS}", "--users=2", "--budget=80s", "--no-control")
    with started(*asked, f"--out={run}") as harness:
        assert eventually(lambda: len(trials(run)) >= 6)  # in the second block
        harness.process.send_signal(signal.SIGINT)
        assert harness.finish()[0] == 130
    before, planned = trials(run), manifest(run)["blocks"]
    status, _, errors = bench_here("run", f"--resume={run}")
    assert status == 0, errors
    after = manifest(run)
    assert after["blocks"][: len(planned)] == planned
    assert (after["budget_s"], after["complete"], summary(run)["complete"]) == (80.0, True, True)
    pairs = {
        name for name in before if {name.replace("-a.npz", "-b.npz"), name.replace("-b.npz", "-a.npz")} <= before.keys()
    }
    assert {name: trials(run)[name] for name in pairs} == {name: before[name] for name in pairs}
    assert min(c["blocks"] for c in summary(run)["comparisons"] if c["metric"] == "throughput") >= MIN_BLOCKS
