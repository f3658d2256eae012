"""Readiness and warm-up: single requests, outside of what is measured, that end in time whatever the server does.

To warm up is to send everything that will be asked, again and again until answers get no faster, so that no trial pays
for threads, connection pools and first calls: a model may be loaded by the first request, or by the first of one path.
"""

import contextlib
import http.client
import math
import socket
import threading
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import urlsplit

from loadtests.experiment.scenario import Request
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
        parts = urlsplit(url)
        host, port = str(parts.hostname), parts.port
        self._connection = (
            http.client.HTTPSConnection(host, port, timeout=limit_s, context=trust.context())
            if parts.scheme == "https"
            else http.client.HTTPConnection(host, port, timeout=limit_s)
        )
        self._base = parts.path
        self._limit_s = limit_s
        self._socket: socket.socket | None = None
        self._aborted = False

    def connect(self) -> None:
        """Connect, and ask for nothing yet; raises OSError if that can't be."""
        self._connection.connect()

    def ask(self, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None) -> int:
        """Send a request, let the answer pass, and return its status.

        Raises:
            OSError, HTTPException: it is none, or too late.
        """
        self._connection.request(method, self._base + path, body=body, headers=headers or {})
        self._socket = self._connection.sock
        if self._aborted:
            raise ConnectionAbortedError
        # The connection's own time limit starts anew with every byte.
        late = threading.Event()
        timer = threading.Timer(self._limit_s, _end_late, [self._socket, late])
        timer.start()
        try:
            with self._connection.getresponse() as answer:  # closed, or the next request finds the connection busy
                while answer.read1(PIECE_BYTES):
                    pass
            if late.is_set():
                raise TimeoutError(f"no whole answer within {self._limit_s:g} s")
            return answer.status
        finally:
            timer.cancel()

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
    """

    rounds_s: tuple[float, ...]
    slowest_s: float
    seconds: float
    unanswered: Request | None = None

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


def warm(
    answer_s: Mapping[str, float], requests: Sequence[Request], limit_s: float = LIMIT_S, trust: Trust = SYSTEMS
) -> list[WarmUp]:
    """Send each request to every server until its answers have settled, to all servers at once.

    What comes back does not matter here: a server that errs or hangs will show it where it is measured.

    Args:
        answer_s: for each server's base URL, without a trailing slash, how long its answers may take until their last
            byte, in seconds. One that fails in this is asked no more.
        requests: what to send; those that are the same are one.
        limit_s: send nothing more after so many seconds and one such answer.
        trust: which certificates are trusted.

    Returns:
        What each server did.
    """
    if not answer_s:
        return []
    shares = shares_of(requests)
    with contextlib.ExitStack() as stack:
        groups = [stack.enter_context(_Users(url, shares, each_s, limit_s, trust)) for url, each_s in answer_s.items()]
        servers = stack.enter_context(ThreadPoolExecutor(len(groups)))
        for users in groups:
            stack.callback(users.stop)  # a signal must not wait for their answers
        return list(servers.map(_Users.warm, groups))


def shares_of(requests: Sequence[Request]) -> list[list[Request]]:
    """Divide a round's requests among the users: every different one once, or as often as gives each user one.

    What is deleted can't be read any more, so that comes last.
    """
    different = sorted(dict.fromkeys(requests), key=lambda request: request.method == "DELETE")
    each = different * math.ceil(USERS / len(different))
    return [each[user::USERS] for user in range(USERS)]


class _Users(contextlib.AbstractContextManager["_Users"]):
    """Those who warm up one server, each with a connection and a thread of its own."""

    def __init__(self, url: str, shares: list[list[Request]], answer_s: float, limit_s: float, trust: Trust) -> None:
        self._connections = [ProbeConnection(url, answer_s, trust) for _ in shares]
        self._shares = shares
        self._answer_s = answer_s
        self._deadline = time.monotonic() + limit_s + answer_s

    def warm(self) -> WarmUp:
        """Send all shares, round by round."""
        begun = time.monotonic()
        rounds_s: list[float] = []
        took: list[float] = []
        unanswered = None
        with ThreadPoolExecutor(len(self._shares)) as pool:
            while unanswered is None and time.monotonic() < self._deadline:
                visits = list(pool.map(self._visit, self._connections, self._shares))
                took = [seconds for visit, _ in visits for seconds in visit]
                unanswered = next((request for _, request in visits if request is not None), None)
                if took:
                    rounds_s.append(sum(took) / len(took))
                if have_settled(rounds_s):
                    break
        return WarmUp(tuple(rounds_s), max(took, default=0.0), time.monotonic() - begun, unanswered)

    def __exit__(self, *_: object) -> None:
        for connection in self._connections:
            connection.close()

    def stop(self) -> None:
        """Send nothing more, and wait for no answer."""
        self._deadline = -math.inf
        for connection in self._connections:
            connection.abort()

    def _visit(self, connection: ProbeConnection, share: list[Request]) -> tuple[list[float], Request | None]:
        """Send one user's share; return how long each answer took, and the request that had none in time."""
        took: list[float] = []
        for request in share:
            sent = time.monotonic()
            if sent > self._deadline:
                break
            headers = {"content-type": "application/json"} if request.json else {}
            try:
                connection.ask(request.method, request.path, request.json, headers)
            except (OSError, http.client.HTTPException):
                connection.close()  # the next request opens it again
                if time.monotonic() - sent >= self._answer_s:
                    return took, request
            else:
                took.append(time.monotonic() - sent)
        return took, None
