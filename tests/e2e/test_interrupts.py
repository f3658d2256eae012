"""However the harness ends, nothing is left running, and what was measured can be read."""

import json
import signal
from pathlib import Path

import pytest

from tests.e2e.harness import bench_here, eventually, started

LONG = ("--users=1,4", "--blocks=50", "--time=0.3")
BLOG = ("run", "noop", "query[wait_ms=5]", *LONG)
WAITS = "tests.e2e.faulty:waits"
OWN = ("run", "GET /x", "GET /y", f"--a={WAITS}", f"--b={WAITS}", *LONG)
"""As many cells of an app that starts at once."""


def trials(run: Path) -> int:
    return len(list((run / "trials").glob("*.npz")))


@pytest.mark.parametrize(
    ("number", "moment"),
    [
        pytest.param(signal.SIGINT, "servers start", marks=pytest.mark.slow),
        (signal.SIGINT, "trials are saved"),
        pytest.param(signal.SIGTERM, "trials are saved", marks=pytest.mark.slow),
    ],
)
def test_a_signal_leaves_no_process_and_a_partial_run(number: signal.Signals, moment: str, tmp_path: Path) -> None:
    out = tmp_path / "run"
    with started(*(BLOG if number == signal.SIGINT else OWN), f"--out={out}") as harness:
        if moment == "servers start":
            assert eventually((out / "work").exists)
        else:
            assert eventually(lambda: trials(out) >= 3)
        harness.process.send_signal(number)
        status, _, errors = harness.finish()
        left = harness.family()
    assert left == []
    assert status == 130
    kept = "nothing was measured"
    if moment == "trials are saved":
        kept = f"what was measured is kept: bench report {out}, or go on: bench run --resume {out}"
    assert errors.strip() == f"bench: interrupted by {number.name}; {kept}"
    assert json.loads((out / "run.json").read_text())["complete"] is False
    assert not (out / "work").exists()
    status, output, errors = bench_here("report", str(out))
    assert status == 0, errors
    assert "incomplete" in output
    assert json.loads((out / "summary.json").read_text())["complete"] is False


@pytest.mark.parametrize("wait_s", [0.05, *(pytest.param(wait_s, marks=pytest.mark.slow) for wait_s in (0.3, 0.8))])
def test_an_early_ctrl_c_leaves_nothing_or_a_whole_folder(wait_s: float, tmp_path: Path) -> None:
    out = tmp_path / "run"
    with started(*OWN, f"--out={out}") as harness:
        eventually(lambda: False, limit_s=wait_s)
        harness.process.send_signal(signal.SIGINT)
        harness.process.communicate(timeout=60)
        left = harness.family()
    assert left == []
    assert [path.name for path in tmp_path.iterdir()] in ([], ["run"])
    if out.exists():
        assert bench_here("report", str(out))[0] == 0


@pytest.mark.slow
def test_a_second_ctrl_c_does_not_cut_the_cleaning_up_short(tmp_path: Path) -> None:
    out = tmp_path / "run"
    with started(*OWN, f"--out={out}") as harness:
        assert eventually(lambda: trials(out) >= 1)
        for _ in range(5):
            harness.process.send_signal(signal.SIGINT)
        status, _, _ = harness.finish()
        left = harness.family()
    assert left == []
    assert status == 130
    assert not (out / "work").exists()


def test_servers_of_a_killed_harness_end_by_themselves(tmp_path: Path) -> None:
    out = tmp_path / "run"
    with started(*OWN, f"--out={out}") as harness:
        assert eventually(lambda: trials(out) >= 1)
        assert len(harness.family()) >= 4  # harness, driver, upstream and at least one server
        harness.process.kill()
        assert eventually(lambda: not harness.family(), limit_s=20)
    assert (out / "work").exists()
    assert bench_here("report", str(out))[0] == 0
    assert not (out / "work").exists()
