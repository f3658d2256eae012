"""The HTTP client that measures: connections that are used again, and a judgement of each answer.

It is a client of our own because its time counts as the server's: see ``connection``. What a user of the harness
calls the driver ``httpx`` is this one: until it was written, that was httpx's interface over aiohttp.
"""

import zlib
from contextlib import suppress
from urllib.parse import urlsplit

from loadtests.drivers.connection import KEPT_BYTES, Answer, Connection, Message, Server
from loadtests.drivers.failure_examples import SHOWN_BYTES, shown, without_origin
from loadtests.drivers.request_log import RequestLog
from loadtests.experiment.scenario import Request
from loadtests.records.samples import Failure
from loadtests.system.connections import SYSTEMS, Trust, why_not_connected

COMPRESSED = frozenset({b"gzip", b"x-gzip", b"deflate"})
GZIP_OR_ZLIB = 32 + zlib.MAX_WBITS


class Client:
    """Connections to one server, which stay open between slices and cells; it judges the answers.

    There are as many connections as requests were in flight at once: in a closed loop the users are the limit. The one
    that was used last is used next.
    """

    def __init__(
        self,
        base_url: str,
        requests: tuple[Request, ...],
        log: RequestLog,
        idle: list[Connection] | None = None,
        trust: Trust = SYSTEMS,
    ) -> None:
        """Prepare a client.

        Args:
            base_url: where the server listens.
            requests: what to ask of it.
            log: is told of every request.
            idle: connections to that server that are open already; those that are idle when the client is no longer
                needed are in it. None: it has its own.
            trust: which certificates are trusted, if it is an https URL.
        """
        url = urlsplit(base_url)
        self._base_url = base_url
        self._expected = requests
        self._messages = [Message(url, request) for request in requests]
        self._log = log
        self._server = Server(url, trust)
        self._idle: list[Connection] = [] if idle is None else idle

    @property
    def idle_connections(self) -> int:
        """How many connections are open and carry nothing."""
        return sum(connection.is_open for connection in self._idle)

    async def ask(self, turn: int, due_s: float | None = None) -> bool:
        """Send a request and wait for its end; return whether the server took the connection at all.

        Args:
            turn: how many came before it: the scenario's requests are sent in turn.
            due_s: when it was due, in the samples' seconds; None if that is when it is sent.
        """
        log = self._log
        which = turn % len(self._expected)
        serial = log.send(which, due_s)
        try:
            answer = await self._exchange(self._messages[which])
        except OSError as error:
            log.end(serial, log.now(), failure=Failure.CONNECT)
            if log.examples.lacks(which, Failure.CONNECT):
                log.examples.keep(which, Failure.CONNECT, reason=why_not_connected(error))
            return False
        failure = judge(answer, self._expected[which])
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
    if answer.status != want.status:
        return Failure.STATUS
    body = b"".join(answer.pieces)
    if body and answer.encoding in COMPRESSED:
        try:
            body = decompressed(body, ends=answer.body_bytes <= KEPT_BYTES)
        except zlib.error:
            return Failure.BODY
    return Failure.NONE if want.contains in body else Failure.BODY


def decompressed(body: bytes, *, ends: bool, most: int = KEPT_BYTES) -> bytes:
    """Return what a compressed body holds, or as much of it as is looked at.

    Args:
        body: as it came.
        ends: whether its end is there, and not only its beginning.
        most: no more than so many bytes.

    Raises:
        zlib.error: it is not compressed, or has no end though it should.
    """
    inflater = zlib.decompressobj(GZIP_OR_ZLIB)
    content = inflater.decompress(body, most)
    if ends and not inflater.eof and len(content) < most:
        raise zlib.error("it has no end")
    return content


def beginning(answer: Answer) -> bytes:
    """Return the beginning of an answer's body, decompressed where it is what it says it is."""
    body = b"".join(answer.pieces)
    if answer.encoding in COMPRESSED:
        with suppress(zlib.error):
            return decompressed(body, ends=False, most=SHOWN_BYTES + 1)
    return body


def what_it_lacks(answer: Answer, want: Request) -> str:
    """Say what is wrong with a body that is not that of a good answer."""
    whole = answer.body_bytes <= KEPT_BYTES
    if answer.encoding in COMPRESSED:
        try:
            whole &= len(decompressed(b"".join(answer.pieces), ends=whole)) < KEPT_BYTES
        except zlib.error:
            return f"is not the {shown(answer.encoding)} that its head says"
    missing = f"does not hold “{shown(want.contains)}”"
    return missing if whole else f"{missing} in its first {KEPT_BYTES // 2**20} MiB, and no more is looked at"
