"""`bench validate` on real servers, much smaller than is of use."""

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import psutil
import pytest

from loadtests.runner.single_server import Workspace
from loadtests.servers.reference import pausing
from loadtests.system.cores import Cores
from loadtests.system.processes import Child
from loadtests.validation.response_times import measure_queue
from tests.e2e.harness import bench, bench_here, eventually, started
from tests.owned import owned

WORK = "work"
"""Where a validation keeps its runs while it lasts."""
SMALL = ("--comparisons=1", "--blog=0", "--blocks=6", "--time=0.2")


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path / "work", Cores((), ()), datetime.now(UTC), None, 0, lambda *_: None)


def folders(out: Path) -> list[Path]:
    return [path for path in out.iterdir() if path.is_dir()]


@pytest.mark.slow
def test_a_side_against_itself_is_measured_judged_drawn_and_kept(tmp_path: Path) -> None:
    status, output, errors = bench("validate", "--only=aa", *SMALL, f"--out={tmp_path}")
    assert status == 0, errors
    [folder] = folders(tmp_path)
    assert sorted(path.name for path in folder.iterdir()) == [
        "report.html",
        "validation.json",
        "validation.md",
        "validation.png",
        "validation.svg",
    ]
    found = json.loads((folder / "validation.json").read_text())
    assert (found["complete"], found["quick"], len(found["aa"]["rows"])) == (True, False, 4)
    assert all(row["blocks"] == 6 and 0.2 < row["ratio"] < 5 for row in found["aa"]["rows"])
    assert "false verdicts" in output
    assert "200 are needed" in output
    assert (tmp_path / f"{found['machine']}.json").exists()
    assert (tmp_path / f"{found['machine']}-digest.json").exists()


@pytest.mark.slow
def test_an_interrupt_keeps_what_was_measured_and_leaves_no_process(tmp_path: Path) -> None:
    arguments = ("validate", "--only=aa", "--comparisons=400", *SMALL[1:], f"--out={tmp_path}")
    with started(*arguments) as harness:
        runs = tmp_path.glob
        assert eventually(lambda: list(runs(f"*/{WORK}/run1/trials/*.npz")))  # the first run has ended
        harness.process.send_signal(signal.SIGINT)
        status, _, errors = harness.finish()
        left = harness.family()
    [folder] = folders(tmp_path)
    assert left == []
    assert (status, errors.strip()) == (130, f"bench: interrupted by SIGINT; what was measured is kept in {folder}")
    found = json.loads((folder / "validation.json").read_text())
    assert found["complete"] is False
    assert len(found["aa"]["rows"]) % 4 == 0 < len(found["aa"]["rows"])
    assert not (folder / "work").exists()
    assert [path.name for path in tmp_path.iterdir()] == [folder.name]  # and later reports do not quote it


@pytest.mark.slow
def test_an_interrupt_before_anything_is_measured_leaves_nothing(tmp_path: Path) -> None:
    with started("validate", "--only=aa", *SMALL, f"--out={tmp_path}") as harness:
        assert eventually(lambda: list(tmp_path.glob(f"*/{WORK}/run0")))
        harness.process.send_signal(signal.SIGTERM)
        status, _, errors = harness.finish()
        assert harness.family() == []
    assert (status, errors.strip()) == (130, "bench: interrupted by SIGTERM; nothing was measured")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "mend"), [(["--only=x"], "is not a check"), (["--comparisons=0"], "--comparisons 0"), (["x"], "x")]
)
def test_bad_usage_is_one_line_and_leaves_nothing(arguments: list[str], mend: str, tmp_path: Path) -> None:
    status, output, errors = bench_here("validate", f"--out={tmp_path}", *arguments)
    assert (status, output, len(errors.splitlines())) == (2, "", 1)
    assert mend in errors
    assert list(tmp_path.iterdir()) == []


@pytest.mark.quiet
def test_a_queue_is_timed_by_driver_and_server_alike(workspace: Workspace) -> None:
    found = measure_queue(workspace, window_s=2.0)
    assert found.requests == pytest.approx(400, rel=0.3)
    assert 0.005 < found.logged.p50 < 0.1
    assert found.measured.p50 >= found.logged.p50 * 0.9  # a client can't see less than the server


@pytest.fixture
def busy() -> Iterator[psutil.Process]:
    """A process that does nothing but run."""
    process = subprocess.Popen(owned([sys.executable, "-c", "while True: pass"]))
    yield psutil.Process(process.pid)
    process.send_signal(signal.SIGCONT)
    process.kill()
    process.wait()


def stopped(process: psutil.Process) -> bool:
    return bool(process.status() == psutil.STATUS_STOPPED)


@pytest.mark.parametrize("killed", [False, True])
def test_what_is_stopped_goes_on_when_the_staller_ends(busy: psutil.Process, killed: bool, tmp_path: Path) -> None:
    with pausing([busy.pid], every_s=0.2, for_s=60, log=tmp_path / "staller" / "log"):
        assert eventually(lambda: stopped(busy), limit_s=20)
        if killed:
            staller = next(child for child in psutil.Process().children() if "--every=0.2" in child.cmdline())
            staller.kill()
    assert eventually(lambda: not stopped(busy), limit_s=20)


def test_what_is_stopped_goes_on_when_the_owner_is_gone(busy: psutil.Process, tmp_path: Path) -> None:
    arguments = [f"--pid={busy.pid}", "--every=0.2", "--for=60"]
    with Child("loadtests.servers.reference", arguments, log=tmp_path / "staller" / "log") as child:
        assert eventually(lambda: stopped(busy), limit_s=20)
        assert child.process.stdin is not None
        child.process.stdin.close()  # as it happens when the owner is killed
        assert eventually(lambda: not stopped(busy), limit_s=20)


def test_a_server_goes_on_after_its_stalls(workspace: Workspace) -> None:
    with workspace.server("loadtests.servers.reference:app", "station") as server:
        server.wait_until_ready()
        [pid] = server.pids
        with pausing(server.pids, 0.4, 60.0, workspace.work / "staller" / "log"):
            assert eventually(lambda: stopped(psutil.Process(pid)), limit_s=20)
        assert eventually(lambda: not stopped(psutil.Process(pid)), limit_s=20)
