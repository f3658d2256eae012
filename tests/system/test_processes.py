import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import textwrap
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest

from loadtests.system import processes
from loadtests.system.processes import Child, child_environment
from loadtests.system.resources import free_port

LIMIT_S = 20.0


def eventually(true: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + LIMIT_S
    while time.monotonic() < deadline:
        if true():
            return True
        time.sleep(0.02)
    return False


def accepts(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def gone(pid: int) -> bool:
    return not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


@pytest.fixture
def stubborn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A module that ignores SIGTERM, starts a child of its own and says so."""
    (tmp_path / "stubborn.py").write_text(
        textwrap.dedent("""
        import pathlib, signal, subprocess, sys, time
        from loadtests.system.processes import exit_with_parent
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        exit_with_parent()
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
        pathlib.Path(sys.argv[1]).write_text(str(child.pid))
        time.sleep(600)
        """)
    )
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path), str(Path.cwd())]))
    return "stubborn"


def test_a_child_that_ignores_everything_is_killed_with_all_it_started(stubborn: str, tmp_path: Path) -> None:
    said = tmp_path / "grandchild"
    with Child(stubborn, [str(said)], log=tmp_path / "log") as child:
        assert eventually(lambda: said.exists() and said.read_text() != "")
        grandchild = int(said.read_text())
        child.stop(grace_s=0.1)
    assert not child.alive
    assert eventually(lambda: gone(grandchild))


def test_a_child_whose_owner_was_killed_ends_by_itself(stubborn: str, tmp_path: Path) -> None:
    said, pid = tmp_path / "grandchild", tmp_path / "child"
    owner = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import pathlib, sys, time\n"
            "from loadtests.system.processes import Child\n"
            f"child = Child({stubborn!r}, [{str(said)!r}], log=pathlib.Path({str(tmp_path / 'log')!r}))\n"
            f"pathlib.Path({str(pid)!r}).write_text(str(child.pid))\n"
            "time.sleep(600)",
        ]
    )
    try:
        assert eventually(lambda: said.exists() and said.read_text() != "")
    finally:
        owner.send_signal(signal.SIGKILL)
        owner.wait()
    assert eventually(lambda: gone(int(pid.read_text())))
    assert eventually(lambda: gone(int(said.read_text())))


@pytest.fixture
def estranged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A module whose child begins a session of its own, with standard input of its own, as a daemon would."""
    (tmp_path / "estranged.py").write_text(
        textwrap.dedent("""
        import pathlib, subprocess, sys, time
        from loadtests.system.processes import exit_with_parent
        exit_with_parent()
        child = subprocess.Popen(
            [sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True, stdin=subprocess.DEVNULL
        )
        pathlib.Path(sys.argv[1]).write_text(str(child.pid))
        time.sleep(600)
        """)
    )
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path), str(Path.cwd())]))
    return "estranged"


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux shows the environment of every process")
def test_a_grandchild_in_a_session_of_its_own_ends_with_its_parent(estranged: str, tmp_path: Path) -> None:
    said = tmp_path / "grandchild"
    with Child(estranged, [str(said)], log=tmp_path / "log"):
        assert eventually(lambda: said.exists() and said.read_text() != "")
    assert eventually(lambda: gone(int(said.read_text())))


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux shows the environment of every process")
def test_a_grandchild_in_a_session_of_its_own_ends_when_the_owner_is_killed(estranged: str, tmp_path: Path) -> None:
    said = tmp_path / "grandchild"
    code = (
        "import pathlib, time\n"
        "from loadtests.system.processes import Child\n"
        f"Child({estranged!r}, [{str(said)!r}], log=pathlib.Path({str(tmp_path / 'log')!r}))\n"
        "time.sleep(600)"
    )
    with subprocess.Popen([sys.executable, "-c", code]) as owner:
        try:
            assert eventually(lambda: said.exists() and said.read_text() != "")
        finally:
            owner.kill()
    assert eventually(lambda: gone(int(said.read_text())))


def test_who_had_no_space_to_say_anything_is_spoken_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Child("keyword", [], log=tmp_path / "log") as child:
        child.process.wait(LIMIT_S)
        assert child.last_words() == ""
        monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=0))
        assert child.last_words() == f"no space is left for {tmp_path}"


def test_last_words_are_the_last_line_it_logged(tmp_path: Path) -> None:
    with Child("no_such_module", [], log=tmp_path / "log") as child:
        assert eventually(lambda: not child.alive)
        assert "No module named no_such_module" in child.last_words()


@pytest.mark.parametrize("module", ["loadtests.servers.slow_api", "loadtests.servers.null_server"])
def test_what_is_started_by_hand_goes_on_without_standard_input(module: str) -> None:
    port = free_port()
    command = [sys.executable, "-m", module, f"--port={port}"]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, start_new_session=True) as by_hand:
        try:
            assert eventually(lambda: accepts(port))
            time.sleep(0.3)  # long enough to read the end of its input
            assert by_hand.poll() is None
        finally:
            by_hand.send_signal(signal.SIGINT)
        by_hand.wait(10)


def test_variables_that_are_hidden_reach_no_child_and_stay_with_the_owner(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BLOG_POOL_SIZE", "3")
    found = child_environment(tmp_path, {"BLOG_LOADING": "lazy"}, hidden="BLOG_")
    assert "BLOG_POOL_SIZE" not in found
    assert found["BLOG_LOADING"] == "lazy"
    assert os.environ["BLOG_POOL_SIZE"] == "3"
    assert child_environment(tmp_path, {})["BLOG_POOL_SIZE"] == "3"


def test_compiled_modules_are_kept_for_all_children_and_never_where_other_users_can_write(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    work = tmp_path / "bench-lab-1"
    assert child_environment(work / "load", {})["PYTHONPYCACHEPREFIX"] == str(work / "pycache")
    assert child_environment(work, {})["PYTHONPYCACHEPREFIX"] == str(work / "pycache")


def test_the_exception_of_the_last_traceback_is_found(tmp_path: Path) -> None:
    said = [
        "Traceback (most recent call last):",
        "KeyError: 'an earlier one'",
        "Traceback (most recent call last):",
        '  File "main.py", line 7, in posts',
        "    return s.execute(query).scalars()",
        "AttributeError: 'coroutine' object has no attribute 'scalars'",
        "main.py:7: RuntimeWarning: coroutine 'AsyncSession.execute' was never awaited",
        "  return s.execute(query).scalars()",
        "RuntimeWarning: Enable tracemalloc to get the object allocation traceback",
        "",
    ]
    with Child("no_such_module", [], log=tmp_path / "log") as child:
        child.process.wait(10)
        (tmp_path / "log").write_text("\n".join(said))
        assert child.last_exception().startswith("AttributeError: 'coroutine' object has no attribute 'scalars'")


def test_a_log_that_has_grown_too_long_is_emptied_and_what_follows_is_kept(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with Child("no_such_module", [], log=log) as child:
        child.process.wait(10)
        log.write_text("asked\n" * 100)
        child.limit_log(600)
        assert log.stat().st_size == 600
        child.limit_log(599)
        assert log.stat().st_size == 0
        with log.open("a") as more:
            more.write("KeyError: 'tea'\n")
        assert child.last_words() == "KeyError: 'tea'"


def test_only_the_end_of_a_long_log_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "LAST_BYTES", 40)
    with Child("no_such_module", [], log=tmp_path / "log") as child:
        child.process.wait(10)
        (tmp_path / "log").write_text("asked\n" * 100 + "KeyError: 'tea'\n(Background on this\n")
        assert child.last_words() == "KeyError: 'tea'"
        (tmp_path / "log").write_text("KeyError: 'tea'\n" + " " * 100 + "\n")
        assert child.last_words() == ""
