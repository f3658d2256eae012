"""Locust as the driver: real runs, and what becomes of them when its processes are killed."""

import json
import subprocess
import sys
from itertools import permutations
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest

from loadtests.experiment.scenario_text import parse_scenario
from loadtests.records.run_folder import RunFolder
from loadtests.records.trial_file import CONTROL
from tests.e2e.harness import Harness, bench, bench_here, eventually, started, summary

ROUNDED_S = 2e-6
"""The client gives the time to the first byte in whole microseconds."""
WAITS = ("--a=tests.e2e.faulty:waits", "--b=tests.e2e.faulty:waits")


def locusts(harness: Harness) -> list[psutil.Process]:
    return [p for p in harness.family() if "loadtests.drivers.locust_generator" in p.cmdline()]


def manifest(run: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((run / "run.json").read_text())
    return loaded


def trials(run: Path) -> int:
    return len(list((run / "trials").glob("*.npz")))


@pytest.mark.parametrize(
    ("workers", "scenarios"),
    [
        (0, ["create_post", "visitors[think_ms=20]"]),
        pytest.param(2, ["visitors[think_ms=20]"], marks=pytest.mark.slow),
    ],
)
def test_scenarios_and_a_journey_are_measured_on_both_builds(
    workers: int, scenarios: list[str], tmp_path: Path
) -> None:
    out = tmp_path / "run"
    options = ("--driver=locust", f"--workers={workers}", "--users=8", "--blocks=1", "--time=0.2", f"--out={out}")
    status, _, errors = bench("run", *scenarios, *options)
    assert status == 0, errors
    cells = summary(out)["cells"]
    assert [cell["scenario"] for cell in cells] == [name for name in scenarios for _ in "ab"]
    for cell in cells:
        assert cell["failures"] == {}
        assert cell["collapsed"] == []
        assert cell["throughput"]["value"] > 0
        assert cell["cpu_per_request"]["value"] > 0
    assert (manifest(out)["driver"], manifest(out)["workers"]) == ("locust", workers)
    found = list(RunFolder(out).read_trials())
    for (one, ours), (other, theirs) in permutations(found, 2):
        if one.scenario == other.scenario:
            # While a side has its turn, the other's clock stands still.
            stood_s = sum(length_s for _, length_s in theirs.pauses)
            assert stood_s > sum(turn.closed_s - turn.opened_s for turn in ours.slices)
    for key, recording in found:
        samples, known = recording.samples, len(parse_scenario(key.scenario.removeprefix(CONTROL)).requests)
        assert samples.request.max() < known  # everything that visitors ask for has a number in the catalogue
        assert np.all(samples.first_byte_s >= samples.sent_s)
        assert np.all(samples.ended_s >= samples.first_byte_s - ROUNDED_S)
    assert "Locust generated the load" in (out / "report.html").read_text()
    assert not (out / "work").exists()


@pytest.mark.slow
@pytest.mark.parametrize(("workers", "who"), [(0, "Locust"), (2, "Locust's worker 2 of 2")])
def test_a_locust_process_that_is_killed_is_replaced_and_the_cell_measured_again(
    workers: int, who: str, tmp_path: Path
) -> None:
    out = tmp_path / "run"
    options = (
        "--driver=locust",
        f"--workers={workers}",
        "--users=1,4,8",
        "--blocks=1",
        "--time=1",
        "--no-control",
        f"--out={out}",
    )
    with started("run", "GET /x", *WAITS, *options) as harness:
        assert eventually(lambda: trials(out) >= 2)
        next(p for p in locusts(harness) if f"--number={max(0, workers - 1)}" in p.cmdline()).kill()
        status, _, errors = harness.finish()
        assert harness.family() == []
    assert status == 0, errors
    said = [event["message"] for event in manifest(out)["events"] if event["kind"] == "restarted"]
    assert len(said) == 1
    assert said[0].startswith(f"{who} died; the cell was tried again")
    report = (out / "report.html").read_text().replace("&#39;", "'")
    assert said[0] in report
    assert ("2 Locust processes sent the requests" in report) == (workers == 2)
    assert trials(out) == 6
    for cell in summary(out)["cells"]:
        assert (cell["failures"], cell["collapsed"]) == ({}, [])
        assert cell["throughput"]["value"] > 0


@pytest.mark.slow
def test_a_locust_process_that_is_stopped_is_replaced_and_the_cell_measured_again(tmp_path: Path) -> None:
    """One of two: the other waits for it, and still gives signs of life."""
    out = tmp_path / "run"
    options = (
        "--driver=locust",
        "--workers=2",
        "--users=2,4",
        "--blocks=1",
        "--time=1.5",
        "--no-control",
        f"--out={out}",
    )
    with started("run", "GET /x", *WAITS, *options) as harness:
        assert eventually(lambda: trials(out) >= 2)
        locusts(harness)[-1].suspend()
        status, _, errors = harness.finish()
        assert harness.family() == []
    assert status == 0, errors
    said = [event["message"] for event in manifest(out)["events"] if event["kind"] == "restarted"]
    assert said == ["Locust hung: it gave no sign of life for 10 s; the cell was tried again with a new one"]
    assert trials(out) == 4


@pytest.mark.slow
def test_a_side_that_dies_under_locust_is_replaced(tmp_path: Path) -> None:
    out = tmp_path / "run"
    sides = ("--a=tests.e2e.faulty:fine", "--b=tests.e2e.faulty:dies")
    options = ("--driver=locust", "--workers=2", "--users=4", "--blocks=2", "--time=0.8", f"--out={out}")
    status, _, errors = bench_here("run", "GET /x", "GET /y", *sides, *options)
    assert status == 0, errors
    said = [event["message"] for event in manifest(out)["events"] if event["kind"] == "collapsed"]
    assert said
    assert all("exited with status 7" in message for message in said)
    assert manifest(out)["complete"] is True


@pytest.mark.slow
def test_locusts_processes_of_a_killed_harness_end_by_themselves(tmp_path: Path) -> None:
    out = tmp_path / "run"
    options = ("--driver=locust", "--workers=2", "--users=2", "--blocks=50", "--time=0.2", f"--out={out}")
    with started("run", "GET /x", *WAITS, *options) as harness:
        assert eventually(lambda: trials(out) >= 1)
        assert len(locusts(harness)) == 2
        harness.process.kill()
        assert eventually(lambda: not harness.family(), limit_s=20)


@pytest.mark.slow
def test_a_side_that_hangs_under_locust_is_given_up(tmp_path: Path) -> None:
    out = tmp_path / "run"
    sides = ("--a=tests.e2e.faulty:fine", "--b=tests.e2e.faulty:hangs")
    options = ("--driver=locust", "--workers=2", "--users=3", "--blocks=1", "--time=0.2", "--timeout=5", "--no-control")
    status, _, errors = bench_here("run", "GET /x", *sides, *options, f"--out={out}")
    assert (status, errors.count("nothing was answered for 5 s")) == (3, 1)
    a, b = summary(out)["cells"]
    assert a["collapsed"] == []
    assert b["collapsed"] == ["nothing was answered for 5 s, with 3 requests in flight"]
    assert b["failures"] == {"cut_off": 3}


def test_the_locustfile_works_by_hand_and_leaves_no_post_behind(tmp_path: Path) -> None:
    """Users are stopped in the midst of what they do; whoever has posted deletes it."""
    import socket
    import urllib.request

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    with started("serve", "async", f"--port={port}", f"--database=sqlite:///{tmp_path}/blog.db"):

        def posts() -> str:
            try:
                with urllib.request.urlopen(f"{url}/api/posts", timeout=5) as answer:  # noqa: S310 - our own
                    return str(answer.read())
            except OSError:
                return ""

        assert eventually(posts)
        before = posts()
        command = ["-m", "locust", "-f", "loadtests/locustfile.py", "--host", url, "--headless", "--only-summary"]
        done = subprocess.run(
            [sys.executable, *command, "-u", "12", "-r", "100", "-t", "3s", "Writer", "Reader", "ApiClient"],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr  # 1 if any request failed
        assert "/posts/[id]" in done.stdout + done.stderr
        assert posts() == before
