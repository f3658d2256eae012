"""Readiness and warm-up: single requests, outside of what is measured, that end in time whatever the server does.

To warm up is to send everything that will be asked, again and again until answers get no faster, so that no trial pays
for threads, connection pools and first calls: a model may be loaded by the first request, or by the first of one path.
What is sent are the bytes that will be measured, and each user of a sequence takes from answers what he needs later.
"""

import contextlib
import http.client
import math
import socket
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from loadtests.experiment.fresh_values import FreshValues, Series, fresh_values
from loadtests.experiment.message import KEPT_BYTES, Message, decoded
from loadtests.experiment.request import Request
from loadtests.experiment.sequence import Login, SequenceUser
from loadtests.experiment.takes import missing
from loadtests.experiment.values import Variables
from loadtests.system.connections import SYSTEMS, Trust

PIECE_BYTES = 65536
USERS = 8
"""How many ask at the same time; more than one, so that threads and database connections are made."""
ROUNDS = 3
SLOW_ROUNDS = 2
"""Rounds at least: of quick answers, and of such that take longer than SLOW_S."""
SLOW_S = 1.0
FASTER = 0.2
"""Answers have settled when those of a round are no faster than those of the round before, by this share at most."""
LIMIT_S = 30.0
"""Some servers never settle, or take very long to."""


@dataclass(frozen=True)
class ProbeAnswer:
    """A whole answer.

    Attributes:
        status: HTTP status.
        headers: names and values as they came.
        body: as it was before it was compressed; empty if it is not looked at, or can't be had.
    """

    status: int
    headers: list[tuple[bytes, bytes]] = field(default_factory=list)
    body: bytes = b""


class ProbeConnection:
    """A connection to one server; close it with ``close``."""

    def __init__(self, url: str, limit_s: float, trust: Trust = SYSTEMS) -> None:
        """Prepare a connection.

        Args:
            url: base URL without a trailing slash.
            limit_s: how long an answer may take until its last byte, in seconds.
            trust: which certificates are trusted, if it is an https URL.

        Raises:
            OSError: there is no such file of certificates.
        """
        self._url = parts = urlsplit(url)
        host, port = str(parts.hostname), parts.port
        self._connection = (
            http.client.HTTPSConnection(host, port, timeout=limit_s, context=trust.context())
            if parts.scheme == "https"
            else http.client.HTTPConnection(host, port, timeout=limit_s)
        )
        self._limit_s = limit_s
        self._socket: socket.socket | None = None
        self._aborted = False

    def connect(self) -> None:
        """Connect, and ask for nothing yet; raises OSError if that can't be."""
        self._connection.connect()

    def ask(self, method: str, path: str, body: bytes = b"", headers: tuple[tuple[str, str], ...] = ()) -> int:
        """Send a request, let the answer pass, and return its status.

        Raises:
            OSError, HTTPException: it is none, or too late.
        """
        return self.exchange(Message(self._url, Request(method, path, headers, body))).status

    def exchange(self, message: Message) -> ProbeAnswer:
        """Send a message and return its answer; raises OSError or HTTPException if it is none, TimeoutError if late."""
        connection = self._connection
        if connection.sock is None:
            connection.connect()
        self._socket = connection.sock
        self._socket.sendall(message.content)
        if self._aborted:
            raise ConnectionAbortedError
        # The connection's own time limit starts anew with every byte.
        late = threading.Event()
        timer = threading.Timer(self._limit_s, _end_late, [self._socket, late])
        timer.start()
        try:
            with http.client.HTTPResponse(self._socket, method="HEAD" if message.head_only else "GET") as answer:
                answer.begin()
                pieces, room = [], KEPT_BYTES if message.keeps_body else 0
                while piece := answer.read1(PIECE_BYTES):
                    if room > 0:
                        pieces.append(piece)
                        room -= len(piece)
        except (OSError, http.client.HTTPException):
            if not late.is_set():
                raise
        finally:
            timer.cancel()
        if late.is_set():
            raise TimeoutError(f"no whole answer within {self._limit_s:g} s")
        if answer.will_close:
            connection.close()
        headers = answer.getheaders() if message.keeps_headers else []
        encoding = (answer.getheader("content-encoding") or "").lower().encode()
        return ProbeAnswer(
            answer.status,
            [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers],
            decoded(b"".join(pieces), encoding) or b"",
        )

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def abort(self) -> None:
        """Let every request fail from now on, also the one whose answer another thread waits for."""
        self._aborted = True
        if self._socket is not None:
            _shut_down(self._socket)


def _end_late(connection: socket.socket, late: threading.Event) -> None:
    late.set()  # before the shutdown: the reading thread sees the end of the answer at once, and must know why
    _shut_down(connection)


def _shut_down(connection: socket.socket) -> None:
    with suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)


@dataclass(frozen=True)
class WarmUp:
    """How one server answered some requests, round by round, while it was warmed up.

    Attributes:
        rounds_s: how long an answer took in each round, on average, in seconds.
        slowest_s: how long the slowest answer of the last round took, in seconds; 0 if there was none.
        seconds: how long all of it took.
        unanswered: a request that had no whole answer when the limit was over; None if there is none.
        broken_off: how a user's sequence was broken off in the last round, as a sentence; empty if none was.
        next_row: the row of a values file behind the last one that was used.
        logins: what its users have of requests that are sent once; secrets, most likely.
    """

    rounds_s: tuple[float, ...]
    slowest_s: float
    seconds: float
    unanswered: Request | None = None
    broken_off: str = ""
    next_row: int = 0
    logins: tuple[Login, ...] = field(default=(), repr=False)

    @property
    def settled(self) -> bool:
        """Whether answers do not get faster any more; so does a server that gives none."""
        return have_settled(self.rounds_s)


def have_settled(rounds_s: Sequence[float]) -> bool:
    """Return whether the last round's answers were not much faster than those of the round before.

    Its mean counts, not its median: one path of many that is still slow must be seen.
    """
    if not rounds_s:
        return True
    if len(rounds_s) < (ROUNDS if rounds_s[-1] < SLOW_S else SLOW_ROUNDS):
        return False
    return rounds_s[-1] >= (1 - FASTER) * rounds_s[-2]


@dataclass(frozen=True)
class ToWarm:
    """A server that is to be warmed up.

    Attributes:
        url: its base URL, without a trailing slash.
        requests: what to send; those that are the same are one.
        answer_s: how long its answers may take until their last byte, in seconds. When one takes longer, it is asked no
            more.
        series: which rows of a values file, and which numbers, fill its requests; None for all.
    """

    url: str
    requests: Sequence[Request]
    answer_s: float
    series: Series | None = None


def warm(
    servers: Sequence[ToWarm],
    limit_s: float = LIMIT_S,
    *,
    trust: Trust = SYSTEMS,
    sequence: bool = False,
    variables: Variables | None = None,
) -> list[WarmUp]:
    """Send every server its requests until its answers have settled, to all servers at once.

    What comes back does not matter here: a server that errs or hangs will show it where it is measured.

    Args:
        servers: those to warm up.
        limit_s: send nothing more after so many seconds and one such answer.
        trust: which certificates are trusted.
        sequence: whether each user sends all requests, one after another, and takes from answers what others need.
        variables: what fills their places; None if there are none.

    Returns:
        What each server did.
    """
    if not servers:
        return []
    known = variables or Variables()
    groups: list[_Users] = []
    with contextlib.ExitStack() as stack:
        for server in servers:
            shares = [list(server.requests)] * USERS if sequence else shares_of(server.requests)
            fresh, url = fresh_values(known, server.series), urlsplit(server.url)
            each = [SequenceUser(url, share, known.environment, fresh, each_anew=not sequence) for share in shares]
            groups.append(stack.enter_context(_Users(server.url, each, fresh, server.answer_s, limit_s, trust)))
        threads = stack.enter_context(ThreadPoolExecutor(len(groups)))
        for users in groups:
            stack.callback(users.stop)  # a signal must not wait for their answers
        return list(threads.map(_Users.warm, groups))


def shares_of(requests: Sequence[Request]) -> list[list[Request]]:
    """Divide a round's requests among the users: every different one once, or as often as gives each user one.

    What is deleted can't be read any more, so that comes last.
    """
    different = sorted(dict.fromkeys(requests), key=lambda request: request.method == "DELETE")
    each = different * math.ceil(USERS / len(different))
    return [each[user::USERS] for user in range(USERS)]


@dataclass
class _Visit:
    """One user's round: how long each answer took, the request that had none in time, and how it was broken off."""

    took_s: list[float] = field(default_factory=list)
    unanswered: Request | None = None
    broken_off: str = ""


class _Users(contextlib.AbstractContextManager["_Users"]):
    """Those who warm up one server, each with a connection and a thread of its own."""

    def __init__(
        self,
        url: str,
        users: list[SequenceUser],
        fresh: FreshValues | None,
        answer_s: float,
        limit_s: float,
        trust: Trust,
    ) -> None:
        self._users, self._fresh = users, fresh
        self._connections = [ProbeConnection(url, answer_s, trust) for _ in users]
        self._answer_s = answer_s
        self._deadline = time.monotonic() + limit_s + answer_s

    def warm(self) -> WarmUp:
        """Let each user send all of his requests, round by round."""
        begun = time.monotonic()
        rounds_s: list[float] = []
        took: list[float] = []
        unanswered, broken_off = None, ""
        with ThreadPoolExecutor(len(self._users)) as pool:
            while unanswered is None and time.monotonic() < self._deadline:
                visits = list(pool.map(self._visit, self._connections, self._users))
                took = [seconds for visit in visits for seconds in visit.took_s]
                unanswered = next((each.unanswered for each in visits if each.unanswered is not None), None)
                broken_off = next((each.broken_off for each in visits if each.broken_off), "")
                if took:
                    rounds_s.append(sum(took) / len(took))
                if have_settled(rounds_s):
                    break
        return WarmUp(
            tuple(rounds_s),
            max(took, default=0.0),
            time.monotonic() - begun,
            unanswered,
            broken_off,
            self._fresh.next_row if self._fresh else 0,
            tuple(user.login for user in self._users if user.login is not None),
        )

    def __exit__(self, *_: object) -> None:
        for connection in self._connections:
            connection.close()

    def stop(self) -> None:
        """Send nothing more, and wait for no answer."""
        self._deadline = -math.inf
        for connection in self._connections:
            connection.abort()

    def _visit(self, connection: ProbeConnection, user: SequenceUser) -> _Visit:
        """Send one user's requests."""
        visit = _Visit()
        while True:
            request, message, sent = user.request, user.message(), time.monotonic()
            if sent > self._deadline:
                return visit
            try:
                answer = connection.exchange(message)
            except (OSError, http.client.HTTPException):
                connection.close()  # the next request opens it again
                if time.monotonic() - sent >= self._answer_s:
                    visit.unanswered = request
                    return visit
                user.answered(good=False)
            else:
                visit.took_s.append(time.monotonic() - sent)
                good = answer.status in request.good
                if not user.answered(good=good, status=answer.status, body=answer.body, headers=answer.headers):
                    lacking = missing(request.takes, answer.body, answer.headers) if good else []
                    without = f" without {', '.join(lacking)}" if lacking else ""
                    visit.broken_off = f"{request} answered {answer.status}{without}"
            if user.at_start:
                return visit
