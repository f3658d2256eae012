"""Sides that go wrong: the run goes on, and the report says what happened."""

import json
import re
import socket
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from loadtests.records.run_folder import RunFolder
from loadtests.records.samples import Failure
from loadtests.servers.launch import SCRIPT
from tests.e2e.faulty import BROKEN, TRICKLE_BYTES, TRICKLE_S
from tests.e2e.harness import bench, bench_here, eventually, started, summary, throughput

FINE = "tests.e2e.faulty:fine"
WAITS = "tests.e2e.faulty:waits"
"""Hardly needs the machine, however long it is measured."""
SHORT = ("--users=2", "--blocks=1", "--time=0.2", "--no-control")


def run(
    out: Path,
    b: str,
    *more: str,
    a: str = FINE,
    blocks: int = 2,
    cells: tuple[str, ...] = ("GET /x", "GET /y"),
    ends_with: int = 0,
) -> str:
    """Compare a good side with a bad one; return the report."""
    options = (f"--a={a}", f"--b={b}", f"--blocks={blocks}", "--time=0.2", "--unequal", f"--out={out}")
    status, _, errors = bench_here("run", *cells, "--users=2", *options, *more)
    assert status == ends_with, errors
    return (out / "report.html").read_text()


class Garbage(socketserver.StreamRequestHandler):
    """Answers HEAD, so it is ready, and anything else with bytes that mean nothing."""

    def handle(self) -> None:
        asked = self.rfile.readline()
        self.wfile.write(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n" if b"HEAD" in asked else b"\x00\xff\r\n" * 9)


@contextmanager
def server_of_garbage() -> Iterator[str]:
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Garbage) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


@pytest.fixture(scope="module")
def broken(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run against a side that goes wrong in another way in each cell; the last cell is sound."""
    out = tmp_path_factory.mktemp("broken") / "run"
    cells = (*(f"GET {path}" for path in BROKEN), "GET /fine")
    run(out, "tests.e2e.faulty:broken", "--timeout=5", blocks=1, cells=cells)
    return out


def of(run: Path, path: str) -> tuple[dict[str, Any], str]:
    """Return the comparison of one cell, and the report's text."""
    return throughput(run)[f"GET {path}", 2], (run / "report.html").read_text()


@pytest.mark.parametrize(
    ("side", "sentence"),
    [
        ("exits_at_start", "exited with status 3 before it was ready: ERROR:    the disk with the recipes is missing"),
        pytest.param("never_ready", "did not become ready within 3 s", marks=pytest.mark.slow),
    ],
)
def test_a_side_that_does_not_start_ends_a_run_before_it_begins(side: str, sentence: str, tmp_path: Path) -> None:
    spec = f"tests.e2e.faulty:{side}"
    sides = (f"--a={FINE}", f"--b={spec}", "--start-limit=3", f"--out={tmp_path / 'run'}")
    status, _, errors = bench("run", "GET /x", *sides)
    assert (status, len(errors.splitlines())) == (3, 1)
    assert errors.startswith(f"bench: side {spec!r} could not be started: {sentence}")
    assert errors.endswith("; nothing was measured\n")
    assert list(tmp_path.iterdir()) == []


def test_a_side_that_starts_no_more_collapses_in_every_cell_and_the_run_ends_with_3(tmp_path: Path) -> None:
    out = tmp_path / "run"
    b = f"tests.e2e.faulty:starts_once,env.STARTED={tmp_path / 'started'}"
    status, output, errors = bench("run", "GET /x", "GET /y", *SHORT, f"--a={FINE}", f"--b={b}", f"--out={out}")
    assert status == 3
    sentence = "exited with status 3 before it was ready: ERROR:    the licence was for one start"
    assert errors.endswith(f"bench: the sides could not be compared: side {b} gave no answer: {sentence}\n")
    found = throughput(out)
    assert len(found) == 2
    for comparison in found.values():
        assert "collapsed:b" in comparison["flags"]
        assert "failures:b" not in comparison["flags"]
        assert comparison["verdict"] == "inconclusive"
        assert comparison["a"]["value"] > 0
        assert comparison["b"]["value"] is None
        assert sentence in comparison["explanation"]
    assert summary(out)["unserved"] == {"b": f"gave no answer: {sentence}"}
    assert sentence in output
    assert "collapsed" in (out / "report.html").read_text()


def test_a_side_that_starts_no_more_is_not_tried_in_every_block(tmp_path: Path) -> None:
    out = tmp_path / "run"
    sides = (f"--a={FINE}", f"--b=tests.e2e.faulty:starts_once,env.STARTED={tmp_path / 'started'}", f"--out={out}")
    status, _, errors = bench_here("run", "GET /x", "--users=2", "--time=0.2", "--blocks=9", *sides)
    assert (status, len(errors.splitlines())) == (3, 1)
    assert "could not be started in 2 blocks in a row: exited with status 3" in errors
    assert "; what was measured is kept" in errors
    assert len(list((out / "trials").glob("*.npz"))) == 4  # with the control's


def test_a_side_that_never_gives_a_good_answer_collapses(broken: Path) -> None:
    comparison, report = of(broken, "/errs")
    assert {"collapsed:b", "failures:b"} <= set(comparison["flags"])
    assert comparison["verdict"] == "inconclusive"
    assert comparison["a"]["value"] > 0
    assert comparison["b"]["value"] is None
    assert "not one good answer" in comparison["explanation"]
    assert "collapsed" in report


@pytest.mark.parametrize(
    ("path", "sentence"),
    [("/hangs", "nothing was answered for 5 s"), ("/trickles_for_ever", "an answer took more than 5 s")],
)
def test_a_side_that_hangs_is_given_up_and_replaced(broken: Path, path: str, sentence: str) -> None:
    comparison, report = of(broken, path)
    assert "collapsed:b" in comparison["flags"]
    assert f"{sentence}, with 2 requests in flight" in comparison["explanation"]
    assert sentence in report
    assert f"did not answer GET {path} within 5 s" in report


def test_what_follows_a_side_that_went_wrong_is_measured_as_if_nothing_had_been(broken: Path) -> None:
    comparison, _ = of(broken, "/fine")
    assert not {"collapsed:b", "failures:b"} & set(comparison["flags"])
    assert comparison["b"]["value"] > 0


@pytest.mark.slow
def test_a_side_that_dies_is_replaced_and_the_next_cell_finds_it_alive(tmp_path: Path) -> None:
    run(tmp_path / "run", "tests.e2e.faulty:dies")
    manifest = json.loads((tmp_path / "run" / "run.json").read_text())
    said = [event["message"] for event in manifest["events"] if event["kind"] == "collapsed"]
    assert said
    assert all("exited with status 7" in message for message in said)
    assert manifest["complete"] is True


def test_answers_that_break_the_client_are_failures_of_that_side(broken: Path) -> None:
    comparison, _ = of(broken, "/garbled")
    assert "failures:b" in comparison["flags"]
    assert "not one good answer" in comparison["explanation"]


def test_a_server_that_closes_connections_in_mid_answer_fails(broken: Path) -> None:
    comparison, report = of(broken, "/closes")
    assert {"collapsed:b", "failures:b"} <= set(comparison["flags"])
    assert re.search(r"not one good answer \(\d+ × broken connection\)", comparison["explanation"])
    assert "broken connection" in report


@pytest.mark.slow
def test_a_server_that_speaks_no_http_fails(tmp_path: Path) -> None:
    with server_of_garbage() as url:
        report = run(tmp_path / "run", url, "--no-control", blocks=1, cells=("GET /x",), ends_with=3)
    for comparison in throughput(tmp_path / "run").values():
        assert {"collapsed:b", "failures:b"} <= set(comparison["flags"])
        assert re.search(r"not one good answer \(\d+ × broken connection\)", comparison["explanation"])
    assert "broken connection" in report


def test_an_answer_that_trickles_in_counts_to_its_last_byte(broken: Path) -> None:
    whole_s, trials = TRICKLE_S * TRICKLE_BYTES, dict(RunFolder(broken).read_trials())
    [samples] = [trial.samples for key, trial in trials.items() if (key.scenario, key.label) == ("GET /trickles", "b")]
    answered = samples.failure == Failure.NONE
    assert answered.any()
    # The server's timers ring a little early; the client may notice a first byte late, but not as a rule.
    assert ((samples.ended_s - samples.sent_s)[answered] >= 0.95 * whole_s).all()
    assert np.median((samples.ended_s - samples.first_byte_s)[answered]) >= 0.9 * whole_s


@pytest.mark.slow
def test_a_server_that_leaks_memory_is_flagged(tmp_path: Path) -> None:
    report = run(tmp_path / "run", "tests.e2e.faulty:leaks", "--time=1.2", "--no-control")
    for comparison in throughput(tmp_path / "run").values():
        assert [flag for flag in comparison["flags"] if flag.startswith("leaking")] == ["leaking-memory:b"]
        assert "its memory grew from" in comparison["explanation"]
    assert "leaking-memory" in report


@pytest.mark.slow
def test_a_worker_that_is_killed_costs_a_trial_and_no_more(tmp_path: Path) -> None:
    out = tmp_path / "run"
    options = (f"--a={WAITS}", f"--b={WAITS},workers=2", "--blocks=2", "--time=1", "--no-control", f"--out={out}")
    with started("run", "GET /x", "GET /y", "--users=2", *options) as harness:
        assert eventually(lambda: len(list((out / "trials").glob("*.npz"))) >= 2)
        served = [(p, p.cmdline()) for p in harness.family()]
        [master] = [p for p, words in served if words[1:2] == [str(SCRIPT)] and '"workers": 2' in words[-1]]
        worker = next(p for p in master.children() if "spawn_main" in " ".join(p.cmdline()))
        worker.kill()
        status, _, errors = harness.finish()
    assert status == 0, errors
    manifest = json.loads((out / "run.json").read_text())
    said = [event["message"] for event in manifest["events"] if event["kind"] == "collapsed"]
    assert any("process was gone" in message for message in said)
    assert len(list((out / "trials").iterdir())) == 8
    assert "process was gone" in (out / "report.html").read_text()


@pytest.mark.slow
def test_a_slow_api_that_dies_is_replaced_and_the_cell_measured_again(tmp_path: Path) -> None:
    out = tmp_path / "run"
    options = ("--users=4", "--blocks=2", "--time=0.6", "--no-control", f"--out={out}")
    with started("run", "external_api[wait_ms=5]", "noop", *options) as harness:
        assert eventually(lambda: len(list((out / "trials").glob("*.npz"))) >= 2)
        [slow_api] = [p for p in harness.family() if "loadtests.servers.slow_api" in p.cmdline()]
        slow_api.kill()
        status, _, errors = harness.finish()
    assert status == 0, errors
    manifest = json.loads((out / "run.json").read_text())
    assert any("the slow API died" in event["message"] for event in manifest["events"])
    assert all(not cell["collapsed"] for cell in summary(out)["cells"])


@pytest.mark.slow
def test_a_driver_that_is_stopped_is_replaced_and_the_cell_measured_again(tmp_path: Path) -> None:
    out = tmp_path / "run"
    options = (f"--a={WAITS}", f"--b={WAITS}", "--blocks=1", "--time=1.5", "--no-control", f"--out={out}")
    with started("run", "GET /x", "GET /y", "--users=2", *options) as harness:
        assert eventually(lambda: len(list((out / "trials").glob("*.npz"))) >= 2)
        drivers = [p for p in harness.family() if "loadtests.drivers.load_generator" in p.cmdline()]
        for driver in drivers:
            driver.suspend()
        status, _, errors = harness.finish()
    assert status == 0, errors
    manifest = json.loads((out / "run.json").read_text())
    assert any("load driver hung: it gave no sign of life for 10 s" in e["message"] for e in manifest["events"])
    assert "it gave no sign of life" in (out / "report.html").read_text()
    assert len(list((out / "trials").iterdir())) == 4


@pytest.mark.slow
def test_a_driver_that_dies_is_replaced_and_the_cell_measured_again(tmp_path: Path) -> None:
    out = tmp_path / "run"
    options = (f"--a={WAITS}", f"--b={WAITS}", "--users=4,8", "--blocks=2", "--time=1", "--no-control", f"--out={out}")
    with started("run", "GET /x", *options) as harness:
        assert eventually(lambda: len(list((out / "trials").glob("*.npz"))) >= 2)
        [driver] = [p for p in harness.family() if "loadtests.drivers.load_generator" in p.cmdline()]
        driver.kill()
        status, _, errors = harness.finish()
    assert status == 0, errors
    manifest = json.loads((out / "run.json").read_text())
    assert any("load driver died" in event["message"] for event in manifest["events"])
    assert len(list((out / "trials").iterdir())) == 8


def test_a_port_that_is_taken_is_named(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        status, _, errors = bench_here(
            "run", "GET /x", f"--a={FINE}", f"--b={FINE},port={port}", f"--out={tmp_path / 'r'}"
        )
    assert status == 3
    assert f"could not be started: port {port} is already taken" in errors


@pytest.mark.slow
def test_the_tutorials_code_as_written_stops_answering_at_128_users(tmp_path: Path) -> None:
    """40 threads wait for 15 connections whose holders wait for a thread."""
    out = tmp_path / "run"
    options = ("--a=sync,session_limit=none", "--b=sync", "--blocks=1", "--time=0.3", "--no-control", f"--out={out}")
    status, _, errors = bench_here("run", "query", "noop", "--users=128", *options)
    assert status == 0, errors
    found = throughput(out)
    assert "collapsed:a" in found["query", 128]["flags"]
    assert "nothing was answered" in found["query", 128]["explanation"]
    assert "a deadlock of threads and connections" in (out / "report.html").read_text()
    assert found["noop", 128]["a"]["value"] > 0
