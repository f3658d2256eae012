"""The owner's end of Locust's processes. It does not import Locust."""

import time
from multiprocessing import Pipe
from pathlib import Path
from types import TracebackType
from typing import Self

from loadtests.drivers.job import SILENCE_S, DriverFailed, PairingJob, limit_reading
from loadtests.drivers.locust import board, merge
from loadtests.drivers.locust.orders import Orders, Performance
from loadtests.experiment.sides import SideLabel
from loadtests.records.samples import Recording
from loadtests.system.cores import Cores
from loadtests.system.processes import Child
from loadtests.system.resources import free_port

START_LIMIT_S = 60.0
"""Importing Locust, connecting workers and starting users may take so long."""
POLL_S = 0.1


class LocustDriver:
    """Locust as a driver, on cores of its own; a context manager that owns its processes.

    Without workers it is one process. With workers it is a master, which only conducts, and those workers.
    """

    def __init__(self, cores: Cores, log: Path, workers: int = 0) -> None:
        """Start it.

        Args:
            cores: the division of the machine.
            log: where output goes, and in whose folder samples are passed on.
            workers: how many workers send requests; 0 or 1: there is one process and no master.
        """
        self._cores = cores
        self._log = log
        self._workers = workers if workers > 1 else 0
        self._starts = 0
        self._start()

    def _start(self) -> None:
        self._starts += 1
        self._folder = self._log.parent / f"locust{self._starts}"
        path = self._folder / "board"
        board.lay_out(path)
        common = [
            f"--workers={self._workers}",
            f"--port={free_port()}",
            f"--board={path}",
            f"--cores={','.join(map(str, self._cores.driver))}",
        ]
        self._connection, theirs = Pipe()
        limit_reading(self._connection)
        self._children: list[Child] = []
        with theirs:
            fd = theirs.fileno()
            self._add("conductor", [*common, f"--fd={fd}"], fds=[fd])
        for number in range(self._workers):
            self._add("worker", [*common, f"--number={number}"])

    def _add(self, role: str, arguments: list[str], fds: list[int] | None = None) -> None:
        log = self._log.with_suffix(f".{len(self._children)}{self._log.suffix}")
        module = "loadtests.drivers.locust.child"
        self._children.append(Child(module, [f"--role={role}", *arguments], log=log, pass_fds=fds or []))

    def __repr__(self) -> str:
        return f"<LocustDriver {self._children!r}>"

    def drive(self, job: PairingJob) -> dict[SideLabel, Recording]:
        """Run one pairing; raises DriverFailed if a process dies, or no recordings come back in time."""
        players = self._children[1:] or self._children
        told = Orders(job, self._folder.absolute(), tuple(child.pid for child in players))
        try:
            self._connection.send(told)
            performance = self._receive(START_LIMIT_S + job.longest_s)
        except (EOFError, OSError):
            raise self._died(self._children[0]) from None
        try:
            return {label: _recording(performance, label) for label in performance.trials}
        finally:
            merge.remove(performance.files)

    def restart(self) -> None:
        """Replace the processes by fresh ones."""
        self.stop()
        self._start()

    def stop(self) -> None:
        """End the processes."""
        self._connection.close()
        for child in self._children:
            child.stop(grace_s=0.2)

    def _receive(self, limit_s: float) -> Performance:
        begun = heard = time.monotonic()
        silence_s = START_LIMIT_S  # until the first sign of life
        while True:
            now = time.monotonic()
            if self._connection.poll(POLL_S):
                message: Performance | str = self._connection.recv()
                if isinstance(message, Performance):
                    return message
                heard, silence_s = now, SILENCE_S
            for child in self._children:
                if not child.alive:
                    raise self._died(child)
            if now - begun > limit_s:
                raise DriverFailed(f"Locust gave no answer for {limit_s:g} s")
            if now - heard > silence_s:
                raise DriverFailed(f"Locust hung: it gave no sign of life for {silence_s:g} s")

    def _died(self, child: Child) -> DriverFailed:
        number = self._children.index(child)
        words = child.last_words()
        who = f"Locust's worker {number} of {self._workers}" if number else "Locust"
        return DriverFailed(f"{who} died" + (f": {words}" if words else ""))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def _recording(performance: Performance, label: SideLabel) -> Recording:
    trial = performance.trials[label]
    rss_bytes, threads = trial.size or (None, None)
    samples = merge.take(performance.files, label)
    return Recording(samples, performance.started_s, trial.slices, rss_bytes, threads, trial.stalled)
