"""Ask one route: a few requests one after another, some of them looked at from inside, and some at the same time."""

import http.client
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from http import HTTPStatus
from statistics import median
from urllib.parse import urlsplit

import psutil

from loadtests.check.asks import Answers, Ask
from loadtests.check.raw import Pass
from loadtests.experiment.fresh_values import Series, fresh_values
from loadtests.experiment.sequence import SequenceUser
from loadtests.servers.probe import ProbeConnection
from loadtests.servers.server import Server
from loadtests.system.resources import read_cpu

HEADER = "x-bench-check"
"""Names a request to the inside of the app, and says how closely to look at it."""
WARM_UP = 3
"""Requests before the first that counts: first calls fill caches and load modules."""
USERS = 8
"""Of a small load without the header: a server that is alone with one user finds its caches cold, and so takes up to
three times as much CPU time for a request as under load."""
LOADS = 3
"""How often that load is put on: its figures scatter."""
LOAD_ROUNDS = 4
"""Requests of each of its users, each time; fewer where answers take long."""
LOAD_S = 0.1
"""How long those requests may take, if each takes as long as one that is alone."""
TIMED = 15
"""Requests that are timed, one after another: enough for a median and its quartiles."""
TRACED = 3
"""Requests that are looked at line by line."""
AT_ONCE = 4
"""Requests that are on their way at the same time, to see who waits for whom."""
ROUNDS_AT_ONCE = 3
LEAST = 3
"""Timed requests where answers take so long that there is time for no more; of the other kinds it is one then."""
ANSWER_LIMIT_S = 10.0
"""How long an answer may take, to its last byte."""
LEAST_LIMIT_S = 1.0
"""However many routes there are."""
SHARE_OF_TIMED = SHARE_OF_LOAD = 0.4
SHARE_OF_WARM_UP = SHARE_OF_TRACED = 0.1
"""Of a route's time."""
TRACE_AT_ONCE = frozenset({"DELETE"})
"""Methods of which the first good answer may be the last: what is gone can't be removed again."""


@dataclass(frozen=True)
class Sent:
    """One request as the client saw it.

    Attributes:
        position: which of the ask's requests.
        id: what it was called; empty if nobody looked.
        seconds: until the last byte of its answer.
        at_once: whether others were on their way too.
        status: of the answer; None if there was none.
        error: why there was none.
    """

    position: int
    id: str
    seconds: float
    at_once: bool
    status: int | None
    error: str = ""


@dataclass
class Asked:
    """What came of one ask.

    Attributes:
        ask: what was sent.
        sent: every request, the warm-up left out.
        notes: sentences on what was in the way.
        cpu_s: CPU time of the server for one pass through the requests under a small load, each time, in seconds.
        exception: what the server logged when it failed; empty if it did not.
    """

    ask: Ask
    sent: list[Sent] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    cpu_s: list[float] = field(default_factory=list)
    exception: str = ""


class CannotGoOn(Exception):
    """The route is asked no more; the message is a sentence for the table."""


class Visit:
    """One ask: the requests to one route, or one sequence."""

    def __init__(self, server: Server, asked: Asked, seconds: float, names: Iterator[str], answers: Answers) -> None:
        """Prepare.

        Args:
            server: that is asked.
            asked: takes up what comes of it.
            seconds: how long it may take, about.
            names: what requests are called to which the app's process is to look.
            answers: remembers what answers list.
        """
        self._server = server
        self._asked = asked
        self._names = names
        self._answers = answers
        self._seconds = seconds
        self._limit_s = min(ANSWER_LIMIT_S, max(LEAST_LIMIT_S, seconds))
        scenario = asked.ask.scenario
        self._variables = scenario.variables()
        self._fresh = fresh_values(self._variables, Series(number=time.time_ns() // 1000))
        self._per_pass = len(scenario.requests) if scenario.sequence else 1

    def make(self) -> None:
        """Send everything; raises CannotGoOn."""
        user, begun = self._new_user(), time.monotonic()
        can_repeat = not TRACE_AT_ONCE & {request.method for request in self._asked.ask.scenario.requests}
        with closing(self._connection()) as connection:
            if can_repeat:
                self._passes(connection, user, None, WARM_UP, self._seconds * SHARE_OF_WARM_UP, least=1)
            else:
                self._passes(connection, user, "trace", 1, self._seconds)
            if self._asked.sent and (self._asked.sent[-1].status or 0) >= HTTPStatus.BAD_REQUEST:
                self._passes(connection, user, "time", 1, self._seconds)
                self._passes(connection, user, "trace", 1, self._seconds)
                return
            self._passes(connection, user, "time", TIMED, self._seconds * SHARE_OF_TIMED)
            self._passes(connection, user, "trace", TRACED, self._seconds * SHARE_OF_TRACED, least=1)
        if can_repeat:
            self._crowd(begun + self._seconds)

    def _passes(
        self,
        connection: ProbeConnection,
        user: SequenceUser,
        looks: Pass | None,
        most: int,
        seconds: float,
        least: int = LEAST,
    ) -> None:
        """Send requests one after another, up to a number of passes; no more when the time is up."""
        begun, least = time.monotonic(), min(most, least)
        for number in range(most * self._per_pass):
            sent = self._send(connection, user, looks)
            self._asked.sent.append(sent)
            if sent.error:
                raise CannotGoOn(sent.error)
            if number + 1 >= least * self._per_pass and time.monotonic() - begun > seconds:
                return

    def _crowd(self, deadline: float) -> None:
        """Send requests at the same time, as far as there is time even if each has to wait for all others.

        An answer that nobody waits for any more would keep the server from the next route.
        """
        alone_s = max(self._per_pass * median(each.seconds for each in self._asked.sent), 1e-6)
        left_s = min(self._limit_s, deadline - time.monotonic())
        if AT_ONCE * alone_s < left_s:
            rounds = min(ROUNDS_AT_ONCE, int(left_s / (AT_ONCE * alone_s)))
            self._at_once(AT_ONCE, rounds, "time")
        if USERS * alone_s < min(self._limit_s, deadline - time.monotonic()):
            self._load(alone_s)

    def _load(self, alone_s: float) -> None:
        """Put a small load on, some times, and read what it costs the server.

        Args:
            alone_s: how long one user takes for everything when nobody else asks, in seconds.
        """
        rounds = max(1, min(LOAD_ROUNDS, int(LOAD_S * self._per_pass / alone_s)))
        begun = time.monotonic()
        for number in range(LOADS):
            if number and time.monotonic() - begun > self._seconds * SHARE_OF_LOAD:
                return
            before_s = self._cpu_s()
            sent = self._at_once(USERS, rounds, None)
            after_s = self._cpu_s()
            good = sum(not each.error for each in sent)
            if before_s is None or after_s is None or good < len(sent):
                return
            self._asked.cpu_s.append((after_s - before_s) * self._per_pass / good)

    def _at_once(self, users: int, rounds: int, looks: Pass | None) -> list[Sent]:
        """Send some at the same time, each by a user of its own; return them."""

        def visit(connection: ProbeConnection) -> list[Sent]:
            user, sent = self._new_user(), []
            for _ in range(rounds * self._per_pass):
                sent.append(self._send(connection, user, looks, at_once=True))
                if sent[-1].error:
                    break
            return sent

        connections = [self._connection() for _ in range(users)]
        try:
            with ThreadPoolExecutor(users) as pool:
                found = [each for sent in pool.map(visit, connections) for each in sent]
        finally:
            for connection in connections:
                connection.close()
        self._asked.sent += found
        return found

    def _send(
        self, connection: ProbeConnection, user: SequenceUser, looks: Pass | None, *, at_once: bool = False
    ) -> Sent:
        position, request = user.position, user.request
        name = "" if looks is None else next(self._names)
        message = user.message()
        if name:
            message = message.with_header(HEADER, f"{looks}:{name}")
        message.keeps_body = message.keeps_headers = True
        begun = time.perf_counter()
        try:
            answer = connection.exchange(message)
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            user.answered(good=False)
            seconds = time.perf_counter() - begun
            return Sent(position, name, seconds, at_once, None, self._why(error, seconds))
        seconds = time.perf_counter() - begun
        user.answered(
            good=answer.status in request.good, status=answer.status, body=answer.body, headers=answer.headers
        )
        if request.method == "GET" and answer.status < HTTPStatus.MULTIPLE_CHOICES:
            self._answers.add(request.path, answer.body)
        if answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            connection.close()  # as uvicorn does after an exception, a moment later than its answer
            self._asked.exception = self._asked.exception or self._server.last_exception()
        return Sent(position, name, seconds, at_once, answer.status)

    def _why(self, error: Exception, seconds: float) -> str:
        if isinstance(error, TimeoutError) or seconds >= self._limit_s:  # a body in chunks breaks off when time is up
            late = f"no whole answer within {self._limit_s:.3g} s"
            if any(each.status is not None and each.status < HTTPStatus.BAD_REQUEST for each in self._asked.sent):
                return f"it answers, but then {late}: something blocks, such as a background task after the answer"
            return f"{late}: it hangs, or it streams endlessly"
        return f"the connection broke: {type(error).__name__}"

    def _cpu_s(self) -> float | None:
        try:
            return read_cpu(self._server.pids)
        except psutil.NoSuchProcess:
            return None

    def _connection(self) -> ProbeConnection:
        return ProbeConnection(self._server.url, self._limit_s, self._server.trust)

    def _new_user(self) -> SequenceUser:
        scenario = self._asked.ask.scenario
        url, known = urlsplit(self._server.url), self._variables.environment
        return SequenceUser(url, scenario.requests, known, self._fresh, each_anew=not scenario.sequence)
