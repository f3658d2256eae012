"""Arrivals that do not wait for answers, against real servers."""

import asyncio
import socket
from pathlib import Path

import numpy as np
import pytest

from loadtests.drivers.job import PairingJob, Target
from loadtests.drivers.load_generator import drive
from loadtests.experiment.loads import OpenLoop
from loadtests.experiment.request import Request
from loadtests.records.run_folder import RunFolder
from loadtests.records.samples import Failure
from tests.e2e.harness import bench_here, summary

FINE = "tests.e2e.faulty:fine"


@pytest.mark.slow
def test_both_sides_meet_the_same_arrivals(tmp_path: Path) -> None:
    """Within a slice, the n-th request is due at the same offset for a and for b, and asks the same."""
    out = tmp_path / "run"
    options = ("--rate=200", "--blocks=1", "--slice=0.3", "--time=3", "--no-control", f"--out={out}")
    status, output, errors = bench_here("run", "GET /x", f"--a={FINE}", f"--b={FINE}", *options)
    assert status == 0, errors
    assert "200/s" in output
    a, b = (recording for _, recording in RunFolder(out).read_trials())
    assert len(a.slices) == len(b.slices) > 1
    for ours, theirs in zip(a.slices, b.slices, strict=True):
        offsets = []
        both_s = min(turn.closed_s - turn.opened_s for turn in (ours, theirs))  # no two windows are equally long
        for recording, turn in ((a, ours), (b, theirs)):
            since = np.sort(recording.samples.scheduled_s) - turn.opened_s
            offsets.append(since[(since >= 0) & (since < both_s)])
        assert offsets[0] == pytest.approx(offsets[1], abs=1e-5)
    for samples in (a.samples, b.samples):
        assert np.all(samples.sent_s >= samples.scheduled_s)  # late perhaps, never early
        assert np.all(samples.ended_s > samples.sent_s)
    cells = summary(out)["cells"]
    assert all(cell["offered"] == pytest.approx(200, rel=0.5) for cell in cells)


@pytest.mark.quiet
def test_a_server_that_cannot_keep_up_is_overloaded_and_its_answers_grow_slow(tmp_path: Path) -> None:
    out = tmp_path / "run"
    options = (
        "--rate=150",
        "--arrivals=constant",
        "--blocks=1",
        "--slice=1",
        "--time=2",
        "--no-control",
        f"--out={out}",
    )
    status, _, errors = bench_here("run", "GET /x", f"--a={FINE}", "--b=tests.e2e.faulty:one_at_a_time", *options)
    assert status == 0, errors
    found = {(c["metric"]): c for c in summary(out)["comparisons"]}
    assert "overloaded:b" in found["p50"]["flags"]
    assert "overloaded:a" not in found["p50"]["flags"]
    good, bad = summary(out)["cells"]
    assert bad["throughput"]["value"] < 60  # it answers 50 a second
    assert bad["latency_s"]["p50"] > 10 * good["latency_s"]["p50"]


def test_what_is_never_answered_is_cut_off_and_counts() -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=1024) as silent:  # connects, and never says a word
        target = Target(f"http://127.0.0.1:{silent.getsockname()[1]}")
        load = OpenLoop(100, "constant")
        requests = (Request("GET", "/"),)
        job = PairingJob({"a": target}, requests, load, 0.3, 0, 0, 0, stall_s=30, drain_s=0.2)
        recording = asyncio.run(drive(job))["a"]
    assert recording.abandoned == len(recording.samples) == 120
    assert set(recording.samples.failure) == {Failure.CUT_OFF}
    assert recording.stalled is None
