"""Distributed load on hosts of this machine: both builds on servers of their own, a master, and three load machines.

`worker2` is behind a link of 20 ms, `worker3` behind one that loses 1 % of packets each way. All clocks differ.
"""

import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Literal

import psutil

from loadtests.records.run_folder import RunFolder
from loadtests.records.samples import Recording
from loadtests.records.trial_file import TrialKey
from tests.distributed.hosts import Hosts, HostSpec, LinkSpec
from tests.e2e.harness import eventually

SLOW_S = 0.020
SPECS = {
    spec.name: spec
    for spec in (
        HostSpec("master", clock_ahead_s=40.0),
        HostSpec("server1", clock_ahead_s=300.0),
        HostSpec("server2"),
        HostSpec("worker1"),
        HostSpec("worker2", link=LinkSpec(round_trip_s=SLOW_S), clock_ahead_s=1000.25),
        HostSpec("worker3", link=LinkSpec(loss=0.01), clock_ahead_s=7.5),
    )
}
WORKERS = ("worker1", "worker2", "worker3")
SERVERS = {"server1": "sync", "server2": "async"}
PORT, AGENT = 8000, 8001
USERS = 12
LOST = "worker2"
"""The load machine that is lost, where one is to be."""
AT_WORK_PACKETS = 200
"""A load machine whose link has passed so many has compared clocks, and sends requests."""
RUN_LIMIT_S = 240.0
START_LIMIT_S = 60.0
Fault = Literal["worker killed", "worker cut off", "master killed"]


@dataclass
class Trial:
    """What runs on the hosts.

    Attributes:
        hosts: by name, as in `SPECS`.
        output: what each host's last command has printed, in a file.
        servers: what serves, by host.
        workers: what sends the load, by host.
    """

    hosts: Hosts
    output: dict[str, Path] = field(default_factory=dict)
    servers: dict[str, "subprocess.Popen[str]"] = field(default_factory=dict)
    workers: dict[str, "subprocess.Popen[str]"] = field(default_factory=dict)

    def start(self, host: str, *command: str) -> "subprocess.Popen[str]":
        """Start a command on a host; what it prints goes to a file."""
        output = self.hosts[host].folder / "output.txt"
        self.output[host] = output
        with output.open("w") as file:
            return self.hosts[host].start(command, stdout=file, stderr=subprocess.STDOUT)

    def said(self, host: str) -> str:
        """Return what the last command on a host has printed so far."""
        return self.output[host].read_text()

    def serve(self) -> None:
        """Serve both builds, each on a host of its own."""
        for host, build in SERVERS.items():
            side = f"{build},start_limit={START_LIMIT_S:g}"
            self.servers[host] = self.start(host, "bench", "serve", side, "--host", host, "--agent", str(AGENT))
        self.wait_for_servers()

    def wait_for_servers(self) -> None:
        """Wait until all servers serve."""
        for host, process in self.servers.items():
            self._wait_for(host, process, partial(self._is_serving, host))

    def work(self) -> None:
        """Start a worker on each load machine."""
        self.workers = {host: self.start(host, "bench", "worker", "master") for host in WORKERS}

    def bench_run(self, out: Path, *more: str) -> "subprocess.Popen[str]":
        """Start a run on the master, of both servers."""
        a, b = (f"http://{host}:{PORT},agent={AGENT}" for host in SERVERS)
        allowed = [word for host in SERVERS for word in ("--allow-remote", host)]
        machines = ("--driver", "locust", "--machines", str(len(WORKERS)), "--bind", "master")
        return self.start("master", "bench", "run", *more, *machines, "--a", a, "--b", b, *allowed, "--out", str(out))

    def run(self, out: Path, *more: str) -> str:
        """Have all workers drive a run to its end, which must be a good one; return what it printed."""
        self.work()
        return self.finish(self.bench_run(out, *more))

    def run_with(self, fault: Fault, out: Path) -> str:
        """Do the same with a run of three blocks, in which something is lost once the first block is over.

        What is killed is killed in the midst of a cell; a link is cut at once, between two cells.
        """
        self.work()
        run = self.bench_run(out, "noop", f"--users={USERS}", "--blocks=3", "--time=2")
        self._wait_for("master", run, lambda: len(trials_of(out)) >= 2)
        link = self.hosts[LOST].link
        if fault != "worker cut off":
            at_work = link.counts()["passed"] + AT_WORK_PACKETS
            self._wait_for("master", run, lambda: link.counts()["passed"] >= at_work)
        match fault:
            case "worker killed":
                self.workers[LOST].kill()
            case "worker cut off":
                link.cut()
            case "master killed":
                master_of(run).kill()
        try:
            return self.finish(run)
        finally:
            link.mend()

    def _is_serving(self, host: str) -> bool:
        return "Ctrl-C ends" in self.said(host)

    def _wait_for(self, host: str, process: "subprocess.Popen[str]", true: Callable[[], bool]) -> None:
        """Wait until something is true that a process on this host is to bring about."""
        assert eventually(lambda: true() or process.poll() is not None, RUN_LIMIT_S), self.said(host)
        assert process.poll() is None, self.said(host)

    def finish(self, run: "subprocess.Popen[str]") -> str:
        """Wait for the end of a run, which must be a good one, and end the workers; return what it printed."""
        status = run.wait(RUN_LIMIT_S)
        for worker in self.workers.values():
            worker.kill()
        assert status == 0, self.said("master")
        return self.said("master")


@contextmanager
def serving(folder: Path) -> Iterator[Trial]:
    """Make the hosts, and serve both builds on two of them."""
    with Hosts(SPECS.values(), folder) as hosts:
        trial = Trial(hosts)
        trial.serve()
        yield trial


def master_of(run: "subprocess.Popen[str]") -> psutil.Process:
    """Return the process of Locust's master, which a run has started."""
    below = psutil.Process(run.pid).children(recursive=True)
    (master,) = (each for each in below if "loadtests.drivers.locust_master_process" in each.cmdline())
    return master


def trials_of(run: Path) -> list[tuple[TrialKey, Recording]]:
    """Return what a run has kept so far, in the order of its blocks."""
    return sorted(RunFolder(run).read_trials(), key=lambda trial: trial[0].block) if run.exists() else []
