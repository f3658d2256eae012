import threading
from pathlib import Path
from typing import Any

import pytest

from loadtests.experiment.side_parser import parse_side
from loadtests.lab import lane_server
from loadtests.lab.lane_server import LaneServer
from loadtests.servers.server import ServerFailed
from loadtests.system.cores import Cores
from loadtests.system.errors import Interrupted
from tests.e2e.harness import eventually


def start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException) -> LaneServer:
    def failing(*_: Any, **__: Any) -> None:
        raise error

    monkeypatch.setattr(lane_server, "Server", failing)
    lane = LaneServer("a", parse_side("sync"), upstream_url="", cores=Cores((), ()), work=tmp_path)
    lane.start(lane.side)
    assert eventually(lambda: not lane.is_starting)
    return lane


def test_a_server_that_does_not_start_is_down_and_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lane = start(tmp_path, monkeypatch, ServerFailed("exited with status 1 before it was ready"))
    assert lane.down == "sync exited with status 1 before it was ready"
    assert not lane.is_running
    assert lane.failure is None


def test_a_signal_that_arrives_in_the_thread_of_a_start_is_kept_for_the_main_thread(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    interrupted = Interrupted("interrupted by SIGTERM")
    lane = start(tmp_path, monkeypatch, interrupted)
    assert lane.failure is interrupted
    assert not lane.is_running


def test_a_lane_that_was_stopped_starts_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lane_server, "Server", None)
    lane = LaneServer("a", parse_side("sync"), upstream_url="", cores=Cores((), ()), work=tmp_path)
    lane.stop()
    lane.start(lane.side)
    assert eventually(lambda: not lane.is_starting)
    assert (lane.down, lane.failure, lane.is_running) == ("", None, False)


def test_a_server_that_comes_up_after_the_lane_was_stopped_is_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, goes_on, ended = threading.Event(), threading.Event(), threading.Event()

    class SlowToSetUp:
        def __init__(self, *_: Any, **__: Any) -> None:
            begun.set()
            goes_on.wait()

        def stop(self) -> None:
            ended.set()

    monkeypatch.setattr(lane_server, "Server", SlowToSetUp)
    monkeypatch.setattr(lane_server, "JOIN_S", 0.01)
    lane = LaneServer("a", parse_side("sync"), upstream_url="", cores=Cores((), ()), work=tmp_path)
    lane.start(lane.side)
    assert begun.wait(10)
    lane.stop()
    assert not ended.is_set()
    goes_on.set()
    assert eventually(lambda: not lane.is_starting)
    assert ended.is_set()


def test_a_log_that_grows_long_is_cut_and_written_to_as_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Talkative:
        def __init__(self, *_: Any, log: Path, **__: Any) -> None:
            self.sink = log.open("ab", buffering=0)

        def wait_until_ready(self, limit_s: float) -> None:
            self.sink.write(b"ready\n")

        def exit_status(self) -> None:
            pass

        def stop(self) -> None:
            self.sink.close()

    monkeypatch.setattr(lane_server, "Server", Talkative)
    monkeypatch.setattr(lane_server, "LONGEST_LOG", 100)
    lane = LaneServer("a", parse_side("sync"), upstream_url="", cores=Cores((), ()), work=tmp_path)
    lane.start(lane.side)
    assert eventually(lambda: not lane.is_starting)
    assert (lane.down, lane.failure) == ("", None)
    log, server = tmp_path / "a-1" / "log", lane._server
    assert server is not None
    lane.poll()
    assert log.read_bytes() == b"ready\n"
    with log.open("ab") as sink:
        sink.write(b"x" * 200)
    lane.poll()
    assert log.read_bytes() == b""
    server.sink.write(b"more\n")  # type: ignore[attr-defined]
    assert log.read_bytes() == b"more\n"
    lane.stop()
