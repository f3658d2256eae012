"""Sides that go wrong: the run goes on, and the report says what happened."""

import json
import socket
from pathlib import Path

import pytest

from tests.e2e.harness import bench, eventually, started, summary, throughput

FINE = "tests.e2e.faulty:fine"


def run(out: Path, b: str, *more: str, a: str = FINE, blocks: int = 2) -> str:
    """Compare a good side with a bad one on two cells; return the report."""
    options = (f"--a={a}", f"--b={b}", f"--blocks={blocks}", "--time=0.2", f"--out={out}")
    status, _, errors = bench("run", "GET /x", "GET /y", "--users=2", *options, *more)
    assert status == 0, errors
    return (out / "report.html").read_text()


@pytest.mark.parametrize(
    ("side", "sentence"),
    [
        ("exits_at_start", "exited with status 3 before it was ready: ERROR:    Application startup failed. Exiting."),
        ("never_ready", "did not become ready within 3 s"),
        ("errs", "not one good answer"),
    ],
)
def test_a_side_that_never_works_collapses_in_every_cell(side: str, sentence: str, tmp_path: Path) -> None:
    report = run(tmp_path / "run", f"tests.e2e.faulty:{side}", "--start-limit=3")
    found = throughput(tmp_path / "run")
    assert len(found) == 2
    for comparison in found.values():
        assert "collapsed:b" in comparison["flags"]
        assert ("failures:b" in comparison["flags"]) == (side == "errs")
        assert comparison["verdict"] == "inconclusive"  # 2 blocks are too few for one
        assert comparison["a"]["value"] > 0
        assert comparison["b"]["value"] is None
        assert sentence in comparison["explanation"]
    assert "collapsed" in report


def test_a_side_that_hangs_is_given_up_and_replaced(tmp_path: Path) -> None:
    report = run(tmp_path / "run", "tests.e2e.faulty:hangs", blocks=1)
    for comparison in throughput(tmp_path / "run").values():
        assert "collapsed:b" in comparison["flags"]
        assert "nothing was answered for 5 s, with 2 requests in flight" in comparison["explanation"]
    assert "nothing was answered" in report


def test_a_side_that_dies_is_replaced_and_the_next_cell_finds_it_alive(tmp_path: Path) -> None:
    run(tmp_path / "run", "tests.e2e.faulty:dies")
    manifest = json.loads((tmp_path / "run" / "run.json").read_text())
    said = [event["message"] for event in manifest["events"] if event["kind"] == "collapsed"]
    assert said
    assert all("exited with status 7" in message for message in said)
    assert manifest["complete"] is True


def test_answers_that_break_the_client_are_failures_of_that_side(tmp_path: Path) -> None:
    run(tmp_path / "run", "tests.e2e.faulty:garbled", blocks=1)
    for comparison in throughput(tmp_path / "run").values():
        assert "failures:b" in comparison["flags"]
        assert "not one good answer" in comparison["explanation"]


def test_a_slow_api_that_dies_is_replaced_and_the_cell_measured_again(tmp_path: Path) -> None:
    out = tmp_path / "run"
    options = ("--users=4", "--blocks=2", "--time=1", f"--out={out}")
    with started("run", "external_api[wait_ms=5]", "noop", *options) as harness:
        assert eventually(lambda: len(list((out / "trials").glob("*.npz"))) >= 2)
        [slow_api] = [p for p in harness.family() if "loadtests.upstream" in p.cmdline()]
        slow_api.kill()
        status, _, errors = harness.finish()
    assert status == 0, errors
    manifest = json.loads((out / "run.json").read_text())
    assert any("the slow API died" in event["message"] for event in manifest["events"])
    assert all(not cell["collapsed"] for cell in summary(out)["cells"])


def test_a_driver_that_dies_is_replaced_and_the_cell_measured_again(tmp_path: Path) -> None:
    out = tmp_path / "run"
    with started("run", "noop", "--users=4,8", "--blocks=2", "--time=2", f"--out={out}") as harness:
        assert eventually(lambda: len(list((out / "trials").glob("*.npz"))) >= 2)
        [driver] = [p for p in harness.family() if "loadtests.drivers.worker" in p.cmdline()]
        driver.kill()
        status, _, errors = harness.finish()
    assert status == 0, errors
    manifest = json.loads((out / "run.json").read_text())
    assert any("load driver died" in event["message"] for event in manifest["events"])
    assert len(list((out / "trials").iterdir())) == 8


def test_a_port_that_is_taken_is_named(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        run(tmp_path / "run", f"{FINE},port={port}")
    for comparison in throughput(tmp_path / "run").values():
        assert f"port {port} is already taken" in comparison["explanation"]


def test_the_tutorials_code_as_written_stops_answering_at_128_users(tmp_path: Path) -> None:
    """40 threads wait for 15 connections whose holders wait for a thread."""
    out = tmp_path / "run"
    options = ("--a=sync,session_limit=none", "--b=sync", "--blocks=1", "--time=0.3", f"--out={out}")
    status, _, errors = bench("run", "query", "noop", "--users=128", *options)
    assert status == 0, errors
    found = throughput(out)
    assert "collapsed:a" in found["query", 128]["flags"]
    assert "nothing was answered" in found["query", 128]["explanation"]
    assert found["noop", 128]["a"]["value"] > 0
