"""The hosts that distributed load is tried on are what they promise to be."""

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.distributed.hosts import ROOT, Host, Hosts, HostSpec, LinkSpec
from tests.distributed.permission import skip_without_namespaces
from tests.distributed.ping import ping
from tests.e2e.harness import eventually

AHEAD_S = 1000.25
LOSS = 0.1
WAITING = [sys.executable, "-c", "import time; print('waiting', flush=True); time.sleep(600)"]


@pytest.fixture(scope="module")
def hosts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hosts]:
    skip_without_namespaces()
    specs = [
        HostSpec("near"),
        HostSpec("other", clock_ahead_s=AHEAD_S),
        HostSpec("far", link=LinkSpec(round_trip_s=0.020)),
        HostSpec("lossy", link=LinkSpec(loss=LOSS)),
    ]
    with Hosts(specs, tmp_path_factory.mktemp("hosts")) as made:
        yield made


def test_each_host_has_its_own_name_and_finds_the_others_by_theirs(hosts: Hosts) -> None:
    for host in hosts.values():
        assert said(host, "import socket; print(socket.gethostname())") == host.name
        assert said(hosts["near"], f"import socket; print(socket.gethostbyname({host.name!r}))") == host.address


def test_a_host_sees_its_own_processes_alone(hosts: Hosts) -> None:
    assert said(hosts["near"], "import os, psutil; print(psutil.pids() == [1, os.getpid()])") == "True"


def test_no_host_sees_what_another_listens_on(hosts: Hosts) -> None:
    listen = "import socket, time; s = socket.create_server(('127.0.0.1', 8000)); print('listens', flush=True)"
    with hosts["near"].start([sys.executable, "-c", f"{listen}; time.sleep(600)"], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "listens\n"
        connect = "import socket; print(socket.socket().connect_ex(('127.0.0.1', 8000)))"
        assert said(hosts["near"], connect) == "0"
        assert said(hosts["other"], connect) != "0"
        process.kill()


def test_no_packet_of_a_slow_link_is_early(hosts: Hosts) -> None:
    round_trips_s = ping(hosts["near"], hosts["far"], count=20, every_s=0.005)
    assert len(round_trips_s) == 20
    assert min(round_trips_s) >= 0.020
    assert min(ping(hosts["near"], hosts["other"], count=20, every_s=0.005)) < 0.020


def test_a_clock_that_is_ahead_is_ahead_by_what_was_asked(hosts: Hosts) -> None:
    for clock in ("monotonic", "perf_counter"):
        before = getattr(time, clock)()
        there = float(said(hosts["other"], f"import time; print(repr(time.{clock}()))"))
        assert before + AHEAD_S <= there <= getattr(time, clock)() + AHEAD_S


def test_a_cut_link_lets_nothing_through_and_a_mended_one_everything(hosts: Hosts) -> None:
    for name in ("far", "other"):
        hosts[name].link.cut()
        assert not ping(hosts["near"], hosts[name], count=3, every_s=0.0)
        hosts[name].link.mend()
        assert len(ping(hosts["near"], hosts[name], count=3, every_s=0.0)) == 3


def test_a_lossy_link_loses_about_its_share_each_way(hosts: Hosts) -> None:
    sent = 1000
    answered = len(ping(hosts["near"], hosts["lossy"], count=sent, every_s=0.0005))
    counts = hosts["lossy"].link.counts()
    assert counts["overflowed"] == 0
    assert counts["lost"] >= sent - answered
    assert (1 - LOSS) ** 2 - 0.05 < answered / sent < (1 - LOSS) ** 2 + 0.05


def test_a_command_on_a_host_takes_signals_and_tells_its_status(hosts: Hosts) -> None:
    assert hosts["near"].run([sys.executable, "-c", "raise SystemExit(7)"]).returncode == 7
    with hosts["near"].start(WAITING, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "waiting\n"
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == -signal.SIGTERM


def test_nothing_is_left_of_hosts_at_their_end(tmp_path: Path) -> None:
    skip_without_namespaces()
    orphan = f"import subprocess; subprocess.Popen({WAITING!r}, stdout=-3, stderr=-3, start_new_session=True)"
    before = interfaces()
    with Hosts([HostSpec("one"), HostSpec("two", link=LinkSpec(loss=0.5))], tmp_path) as hosts:
        for host in hosts.values():
            host.start(WAITING)
            host.run([sys.executable, "-c", orphan])
        theirs = set().union(*(namespaces_of(host.first_process) for host in hosts.values()))
        assert (
            living_in(theirs) == 9
        )  # of each host its first process and that one's parent, what waits, the orphan; a link
    assert living_in(theirs) == 0
    assert interfaces() == before


def test_nothing_is_left_of_hosts_whose_maker_was_killed(tmp_path: Path) -> None:
    skip_without_namespaces()
    maker = f"""
import subprocess, sys, time
from pathlib import Path
from tests.distributed.hosts import Hosts, HostSpec, LinkSpec
with Hosts([HostSpec("one"), HostSpec("two", link=LinkSpec(loss=0.5))], Path(sys.argv[1])) as hosts:
    for host in hosts.values():
        host.start({WAITING!r}, stdout=subprocess.DEVNULL)  # the pipe is for the next line alone
    print(*(host.first_process for host in hosts.values()), flush=True)
    time.sleep(600)
"""
    command = [sys.executable, "-c", maker, str(tmp_path)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        theirs = set().union(*(namespaces_of(int(first)) for first in process.stdout.readline().split()))
        assert living_in(theirs) == 7  # of each host its first process and that one's parent, and what waits; a link
        process.kill()
    assert eventually(lambda: living_in(theirs) == 0)


def said(host: Host, code: str) -> str:
    done = host.run([sys.executable, "-c", code])
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def namespaces_of(process: int) -> set[Path]:
    try:
        return {Path(f"/proc/{process}/ns/{kind}").readlink() for kind in ("net", "pid")}
    except OSError:
        return set()  # it has ended, or is none of ours to look at


def living_in(namespaces: set[Path]) -> int:
    return sum(not namespaces.isdisjoint(namespaces_of(process)) for process in psutil.pids())


def interfaces() -> set[str]:
    return set(psutil.net_if_stats())
