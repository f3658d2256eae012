"""Closed loop: each user sends, waits for the answer, and sends again, with no think time.

A trial begins with an **arrival**: every user asks once, and waits until all have been answered, so that every
connection is open. uvloop accepts one connection in each turn of its loop; while a few users keep that loop busy, the
others would wait for seconds to be let in, and be counted as being served.

A slice has four phases. **Lead-in**: users start one after another, so that they do not march in step, and the load
settles until every user has had two answers on average. **Window**: the steady state that is measured.
**Lead-out**: the load goes on until all that was in flight when the window closed has been answered, so that none of
it was sped up by a falling load. **Drain**: no new requests; what is in flight is answered, so that nothing spills
over into the other side's slice.

Open loop: requests are sent when they are due, however many are unanswered.

The schedule is drawn before a slice, is absolute, and is the same for both sides. Whatever is due is released at
once, without a cap, and its response time runs from when it was due: a server that stalls can't hold the client
back and so hide the stall (coordinated omission).

A slice has four phases. **Lead-in**: arrivals that are not counted; its length is fixed beforehand, so that both
sides' windows hold the same arrivals. **Window**: what is due in it is counted. **Lead-out**: arrivals go on until
all that was due in the window has been answered, or a second lead-in and window have passed. **Drain**: no
arrivals; what is in flight is waited for, up to a limit, and then cut off.
"""

import asyncio
import itertools
import random
from collections.abc import Callable

from loadtests.drivers.job import PairingJob, Target
from loadtests.drivers.phases import (
    LEAD_IN_ANSWERS,
    LEAD_IN_MAX_S,
    LEAD_IN_MIN_S,
    LEAD_OUT_LEAD_INS,
    LEAD_OUT_MIN_S,
    REFUSED_PAUSE_S,
    WINDOW_ANSWERS,
    spread_s,
)
from loadtests.drivers.trial import Patience, Stalled, Trial, Window
from loadtests.experiment.loads import ClosedLoop, OpenLoop

LEAD_IN_S = 0.3
LEAD_IN_WAITS = 3
"""Times that the scenario waits by design which a lead-in lasts at least."""


class ClosedLoopTrial(Trial):
    """One side under a number of users."""

    def __init__(self, target: Target, job: PairingJob, load: ClosedLoop, started_s: float) -> None:
        super().__init__(target, job, started_s)
        self._users = load.users
        self._stopping = False
        self._arrived = False
        self._spread_s = spread_s(job.wait_s, load.users)
        self._turn = itertools.count()

    async def _phases(self, seed: int) -> Window:
        client, wait = self.client, self.patience
        if not self._arrived:
            await self._arrive()
        begun, answers = client.now(), client.answers
        self._start_users(seed)
        enough = answers + LEAD_IN_ANSWERS * self._users
        await wait.until(lambda: client.answers >= enough, "the load to settle")
        least = max(LEAD_IN_MIN_S, self._spread_s, min(client.slowest_s, LEAD_IN_MAX_S))
        await wait.until_time(begun + least, "the load to settle")
        spacing = (client.now() - begun) / (client.answers - answers)
        window = Window(client, self.pids)
        self.lead_in_s = lead_in = window.opened_s - begun
        length = self.window_s or max(self.job.slice_s, WINDOW_ANSWERS * spacing)
        await window.close_at(window.opened_s + length, wait)
        overdue = window.closed_s + max(LEAD_OUT_MIN_S, LEAD_OUT_LEAD_INS * lead_in)
        await wait.until(self._answered(overdue), "the last answers")
        self._stopping = True
        self._read_size()
        await wait.until(lambda: not client.in_flight, "the last answers")
        return window

    async def _arrive(self) -> None:
        """Let every user ask once; their requests overlap, so that each opens a connection of its own."""
        for _ in range(self._users):
            self._spawn(self._first_visit())
        await self.patience.until(lambda: not self.client.in_flight and not self._tasks, "the users to arrive")
        self._arrived = True

    async def _first_visit(self) -> None:
        await self.client.ask(next(self._turn))

    def _start_users(self, seed: int) -> None:
        self._stopping = False
        rng = random.Random(seed)
        for _ in range(self._users):
            self._spawn(self._user(rng.uniform(0, self._spread_s)))

    async def _user(self, delay: float) -> None:
        await asyncio.sleep(delay)
        while not self._stopping:
            if not await self.client.ask(next(self._turn)):
                await asyncio.sleep(REFUSED_PAUSE_S)

    def _answered(self, due: float) -> Callable[[], bool]:
        """Return whether all that is in flight now, when the window closes, has been answered, or is overdue."""
        waiting = set(self.client.in_flight)

        def answered() -> bool:
            waiting.intersection_update(self.client.in_flight)
            return not waiting or self.client.now() > due

        return answered


class OpenLoopTrial(Trial):
    """One side under arrivals of a certain rate."""

    def __init__(self, target: Target, job: PairingJob, load: OpenLoop, started_s: float) -> None:
        super().__init__(target, job, started_s)
        self._load = load
        self._drain = Patience(self.client, stall_s=job.stall_s, limit_s=job.drain_s)

    async def _phases(self, seed: int) -> Window:
        client, job = self.client, self.job
        lead_in = max(LEAD_IN_S, LEAD_IN_WAITS * job.wait_s)
        begun = client.now()
        arrivals = asyncio.create_task(self._arrive(begun, seed, 2 * (lead_in + job.slice_s)))
        try:
            await self.patience.until_time(begun + lead_in, "the load to settle")
            window = Window(client, self.pids)
            closes = begun + lead_in + job.slice_s
            await window.close_at(closes, self.patience)
            await self.patience.until(self._answered(closes, arrivals), "the last answers")
            self._read_size()
        finally:
            arrivals.cancel()
            await asyncio.gather(arrivals, return_exceptions=True)
        await self._drained()
        # What is due at the very edges belongs where the plan puts it, not where the clock was read.
        window.opened_s, window.closed_s = begun + lead_in, closes
        return window

    async def _arrive(self, begun: float, seed: int, seconds: float) -> None:
        """Release every request when it is due; all that are overdue at once."""
        for turn, offset in enumerate(self._load.schedule(seed, seconds)):
            due = begun + offset
            # A timer may ring up to half a millisecond early.
            while (early := due - self.client.now()) > 0:  # noqa: ASYNC110 - a time, not an event
                await asyncio.sleep(early)
            self._spawn(self._request(turn, due))

    async def _request(self, turn: int, due: float) -> None:
        await self.client.ask(turn, due)

    def _answered(self, closes: float, arrivals: asyncio.Task[None]) -> Callable[[], bool]:
        """Return whether nothing that was due before the window's end is unanswered, or arrivals have ended."""
        flight = self.client.in_flight  # ordered as they were sent, and that is as they were due
        return lambda: arrivals.done() or all(due >= closes for due, _, _ in itertools.islice(flight.values(), 1))

    async def _drained(self) -> None:
        """Wait until nothing is in flight; what takes too long is cut off, and counted as slower than everything."""
        try:
            await self._drain.until(lambda: not self.client.in_flight, "the last answers")
        except Stalled:
            self.abandoned = len(self.client.in_flight)
