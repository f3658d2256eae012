"""Closed and open loop in asyncio: users who wait for each answer, arrivals that do not.

In a **closed loop** each user sends, waits for the answer, and sends again, with no think time; see ``phases``. Users
send the requests in turn, all of them together; where the scenario is a sequence, each goes his own way through it, and
remembers from slice to slice where he was and what he has taken from answers. From trial to trial he remembers what he
has of requests that are sent once, as a login, as long as the server is the same.

In an **open loop** requests are sent when they are due, however many are unanswered. The schedule is drawn before a
slice, is absolute, and is the same for both sides. Whatever is due is released at once, without a cap, and its
response time runs from when it was due: a server that stalls can't hold the client back and so hide the stall
(coordinated omission). Its lead-in has a length that is fixed beforehand, so that both sides' windows hold the same
arrivals. What is due in the window is counted. In the lead-out arrivals go on until all that was due in the window has
been answered, or a second lead-in and window have passed. Then nothing arrives any more; what is in flight is waited
for, up to a limit, and then cut off.
"""

import asyncio
import itertools
import random
from collections.abc import Callable, Coroutine, Iterable
from typing import Any

from loadtests.drivers.client import Client
from loadtests.drivers.connection import Connection
from loadtests.drivers.job import Group, PairingJob, Target
from loadtests.drivers.phases import REFUSED_PAUSE_S, ClosedLoopPhases
from loadtests.drivers.request_log import RequestLog
from loadtests.drivers.trial import Stalled, Timeouts, Trial, Window
from loadtests.experiment.loads import ClosedLoop, OpenLoop
from loadtests.experiment.sequence import Login, SequenceUser

LOGINS_AT_ONCE = 4
"""So many users of a sequence log in at the same time: a hundred slow hashes at once would look like a stall."""
LEAD_IN_S = 0.3
LEAD_IN_WAITS = 3
"""Times that the scenario waits by design which an open loop's lead-in lasts at least."""
TIMER_S = 0.0015
"""uvloop rounds timers to whole milliseconds, so the last of a wait is spent turning the event loop. That keeps the
driver's core busy, at 400 arrivals a second nearly all the time: whether it is too busy, the dispatch lag tells."""


AT_ONCE = 100
"""So many requests that are overdue are released before the event loop turns. If it did not turn at a rate beyond what
the driver can release, none of them would be sent, and the driver would seem to hang."""


class Tasks:
    """What runs beside the phases of a slice, until it ends by itself or is cancelled."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()

    def __len__(self) -> int:
        return len(self._tasks)

    def spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Run something."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    async def cancel(self) -> None:
        """Cancel all that is left; raise what one of them failed with."""
        for task in list(self._tasks):
            task.cancel()
        for outcome in await asyncio.gather(*self._tasks, return_exceptions=True):
            if isinstance(outcome, Exception):
                raise outcome

    def _ended(self, task: asyncio.Task[None]) -> None:
        if task.cancelled() or task.exception() is None:
            self._tasks.discard(task)  # one that failed is kept, so that the slice's end raises it


class ClosedLoopTrial(ClosedLoopPhases):
    """One side under a number of users, each a task that ends with the slice."""

    def __init__(
        self,
        target: Target,
        job: PairingJob,
        load: ClosedLoop,
        group: Group,
        log: RequestLog,
        idle: list[Connection],
        logins: list[Login] | None = None,
    ) -> None:
        """Prepare a trial.

        Args:
            target: the server.
            job: what to ask of it.
            load: how.
            group: who else drives it.
            log: where the client notes its requests.
            idle: connections to the server that are open already; in the end those that are open then.
            logins: what earlier users of a sequence have of requests that are sent once; in the end what all have that
                this trial did not need, and its own users. None: each user sends them.
        """
        super().__init__(target, job, load, group, log)
        self._client = Client(target.base_url, job.requests, log, idle, job.variables, target.trust, target.series)
        self._tasks = Tasks()
        self._stopping = False
        self._turn = itertools.count()
        self._logins: list[Login] = [] if logins is None else logins
        self._sequence_users: list[SequenceUser] = []
        if job.sequence:
            known = [self._logins.pop() for _ in range(min(self._users, len(self._logins)))]
            given = [*known, *[None] * (self._users - len(known))]
            self._sequence_users = [self._client.sequence_user(login) for login in given]
        self._to_log_in = {user for user in self._sequence_users if user.login is None and user.logs_in}
        self._has_logged_in = False
        self._login_turn = asyncio.Semaphore(LOGINS_AT_ONCE)
        self._all_logged_in = asyncio.Event()

    def _all_connected(self) -> bool:
        return self._client.idle_connections >= self._users and not self._to_log_in

    def _arrive(self) -> None:
        self._has_logged_in = bool(self._to_log_in)
        if not self._to_log_in:
            self._all_logged_in.set()
        for number in range(self._users):
            self._tasks.spawn(self._ask_once(number))

    def _all_arrived(self) -> bool:
        return not self.log.in_flight and not self._tasks

    def _start_users(self, seed: int) -> None:
        if self._has_logged_in:
            self.log.slowest_s = 0.0  # how long a login takes says nothing of how long the load takes to settle
            self._has_logged_in = False
        self._stopping = False
        rng = random.Random(seed)
        for number in range(self._users):
            delay = rng.uniform(0, self._spread_s)
            if self._sequence_users:
                self._tasks.spawn(self._go_through(self._sequence_users[number], delay))
            else:
                self._tasks.spawn(self._user(delay))

    def _stop_users(self) -> None:
        self._stopping = True

    async def _end_slice(self) -> None:
        await self._tasks.cancel()

    async def _close(self) -> None:
        self._logins.extend(user.login for user in self._sequence_users if user.login is not None)
        if not self.usable:
            await self._client.close()

    def _next_row(self) -> int:
        return self._client.fresh.next_row if self._client.fresh else 0

    async def _ask_once(self, number: int) -> None:
        if not self._sequence_users:
            await self._client.ask(next(self._turn))
            return
        user = self._sequence_users[number]
        if user in self._to_log_in:
            async with self._login_turn:
                await self._log_in(user)
            self._to_log_in.discard(user)
            if not self._to_log_in:
                self._all_logged_in.set()
        await self._all_logged_in.wait()  # together with all others, so that each opens a connection of its own
        await self._client.ask_next(user)

    async def _log_in(self, user: SequenceUser) -> None:
        """Send a user's requests up to the last one that is sent once; who fails will try again under load."""
        for _ in self.job.requests:
            if not await self._client.ask_next(user) or user.login is not None:
                break

    async def _user(self, delay: float) -> None:
        await asyncio.sleep(delay)
        while not self._stopping:
            if not await self._client.ask(next(self._turn)):
                await asyncio.sleep(REFUSED_PAUSE_S)

    async def _go_through(self, user: SequenceUser, delay: float) -> None:
        await asyncio.sleep(delay)
        while not self._stopping:
            if not await self._client.ask_next(user):
                await asyncio.sleep(REFUSED_PAUSE_S)


class ArrivalsTrial(Trial):
    """One side under arrivals, each request a task; what is common to those of one rate and of a schedule."""

    def __init__(self, target: Target, job: PairingJob, group: Group, log: RequestLog, idle: list[Connection]) -> None:
        super().__init__(target, job, group, log)
        self._client = Client(target.base_url, job.requests, log, idle, job.variables, target.trust, target.series)
        self._tasks = Tasks()
        self._drain = Timeouts(log, group.sleep, stall_s=job.stall_s, limit_s=job.drain_s)
        self._next_due_s = 0.0
        """When the request is due that is released next."""

    async def _release(self, begun: float, offsets: Iterable[float]) -> None:
        """Release every request when it is due; all that are overdue at once."""
        for turn, offset in enumerate(offsets):
            self._next_due_s = due = begun + offset
            if turn % AT_ONCE == AT_ONCE - 1:
                await asyncio.sleep(0)
            while (early := due - self.log.now()) > 0:  # noqa: ASYNC110 - a time, not an event
                await asyncio.sleep(early - TIMER_S if early > TIMER_S else 0)
            self._tasks.spawn(self._request(turn, due))

    async def _request(self, turn: int, due: float) -> None:
        await self._client.ask(turn, due)

    async def _drained(self) -> None:
        """Wait until nothing is in flight; what takes too long is cut off, and counted as slower than everything."""
        try:
            await self._drain.until(lambda: not self.log.in_flight, "the last answers")
        except Stalled:
            self.abandoned = len(self.log.in_flight)

    def _next_row(self) -> int:
        return self._client.fresh.next_row if self._client.fresh else 0

    async def _end_slice(self) -> None:
        await self._tasks.cancel()

    async def _close(self) -> None:
        if not self.usable:
            await self._client.close()


class OpenLoopTrial(ArrivalsTrial):
    """One side under arrivals of a certain rate."""

    def __init__(
        self, target: Target, job: PairingJob, load: OpenLoop, group: Group, log: RequestLog, idle: list[Connection]
    ) -> None:
        super().__init__(target, job, group, log, idle)
        self._load = load

    async def _phases(self, seed: int) -> Window:
        log, job = self.log, self.job
        lead_in = max(LEAD_IN_S, LEAD_IN_WAITS * job.wait_s)
        begun = log.now()
        offsets = self._load.schedule(seed, 2 * (lead_in + job.slice_s))
        arrivals = asyncio.create_task(self._release(begun, offsets))
        try:
            await self.timeouts.until_time(begun + lead_in, "the load to settle")
            window = Window(log, self.server)
            closes = begun + lead_in + job.slice_s
            await window.close_at(closes, self.timeouts)
            await self.timeouts.until(self._answered(closes, arrivals), "the last answers")
            self._read_size()
        finally:
            arrivals.cancel()
            await asyncio.gather(arrivals, return_exceptions=True)
        await self._drained()
        # What is due at the very edges belongs where the plan puts it, not where the clock was read.
        window.opened_s, window.closed_s = begun + lead_in, closes
        return window

    def _answered(self, closes: float, arrivals: asyncio.Task[None]) -> Callable[[], bool]:
        """Return whether all that was due before the window's end was sent and is answered, or arrivals have ended."""
        flight = self.log.in_flight  # ordered as they were sent, and that is as they were due

        def answered() -> bool:
            if arrivals.done():
                return True
            oldest_s = next((due for due, _, _ in flight.values()), closes)
            return self._next_due_s >= closes and oldest_s >= closes

        return answered
