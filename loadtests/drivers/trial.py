"""What every trial has in common: slices of one side, one after another, each with a steady window; and its timeouts.

Nothing here knows asyncio or gevent: what waits calls ``Group.sleep``. Under gevent that blocks its greenlet alone, so
that these coroutines run from end to end without ever being suspended: as plain functions do.
"""

import math
import time
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import TypeVar

import psutil

from loadtests.drivers.job import POLL_S, Group, PairingJob, Sleep, Target
from loadtests.drivers.request_log import RequestLog
from loadtests.records.samples import WORK_LEFT, Recording, Slice
from loadtests.system.pausing import continue_groups, stop_groups
from loadtests.system.process_tree import ProcessTree, cpu_between
from loadtests.system.resources import read_cpu

SECOND_S = 1.0
"""The driver's share of its core is looked at second by second: a mean over a long window would hide a busy one."""

WORK_GRACE_S = 0.003
WORK_LOOKS_S = (0.007, 0.1)
"""A server without requests is watched for so long; only one that seems to work is watched for the second time."""

T = TypeVar("T")


class Stalled(Exception):
    """The server stopped answering, or did not get done in time; as text, a sentence for the report."""

    def __init__(self, what: str, in_flight: int = 0) -> None:
        super().__init__(what, in_flight)
        self.what = what
        self.in_flight = in_flight

    def __str__(self) -> str:
        return f"{self.what}, with {self.in_flight} requests in flight" if self.in_flight else self.what


class StalledForAll(Stalled):
    """All load generators of the group know of it."""


class Timeouts:
    """Waits that end in time whatever the server does."""

    def __init__(
        self, log: RequestLog, sleep: Sleep, *, stall_s: float, limit_s: float, timeout_s: float = math.inf
    ) -> None:
        """Set the limits.

        Args:
            log: knows what is unanswered, and when something came last.
            sleep: how to wait.
            stall_s: give up when requests are in flight and not a byte has come for so long.
            limit_s: give up one wait that takes longer than it should by so much, in seconds.
            timeout_s: give up when a request is unanswered for longer, though bytes may come.
        """
        self._log = log
        self._sleep = sleep
        self._stall_s = stall_s
        self._limit_s = limit_s
        self._timeout_s = timeout_s

    async def until(self, done: Callable[[], bool], what: str, due: float | None = None) -> None:
        """Wait for ``done``.

        Args:
            done: polled every other millisecond.
            what: what is waited for, for the sentence.
            due: when it will come true by itself, in the samples' seconds, if that is known.

        Raises:
            Stalled: nothing is answered for too long, or it takes too long.
        """
        log = self._log
        limit = (due or log.now()) + self._limit_s
        while not done():
            now = log.now()
            self._check_answers(now)
            if now > limit:
                raise Stalled(f"waited {self._limit_s:g} s in vain for {what}")
            await self._sleep(POLL_S if due is None else min(POLL_S, max(0.0, due - now)))

    def _check_answers(self, now: float) -> None:
        """Raise Stalled if the server is silent, or an answer takes too long; users who all think are no stall."""
        log = self._log
        if (oldest := log.oldest_s) is None:
            return
        silent_s = now - max(log.heard_s, oldest)
        if silent_s > self._stall_s:
            raise Stalled(f"nothing was answered for {self._stall_s:g} s", len(log.in_flight))
        # Where silence may last as long as an answer may take, it is silence that shows whether a server hangs.
        if now - oldest > self._timeout_s and silent_s < self._stall_s / 2:
            raise Stalled(f"an answer took more than {self._timeout_s:g} s", len(log.in_flight))

    async def until_time(self, due: float, what: str) -> None:
        """Wait until an instant, in the samples' seconds; raises Stalled."""
        await self.until(lambda: self._log.now() >= due, what, due=due)


class Window:
    """The steady window of a slice, and what was used in it; opens when it is made, ``close_at`` waits for its end."""

    def __init__(self, log: RequestLog, server: ProcessTree | None) -> None:
        self._log = log
        self._server = server
        self._server_cpu = server.open() if server else None
        self._own = time.process_time()
        self.opened_s = log.now()
        self.closed_s = self.opened_s
        self.server_cpu_s: float | None = None
        self.driver_cpu_s = 0.0
        self.driver_peak = 0.0

    async def close_at(self, due: float, timeouts: Timeouts) -> None:
        """Keep it open until ``due``, in the samples' seconds; raises Stalled."""
        begun, cpu = self.opened_s, self._own
        while begun < due:
            # A remainder of less than half a second joins the second before it.
            until = due if due - begun < 1.5 * SECOND_S else begun + SECOND_S
            await timeouts.until_time(until, "the window to end")
            now, spent = self._log.now(), time.process_time()
            self.driver_peak = max(self.driver_peak, (spent - cpu) / (now - begun))
            begun, cpu = now, spent
        self.closed_s = self._log.now()
        self.driver_cpu_s = time.process_time() - self._own
        if self._server and self._server_cpu:
            self.server_cpu_s = cpu_between(self._server_cpu, self._server.close())


class Trial(ABC):
    """One side under one load: any number of slices, over connections that stay open between them."""

    def __init__(self, target: Target, job: PairingJob, group: Group, log: RequestLog) -> None:
        """Prepare a trial.

        Args:
            target: the server.
            job: what to ask of it.
            group: who else drives it.
            log: where the client notes its requests.
        """
        self.job = job
        self.group = group
        self.log = log
        # The first one's readings are enough.
        self.pids = () if group.number else target.pids
        self.server = ProcessTree(self.pids) if self.pids else None
        self.groups = target.groups if len(job.targets) > 1 else ()
        self.timeouts = Timeouts(log, group.sleep, stall_s=job.stall_s, limit_s=job.limit_s, timeout_s=job.timeout_s)
        self._slices: list[Slice] = []
        self._size: tuple[int, int] | None = None
        self._busy_after: float | None = None
        self._rss_bytes: int | None = None
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

    @property
    def windows_s(self) -> list[float]:
        """How long each window was that came to its end, in seconds."""
        return [turn.closed_s - turn.opened_s for turn in self._slices]

    @property
    def keeps_load(self) -> bool:
        """Whether the next slice begins with the requests in flight that this one ended with."""
        return False

    async def run_slice(self, seed: int) -> None:
        """Run one slice. If the server stalls, ``stalled`` says how; it ends in time whatever the server does.

        The server runs from here until ``hold`` is called.

        Args:
            seed: for everything random in the slice; the other side's slice has the same.
        """
        await self.go_on()
        async with self._ending_in_time():
            window = await self._phases(seed)
            self._slices.append(
                Slice(
                    opened_s=window.opened_s,
                    closed_s=window.closed_s,
                    drained_s=self.log.now(),
                    server_cpu_s=window.server_cpu_s,
                    driver_cpu_s=window.driver_cpu_s,
                    driver_peak=window.driver_peak,
                    rss_bytes=self._rss_bytes,
                )
            )

    async def end_load(self) -> None:
        """Have what is in flight after the last slice answered, and look whether the server goes on working."""
        if self.usable:
            await self.go_on()
            async with self._ending_in_time():
                if self.keeps_load:
                    await self._end_load()
                self._busy_after = await self._look_for_work()
                await self._barrier("watched")

    async def _look_for_work(self) -> float | None:
        """Return how many cores the server keeps busy without a request in flight; None if it is not ours."""
        busy = None
        if self.pids:
            await self.group.sleep(WORK_GRACE_S)
            for length_s in WORK_LOOKS_S:
                begun_s, cpu_s = time.perf_counter(), read_cpu(self.pids)
                await self.group.sleep(length_s)
                busy = (read_cpu(self.pids) - cpu_s) / (time.perf_counter() - begun_s)
                if busy < WORK_LEFT:
                    break
        return busy

    async def hold(self) -> None:
        """Stop the server, and the trial's clock: the other side's turn is no time of this one."""
        if self.groups:
            if not self.group.number:
                stop_groups(self.groups)
            self.log.pause(await self.group.same_instant())

    async def go_on(self) -> None:
        """Let the server and the trial's clock go on."""
        if self.groups:
            self.log.go_on(await self.group.same_instant())
            if not self.group.number:
                continue_groups(self.groups)

    @asynccontextmanager
    async def _ending_in_time(self) -> AsyncIterator[None]:
        """Do a part of a trial; if the server stalls in it, ``stalled`` says how."""
        try:
            yield
        except StalledForAll as reason:
            self.stalled = str(reason)
        except (Stalled, psutil.NoSuchProcess) as error:
            stall = error if isinstance(error, Stalled) else Stalled("the server's process was gone")
            self.stalled = str(_agreed(await self.group.barrier(stall)))
        finally:
            if self.stalled is not None or not self.keeps_load:
                self.log.cut_off()
                await self._end_slice()

    async def finish(self) -> Recording:
        """Close what the next cell can't use; return what was seen."""
        self.log.cut_off()
        await self._close()
        rss_bytes, threads = self._size or (None, None)
        return Recording(
            self.log.samples(),
            self.log.started_s,
            tuple(self._slices),
            rss_bytes,
            threads,
            self.stalled,
            self.abandoned,
            busy_after=self._busy_after,
            pauses=tuple(self.log.pauses),
            requests=tuple(map(str, self.job.requests)),
            examples=self.log.examples.all(),
            good_bytes=self.log.good_bytes(),
            next_row=self._next_row(),
        )

    def _next_row(self) -> int:
        """Return the row of a values file behind the last one that its requests have used."""
        return 0

    @abstractmethod
    async def _phases(self, seed: int) -> Window:
        """Put load on the server, and return its steady window; raises Stalled."""

    async def _end_load(self) -> None:
        """Let what is in flight be answered, and ask for nothing more; raises Stalled."""
        raise NotImplementedError("the load of this trial ends with each slice")

    @abstractmethod
    async def _end_slice(self) -> None:
        """End whatever still runs when a slice is over and its load is not kept; it may have stalled."""

    @abstractmethod
    async def _close(self) -> None:
        """Close what the next cell can't use."""

    async def _barrier(self, value: T) -> list[T]:
        """Wait for the other load generators; return what each has brought.

        Raises:
            StalledForAll: the server stalled under one of them.
        """
        brought = await self.group.barrier(value)
        if any(isinstance(each, Stalled) for each in brought):
            raise _agreed(brought)
        return brought

    def _read_size(self) -> None:
        """Look how large the server is, and remember the most; call it under load, outside of the window."""
        if self.server:
            self._rss_bytes, threads = self.server.size()
            most_bytes, most_threads = self._size or (0, 0)
            self._size = max(most_bytes, self._rss_bytes), max(most_threads, threads)


def _agreed(brought: Sequence[object]) -> StalledForAll:
    """Return one stall for all of a group: what the first says, with the requests in flight of all who say the same."""
    stalls = [each for each in brought if isinstance(each, Stalled)]
    return StalledForAll(stalls[0].what, sum(each.in_flight for each in stalls if each.what == stalls[0].what))
