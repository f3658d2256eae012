"""An agent tells figures over HTTP, and nothing else."""

import socket
import subprocess
import sys
import time
from contextlib import ExitStack
from http.client import HTTPConnection
from pathlib import Path

import numpy as np
import pytest

from loadtests.experiment.side_parser import parse_side
from loadtests.inside.rows import SUFFIX
from loadtests.records.samples import ROW
from loadtests.servers.agent import MOST_CONNECTIONS, Agent, about, told_of
from loadtests.servers.agent_client import NoAgent
from loadtests.servers.agent_figures import cpu_used
from loadtests.servers.agent_readings import AgentReadings, ObservedRows
from loadtests.system.errors import UsageError
from tests.e2e.harness import eventually
from tests.servers.agents import HOST, agent, burn, client_of


def has_cpu_readings(started: Agent, since_s: float, until_s: float) -> bool:
    cpu, _ = started.readings.between(since_s, until_s)
    return bool(cpu) and cpu[0].at_s <= since_s and cpu[-1].at_s >= until_s


def test_it_tells_cpu_time_memory_and_threads_of_the_server(tmp_path: Path) -> None:
    with agent(tmp_path) as started, (client := client_of(started)).connected():
        assert eventually(lambda: started.readings.between(0.0, 1e12)[1])
        since_s, used_s = time.perf_counter(), time.process_time()
        burn(0.3)
        until_s, used_s = time.perf_counter(), time.process_time() - used_s
        assert eventually(lambda: has_cpu_readings(started, since_s, until_s))
        cpu, sizes = client.readings(since_s, until_s)
    assert cpu_used(cpu, since_s, until_s).seconds == pytest.approx(used_s, abs=0.1)
    assert sizes[-1].rss_bytes > 10e6
    assert sizes[-1].threads >= 3


def test_its_clock_is_this_machines(tmp_path: Path) -> None:
    with agent(tmp_path) as started, (client := client_of(started)).connected():
        offset = client.clock_offset()
    assert abs(offset.offset_s) <= offset.uncertainty_s


def test_a_long_time_is_asked_for_in_parts_and_comes_back_whole(tmp_path: Path) -> None:
    rows = np.zeros(400, ROW)
    rows["time_s"] = np.arange(400)
    (tmp_path / f"7{SUFFIX}").write_bytes(rows.tobytes() + b"half a row")
    (tmp_path / f"8{SUFFIX}").write_bytes(rows[:3].tobytes())
    with agent(tmp_path, parse_side("main:app,observe=on")) as started, (client := client_of(started)).connected():
        assert client.about().observes
        first, second = client.observations(2.0, 300.0)
    assert list(first["time_s"]) == list(range(2, 301))
    assert list(second["time_s"]) == [2]


def test_what_a_server_has_seen_is_kept_when_its_file_gets_too_long(tmp_path: Path) -> None:
    rows = np.zeros(30, ROW)
    rows["time_s"] = np.arange(30)
    path = tmp_path / f"7{SUFFIX}"
    kept = ObservedRows(tmp_path, most_bytes=8 * ROW.itemsize)
    with path.open("ab", buffering=0) as file:  # as the server's own process writes it
        for row in rows:
            file.write(row.tobytes())
            kept.tidy()
            assert path.stat().st_size <= 8 * ROW.itemsize
    latest = kept.between(0.0, 100.0)["7"]["time_s"]
    assert list(latest) == list(range(30 - len(latest), 30))
    assert len(latest) >= 8


def test_a_server_whose_processes_were_replaced_is_read_anew(tmp_path: Path) -> None:
    idle = [sys.executable, "-S", "-c", "input()"]
    with (
        subprocess.Popen(idle, stdin=subprocess.PIPE) as first,
        subprocess.Popen(idle, stdin=subprocess.PIPE) as second,
    ):
        pids = [first.pid]
        readings = AgentReadings(lambda: pids, None)
        readings.start()
        try:
            assert eventually(lambda: readings.between(0.0, 1e12)[0])
            pids = []
            first.communicate()
            assert eventually(lambda: not readings.between(0.0, 1e12)[0])  # nothing is told of a server that is gone
            pids = [second.pid]
            assert eventually(lambda: readings.between(0.0, 1e12)[0])
        finally:
            readings.stop()
            second.communicate()


@pytest.mark.parametrize(
    ("spec", "told"),
    [
        ("main:app,workers=2,env.TOKEN=${HUSH},env.MODE=hush,env_file=hush.env,dir=hush", "main:app,workers=2"),
        ("async,loop=asyncio,pool_size=3,port=8123", "async,loop=asyncio,pool_size=3"),
        ("sync,database_url=postgresql://hush@hush/hush,pool_size=3", "sync,pool_size=3"),
        ("command='serve {port} --key hush'", "a command"),
        ("main:app,command='serve --hush {port}',setup='hush'", "a command"),
    ],
)
def test_it_tells_no_secret(spec: str, told: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUSH", "hush")
    monkeypatch.setenv("BLOG_UPSTREAM_URL", "http://hush")
    side = parse_side(spec)
    assert told_of(side) == told
    assert "hush" not in about(side, 8000, "3.11").model_dump_json().lower()


@pytest.mark.parametrize(
    ("target", "status", "said"),
    [
        ("/", 200, '"protocol":1'),
        ("/clock", 200, "clock_s"),
        ("/readings?since=0&until=1", 200, '"sizes":'),
        ("/observations?since=0&until=1", 200, '"processes":{}'),
        ("/shutdown", 404, "ask for /, /clock, /readings, /observations"),
        ("/readings", 400, "since=SECONDS"),
        ("/readings?since=x&until=1", 400, "since=SECONDS"),
        ("/readings?since=nan&until=1", 400, "until must be at or after since"),
        ("/readings?since=2&until=1", 400, "until must be at or after since"),
        ("/observations?since=0&until=61", 400, "by no more than 60 seconds"),
    ],
)
def test_it_answers_what_it_is_asked_and_says_what_can_be(tmp_path: Path, target: str, status: int, said: str) -> None:
    with agent(tmp_path) as started:
        found, body = started.answer(target)
    assert found == status
    assert said in body.decode()


def test_it_takes_no_commands(tmp_path: Path) -> None:
    with agent(tmp_path) as started:
        connection = HTTPConnection(HOST, started.port, timeout=5)
        connection.request("POST", "/", body=b"{}")
        assert connection.getresponse().status == 501
        connection.close()


def test_only_so_many_connections_are_open_and_others_close_at_once(tmp_path: Path) -> None:
    with ExitStack() as stack:
        started = stack.enter_context(agent(tmp_path))
        held = [stack.enter_context(socket.create_connection((HOST, started.port), 5)) for _ in range(MOST_CONNECTIONS)]
        for each in held:
            each.sendall(b"GET /clock HTTP/1.1\r\n\r\n")
            assert each.recv(100)
        with socket.create_connection((HOST, started.port), 5) as one_more:
            assert one_more.recv(100) == b""
        held[0].close()
        assert eventually(lambda: _asked(started))


def _asked(started: Agent) -> bool:
    try:
        with (client := client_of(started)).connected():
            client.about()
    except NoAgent:
        return False
    return True


def test_a_port_that_is_taken_is_a_usage_error(tmp_path: Path) -> None:
    with agent(tmp_path) as started, pytest.raises(UsageError, match=f"--agent {started.port}: it can't listen there"):
        agent(tmp_path, port=started.port).__enter__()
