"""Locust's users, made to wait for their side's turn: one without think time, and the journeys, with it.

They are Locust's classes without Locust's runner: greenlets that live as long as a pairing. A journey goes on where it
was when the side's turn before ended. Importing this imports Locust, which replaces sockets and threads.
"""

import errno
import itertools
import math
import random
import re
import socket
import ssl
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import gevent
import gevent.pool
from gevent.event import Event
from geventhttpclient.useragent import RetriesExceeded
from locust import FastHttpUser, between, task
from locust.contrib.fasthttp import ErrorResponse, FastHttpSession, LocustBadStatusCode, ResponseContextManager
from locust.env import Environment
from locust.exception import ResponseError

from loadtests.drivers.failure_examples import without_origin
from loadtests.drivers.job import Group, PairingJob, Target
from loadtests.drivers.phases import REFUSED_PAUSE_S, ClosedLoopPhases
from loadtests.drivers.request_log import RequestLog
from loadtests.experiment.catalogue import LONGEST_THINK
from loadtests.experiment.fresh_values import FreshValues, fresh_values
from loadtests.experiment.loads import ClosedLoop
from loadtests.experiment.message import filled, target_of
from loadtests.experiment.request import Request, in_turn
from loadtests.locustfile import ApiClient, Reader, Writer, WrongStatus, expect
from loadtests.records.samples import Failure
from loadtests.system.connections import why_not_connected

JOURNEYS: Mapping[str, type[FastHttpUser]] = {"reader": Reader, "writer": Writer, "api_client": ApiClient}
EVERY_STATUS = frozenset(range(1000))
UNREACHABLE = {
    errno.ECONNREFUSED, errno.EHOSTUNREACH, errno.ENETUNREACH, errno.EHOSTDOWN, errno.EADDRNOTAVAIL, errno.EMFILE,
    errno.ENFILE,
}  # fmt: skip
END_LIMIT_S = 5.0
_ID = re.compile(r"\d+")


class Gate:
    """Where the users of one side wait, before each request, until it is the side's turn."""

    def __init__(self) -> None:
        self._open = self._newcomers = self._closed = False
        self._spread_s = 0.0
        self._rng = random.Random()
        self._call = Event()

    def let_newcomers_in(self) -> None:
        """Let every user send one request who has not sent any yet."""
        self._newcomers = True
        self._wake()

    def open(self, rng: random.Random, spread_s: float) -> None:
        """Let all send; those who wait here go on at random instants of the next ``spread_s`` seconds."""
        self._open, self._rng, self._spread_s = True, rng, spread_s
        self._wake()

    def shut(self) -> None:
        """Let nobody send until the side's next turn."""
        self._open = self._newcomers = False

    def close(self) -> None:
        """Let nobody send any more; whoever wants to ends."""
        self.shut()
        self._closed = True
        self._wake()

    def enter(self, *, newcomer: bool) -> None:
        """Return when a request may be sent."""
        while not self._lets_in(newcomer):
            if self._closed:
                raise gevent.GreenletExit
            self._call.wait()
            if self._lets_in(newcomer=False):  # users are not to march in step
                gevent.sleep(self._rng.uniform(0, self._spread_s))

    def _lets_in(self, newcomer: bool) -> bool:
        return self._open or (newcomer and self._newcomers)

    def _wake(self) -> None:
        call, self._call = self._call, Event()
        call.set()


class GatedSession(FastHttpSession):
    """One user's HTTP client. It takes the place of Locust's request event, which knows if an answer was good."""

    def __init__(
        self,
        user: FastHttpUser,
        gate: Gate,
        log: RequestLog,
        index: Mapping[tuple[str, str], int],
        tls: ssl.SSLContext | None,
    ) -> None:
        """Make a client.

        Args:
            user: whose it is.
            gate: where to wait before each request.
            log: is told of every request.
            index: each request's number in the scenario by its method and its name.
            tls: what to make TLS connections with; None if the server is not asked by https.
        """
        super().__init__(
            base_url=user.host,
            request_event=self,
            user=user,
            # By default Locust looks at no certificate.
            insecure=tls is None or tls.verify_mode == ssl.CERT_NONE,
            ssl_context_factory=None if tls is None else lambda **_: tls,
            # The trial gives up long before this: a time-out here would end a request that is still unanswered.
            network_timeout=None,
            connection_timeout=None,
            max_redirects=0,
            max_retries=0,
            concurrency=1,
        )
        self.client.cookiejar = None
        # Which status is right, the scenario knows.
        self.client.valid_response_codes = EVERY_STATUS  # type: ignore[misc]  # a class's, as far as it is declared
        self._gate = gate
        self._log = log
        self._index = index
        self._serial = -1
        self._started_s = 0.0

    def request(self, method: str, url: str, name: str | None = None, **options: Any) -> ResponseContextManager:  # type: ignore[override]  # noqa: ANN401 - whatever Locust's takes
        """Send a request when its side has the turn."""
        if self._serial in self._log.in_flight:  # the user stumbled over the answer before, and never judged it
            self._log.end(self._serial, self._log.now(), failure=Failure.BODY)
        self._gate.enter(newcomer=self._serial < 0)
        self._serial = self._log.send(self._index.get((method, name or url), len(self._index)))
        self._started_s = time.perf_counter()
        try:
            return super().request(method, url, name, **options)
        except Exception as error:  # whatever a server's answer does to the client, it is a failed request
            response = ErrorResponse(self.client._make_request(self._build_url(url), method=method), error)
            took_ms = (time.perf_counter() - self._started_s) * 1000
            meta: dict[str, Any] = {"response": response, "exception": error, "response_time": took_ms}
            return ResponseContextManager(response, self, meta, catch_response=True)

    def fire(
        self,
        *,
        response: Any,  # noqa: ANN401 - Locust's
        exception: BaseException | None,
        response_length: int = 0,
        **_more: object,
    ) -> None:
        """Record the end of a request, as listeners to Locust's event hear of it.

        Args:
            response: what came.
            exception: None if it was good.
            response_length: bytes of the body, decompressed if it was compressed.
        """
        if self._serial not in self._log.in_flight:
            return  # time was up in the meantime
        ended_s, failure = self._log.now(), failure_of(exception)
        if exception is not None:
            self._keep_example(failure, response, exception)
        head = response.elapsed.total_seconds() if response.status_code and response.elapsed is not None else math.nan
        self._log.end(
            self._serial,
            ended_s,
            # From the beginning on: what came between the end and this line would seem to come before the first byte.
            first_byte_s=self._log.at(self._started_s + head),
            status=response.status_code,
            failure=failure,
            body_bytes=response_length,
        )

    def _keep_example(self, failure: Failure, response: Any, exception: BaseException) -> None:  # noqa: ANN401 - Locust's
        """Keep what came instead of a good answer, if it is the first of its kind."""
        examples, (_, _, which) = self._log.examples, self._log.in_flight[self._serial]
        status = response.status_code
        if not examples.lacks(which, failure, status):
            return
        error = cause_of(exception)
        whole = failure in (Failure.STATUS, Failure.BODY)
        location = str(response.headers.get("location", "")) if whole else ""
        reason = str(error) if failure is Failure.BODY else ""
        if failure is Failure.CONNECT and isinstance(error, OSError):
            reason = why_not_connected(error)
        examples.keep(
            which,
            failure,
            status,
            body=(response.content or b"") if whole else b"",
            location=without_origin(location.encode(), self.base_url or ""),
            reason=reason,
        )


Asked = tuple[str, Callable[[], Request]]
"""A request's path as it is declared, which holds no secrets, for a name; and what makes it as it is sent."""


class Asker(FastHttpUser):
    """A user of the closed loop: asks what comes next, again and again, without think time."""

    abstract = True
    asked: Sequence[Asked]
    turns: Iterator[int]

    @task
    def ask(self) -> None:
        """Send the scenario's requests; a task for each would keep users from waiting for the server all the time."""
        while True:
            name, make = self.asked[next(self.turns) % len(self.asked)]
            want = make()
            body: Any = want.body or None  # bytes are fine, though it is not declared so
            headers = {"User-Agent": "bench"} | dict(want.headers)
            with self.client.request(
                want.method, want.path, name, data=body, headers=headers, catch_response=True
            ) as answer:
                expect(answer, want.contains, want.status)
            if failure_of(getattr(answer, "error", None)) == Failure.CONNECT:
                gevent.sleep(REFUSED_PAUSE_S)


class LocustTrial(ClosedLoopPhases):
    """One side under a number of Locust's users."""

    def __init__(self, target: Target, job: PairingJob, group: Group, log: RequestLog) -> None:
        """Prepare a trial; raises ValueError for an open loop."""
        if not isinstance(job.load, ClosedLoop):
            raise ValueError(f"Locust drives a closed loop, not {job.load}")
        super().__init__(target, job, job.load, group, log)
        self._gate = Gate()
        self._greenlets = gevent.pool.Group()
        random.seed(f"{job.seed} {group.number}")  # think times and what visitors choose
        environment, index = Environment(), index_of(job)
        tls = target.trust.context() if target.base_url.startswith("https:") else None
        self._sessions = []
        self._fresh = fresh_values(job.variables, target.series.part(group.number, group.size))
        for user_class in user_classes(job, target.base_url, group, self._fresh):
            user = user_class(environment)
            user.client = GatedSession(user, self._gate, log, index, tls)
            self._sessions.append(user.client)
            user.start(self._greenlets)

    def _next_row(self) -> int:
        return self._fresh.next_row if self._fresh else 0

    def _all_connected(self) -> bool:
        return self.log.answers >= self._users

    def _arrive(self) -> None:
        self._gate.let_newcomers_in()

    def _all_arrived(self) -> bool:
        return self.log.answers >= self._users and not self.log.in_flight

    def _start_users(self, seed: int) -> None:
        self._gate.open(random.Random(f"{seed} {self.group.number}"), self._spread_s)

    def _stop_users(self) -> None:
        self._gate.shut()

    async def _end_slice(self) -> None:
        self._gate.shut()
        if self.stalled is not None:
            await self._close()

    async def _close(self) -> None:
        self._gate.close()
        self._greenlets.kill(timeout=END_LIMIT_S)
        for session in self._sessions:
            session.client.close()


def user_classes(
    job: PairingJob, base_url: str, group: Group, fresh: FreshValues | None = None
) -> list[type[FastHttpUser]]:
    """Return the class of each user of one side that is this load generator's."""
    assert isinstance(job.load, ClosedLoop)  # noqa: S101 - LocustTrial takes no other
    if job.journeys is None:
        turns = itertools.count(group.number)
        classes = {
            "asker": type("Asker", (Asker,), {"host": base_url, "asked": asked_in_turn(job, fresh), "turns": turns})
        }
        names = ["asker"] * job.load.users
    else:
        low, high = (job.journeys.think_s * part for part in (2 - LONGEST_THINK, LONGEST_THINK))
        made = {"host": base_url, "wait_time": between(low, high)}
        classes = {name: type(name, (journey,), made) for name, journey in JOURNEYS.items()}
        counts = shares(dict(job.journeys.weights), job.load.users)
        names = [name for name, count in counts.items() for _ in range(count)]
    return [classes[name] for name in names[group.number :: group.size]]


def asked_in_turn(job: PairingJob, fresh: FreshValues | None = None) -> list[Asked]:
    """Return what is sent, in the order in which it is: one that is the same each time is made beforehand.

    Args:
        job: has the requests, and the variables that fill their places.
        fresh: what fills places anew for each request; None if nothing does.
    """
    environment = job.variables.environment
    made: list[Asked] = []
    for request in job.requests:
        if set(request.names) <= environment.keys():
            same = encoded(filled(request, environment))
            made.append((request.path, partial(_same, same)))
        else:
            made.append((request.path, partial(_filled_anew, request, environment, fresh)))
    return [made[which] for which in in_turn(job.requests)]


def _same(request: Request) -> Request:
    return request


def _filled_anew(request: Request, environment: Mapping[str, str], fresh: FreshValues | None) -> Request:
    return encoded(filled(request, {**environment, **(fresh.take() if fresh else {})}))


def encoded(request: Request) -> Request:
    """Return a request, whose places are filled, as Locust needs it."""
    # Locust writes a head in Latin-1: these characters stand for the bytes in UTF-8.
    headers = tuple((name, value.encode().decode("latin-1")) for name, value in request.headers)
    return replace(request, path=target_of(request.path), headers=headers)


def index_of(job: PairingJob) -> dict[tuple[str, str], int]:
    """Return each request's number in the scenario by its method and the name that its user gives it."""
    grouped = job.journeys is not None
    names = [(r.method, _ID.sub("[id]", r.path) if grouped else r.path) for r in job.requests]
    return {name: number for number, name in reversed(list(enumerate(names)))}


def shares(weights: Mapping[str, int], users: int) -> dict[str, int]:
    """Divide users among journeys by weight, the largest remainders first; who gets none is left out."""
    total = sum(weights.values())
    whole = {name: users * weight // total for name, weight in weights.items()}
    by_remainder = sorted(weights, key=lambda name: users * weights[name] % total, reverse=True)
    lucky = by_remainder[: users - sum(whole.values())]
    return {name: count for name, share in whole.items() if (count := share + (name in lucky))}


def cause_of(error: BaseException) -> BaseException:
    """Return what made a request fail, where geventhttpclient says that it tried too often."""
    return getattr(error, "original", None) or error if isinstance(error, RetriesExceeded) else error


def failure_of(error: BaseException | None) -> Failure:
    """Return the failure that an exception of Locust's request event stands for."""
    if error is None:
        return Failure.NONE
    error = cause_of(error)
    if isinstance(error, WrongStatus | LocustBadStatusCode):
        return Failure.STATUS
    if isinstance(error, ResponseError):
        return Failure.BODY
    if isinstance(error, socket.gaierror | ssl.SSLCertVerificationError) or (
        isinstance(error, OSError) and error.errno in UNREACHABLE
    ):
        return Failure.CONNECT
    return Failure.DISCONNECT
