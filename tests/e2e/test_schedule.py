"""A schedule against real servers: played to both sides, and readable when the harness was killed in mid-soak."""

import signal
import time
from pathlib import Path

import pytest

from loadtests.records.run_folder import RunFolder
from loadtests.records.sample_stream import read_ending, read_stream
from loadtests.records.samples import Samples
from loadtests.records.schedule_record import ScheduleOutcome, stream_path
from tests.e2e.harness import Harness, bench

FINE = "tests.e2e.faulty:fine"
LIMIT_S = 60.0


def outcome_of(out: Path) -> ScheduleOutcome:
    return ScheduleOutcome.model_validate_json((out / "summary.json").read_bytes())


@pytest.mark.slow
def test_both_sides_are_played_the_same_schedule(tmp_path: Path) -> None:
    out = tmp_path / "run"
    rate = "--rate=10..60/s in 2s, 20/s for 1s"
    status, output, errors = bench("run", "GET /x", f"--a={FINE}", f"--b={FINE}", rate, "--slo=p99=30s", f"--out={out}")
    assert status == 0, errors
    assert "did not break" in output
    found = outcome_of(out)
    assert found.complete
    first, second = found.trials
    assert {first.label, second.label} == {"a", "b"}
    assert first.requests == second.requests > 40
    assert bench("report", str(out))[0] == 0
    assert outcome_of(out) == found
    assert (out / "report.html").exists()


@pytest.mark.slow
def test_a_soak_that_is_killed_keeps_all_but_the_last_second(tmp_path: Path) -> None:
    out = tmp_path / "run"
    harness = Harness("run", "GET /x", f"--a={FINE}", "--alone", "--rate=50/s for 1h", f"--out={out}")
    path = stream_path(RunFolder(out).trials, 0, "a")
    deadline = time.monotonic() + LIMIT_S
    try:
        while sum(isinstance(frame, Samples) for frame in read_stream(path)) < 3 if path.exists() else True:
            assert time.monotonic() < deadline
            assert harness.process.poll() is None
            time.sleep(0.1)
    finally:
        harness.process.send_signal(signal.SIGKILL)
        harness.finish()
    while harness.family():
        assert time.monotonic() < deadline
        time.sleep(0.1)
    status, output, errors = bench("report", str(out))
    assert status == 0, errors
    assert "is incomplete: it came as far as" in output
    [trial] = outcome_of(out).trials
    assert trial.requests == sum(len(frame) for frame in read_stream(path) if isinstance(frame, Samples)) > 50
    assert not (out / "work").exists() or not any((out / "work").iterdir())


@pytest.mark.slow
def test_an_interrupted_schedule_goes_on_with_the_side_that_was_broken_off(tmp_path: Path) -> None:
    out = tmp_path / "run"
    harness = Harness("run", "GET /x", f"--a={FINE}", f"--b={FINE}", "--rate=40/s for 3s", f"--out={out}")
    trials, deadline = RunFolder(out).trials, time.monotonic() + LIMIT_S
    try:
        while not all(path.stat().st_size > 1000 for path in trials.glob("*")) or len(list(trials.glob("*"))) < 2:
            assert time.monotonic() < deadline
            assert harness.process.poll() is None
            time.sleep(0.05)
    finally:
        harness.process.send_signal(signal.SIGINT)
        status, _, errors = harness.finish()
    assert status == 130
    assert f"or go on: bench run --resume {out}" in errors
    [ended] = [path for path in trials.glob("*") if read_ending(path)[1] is not None]
    content = ended.read_bytes()
    status, output, errors = bench("run", f"--resume={out}")
    assert status == 0, errors
    assert "was broken off after" in output
    assert ended.read_bytes() == content
    found = outcome_of(out)
    assert found.complete
    first, second = found.trials
    assert first.requests == second.requests > 60
    status, _, errors = bench("run", f"--resume={out}")
    assert status == 2
    assert "nothing is missing" in errors
