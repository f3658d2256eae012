"""The machine lets the harness down: the disk is full, the clock is set."""

import json
import os
import shutil
import subprocess
import textwrap
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.e2e.harness import bench, bench_here, eventually, started, summary

WAITS = "tests.e2e.faulty:waits"
"""Hardly needs the machine, however long it is measured."""
ARGUMENTS = (
    "run",
    "GET /x",
    "GET /y",
    f"--a={WAITS}",
    f"--b={WAITS}",
    "--users=2",
    "--blocks=2",
    "--time=0.5",
    "--no-control",
)
TRIALS = 8


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 4 MB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(folder)]
    if shutil.which("mount") is None or subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("only root may mount a small file system, and not in every container")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def fill(disk: Path) -> Path:
    """Leave no space at all; return the file that takes it."""
    ballast = disk / "ballast"
    with suppress(OSError), ballast.open("wb", buffering=0) as sink:
        for size in (65536, 1):
            with suppress(OSError):
                while True:
                    sink.write(bytes(size))
    return ballast


def trials(run: Path) -> list[Path]:
    return list((run / "trials").glob("*.npz"))


@pytest.mark.slow
def test_on_a_full_disk_the_run_ends_and_goes_on_when_there_is_space(small_disk: Path) -> None:
    run = small_disk / "run"
    with started(*ARGUMENTS, f"--out={run}") as harness:
        assert eventually(lambda: len(trials(run)) >= 2)
        ballast = fill(small_disk)
        status, _, errors = harness.finish()
        assert eventually(lambda: not harness.family())
    assert status == 3
    assert len(errors.splitlines()) == 1
    assert f"no space is left for {run}; what was measured is kept" in errors
    measured = len(trials(run))
    assert 2 <= measured < TRIALS
    assert {path.suffix for path in (run / "trials").iterdir()} == {".npz"}

    fill(small_disk)  # the work folder is gone, and with it what it took
    status, _, errors = bench("report", str(run))
    assert (status, len(errors.splitlines())) == (3, 1)
    assert "no space is left" in errors

    ballast.unlink()
    assert bench_here("report", str(run))[0] == 0
    assert summary(run)["complete"] is False
    status, _, errors = bench("run", f"--resume={run}")
    assert status == 0, errors
    assert summary(run)["complete"] is True
    assert len(trials(run)) == TRIALS


@pytest.fixture
def clock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file that says by how many seconds the wall clock of every process is off."""
    file = tmp_path / "clock"
    (tmp_path / "shim").mkdir()
    (tmp_path / "shim" / "sitecustomize.py").write_text(
        textwrap.dedent(f"""
        import datetime, time

        real_time, real_datetime = time.time, datetime.datetime

        def off():
            try:
                with open({str(file)!r}) as file:
                    return float(file.read())
            except OSError:
                return 0.0

        class Shifted(real_datetime):
            @classmethod
            def now(cls, tz=None):
                return real_datetime.now(tz) + datetime.timedelta(seconds=off())

        time.time = lambda: real_time() + off()
        datetime.datetime = Shifted
        """)
    )
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path / "shim"), str(Path.cwd())]))
    return file


@pytest.mark.slow
def test_a_clock_that_is_set_during_a_run_changes_nothing_and_is_named(clock: Path, tmp_path: Path) -> None:
    """Back by an hour, and later forward by a day."""
    run = tmp_path / "run"
    with started(*ARGUMENTS, f"--out={run}") as harness:
        for step_s, measured in ((-3600, 2), (82800, 4)):
            assert eventually(lambda least=measured: len(trials(run)) >= least)  # type: ignore[misc]
            clock.with_suffix(".new").write_text(str(step_s))
            clock.with_suffix(".new").rename(clock)
        status, _, errors = harness.finish()
    assert status == 0, errors
    assert summary(run)["complete"] is True
    assert all(not cell["collapsed"] and not cell["failures"] for cell in summary(run)["cells"])
    manifest = json.loads((run / "run.json").read_text())
    assert 0 < manifest["seconds"] < 600
    back, forward = (event["message"] for event in manifest["events"] if event["kind"] == "clock")
    assert "the wall clock was set back by 3,600 s" in back
    assert "the wall clock was set forward by 86,400 s" in forward
    assert "The wall clock was set" in (run / "report.html").read_text()
