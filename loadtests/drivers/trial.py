"""What every trial has in common, however its load is made: slices of one side, one after another."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Coroutine
from typing import Any

import psutil

from loadtests.drivers.client import Client
from loadtests.drivers.jobs import PairingJob, Target
from loadtests.drivers.patience import Patience, Stalled
from loadtests.drivers.steady import Window
from loadtests.records.samples import Recording, Slice
from loadtests.system import resources


class Trial(ABC):
    """One side under one load: any number of slices, over connections that stay open between them."""

    def __init__(self, target: Target, job: PairingJob, started_s: float) -> None:
        """Prepare a trial.

        Args:
            target: the server.
            job: what to ask of it.
            started_s: the instant that all times are counted from, on ``time.perf_counter``.
        """
        self.job = job
        self.pids = target.pids
        self.client = Client(target, job, started_s)
        self.patience = Patience(self.client, stall_s=job.stall_s, limit_s=job.limit_s)
        self._started = started_s
        self._slices: list[Slice] = []
        self._size: tuple[int, int] | None = None
        self._rss_bytes: int | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self.window_s: float | None = None
        """How long the next windows are to be, in seconds; None to go by the slice itself."""
        self.lead_in_s = 0.0
        """How long the latest lead-in was."""
        self.stalled: str | None = None
        self.abandoned = 0
        """Requests that were given up when the drain had lasted too long."""

    @property
    def usable(self) -> bool:
        """Whether the server is in a state to take another slice."""
        return self.stalled is None and not self.abandoned

    async def run_slice(self, seed: int) -> None:
        """Run one slice. If the server stalls, ``stalled`` says how; it ends in time whatever the server does.

        Args:
            seed: for everything random in the slice; the other side's slice has the same.
        """
        try:
            window = await self._phases(seed)
            self._slices.append(
                Slice(
                    opened_s=window.opened_s,
                    closed_s=window.closed_s,
                    drained_s=self.client.now(),
                    server_cpu_s=window.server_cpu_s,
                    driver_cpu_s=window.driver_cpu_s,
                    driver_peak=window.driver_peak,
                    rss_bytes=self._rss_bytes,
                )
            )
        except Stalled as reason:
            self.stalled = str(reason)
        except psutil.NoSuchProcess:
            self.stalled = "the server's process was gone"
        finally:
            self.client.cut_off()
            for task in list(self._tasks):
                task.cancel()
            outcomes = await asyncio.gather(*self._tasks, return_exceptions=True)
        for outcome in outcomes:
            if isinstance(outcome, Exception):
                raise outcome

    @property
    def windows_s(self) -> list[float]:
        """How long each window was that came to its end, in seconds."""
        return [turn.closed_s - turn.opened_s for turn in self._slices]

    async def finish(self) -> Recording:
        """Close the connections; return what was seen."""
        samples = await self.client.close()
        rss_bytes, threads = self._size or (None, None)
        return Recording(samples, self._started, tuple(self._slices), rss_bytes, threads, self.stalled, self.abandoned)

    @abstractmethod
    async def _phases(self, seed: int) -> Window:
        """Put load on the server, and return its steady window; raises Stalled."""

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Run something until the slice ends."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        if task.cancelled() or task.exception() is None:
            self._tasks.discard(task)  # one that failed is kept, so that the slice's end raises it

    def _read_size(self) -> None:
        """Look how large the server is, and remember the most; call it under load, outside of the window."""
        if self.pids:
            self._rss_bytes, threads = resources.read_size(self.pids)
            most_bytes, most_threads = self._size or (0, 0)
            self._size = max(most_bytes, self._rss_bytes), max(most_threads, threads)
