"""Load machines, in place of which are workers on this one: what ends a run, and what they say of it.

How they are lost, and come back, on hosts of their own is tried in ``tests/distributed``.
"""

import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from loadtests.records.run_folder import RunFolder
from loadtests.system.resources import free_port
from tests.e2e.harness import Harness, bench, eventually, started
from tests.owned import owned

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]
RUN_LIMIT_S = 240.0
"""A whole run with its report, while five interpreters start at once: on two busy cores a minute is not enough."""
OTHER_CODE = """
from loadtests.drivers import distributed_messages
distributed_messages.code_fingerprint = lambda: "other"
import sys
sys.argv[1:] = {arguments}
from loadtests.drivers.locust_worker_process import main
main()
"""


@pytest.fixture(scope="module")
def side() -> Iterator[str]:
    """A server that runs already."""
    port = free_port()
    command = [sys.executable, "-m", "uvicorn", "tests.e2e.faulty:fine", f"--port={port}", "--log-level=error"]
    with subprocess.Popen(owned(command)) as server:
        try:
            yield f"http://127.0.0.1:{port}"
        finally:
            server.terminate()


@pytest.fixture
def place() -> str:
    return f"127.0.0.1:{free_port()}"


def asked(side: str, place: str, out: Path, machines: int = 1, *, blocks: int = 1) -> list[str]:
    load = ("--driver=locust", f"--machines={machines}", f"--bind={place}", "--users=4")
    return ["run", "GET /", f"--a={side}", f"--b={side}", *load, f"--blocks={blocks}", "--time=1", f"--out={out}"]


def ended(worker: Harness, limit_s: float = 60.0) -> tuple[int, str]:
    status, output, errors = worker.finish(limit_s)
    return status, (output + errors).splitlines()[-1]


def test_two_workers_send_a_run_and_end_with_it(side: str, place: str, tmp_path: Path) -> None:
    with ExitStack() as stack:
        workers = [stack.enter_context(started("worker", place, f"--name={name}")) for name in ("north", "south")]
        status, output, errors = bench(*asked(side, place, tmp_path / "run", 2), limit_s=RUN_LIMIT_S)
        assert status == 0, errors
        assert f"waiting for 2 load machines; on each: bench worker {place}" in output
        assert [ended(worker) for worker in workers] == [(0, "the run is over")] * 2
    folder = RunFolder(tmp_path / "run")
    assert [each.name for each in folder.read_manifest().load_machines] == ["north", "south"]
    assert all(
        sum(part.requests for part in recording.machines) == len(recording.samples) > 0
        for _, recording in folder.read_trials()
    )
    assert "Load machines" in (folder.path / "report.html").read_text()


def test_a_run_whose_last_worker_is_killed_ends_and_keeps_what_it_has(side: str, place: str, tmp_path: Path) -> None:
    out = tmp_path / "run"
    with started("worker", place) as worker, started(*asked(side, place, out, blocks=50)) as run:
        assert eventually(lambda: len([*(out / "trials").glob("*.npz")]) >= 4)
        worker.process.kill()
        status, _, errors = run.finish()
        assert status == 3
        assert "no load machine is connected any more, and none came back within 30 s" in errors
        assert f"bench run --resume {out}" in errors
        assert len([*RunFolder(out).read_trials()]) >= 4


def test_an_interrupted_run_ends_its_workers(side: str, place: str, tmp_path: Path) -> None:
    out = tmp_path / "run"
    with started("worker", place) as worker, started(*asked(side, place, out, blocks=50)) as run:
        assert eventually(lambda: any((out / "trials").glob("*.npz")))
        run.process.send_signal(signal.SIGINT)
        assert run.finish()[0] == 130
        assert ended(worker) == (0, "the run is over")


def test_a_run_that_is_killed_ends_its_workers(side: str, place: str, tmp_path: Path) -> None:
    out = tmp_path / "run"
    with started("worker", place) as worker, started(*asked(side, place, out, blocks=50)) as run:
        assert eventually(lambda: any((out / "trials").glob("*.npz")))
        run.process.kill()
        assert ended(worker) == (0, "the run is over")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP], ids=lambda each: each.name)
def test_a_worker_that_waits_ends_with_any_signal(number: signal.Signals, place: str) -> None:
    with started("worker", place) as worker:
        assert worker.process.stdout is not None
        assert worker.process.stdout.readline() == f"waiting for a master at {place}; Ctrl-C ends this worker\n"
        worker.process.send_signal(number)
        assert worker.finish() == (130, "", "")


def test_a_worker_that_does_not_know_its_masters_name_says_so() -> None:
    status, _, errors = bench("worker", "nowhere.invalid")
    assert status == 2
    assert errors.startswith("bench: nowhere.invalid: this machine does not know that name (")
    assert errors.endswith("write the address that the run has after --bind\n")


def test_a_worker_at_a_master_that_is_no_runs_says_so(place: str, tmp_path: Path) -> None:
    host, port = place.split(":")
    (tmp_path / "some.py").write_text("from locust import User\nclass Some(User):\n    pass\n")
    command = [sys.executable, "-m", "locust", "--master", "--headless", "--expect-workers=2"]
    command += [f"--locustfile={tmp_path / 'some.py'}", f"--master-bind-host={host}", f"--master-bind-port={port}"]
    with subprocess.Popen(owned(command), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as master:
        try:
            status, _, errors = bench("worker", place)
        finally:
            master.terminate()
    assert status == 3
    assert f"what answers at {place} is a master of Locust's, but none of bench run" in errors


def test_a_worker_of_another_version_is_refused_and_told_why(side: str, place: str, tmp_path: Path) -> None:
    host, port = place.split(":")
    with started(*asked(side, place, tmp_path / "run")) as run:
        command = [sys.executable, "-c", OTHER_CODE.format(arguments=[host, port])]
        worker = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        assert worker.returncode == 3
        assert f"the master at {place} does not take this machine: it runs another version of this" in worker.stderr
        assert run.process.poll() is None  # it waits for one that it can take


def test_a_master_that_cannot_listen_says_so(side: str, place: str, tmp_path: Path) -> None:
    host, port = place.split(":")
    with socket.create_server((host, int(port))):
        status, _, errors = bench(*asked(side, place, tmp_path / "run"))
    assert status == 3
    assert f"it can't listen at {place} (Address already in use" in errors
    assert "give --bind a free port, or an address of this machine" in errors
