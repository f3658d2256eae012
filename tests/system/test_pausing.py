"""What is stopped does nothing until it is continued, and is never left stopped."""

import contextlib
import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from loadtests.system.pausing import continue_groups, stop_groups
from loadtests.system.processes import Child
from loadtests.system.resources import read_cpu
from tests.system.test_processes import eventually, gone

BUSY = """
import pathlib, subprocess, sys, threading
from loadtests.system.processes import exit_with_parent
exit_with_parent()
child = subprocess.Popen([sys.executable, "-c", "while True: pass"])
pathlib.Path(sys.argv[1]).write_text(str(child.pid))
while True: pass
"""


@pytest.fixture
def busy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A module that computes for ever, as does a child of its own, whose process id it writes to ``grandchild``."""
    (tmp_path / "busy.py").write_text(textwrap.dedent(BUSY))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path), str(Path.cwd())]))
    yield "busy"
    said = tmp_path / "grandchild"
    if said.exists() and said.read_text():
        with contextlib.suppress(ProcessLookupError):  # a test that fails must not leave it computing
            os.kill(int(said.read_text()), signal.SIGKILL)


def stopped(pid: int) -> bool:
    return psutil.Process(pid).status() == psutil.STATUS_STOPPED


def test_a_whole_group_stops_and_goes_on(busy: str, tmp_path: Path) -> None:
    said = tmp_path / "grandchild"
    with Child(busy, [str(said)], log=tmp_path / "log") as child:
        assert eventually(lambda: said.exists() and said.read_text() != "")
        pids, groups = [child.pid, int(said.read_text())], child.groups()
        stop_groups(groups)
        assert eventually(lambda: all(map(stopped, pids)))
        before = read_cpu(pids)
        time.sleep(0.1)
        assert read_cpu(pids) < before + 0.01  # what it did before may be counted a moment later
        continue_groups(groups)
        assert eventually(lambda: read_cpu(pids) > before)
        stop_groups(groups)
    assert eventually(lambda: all(map(gone, pids)))


def test_a_group_that_is_gone_is_passed_over() -> None:
    stop_groups([2**22 + 1])
    continue_groups([2**22 + 1])


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a process of its parent's death")
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_who_was_stopped_by_an_owner_that_is_killed_ends_all_the_same(
    busy: str, tmp_path: Path, how: signal.Signals
) -> None:
    said, pid = tmp_path / "grandchild", tmp_path / "child"
    code = (
        "import pathlib, time\n"
        "from loadtests.system.pausing import stop_groups\n"
        "from loadtests.system.processes import Child\n"
        f"child = Child({busy!r}, [{str(said)!r}], log=pathlib.Path({str(tmp_path / 'log')!r}))\n"
        f"said = pathlib.Path({str(said)!r})\n"
        "while not (said.exists() and said.read_text()): time.sleep(0.02)\n"
        "stop_groups(child.groups())\n"
        f"pathlib.Path({str(pid)!r}).write_text(str(child.pid))\n"
        "time.sleep(600)"
    )
    with subprocess.Popen([sys.executable, "-c", code]) as owner:
        try:
            assert eventually(lambda: pid.exists() and pid.read_text() != "")
            assert eventually(lambda: stopped(int(pid.read_text())))
        finally:
            owner.send_signal(how)
    assert eventually(lambda: gone(int(pid.read_text())))
    assert eventually(lambda: gone(int(said.read_text())))
