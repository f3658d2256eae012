"""What every trial has in common, however its load is made: slices of one side, one after another.

The steady window of a slice: when it was open, and what was used meanwhile.

Waiting for a server, but not for ever.
"""

import asyncio
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

import psutil

from loadtests.drivers.client import Client
from loadtests.drivers.job import PairingJob, Target
from loadtests.records.samples import Recording, Slice
from loadtests.system import resources

SECOND_S = 1.0
"""The driver's share of its core is looked at second by second: a mean over a long window would hide a busy one."""
POLL_S = 0.002


class Patience:
    """Waits that end in time whatever the server does."""

    def __init__(self, client: Client, *, stall_s: float, limit_s: float) -> None:
        """Set the limits.

        Args:
            client: whose answers count as progress.
            stall_s: give up when requests are in flight and nothing at all has been answered for so long.
            limit_s: give up one wait that takes longer than it should by so much, in seconds.
        """
        self._client = client
        self._stall_s = stall_s
        self._limit_s = limit_s

    async def until(self, done: Callable[[], bool], what: str, due: float | None = None) -> None:
        """Wait for ``done``.

        Args:
            done: polled every other millisecond.
            what: what is waited for, for the sentence.
            due: when it will come true by itself, in the samples' seconds, if that is known.

        Raises:
            Stalled: nothing is answered for too long, or it takes too long.
        """
        client = self._client
        answers, progress = client.answers, client.now()
        limit = (due or progress) + self._limit_s
        while not done():
            now = client.now()
            if client.answers > answers or not client.in_flight:
                answers, progress = client.answers, now
            if now - progress > self._stall_s:
                flight = len(client.in_flight)
                raise Stalled(f"nothing was answered for {self._stall_s:g} s, with {flight} requests in flight")
            if now > limit:
                raise Stalled(f"waited {self._limit_s:g} s in vain for {what}")
            await asyncio.sleep(POLL_S if due is None else min(POLL_S, max(0.0, due - now)))

    async def until_time(self, due: float, what: str) -> None:
        """Wait until an instant, in the samples' seconds; raises Stalled."""
        await self.until(lambda: self._client.now() >= due, what, due=due)


class Window:
    """Opens when it is made; ``close_at`` waits for its end."""

    def __init__(self, client: Client, pids: Sequence[int]) -> None:
        self._client = client
        self._pids = pids
        self._server = resources.read_cpu(pids)
        self._own = time.process_time()
        self.opened_s = client.now()
        self.closed_s = self.opened_s
        self.server_cpu_s: float | None = None
        self.driver_cpu_s = 0.0
        self.driver_peak = 0.0

    async def close_at(self, due: float, patience: Patience) -> None:
        """Keep it open until ``due``, in the samples' seconds; raises Stalled."""
        begun, cpu = self.opened_s, self._own
        while begun < due:
            # A remainder of less than half a second joins the second before it.
            until = due if due - begun < 1.5 * SECOND_S else begun + SECOND_S
            await patience.until_time(until, "the window to end")
            now, spent = self._client.now(), time.process_time()
            self.driver_peak = max(self.driver_peak, (spent - cpu) / (now - begun))
            begun, cpu = now, spent
        self.closed_s = self._client.now()
        self.server_cpu_s = resources.read_cpu(self._pids) - self._server if self._pids else None
        self.driver_cpu_s = time.process_time() - self._own


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


class Stalled(Exception):
    """The server stopped answering, or did not get done in time; the message is a sentence for the report."""
