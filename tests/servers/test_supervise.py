"""What a side's command starts ends with the harness, however that ends."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil

from loadtests.system.processes import Child

LIMIT_S = 10.0
SLEEP = "import os, sys, time; print(os.getpid(), flush=True); time.sleep(600)"


def eventually(true: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + LIMIT_S
    while not true() and time.monotonic() < deadline:
        time.sleep(0.05)
    return true()


def ended(pid: int) -> bool:
    return not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


def supervised(tmp_path: Path, *command: str) -> Child:
    arguments = [str(tmp_path), "", *command]
    return Child("loadtests.servers.supervise", arguments, log=tmp_path / "log", isolated=True)


def pid_in(log: Path) -> int:
    assert eventually(lambda: log.exists() and log.read_text().strip().isdigit())
    return int(log.read_text())


def test_the_commands_exit_status_and_words_are_told(tmp_path: Path) -> None:
    with supervised(tmp_path, sys.executable, "-c", "import sys; sys.exit('out of luck')") as child:
        assert child.process.wait(LIMIT_S) == 1
        assert child.last_words() == "out of luck"


def test_it_runs_in_its_folder_with_its_variables(tmp_path: Path) -> None:
    code = "import os; print(os.getcwd(), os.environ['PYTHONPATH'])"
    arguments = [str(tmp_path), "", sys.executable, "-c", code]
    environment = {"PYTHONPATH": "theirs"}
    with Child(
        "loadtests.servers.supervise", arguments, log=tmp_path / "log", environment=environment, isolated=True
    ) as child:
        child.process.wait(LIMIT_S)
        assert child.last_words() == f"{tmp_path} theirs"


def test_a_command_that_is_not_there_is_named(tmp_path: Path) -> None:
    with supervised(tmp_path, "no_such_program") as child:
        assert child.process.wait(LIMIT_S) != 0
        assert "no_such_program can't be started" in child.last_words()


def test_it_is_asked_to_end_before_it_is_killed(tmp_path: Path) -> None:
    code = (
        "import signal, sys, time; signal.signal(15, lambda *_: sys.exit('well')); print(1, flush=1); time.sleep(600)"
    )
    with supervised(tmp_path, sys.executable, "-c", code) as child:
        pid_in(tmp_path / "log")
        child.stop()
    assert child.last_words() == "well"


def test_it_ends_with_the_process_that_is_killed_above_it(tmp_path: Path) -> None:
    with supervised(tmp_path, sys.executable, "-c", SLEEP) as child:
        pid = pid_in(tmp_path / "log")
        os.kill(child.pid, signal.SIGKILL)
        assert eventually(lambda: ended(pid))


def test_it_ends_with_the_harness_even_if_that_is_killed_while_it_is_stopped(tmp_path: Path) -> None:
    code = (
        "import pathlib, sys, time\n"
        "from loadtests.system.processes import Child\n"
        f"child = Child('loadtests.servers.supervise', [{str(tmp_path)!r}, '', sys.executable, '-c', {SLEEP!r}],"
        f" log=pathlib.Path({str(tmp_path / 'log')!r}), isolated=True)\n"
        "time.sleep(600)\n"
    )
    with subprocess.Popen([sys.executable, "-c", code]) as owner:
        pid = pid_in(tmp_path / "log")
        group = os.getpgid(pid)
        os.killpg(group, signal.SIGSTOP)
        owner.kill()
        owner.wait()
    assert eventually(lambda: ended(pid))
