"""Hosts on one machine: each has its own network, name, processes, shared memory and, if wanted, its own clock.

A host is a set of Linux namespaces that live as long as its first process, and this process ends with whoever made it.
Nothing has a name outside: hosts made by tests that run at the same time never meet, and a killed test leaves nothing.

All hosts hang on one bridge, in a network of its own. The files are the machine's: each host gets a folder for its own.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

from tests.distributed.namespaces import children_among

ROOT = Path(__file__).parents[2]
NETWORK = "10.17.0"
LIMIT_S = 60.0


@dataclass(frozen=True)
class LinkSpec:
    """A link that is slow, or loses packets.

    Attributes:
        round_trip_s: What it adds to a round trip, half of it each way, in seconds.
        loss: The share of packets that is lost, each way.
        seed: Of the choice which packets are lost.
    """

    round_trip_s: float = 0.0
    loss: float = 0.0
    seed: int = 1


@dataclass(frozen=True)
class HostSpec:
    """A host that is wanted.

    Attributes:
        name: Its name, as `socket.gethostname()` returns it there; every host finds the others by name.
        link: How it hangs on the network, if not by a perfect wire.
        clock_ahead_s: How far its `CLOCK_MONOTONIC` and `CLOCK_BOOTTIME` are ahead of the machine's, in seconds. Its
            wall clock cannot differ.
    """

    name: str
    link: LinkSpec | None = None
    clock_ahead_s: float = 0.0


class Link:
    """How a host hangs on the network."""

    def __init__(self, switch: int, port: str, relay: "subprocess.Popen[str] | None") -> None:
        self._switch, self._port, self._relay = switch, port, relay

    def cut(self) -> None:
        """Let nothing through, either way, as if a cable were cut far from both its ends: none of them is told."""
        _configure(self._switch, f"link set dev {self._port} state 0", command="bridge")

    def mend(self) -> None:
        """Let everything through again."""
        _configure(self._switch, f"link set dev {self._port} state 3", command="bridge")

    def counts(self) -> dict[str, float]:
        """Return how many packets passed, were lost, or overflowed the queue, and by how much one was late at most."""
        if self._relay is None:
            raise ValueError("a perfect wire counts nothing: give the host a LinkSpec")
        answer: dict[str, float] = _ask(self._relay, "\n")
        return answer


class Host:
    """A host that runs.

    Attributes:
        name: Its name.
        address: Its IPv4 address.
        folder: For its own files; commands run in it, and their temporary files go there.
        link: How it hangs on the network.
        first_process: The process it lives by, as seen from the machine.
    """

    def __init__(self, name: str, address: str, folder: Path, first_process: int) -> None:
        self.name = name
        self.address = address
        self.folder = folder
        self.first_process = first_process
        self.link: Link
        self.started: list[subprocess.Popen[str]] = []

    def start(
        self,
        command: Sequence[str | Path],
        *,
        stdin: int | IO[str] = subprocess.DEVNULL,
        stdout: int | IO[str] | None = None,
        stderr: int | IO[str] | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> subprocess.Popen[str]:
        """Start a command on this host; it ends with the host at the latest.

        Its `pid` is the command's own, as seen from the machine; on the host it has another. It leads a process group.
        """
        enter = ["nsenter", f"--target={self.first_process}", "--net", "--uts", "--mount", "--time", "--no-fork"]
        temporary = self.folder / "tmp"
        temporary.mkdir(exist_ok=True)
        path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])
        own = {"PATH": path, "TMPDIR": str(temporary), "COLUMNS": "200"}
        with children_among(self.first_process):
            process = subprocess.Popen(
                [*enter, f"--wd={self.folder}", "--", *map(str, command)],
                stdin=stdin,
                stdout=stdout,
                stderr=stderr,
                text=True,
                env={**os.environ, **own, **(environment or {})},
                start_new_session=True,
            )
        self.started.append(process)
        return process

    def run(
        self, command: Sequence[str | Path], *, limit_s: float = LIMIT_S, environment: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run a command on this host to its end, within a limit in seconds; return its status and what it printed."""
        process = self.start(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, environment=environment)
        try:
            output, errors = process.communicate(timeout=limit_s)
        finally:
            process.kill()
        return subprocess.CompletedProcess(list(map(str, command)), process.returncode, output, errors)


class Hosts(Mapping[str, Host]):
    """Make hosts, by name, on one network; take all of it away at the end, with every process that runs on them."""

    def __init__(self, specs: Iterable[HostSpec], folder: Path) -> None:
        self._specs = list(specs)
        self._folder = folder
        self._hosts: dict[str, Host] = {}
        self._cleanup = ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as undo:
            undo.callback(self._take_away)
            self._make()
            undo.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._take_away()

    def __getitem__(self, name: str) -> Host:
        return self._hosts[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._hosts)

    def __len__(self) -> int:
        return len(self._hosts)

    def _make(self) -> None:
        addresses = {spec.name: f"{NETWORK}.{number}" for number, spec in enumerate(self._specs, start=1)}
        names = self._folder / "hosts"
        names.write_text("127.0.0.1 localhost\n" + "".join(f"{at} {name}\n" for name, at in addresses.items()))
        made = [self._first(spec, names) for spec in (HostSpec("switch"), *self._specs)]
        switch, *first_processes = (_ask(process) for process in made)
        # It forwards at once: without a spanning tree there is nothing to wait for.
        _configure(switch, "link add name bridge0 type bridge forward_delay 0", "link set dev bridge0 up")
        for number, (spec, first_process) in enumerate(zip(self._specs, first_processes, strict=True), start=1):
            folder = self._folder / spec.name
            folder.mkdir(exist_ok=True)
            host = Host(spec.name, addresses[spec.name], folder, first_process)
            self._hosts[spec.name] = host
            host.link = self._link(spec.link, switch, f"port{number}", host)

    def _first(self, spec: HostSpec, names: Path) -> "subprocess.Popen[str]":
        return self._support("host_init", spec.name, str(spec.clock_ahead_s), str(names))

    def _link(self, spec: LinkSpec | None, switch: int, port: str, host: Host) -> Link:
        relay = None
        if spec is None:
            _configure(switch, f"link add name {port} type veth peer name eth0 netns {host.first_process}")
        else:
            ends = [str(switch), port, str(host.first_process), "eth0"]
            relay = self._support("link_relay", str(spec.round_trip_s / 2), str(spec.loss), str(spec.seed), *ends)
            _ask(relay)
        _configure(switch, f"link set dev {port} master bridge0", f"link set dev {port} up")
        up = ["link set dev lo up", f"address add {host.address}/24 dev eth0", "link set dev eth0 up"]
        _configure(host.first_process, *up)
        return Link(switch, port, relay)

    def _support(self, module: str, *arguments: str) -> "subprocess.Popen[str]":
        """Start a process of ours that ends with its standard input."""
        process = subprocess.Popen(
            [sys.executable, "-S", "-m", f"tests.distributed.{module}", *arguments],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,  # whoever is interrupted by Ctrl-C still needs the hosts
        )
        self._cleanup.callback(_end, process)
        return process

    def _take_away(self) -> None:
        # Its first process waits at its end for all others, and those we started are ours to collect.
        for process in [process for host in self.values() for process in host.started]:
            with process:  # closes its pipes, and waits
                process.kill()
        self._hosts.clear()
        self._cleanup.close()


def _configure(process: int, *lines: str, command: str = "ip") -> None:
    """Have `ip`, or `bridge`, do what the lines say in the network of a process."""
    subprocess.run(
        ["nsenter", f"--target={process}", "--net", "--", command, "-batch", "-"],
        input="".join(f"{line}\n" for line in lines),
        text=True,
        check=True,
    )


def _ask(process: "subprocess.Popen[str]", question: str = "") -> Any:
    """Return the next line that a process of ours prints."""
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(question)
    process.stdin.flush()
    line = process.stdout.readline()
    if not line:
        raise RuntimeError(f"{process.args!r} ended with status {process.wait(LIMIT_S)}; what it said stands above")
    return json.loads(line)


def _end(process: "subprocess.Popen[str]") -> None:
    try:
        process.communicate(timeout=LIMIT_S)  # closes its standard input
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        raise
