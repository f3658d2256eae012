"""Closed loop: each user sends, waits for the answer, and sends again, with no think time.

A slice has three phases. **Lead-in**: users start one after another, spread over the time the scenario waits by
design so that they do not march in step, and the load settles until every user has had two answers on average.
**Window**: the steady state that is measured. **Drain**: no new requests; what is in flight is answered, so that
nothing spills over into the other side's slice.
"""

import asyncio
import contextlib
import gc
import itertools
import math
import random
import time
from array import array
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import httpx
import numpy as np
import psutil

from loadtests import meter
from loadtests.drivers.transport import make_requests, make_transport
from loadtests.samples import Failure, Recording, Samples, ServerUse
from loadtests.scenarios import Request

LEAD_IN_MIN_S = 0.05
LEAD_IN_ANSWERS = 2
"""Answers a user has had, on average, before the window opens."""
WINDOW_ANSWERS = 8
"""Answers to expect in a window, going by the lead-in; slow requests get a longer one. A median needs 6."""
POLL_S = 0.002


@dataclass(frozen=True)
class Job:
    """One slice to drive.

    Attributes:
        base_url: the server, without a trailing slash.
        requests: sent in turn, by whichever user is free.
        users: how many requests are in flight.
        window_s: how long the steady state is measured, in seconds; longer if answers are rare.
        spread_s: users start at random within this many seconds.
        seed: for everything random; both sides of a pairing get the same.
        pids: the server's processes, to read at the window's edges.
        stall_s: give up when nothing at all has been answered for so long.
        limit_s: give up a phase that takes longer, in seconds.
    """

    base_url: str
    requests: tuple[Request, ...]
    users: int
    window_s: float
    spread_s: float
    seed: int
    pids: Sequence[int]
    stall_s: float = 5.0
    limit_s: float = 30.0


async def drive(job: Job) -> Recording:
    """Run one slice and return what was seen. It ends within a few times ``limit_s``, whatever the server does."""
    transport = make_transport()
    gc.collect()
    gc.disable()  # a collection in mid-window would show up as latency of the server
    try:
        return await _Slice(job, transport).run()
    finally:
        gc.enable()
        await transport.aclose()


class _Stalled(Exception):
    """The server stopped answering, or did not settle in time."""


class _Slice:
    """The state that users and phases share while one slice runs."""

    def __init__(self, job: Job, transport: httpx.AsyncBaseTransport) -> None:
        self.job = job
        self.transport = transport
        self.start = time.perf_counter()
        self.turn = itertools.count()
        self.requests = make_requests(job.base_url, job.requests)
        self.stopping = False
        self.answers = 0
        self.in_flight: dict[int, tuple[float, int]] = {}  # user -> when sent, which request
        self.sent, self.first_byte, self.ended = array("d"), array("d"), array("d")
        self.status, self.failure, self.which = array("H"), array("B"), array("H")

    async def run(self) -> Recording:
        window: tuple[float, float] | None = None
        use: ServerUse | None = None
        driver_cpu = 0.0
        stalled = None
        rng = random.Random(self.job.seed)
        delays = [rng.uniform(0, self.job.spread_s) for _ in range(self.job.users)]
        users = [asyncio.create_task(self._user(number, delay)) for number, delay in enumerate(delays)]
        try:
            await self._lead_in()
            opened, cpu_0, own_0 = self._now(), meter.read_cpu(self.job.pids), time.process_time()
            await self._pass(max(self.job.window_s, WINDOW_ANSWERS * opened / self.answers))
            closed, cpu_1, own_1 = self._now(), meter.read_cpu(self.job.pids), time.process_time()
            window, driver_cpu = (opened, closed), own_1 - own_0
            if self.job.pids:
                use = meter.use(self.job.pids, cpu_1 - cpu_0)
            self.stopping = True
            await self._drain()
        except _Stalled as reason:
            stalled = str(reason)
        except psutil.NoSuchProcess:
            stalled = "the server's process was gone"
        finally:
            self.stopping = True
            for task in users:
                task.cancel()
            finished = await asyncio.gather(*users, return_exceptions=True)
        for outcome in finished:
            if isinstance(outcome, Exception):
                raise outcome
        return Recording(self._samples(), self.start, window, use, driver_cpu, stalled)

    async def _user(self, number: int, delay: float) -> None:
        await asyncio.sleep(delay)
        clock, start, expected = time.perf_counter, self.start, self.job.requests
        while not self.stopping:
            which = next(self.turn) % len(expected)
            want = expected[which]
            status, first_byte, failure = 0, math.nan, Failure.NONE
            sent = clock() - start
            self.in_flight[number] = (sent, which)
            try:
                response = await self.transport.handle_async_request(self.requests[which])
                first_byte = clock() - start
                status = response.status_code
                body = await response.aread()
                if status != want.status:
                    failure = Failure.STATUS
                elif want.contains not in body:
                    failure = Failure.BODY
            except httpx.ConnectError:
                failure = Failure.CONNECT
            except (httpx.TransportError, OSError):
                failure = Failure.DISCONNECT
            ended = clock() - start
            del self.in_flight[number]
            self._record(sent, first_byte, ended, status, failure, which)
            self.answers += 1
            if failure and not status:
                await asyncio.sleep(0.01)  # a server that refuses everything must not turn this into a busy loop

    def _record(self, sent: float, first_byte: float, ended: float, status: int, failure: Failure, which: int) -> None:
        self.sent.append(sent)
        self.first_byte.append(first_byte)
        self.ended.append(ended)
        self.status.append(status)
        self.failure.append(failure)
        self.which.append(which)

    async def _lead_in(self) -> None:
        settled = LEAD_IN_ANSWERS * self.job.users
        await self._until(lambda: self.answers >= settled, "the load to settle")
        await asyncio.sleep(max(0.0, LEAD_IN_MIN_S - self._now()))

    async def _drain(self) -> None:
        await self._until(lambda: not self.in_flight, "the last answers")

    async def _pass(self, duration: float) -> None:
        end = self._now() + duration
        await self._until(lambda: self._now() >= end, "the window to end", limit_s=duration + self.job.limit_s, due=end)

    async def _until(
        self, done: Callable[[], bool], what: str, limit_s: float | None = None, due: float | None = None
    ) -> None:
        """Wait for ``done``; raises _Stalled if nothing is answered for too long, or it takes too long."""
        limit = self._now() + (limit_s or self.job.limit_s)
        answers, progress = self.answers, self._now()
        while not done():
            now = self._now()
            if self.answers > answers:
                answers, progress = self.answers, now
            if now - progress > self.job.stall_s:
                flight = len(self.in_flight)
                raise _Stalled(f"nothing was answered for {self.job.stall_s:g} s, with {flight} requests in flight")
            if now > limit:
                raise _Stalled(f"waited {limit_s or self.job.limit_s:g} s in vain for {what}")
            await asyncio.sleep(min(POLL_S, max(0.0, due - now)) if due else POLL_S)

    def _now(self) -> float:
        return time.perf_counter() - self.start

    def _samples(self) -> Samples:
        with contextlib.suppress(KeyError):
            while True:
                _, (sent, which) = self.in_flight.popitem()
                self._record(sent, math.nan, math.nan, 0, Failure.CUT_OFF, which)
        when_sent = np.array(self.sent)
        return Samples(
            scheduled_s=when_sent,
            sent_s=when_sent,
            first_byte_s=np.array(self.first_byte),
            ended_s=np.array(self.ended),
            status=np.array(self.status, dtype=np.uint16),
            failure=np.array(self.failure, dtype=np.uint8),
            request=np.array(self.which, dtype=np.uint16),
        )
