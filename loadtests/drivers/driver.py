"""Start and control load generator processes from the main process."""

import contextlib
import subprocess
import time
from collections.abc import Callable, Sequence
from multiprocessing import Pipe
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any

from loadtests.drivers.job import (
    DONE,
    HEARTBEAT,
    SILENCE_S,
    AtBarrier,
    DriverFailed,
    Gather,
    GatheredMachine,
    NoHeartbeat,
    NotDriven,
    NotDrivenByMachines,
    PairingJob,
    limit_reading,
)
from loadtests.drivers.merge import merge
from loadtests.experiment.load_machines import LoadMachines
from loadtests.experiment.plan import DriverName
from loadtests.experiment.sides import SideLabel
from loadtests.records.samples import Recording
from loadtests.system.cores import Cores
from loadtests.system.errors import RunError
from loadtests.system.processes import Child, Stoppable

MODULES = {"httpx": "loadtests.drivers.load_generator", "locust": "loadtests.drivers.locust_generator"}
MASTER = "loadtests.drivers.locust_master_process"
NAMES = {"httpx": "the load driver", "locust": "Locust"}
START_S = {"httpx": 0.0, "locust": 50.0}
"""How much longer the first sign of life may take: many load generators may start together, and import Locust."""
END_S = 2.0
"""Locust's master may take so long to tell its workers that it ends."""
LAST_WORDS_S = 1.0
"""A process that has closed its pipe may take so long to end."""


def _nothing() -> None:
    """Do nothing."""


class Driver(Stoppable):
    """Load generators in processes of their own, on cores of their own; a context manager that owns them.

    They are processes because the harness must not share the interpreter that takes the time, and because one
    that dies or hangs can be replaced.
    """

    def __init__(
        self,
        cores: Cores,
        log: Path,
        name: DriverName = "httpx",
        workers: int = 0,
        machines: LoadMachines | None = None,
    ) -> None:
        """Start it.

        Args:
            cores: the division of the machine.
            log: where output goes; with several processes, each has its number before the suffix.
            name: which client sends.
            workers: how many load generators the users are divided among; 0 is 1.
            machines: load machines that drive instead, by Locust; the one process here is their master.
        """
        self._cores = cores
        self._log = log
        self._name = name
        self._size = max(1, workers)
        self._machines = machines
        self._start()

    def _start(self) -> None:
        self._children: list[Child] = []
        self._pipes: list[Connection] = []
        self._start_s = START_S[self._name]
        cores = ",".join(map(str, self._cores.driver))
        for number in range(self._size):
            ours, theirs = Pipe()
            limit_reading(ours)
            self._pipes.append(ours)
            with theirs:
                fd = theirs.fileno()
                log = self._log.with_suffix(f".{number}{self._log.suffix}") if number else self._log
                self._children.append(Child(*self._command(fd, cores, number), log=log, pass_fds=[fd]))

    def _command(self, fd: int, cores: str, number: int) -> tuple[str, list[str]]:
        """Return which module is started, and its command line."""
        if (machines := self._machines) is not None:
            return MASTER, [
                f"--fd={fd}",
                f"--host={machines.host}",
                f"--port={machines.port}",
                f"--machines={machines.count}",
            ]
        own = [f"--fd={fd}", f"--cores={cores}", f"--number={number}", f"--size={self._size}"]
        return MODULES[self._name], own

    def __repr__(self) -> str:
        return f"<Driver {self._children!r}>"

    def drive(self, job: PairingJob, on_heartbeat: Callable[[], object] = _nothing) -> dict[SideLabel, Recording]:
        """Run one pairing.

        Args:
            job: the pairing.
            on_heartbeat: is called at each sign of life of each process, which comes about once a second.

        Raises:
            DriverFailed: no recordings came back in time.
            RunError: no load machine is left.
        """
        start_s, self._start_s = self._start_s, 0.0
        try:
            for pipe in self._pipes:
                pipe.send(job)
            parts = receive(self._pipes, job.longest_s + start_s, SILENCE_S + start_s, on_heartbeat)
        except NoHeartbeat as reason:
            raise DriverFailed(f"{self._who} {reason}") from None
        except (EOFError, OSError):
            raise self._died() from None
        cores = len(self._cores.driver) or 1
        return {label: merge([part.pop(label) for part in parts], cores) for label in job.targets}

    def gather(self, limit_s: float) -> list[GatheredMachine]:
        """Wait until all load machines have connected, or time is up; return those that have.

        Raises:
            DriverFailed: Locust's master died or hung.
        """
        (pipe,) = self._pipes
        found: list[GatheredMachine] = []
        silence_s, self._start_s = SILENCE_S + self._start_s, 0.0
        try:
            pipe.send(Gather(limit_s))
            while pipe.poll(silence_s):
                message = pipe.recv()
                if message == DONE:
                    return found
                if isinstance(message, GatheredMachine):
                    found.append(message)
        except (EOFError, OSError):
            raise self._died() from None
        raise DriverFailed(f"{self._who} hung: it gave no sign of life for {silence_s:g} s")

    @property
    def _who(self) -> str:
        return "Locust's master" if self._machines is not None else NAMES[self._name]

    def restart(self) -> None:
        """Replace the processes by fresh ones."""
        self.stop()
        self._start()

    def stop(self) -> None:
        """End the processes."""
        if self._machines is not None and self._children[0].alive:
            self._end_master()
        for child in self._children:
            child.ask_to_end()
        for child in self._children:
            child.stop(grace_s=0.2)
        for pipe in self._pipes:  # not before: what a process says of a pipe that is gone are no last words
            pipe.close()

    def _end_master(self) -> None:
        """Let Locust's master tell its workers that it ends, which then end, too."""
        with contextlib.suppress(OSError, subprocess.TimeoutExpired):
            self._pipes[0].send(None)
            self._children[0].process.wait(END_S)

    def _died(self) -> DriverFailed:
        deadline = time.monotonic() + LAST_WORDS_S
        while all(child.alive for child in self._children) and time.monotonic() < deadline:
            time.sleep(0.01)
        number = next((n for n, child in enumerate(self._children) if not child.alive), 0)
        words = self._children[number].last_words()
        who = self._who + (f"'s worker {number + 1} of {self._size}" if self._size > 1 else "")
        return DriverFailed(f"{who} died" + (f": {words}" if words else ""))


def receive(
    pipes: Sequence[Connection],
    limit_s: float,
    start_s: float = SILENCE_S,
    on_heartbeat: Callable[[], object] = _nothing,
) -> list[dict[SideLabel, Recording]]:
    """Hold the barriers of a group, and wait for all recordings of a job; return those of each load generator.

    Args:
        pipes: to the load generators.
        limit_s: how long all may take, in seconds.
        start_s: how long the first sign of life may take, in seconds.
        on_heartbeat: is called at each sign of life.

    Raises:
        NoHeartbeat: no sign of life for SILENCE_S, or no end within ``limit_s``.
        NotDrivenByMachines: a load machine was lost, or could not drive the job.
        RunError: no load machine is left.
        EOFError, OSError: a load generator is gone.
    """
    begun = time.monotonic()
    heard, silence_s = dict.fromkeys(pipes, begun), dict.fromkeys(pipes, start_s)
    recordings: dict[Connection, dict[SideLabel, Recording]] = {pipe: {} for pipe in pipes}
    at_barrier: dict[Connection, object] = {}
    while heard:
        due = min(begun + limit_s, *(since + silence_s[pipe] for pipe, since in heard.items()))
        ready = wait(list(heard), max(0.0, due - time.monotonic()))
        now = time.monotonic()
        overdue = now > begun + limit_s
        for pipe in (each for each in pipes if each in ready):
            message = _received(pipe)
            heard[pipe], silence_s[pipe] = now, SILENCE_S
            if message == DONE:
                del heard[pipe]
            elif isinstance(message, NotDriven):
                raise RunError(message.why) if message.none_left else NotDrivenByMachines(message.why)
            elif isinstance(message, AtBarrier):
                at_barrier[pipe] = message.value
            elif message == HEARTBEAT:
                on_heartbeat()
            else:
                label, recording = message
                recordings[pipe][label] = recording
                overdue = False  # it's about to end
        if overdue:
            raise NoHeartbeat(f"gave no answer for {limit_s:g} s")
        for pipe, since in heard.items():
            if now > since + silence_s[pipe]:
                raise _hung(silence_s[pipe])
        if len(at_barrier) == len(pipes):
            for pipe in pipes:
                pipe.send([at_barrier[each] for each in pipes])
            at_barrier.clear()
    return [recordings[pipe] for pipe in pipes]


def _received(pipe: Connection) -> Any:  # noqa: ANN401 - whatever a load generator sends
    try:
        return pipe.recv()
    except BlockingIOError:  # it was stopped in mid-message
        raise _hung(SILENCE_S) from None


def _hung(silence_s: float) -> NoHeartbeat:
    return NoHeartbeat(f"hung: it gave no sign of life for {silence_s:g} s")
