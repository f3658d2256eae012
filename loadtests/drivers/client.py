"""The HTTP client that measures: connections that are used again, and a judgement of each answer.

It is a client of our own because its time counts as the server's: see ``connection``. What a user of the harness
calls the driver ``httpx`` is this one: until it was written, that was httpx's interface over aiohttp.
"""

from collections.abc import Callable, Coroutine
from typing import Any
from urllib.parse import urlsplit

from loadtests.drivers.connection import Answer, Connection, Server
from loadtests.drivers.failure_examples import SHOWN_BYTES, shown, without_origin
from loadtests.drivers.request_log import RequestLog
from loadtests.experiment.fresh_values import Series, fresh_values
from loadtests.experiment.message import COMPRESSED, KEPT_BYTES, Message, decoded, filled
from loadtests.experiment.request import Request, in_turn
from loadtests.experiment.sequence import Login, SequenceUser
from loadtests.experiment.takes import missing
from loadtests.experiment.values import Variables
from loadtests.records.samples import Failure
from loadtests.system.connections import SYSTEMS, Trust, why_not_connected

Judge = Callable[[Answer, Request], Failure]


class Client:
    """Connections to one server, which stay open between slices and cells; it judges the answers.

    There are as many connections as requests were in flight at once: in a closed loop the users are the limit. The one
    that was used last is used next. A request that is the same each time is made beforehand.

    Attributes:
        fresh: what fills places anew for each request; None if nothing does.
    """

    def __init__(
        self,
        base_url: str,
        requests: tuple[Request, ...],
        log: RequestLog,
        idle: list[Connection] | None = None,
        variables: Variables | None = None,
        trust: Trust = SYSTEMS,
        series: Series | None = None,
    ) -> None:
        """Prepare a client.

        Args:
            base_url: where the server listens.
            requests: what to ask of it.
            log: is told of every request.
            idle: connections to that server that are open already; those that are idle when the client is no longer
                needed are in it. None: it has its own.
            variables: what fills the requests' places; None if there are none.
            trust: which certificates are trusted, if it is an https URL.
            series: which rows of a values file, and which numbers, are used; None for all of them.
        """
        self._url = url = urlsplit(base_url)
        self._base_url = base_url
        self._expected = requests
        self._environment = dict(variables.environment) if variables else {}
        self.fresh = fresh_values(variables, series)
        made = [self._made(request) for request in requests]
        self._turns = [(which, made[which]) for which in in_turn(requests)]
        self._log = log
        self._server = Server(url, trust)
        self._idle: list[Connection] = [] if idle is None else idle

    @property
    def idle_connections(self) -> int:
        """How many connections are open and carry nothing."""
        return sum(connection.is_open for connection in self._idle)

    def ask(self, turn: int, due_s: float | None = None) -> Coroutine[Any, Any, bool]:
        """Send a request and wait for its end; return whether the server took the connection at all.

        Args:
            turn: how many came before it: the scenario's requests are sent in turn.
            due_s: when it was due, in the samples' seconds; None if that is when it is sent.
        """
        which, message = self._turns[turn % len(self._turns)]
        if message is None:
            values = self.fresh.take() if self.fresh else {}
            message = Message(self._url, filled(self._expected[which], {**self._environment, **values}))
        return self._send(which, message, judge, due_s)

    def ask_next(self, user: SequenceUser) -> Coroutine[Any, Any, bool]:
        """Send what is next in a user's sequence, and tell him what came of it; for the rest see ``ask``."""

        def judge_and_tell(answer: Answer, want: Request) -> Failure:
            failure = judge(answer, want)
            body = b"" if failure else decoded(b"".join(answer.pieces), answer.encoding) or b""
            found = user.answered(good=failure == Failure.NONE, status=answer.status, body=body, headers=answer.headers)
            return failure if found or failure else Failure.BODY

        return self._send(user.position, user.message(), judge_and_tell)

    def sequence_user(self, login: Login | None = None) -> SequenceUser:
        """Return a user who goes through the requests in their order; all share the rows of a values file.

        Args:
            login: what an earlier user has of requests that are sent once; None to send them.
        """
        return SequenceUser(self._url, self._expected, self._environment, self.fresh, login=login)

    def _made(self, request: Request) -> Message | None:
        """Return a request's message, if it is the same each time."""
        if set(request.names) <= self._environment.keys():
            return Message(self._url, filled(request, self._environment))
        return None

    async def _send(self, which: int, message: Message, judged: Judge, due_s: float | None = None) -> bool:
        """Send a message, and record what came of it."""
        log = self._log
        serial = log.send(which, due_s)
        try:
            answer = await self._exchange(message)
        except OSError as error:
            log.end(serial, log.now(), failure=Failure.CONNECT)
            if log.examples.lacks(which, Failure.CONNECT):
                log.examples.keep(which, Failure.CONNECT, reason=why_not_connected(error))
            return False
        failure = judged(answer, self._expected[which])
        if failure and log.examples.lacks(which, failure, answer.status):
            self._keep_example(which, answer, failure)
        return log.end(
            serial,
            answer.ended_s,
            first_byte_s=answer.first_byte_s,
            status=answer.status,
            failure=failure,
            body_bytes=answer.body_bytes,
        )

    async def close(self) -> None:
        """Close the idle connections."""
        while self._idle:
            self._idle.pop().close()

    def _keep_example(self, which: int, answer: Answer, failure: Failure) -> None:
        self._log.examples.keep(
            which,
            failure,
            answer.status,
            body=beginning(answer),
            location=without_origin(answer.location, self._base_url),
            reason=what_it_lacks(answer, self._expected[which]) if failure is Failure.BODY else "",
        )

    async def _exchange(self, message: Message) -> Answer:
        """Return the answer to a message; raises OSError if the server takes no connection.

        A server may close an idle connection in the very moment in which it is used again. If nothing came back, and
        the request may be sent again, it is, once, over a new connection.
        """
        connection = self._most_recently_used()
        if connection is not None:
            answer = await self._over(connection, message)
            if answer.begun or not message.idempotent:
                return answer
        return await self._over(await self._server.connect(), message)

    def _most_recently_used(self) -> Connection | None:
        """Take an idle connection that is still open; forget those that are not."""
        while self._idle:
            connection = self._idle.pop()
            if connection.is_open:
                return connection
        return None

    async def _over(self, connection: Connection, message: Message) -> Answer:
        answer = await connection.exchange(message, self._log)
        if connection.is_open:
            self._idle.append(connection)
        else:
            connection.close()
        return answer


def judge(answer: Answer, want: Request) -> Failure:
    """Return in what way an answer is none of the good ones that a request allows.

    What it must hold is looked for in the first KEPT_BYTES of its body: what comes later is as good as missing.
    """
    if not answer.whole:
        return Failure.DISCONNECT
    if answer.status not in want.good:
        return Failure.STATUS
    body = decoded(b"".join(answer.pieces), answer.encoding, ends=answer.body_bytes <= KEPT_BYTES)
    return Failure.NONE if body is not None and want.contains in body else Failure.BODY


def beginning(answer: Answer) -> bytes:
    """Return the beginning of an answer's body, decompressed where it is what it says it is."""
    body = b"".join(answer.pieces)
    begins = decoded(body, answer.encoding, ends=False, most=SHOWN_BYTES + 1)
    return body if begins is None else begins


def what_it_lacks(answer: Answer, want: Request) -> str:
    """Say what is wrong with a body that is not that of a good answer."""
    whole = answer.body_bytes <= KEPT_BYTES
    body = decoded(b"".join(answer.pieces), answer.encoding, ends=whole)
    if body is None:
        return f"is not the {shown(answer.encoding)} that its head says"
    if want.contains in body:
        lacking = missing(want.takes, body, answer.headers) or [source for _, source in want.takes]
        return f"does not hold what is to be taken from it: {', '.join(lacking)}"
    lacks = f"does not hold “{shown(want.contains)}”"
    seen = whole and (answer.encoding not in COMPRESSED or len(body) < KEPT_BYTES)
    return lacks if seen else f"{lacks} in its first {KEPT_BYTES // 2**20} MiB, and no more is looked at"
