"""One lane's users in the load process: they last from turn to turn, and what they see is counted, not kept."""

import asyncio
import itertools
import math
import random
import time
from contextlib import suppress
from functools import partial

import psutil

from loadtests.drivers import connection
from loadtests.drivers.client import Client
from loadtests.drivers.phases import REFUSED_PAUSE_S
from loadtests.drivers.request_log import RequestLog
from loadtests.lab import turns
from loadtests.lab.histogram import bucket_of
from loadtests.lab.messages import Asked
from loadtests.records.samples import Failure
from loadtests.system.resources import read_cpu


class Counter(RequestLog):
    """A log that counts the requests that end, and keeps none of them.

    Attributes:
        good: good answers since ``take`` was called last, while ``counting``.
        errors: other ends.
        counts: response times of the good ones.
        counting: whether a window is open.
        turn_s: all response times of this turn together, in seconds, of requests that were sent in it.
        turn_answers: how many there were.
    """

    def __init__(self) -> None:
        super().__init__(time.perf_counter())
        self.good = self.errors = 0
        self.counts: dict[int, int] = {}
        self.counting = False
        self.turn_s = 0.0
        self.turn_answers = 0
        self._turn_begun_s = 0.0

    def end(
        self,
        serial: int,
        ended_s: float,
        *,
        first_byte_s: float = math.nan,
        status: int = 0,
        failure: Failure = Failure.NONE,
        body_bytes: int = 0,
    ) -> bool:
        """Count the end of a request; return False for a refused connection, so that its user pauses."""
        known = self.in_flight.pop(serial, None)
        if known is None:
            return False
        took_s = ended_s - known[1]
        self.slowest_s = max(self.slowest_s, took_s)
        self.heard_s = ended_s
        if known[1] >= self._turn_begun_s:
            self.turn_s += took_s
            self.turn_answers += 1
        if self.counting:
            if failure:
                self.errors += 1
            else:
                self.good += 1
                bucket = bucket_of(took_s)
                self.counts[bucket] = self.counts.get(bucket, 0) + 1
        return True

    def begin_turn(self) -> None:
        """Forget what earlier turns have seen, and what was asked in them."""
        self._turn_begun_s = self.now()
        self.slowest_s = self.turn_s = 0.0
        self.turn_answers = 0

    def take(self) -> tuple[int, int, dict[int, int]]:
        """Return good answers, errors and response times since the last call, and reset the counts."""
        taken = self.good, self.errors, self.counts
        self.good, self.errors, self.counts = 0, 0, {}
        return taken

    @property
    def silent_s(self) -> float:
        """For how long nothing has come while requests were in flight, in seconds."""
        oldest_s = self.oldest_s
        return 0.0 if oldest_s is None else self.now() - max(self.heard_s, oldest_s)


class LaneUsers:
    """The users of one lane."""

    def __init__(self, asked: Asked) -> None:
        self.log = Counter()
        self.idle: list[connection.Connection] = []
        self.is_open = asyncio.Event()
        self.waiting: set[int] = set()
        """Users who have had no answer to what they asked in this turn, since its load changed last."""
        self.turns = 0
        """Under this load."""
        self.cpu_s: float | None = None
        """CPU time of the server when a window opened, or a report was made in it."""
        self._users = 0
        self._spread_s = 0.0
        self._tasks: dict[int, asyncio.Task[None]] = {}
        self._turn = itertools.count()
        self._openings = 0
        self._changes = 0
        """Of the load, in the middle of turns."""
        self.ask(asked)

    def ask(self, asked: Asked) -> None:
        """Send other requests from now on, to the same server."""
        self.asked = asked
        self._client = Client(asked.base_url, asked.requests, self.log, self.idle, asked.variables, asked.trust)
        self.turns = 0

    def set_users(self, users: int, wait_s: float) -> None:
        """Set the number of users; surplus users leave after their next answer."""
        self._users, self._spread_s = users, turns.spread_s(wait_s, users)
        self.waiting.intersection_update(range(users))
        for number in range(users):
            if number not in self._tasks:
                self._tasks[number] = task = asyncio.create_task(self._user(number))
                task.add_done_callback(partial(self._left, number))

    def open(self) -> None:
        """Let its users send."""
        self._openings += 1
        self.log.begin_turn()
        self.waiting = set(range(self._users))
        self.is_open.set()

    def start_over(self) -> None:
        """Let the load settle again in the middle of a turn, because it has changed."""
        self._changes += 1
        self.log.begin_turn()
        self.log.counting = False
        self.waiting = set(range(self._users))

    def close(self) -> None:
        """Let its users send nothing more; they wait for their outstanding answers."""
        self.log.counting = False
        self.is_open.clear()

    def open_window(self) -> None:
        """Count from now on."""
        self.log.counting = True
        self.cpu_s = self.read_cpu_s()

    def read_cpu_s(self) -> float | None:
        """Return the CPU time that its server has used; None if that is not known."""
        with suppress(psutil.Error, OSError):
            return read_cpu(self.asked.pids) if self.asked.pids else None
        return None

    def seen(self, passed_s: float) -> turns.Seen:
        """Return what its turn has seen."""
        log = self.log
        return turns.Seen(
            passed_s=passed_s,
            waiting_users=len(self.waiting),
            in_flight=len(log.in_flight),
            slowest_s=log.slowest_s,
            response_s=log.turn_s / log.turn_answers if log.turn_answers else 0.0,
            spread_s=self._spread_s,
            silent_s=log.silent_s,
            expected_s=self.asked.expected_s,
            first=self.turns == 0,
        )

    def example(self) -> str:
        """Return what was wrong with a failed request, and forget it; empty if none failed since."""
        found = self.log.examples.all()
        if not found:
            return ""
        self.log.examples = type(self.log.examples)()
        first = found[0]
        return first.reason or (f"status {first.status}" + (f": {first.body}" if first.body else ""))

    async def end(self) -> None:
        """End its users, and close their connections."""
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._client.close()

    def _left(self, number: int, _task: asyncio.Task[None]) -> None:
        self._tasks.pop(number, None)

    async def _user(self, number: int) -> None:
        opening, own = 0, None
        client = self._client
        while True:
            await self.is_open.wait()
            if opening != self._openings:
                opening = self._openings
                await asyncio.sleep(random.uniform(0, self._spread_s))
                continue  # the turn may be over
            if number >= self._users:
                return
            if client is not self._client:
                client, own = self._client, None
            asked_in = self._openings, self._changes
            if not self.asked.sequence:
                connected = await client.ask(next(self._turn))
            else:
                own = own or client.sequence_user()
                connected = await client.ask_next(own)
            if asked_in == (self._openings, self._changes):
                self.waiting.discard(number)
            if not connected:
                await asyncio.sleep(REFUSED_PAUSE_S)
