"""The live lab with real servers: what is changed takes effect, what dies is noticed, and nothing is left behind."""

import signal
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from socket import socket
from typing import Any

import psutil
import pytest

from tests.e2e.harness import bench_here, eventually
from tests.e2e.lab_client import State, Viewer, lab

slow = pytest.mark.slow
IDLE: dict[str, Any] = {"scenario": "external_api", "users": 4, "wait_ms": 50}
"""Settings under which the servers wait most of the time: what is loaded all the time takes the whole machine."""


@pytest.fixture(scope="module")
def viewer() -> Iterator[Viewer]:
    with lab() as found:
        yield found


def servers(viewer: Viewer, build: str = "sync_app") -> list[psutil.Process]:
    """Return the processes that serve a build."""
    app = f'"{build}.main:app"'
    return [each for each in viewer.harness.family() if app in " ".join(each.cmdline()) and "-P" not in each.cmdline()]


def is_running(state: State, label: str = "a") -> bool:
    lane = state["lanes"][label]
    return bool(lane["status"] == "running" and lane["now"]["rps"])


@slow
def test_a_change_of_load_takes_effect_without_a_restart(viewer: Viewer) -> None:
    viewer.settles(scenario="mixed", users=4, wait_ms=20, cpu_ms=0)
    before = servers(viewer)
    state = viewer.settles(users=12, wait_ms=50)
    assert state["command"] == "bench run 'mixed[cpu_ms=0]' --users=12"
    assert {lane["now"]["in_flight"] for lane in state["lanes"].values()} <= {12, None}
    assert [each.pid for each in servers(viewer)] == [each.pid for each in before]
    assert 0 < state["lanes"]["a"]["now"]["rps"] <= 12 / 0.05
    assert state["lanes"]["a"]["ceiling"]["text"].startswith("40 threads ÷")


@slow
def test_a_setting_of_a_server_restarts_that_server_alone(viewer: Viewer) -> None:
    viewer.settles(scenario="external_api", users=8, wait_ms=50)
    other = [each.pid for each in servers(viewer, "async_app")]
    state = viewer.settles(threads=3)
    assert [each.pid for each in servers(viewer, "async_app")] == other
    assert state["command"] == "bench run external_api --users=8 --a sync,thread_limit=3"
    state = viewer.wait_for(lambda state: "3 threads (" in state["sentence"])
    assert state["lanes"]["a"]["now"]["rps"] < state["lanes"]["b"]["now"]["rps"]
    viewer.settles(threads=40)


@slow
def test_the_deadlock_preset_stops_sync_and_says_why(viewer: Viewer) -> None:
    viewer.settles(**IDLE)
    viewer.post("/preset", name="deadlock")
    state = viewer.wait_for(lambda state: state["lanes"]["a"]["status"] == "down")
    assert state["preset"]["hidden"] is True
    viewer.post("/reveal", guess="b")
    state = viewer.wait_for(lambda state: state["preset"] and state["preset"]["outcome"])
    assert state["preset"]["answer"] == "a"
    assert state["preset"]["guess"] == "b"
    assert "all 40 threads wait for a database connection" in state["preset"]["outcome"]
    assert state["lanes"]["a"]["where"]["waiting_for_connection"] > 30
    assert state["lanes"]["b"]["status"] == "running"
    viewer.settles(**IDLE, session_limit=15)


@slow
def test_the_blocked_loop_preset_ruins_async(viewer: Viewer) -> None:
    viewer.post("/preset", name="blocked-loop")
    viewer.post("/reveal", guess="fewer")
    state = viewer.wait_for(lambda state: state["preset"] and state["preset"]["outcome"])
    assert state["preset"]["answer"] == "fewer"
    assert "the event loop of async is blocked" in state["preset"]["outcome"]
    assert state["lanes"]["b"]["ceiling"]["rps"] == 50.0


@pytest.mark.quiet
def test_at_41_users_the_line_of_sync_bends(viewer: Viewer) -> None:
    viewer.post("/preset", name="41-users")
    viewer.post("/reveal", guess="a")
    state = viewer.wait_for(lambda state: state["preset"] and state["preset"]["outcome"])
    assert state["preset"]["answer"] == "a", state["preset"]["outcome"]
    assert state["settings"]["users"] == 80


@slow
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP])
def test_a_server_that_is_killed_or_stopped_is_noticed_and_can_be_restarted(
    viewer: Viewer, number: signal.Signals
) -> None:
    viewer.settles(**IDLE, threads=40, connections=15, session_limit=15)
    for process in servers(viewer):
        process.send_signal(number)
    state = viewer.wait_for(lambda state: state["lanes"]["a"]["status"] == "down")
    assert "sync" in state["lanes"]["a"]["status_text"]
    state = viewer.wait_for(lambda state: is_running(state, "b"))
    assert "sync" in state["sentence"]
    viewer.post("/restart", lane="a")
    viewer.wait_for(is_running)


@slow
def test_a_load_process_that_is_killed_is_replaced(viewer: Viewer) -> None:
    viewer.settles(**IDLE)
    for process in viewer.harness.family():
        if "loadtests.lab.load_process" in process.cmdline():
            process.kill()
    viewer.wait_for(lambda state: any("was replaced" in reason for reason in state["trust"]["reasons"]))
    viewer.wait_for(lambda state: is_running(state, "a") and is_running(state, "b"))


@slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGHUP])
def test_a_signal_ends_everything(number: signal.Signals) -> None:
    with lab() as viewer:
        viewer.wait_for(lambda state: is_running(state, "a") or is_running(state, "b"))
        viewer.harness.process.send_signal(number)
        status, _, errors = viewer.harness.finish()
        left = viewer.harness.family()
    assert left == []
    assert status == 130
    assert errors.strip() == f"bench: interrupted by {number.name}"


@slow
def test_a_signal_while_servers_start_ends_everything() -> None:
    with lab() as viewer:
        viewer.harness.process.send_signal(signal.SIGTERM)
        status, _, _ = viewer.harness.finish()
        assert viewer.harness.family() == []
    assert status == 130


@slow
def test_nothing_outlives_a_lab_that_is_killed() -> None:
    with lab() as viewer:
        viewer.wait_for(lambda state: is_running(state, "a"))
        viewer.harness.process.kill()
        assert eventually(lambda: not viewer.harness.family())


APP = """
from fastapi import FastAPI

app = FastAPI()


@app.post("/orders")
def order(order: dict[str, int]) -> dict[str, int]:
    return order
"""


@slow
def test_an_app_of_ones_own_is_a_lane(tmp_path: Path) -> None:
    (tmp_path / "main.py").write_text(APP)
    side = f"main:app,dir={tmp_path}"
    with lab("--a", side, "--b", f"{side},loop=asyncio", "POST /orders", '--json={"n": 1}') as viewer:
        state = viewer.settles(users=3)
        assert viewer.hello["presets"] == []
        assert "def order" in viewer.hello["scenarios"][0]["code"]["a"]
        assert "only the blog" in next(
            each["why_not"] for each in viewer.hello["controls"] if each["name"] == "threads"
        )
        assert state["command"].startswith("bench run 'POST /orders' '--json={\"n\": 1}' --users=3 --a main:app,dir=")
        assert state["lanes"]["a"]["now"]["errors_per_s"] == 0
        refused = viewer.http.post("/settings", json={"threads": 3})
        assert refused.status_code == 422
        assert "only the blog has this setting" in refused.text


def test_what_can_not_be_is_said_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "main.py").write_text(APP)
    own = f"main:app,dir={tmp_path}"
    status, _, errors = bench_here("lab", f"--a={own}", f"--b={own}")
    assert (status, errors.count("\n")) == (2, 1)
    assert errors.startswith("bench: name a request for your app")
    status, _, errors = bench_here("lab", "reader")
    assert status == 2
    assert "journey" in errors
    with closing(socket()) as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        status, _, errors = bench_here("lab", f"--port={taken.getsockname()[1]}")
    assert status == 2
    assert "is already taken by another process" in errors
