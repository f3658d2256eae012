"""Closed loop: each user sends, waits for the answer, and sends again, with no think time.

A slice has four phases. **Lead-in**: users start one after another, so that they do not march in step, and the load
settles until every user has had two answers on average. **Window**: the steady state that is measured.
**Lead-out**: the load goes on until all that was in flight when the window closed has been answered, so that none of
it was sped up by a falling load. **Drain**: no new requests; what is in flight is answered, so that nothing spills
over into the other side's slice.
"""

import asyncio
import itertools
import math
import random
import time
from collections.abc import Callable

import httpx
import psutil

from loadtests import meter
from loadtests.drivers.jobs import PairingJob, Target
from loadtests.drivers.recorder import Recorder
from loadtests.drivers.transport import make_requests, make_transport
from loadtests.samples import Failure, Recording, Slice

LEAD_IN_MIN_S = 0.03
LEAD_IN_MAX_S = 1.0
"""A lead-in lasts as long as the slowest answer that the trial has seen, but no longer than this for its sake."""
LEAD_IN_ANSWERS = 2
"""Answers a user has had, on average, before the window opens."""
WINDOW_ANSWERS = 8
"""Answers to expect in a window, going by the lead-in; where requests are slow it is longer. A median needs 6."""
LEAD_OUT_MIN_S = 0.2
LEAD_OUT_LEAD_INS = 2
"""Lead-ins that a lead-out may take at most; a server that lets some requests starve is not waited for longer."""
START_GAP_S = 0.001
"""Users start so far apart on average, or spread over the time that the scenario waits by design if that is longer."""
POLL_S = 0.002
REFUSED_PAUSE_S = 0.01


class Stalled(Exception):
    """The server stopped answering, or did not settle in time."""


class ClosedLoopTrial:
    """One side under one closed loop: any number of slices, over connections that stay open between them."""

    def __init__(self, target: Target, job: PairingJob, started_s: float) -> None:
        """Prepare a trial.

        Args:
            target: the server.
            job: what to ask of it.
            started_s: the instant that all times are counted from, on ``time.perf_counter``.
        """
        self._target = target
        self._job = job
        self._started = started_s
        self._transport = make_transport()
        self._requests = make_requests(target.base_url, job.requests)
        self._recorder = Recorder()
        self._turn = itertools.count()
        self._rng = random.Random(job.seed)
        self._in_flight: dict[int, tuple[float, int]] = {}  # user -> when sent, which request
        self._stopping = False
        self._slices: list[Slice] = []
        self._size: tuple[int, int] | None = None
        self._slowest = 0.0
        self.stalled: str | None = None

    async def run_slice(self) -> None:
        """Run one slice. If the server stalls, ``stalled`` says how; it ends in time whatever the server does."""
        self._stopping = False
        spread_s = max(self._job.spread_s, START_GAP_S * self._job.users)
        delays = [self._rng.uniform(0, spread_s) for _ in range(self._job.users)]
        users = [asyncio.create_task(self._user(number, delay)) for number, delay in enumerate(delays)]
        try:
            await self._phases()
        except Stalled as reason:
            self.stalled = str(reason)
        except psutil.NoSuchProcess:
            self.stalled = "the server's process was gone"
        finally:
            self._stopping = True
            for task in users:
                task.cancel()
            outcomes = await asyncio.gather(*users, return_exceptions=True)
        for outcome in outcomes:
            if isinstance(outcome, Exception):
                raise outcome

    async def finish(self) -> Recording:
        """Close the connections; return what was seen."""
        for sent, which in self._in_flight.values():
            self._recorder.cut_off(sent, request=which)
        await self._transport.aclose()
        rss_bytes, threads = self._size or (None, None)
        return Recording(self._recorder.samples(), self._started, tuple(self._slices), rss_bytes, threads, self.stalled)

    async def _phases(self) -> None:
        pids = self._target.pids
        begun, answers = self._now(), len(self._recorder)
        await self._until(self._settled(answers), "the load to settle")
        least = max(LEAD_IN_MIN_S, min(self._slowest, LEAD_IN_MAX_S))
        await self._until(lambda: self._now() >= begun + least, "the load to settle", due=begun + least)
        spacing = (self._now() - begun) / (len(self._recorder) - answers)
        opened, server, own = self._now(), meter.read_cpu(pids), time.process_time()
        await self._until_time(opened + max(self._job.slice_s, WINDOW_ANSWERS * spacing))
        closed, server, own = self._now(), meter.read_cpu(pids) - server, time.process_time() - own
        await self._until(
            self._answered(closed, closed + max(LEAD_OUT_MIN_S, LEAD_OUT_LEAD_INS * (opened - begun))),
            "the last answers",
        )
        self._stopping = True
        if pids:
            self._size = max(self._size or (0, 0), meter.read_size(pids))
        await self._until(lambda: not self._in_flight, "the last answers")
        self._slices.append(Slice(opened, closed, self._now(), server if pids else None, own))

    async def _user(self, number: int, delay: float) -> None:
        await asyncio.sleep(delay)
        clock, start, expected = time.perf_counter, self._started, self._job.requests
        while not self._stopping:
            which = next(self._turn) % len(expected)
            want = expected[which]
            status, first_byte, failure = 0, math.nan, Failure.NONE
            sent = clock() - start
            self._in_flight[number] = (sent, which)
            try:
                response = await self._transport.handle_async_request(self._requests[which])
                first_byte = clock() - start
                status = response.status_code
                body = await response.aread()
                if status != want.status:
                    failure = Failure.STATUS
                elif want.contains not in body:
                    failure = Failure.BODY
            except httpx.ConnectError:
                failure = Failure.CONNECT
            except Exception:  # whatever a server's answer does to the client, it is a failed request
                failure = Failure.DISCONNECT
            ended = clock() - start
            self._slowest = max(self._slowest, ended - sent)
            del self._in_flight[number]
            self._recorder.record(sent, ended, request=which, first_byte_s=first_byte, status=status, failure=failure)
            if failure and not status:
                await asyncio.sleep(REFUSED_PAUSE_S)  # a server that refuses everything must not make a busy loop

    def _settled(self, answers: int) -> Callable[[], bool]:
        enough = answers + LEAD_IN_ANSWERS * self._job.users
        return lambda: len(self._recorder) >= enough

    def _answered(self, closed: float, due: float) -> Callable[[], bool]:
        """Return whether all that is in flight now, when the window closes, has been answered, or is overdue."""
        waiting = set(self._in_flight)

        def answered() -> bool:
            waiting.difference_update([u for u in waiting if self._in_flight.get(u, (math.inf, 0))[0] > closed])
            return not waiting or self._now() > due

        return answered

    async def _until_time(self, due: float) -> None:
        await self._until(lambda: self._now() >= due, "the window to end", due=due)

    async def _until(self, done: Callable[[], bool], what: str, due: float | None = None) -> None:
        """Wait for ``done``; raises Stalled if nothing is answered for too long, or it takes too long."""
        answers, progress = len(self._recorder), self._now()
        limit = (due or progress) + self._job.limit_s
        while not done():
            now = self._now()
            if len(self._recorder) > answers:
                answers, progress = len(self._recorder), now
            if now - progress > self._job.stall_s:
                flight = len(self._in_flight)
                raise Stalled(f"nothing was answered for {self._job.stall_s:g} s, with {flight} requests in flight")
            if now > limit:
                raise Stalled(f"waited {self._job.limit_s:g} s in vain for {what}")
            await asyncio.sleep(POLL_S if due is None else min(POLL_S, max(0.0, due - now)))

    def _now(self) -> float:
        return time.perf_counter() - self._started
