"""Closed loop: each user sends, waits for the answer, and sends again, with no think time.

A trial begins with an **arrival**: every user asks once, and waits until all have been answered, so that every
connection is open. uvloop accepts one connection in each turn of its loop; while a few users keep that loop busy, the
others would wait for seconds to be let in, and be counted as being served.

A slice has four phases. **Lead-in**: users start one after another, so that they do not march in step, and the load
settles until every user has had two answers on average. **Window**: the steady state that is measured.
**Lead-out**: the load goes on until all that was in flight when the window closed has been answered, so that none of
it was sped up by a falling load. **Drain**: no new requests; what is in flight is answered, so that nothing spills
over into the other side's slice.
"""

import asyncio
import itertools
import random
from collections.abc import Callable

from loadtests.drivers.jobs import PairingJob, Target
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
from loadtests.drivers.steady import Window
from loadtests.drivers.trial import Trial
from loadtests.experiment.loads import ClosedLoop


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
