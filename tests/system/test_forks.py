"""Forks are a matter of time alone: with them, without them, and where they fail, the results are the same."""

import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from functools import partial

import pytest

from loadtests.system import forks
from loadtests.system.forks import Fork, call_all
from tests.system.test_processes import eventually, gone

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="forks are made on Linux alone")
OWNER = """
import os, signal, time
from loadtests.system import forks
from loadtests.system.errors import signals_as_exceptions

def wait():
    print(os.getpid(), flush=True)
    time.sleep(600)

forks.cores_to_fork_on = lambda: 2
with signals_as_exceptions(), forks.Fork(wait) as fork:
    fork.result()
"""


@pytest.fixture(params=[1, 2, 8], ids=["no forks", "one other core", "many cores"])
def cores(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    count: int = request.param
    monkeypatch.setattr(forks, "cores_to_fork_on", lambda: count)
    return count


def fail() -> int:
    raise ValueError(f"in process {os.getpid()}")


def die_unless(owner: int) -> str:
    if os.getpid() != owner:
        os.kill(os.getpid(), signal.SIGKILL)
    return "called by the owner"


def test_a_function_is_called_in_another_process_where_there_is_a_core_for_it(cores: int) -> None:
    with Fork(os.getpid) as fork:
        assert (fork.result() != os.getpid()) is (cores > 1)


def test_a_failure_is_raised_where_the_result_is_asked_for(cores: int) -> None:
    with Fork(fail) as fork, pytest.raises(ValueError, match=f"in process {os.getpid()}"):
        fork.result()


def test_where_a_fork_is_killed_its_owner_does_the_work(cores: int) -> None:
    with Fork(partial(die_unless, os.getpid())) as fork:
        assert fork.result() == "called by the owner"


def test_a_result_that_cannot_be_sent_is_made_by_the_owner(cores: int) -> None:
    made: Callable[[], int] = Fork(lambda: lambda: 7).result()
    assert made() == 7


def test_a_fork_whose_result_nobody_wants_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forks, "cores_to_fork_on", lambda: 2)
    reading, writing = os.pipe()

    def wait() -> None:
        os.write(writing, str(os.getpid()).encode())
        time.sleep(600)

    with Fork(wait):
        pid = int(os.read(reading, 20))
        assert not gone(pid)
    assert gone(pid)
    os.close(reading)
    os.close(writing)


def test_one_waits_for_a_fork_only_so_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forks, "cores_to_fork_on", lambda: 2)
    monkeypatch.setattr(forks, "LIMIT_S", 0.05)
    owner = os.getpid()
    with Fork(lambda: time.sleep(600) if os.getpid() != owner else None) as fork:
        assert fork.result() is None


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM])
def test_no_fork_outlives_its_owner(number: signal.Signals) -> None:
    command = [sys.executable, "-c", textwrap.dedent(OWNER)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as owner:
        assert owner.stdout is not None
        assert owner.stderr is not None
        fork = int(owner.stdout.readline())
        owner.send_signal(number)
        owner.wait(20)
        assert eventually(lambda: gone(fork))
        assert owner.stderr.read().count("Traceback") == (number != signal.SIGKILL)  # the owner's alone


@pytest.mark.parametrize("count", [0, 1, 7, 300])
def test_all_results_come_in_the_order_of_their_functions(cores: int, count: int) -> None:
    assert call_all([partial(pow, number, 2) for number in range(count)]) == [number**2 for number in range(count)]


def test_all_cores_are_used(cores: int) -> None:
    def slow() -> int:
        time.sleep(0.2)  # all have begun by then, also on a busy machine
        return os.getpid()

    assert len(set(call_all([slow] * 20))) == min(cores, forks.MOST)


def test_one_failure_among_many_is_raised(cores: int) -> None:
    good: list[Callable[[], int]] = [partial(pow, 2, 2)] * 5
    with pytest.raises(ValueError, match=f"in process {os.getpid()}"):
        call_all([*good, fail, *good])


def test_where_forks_are_killed_nothing_is_missing(cores: int) -> None:
    assert call_all([partial(die_unless, os.getpid())] * 9) == ["called by the owner"] * 9


def test_a_process_with_threads_is_not_forked() -> None:
    program = (
        "import threading, loadtests.system.forks as f; stop = threading.Event();"
        "threading.Thread(target=stop.wait).start(); print(f.cores_to_fork_on()); stop.set()"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["1"]
