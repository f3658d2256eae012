"""One HTTP/1.1 connection of the client that measures, with as little work for each request as will do.

A request is bytes that were made beforehand. An answer goes through llhttp, Node's parser (``httptools``), a new one
each time. When its head and its last byte came is noted as they come, before anything is made of them.
"""

import asyncio
import math
import socket
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import cast
from urllib.parse import SplitResult

from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser

from loadtests.drivers.request_log import RequestLog
from loadtests.experiment.message import KEPT_BYTES, Message
from loadtests.system.connections import SYSTEMS, Trust

PORTS = {"http": 80, "https": 443}
SWITCHED = 101
EXAMPLE_BYTES = 1024
"""Of a body that comes with another status than it should, no more than this: compressed, it holds what is shown."""
NOTED = frozenset({b"content-length", b"transfer-encoding", b"content-encoding", b"location"})
"""Headers that matter."""


@dataclass(slots=True)
class Answer:
    """What came in return for a message; times in the samples' seconds.

    Attributes:
        status: HTTP status; 0 if no head came.
        first_byte_s: when the head had arrived; NaN if none did.
        ended_s: when the last byte had arrived, or the connection broke.
        begun: whether anything came at all.
        whole: whether all of it came.
        encoding: how the body is compressed; empty if it is not.
        location: where the head points to; empty if nowhere.
        body_bytes: how much body came.
        pieces: the body as it came, or as much of it as is looked at.
        headers: names and values as they came; empty if they are not looked at.
    """

    status: int = 0
    first_byte_s: float = math.nan
    ended_s: float = math.nan
    begun: bool = False
    whole: bool = False
    encoding: bytes = b""
    location: bytes = b""
    body_bytes: int = 0
    pieces: list[bytes] = field(default_factory=list)
    headers: Sequence[tuple[bytes, bytes]] = ()


class Connection(asyncio.Protocol):
    """A connection that carries one message at a time: never the next one before the answer is whole.

    Attributes:
        is_open: whether it can carry another message.
    """

    def __init__(self) -> None:
        """Prepare a connection."""
        self.is_open = False
        self._loop = asyncio.get_running_loop()
        self._answer: Answer | None = None
        self._head_only = self._has_length = False
        self._good = range(0)
        self._keeps_bytes = 0
        self._headers: list[tuple[bytes, bytes]] | None = None

    async def exchange(self, message: Message, log: RequestLog) -> Answer:
        """Send a message and wait for its answer, or for as much of it as came before the connection broke.

        Args:
            message: what to send.
            log: has the clock, and is told when bytes come.
        """
        self._answer = answer = Answer()
        self._log = log
        self._head_only, self._good = message.head_only, message.good
        self._keeps_bytes = KEPT_BYTES if message.keeps_body else 0
        self._headers = None
        if message.keeps_headers:
            answer.headers = self._headers = []
        # A new one costs less than a microsecond, and knows nothing of what came before.
        self._parser = HttpResponseParser(self)
        self._parser.set_dangerous_leniencies(
            lenient_headers=True, lenient_optional_cr_before_lf=True, lenient_spaces_after_chunk_size=True
        )
        self._ended = self._loop.create_future()
        self._transport.write(message.content)
        try:
            await self._ended
        except asyncio.CancelledError:
            self.close()
            raise
        return answer

    def close(self) -> None:
        """Close it at once."""
        self.is_open = False
        self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        self._transport = cast("asyncio.Transport", transport)
        self.is_open = True

    def data_received(self, data: bytes) -> None:
        """Read on in the answer; what nobody has asked for ends the connection."""
        if self._answer is None:
            self.close()
            return
        self._answer.begun = True
        self._log.progress()
        try:
            self._parser.feed_data(data)
        except (HttpParserError, HttpParserUpgrade):
            self.close()
            self._end(whole=False)

    def connection_lost(self, exc: Exception | None) -> None:
        """End the answer, which is whole only if the end of the connection is what ends it."""
        self.is_open = False
        if self._answer is not None:
            self._end(whole=exc is None and self._answer.status > 0 and not self._has_length)

    def on_message_begin(self) -> None:
        """Begin with the head."""
        if self._answer is None:
            raise HttpParserError("a second answer to one request")
        self._has_length = False

    def on_header(self, name: bytes, value: bytes) -> None:
        """Note what matters."""
        name = name.lower()
        if self._headers is not None:
            self._headers.append((name, value))
        if name not in NOTED or self._answer is None:
            return
        if name == b"content-encoding":
            self._answer.encoding = value.strip().lower()
            self._keeps_bytes = KEPT_BYTES
        elif name == b"location":
            self._answer.location = value
        else:
            self._has_length = True

    def on_headers_complete(self) -> None:
        """Note the status and the time."""
        status = self._parser.get_status_code()
        if self._answer is not None and (status >= 200 or status == SWITCHED):
            self._answer.status, self._answer.first_byte_s = status, self._log.now()
            if status not in self._good:
                self._keeps_bytes = EXAMPLE_BYTES
            if self._head_only:
                self.on_message_complete()

    def on_body(self, body: bytes) -> None:
        """Count it, and keep it if it is looked at, up to a limit."""
        answer = self._answer
        if answer is not None:
            room = self._keeps_bytes - answer.body_bytes
            if room > 0:
                answer.pieces.append(body[:room])
            answer.body_bytes += len(body)

    def on_message_complete(self) -> None:
        """End the answer, unless it was an interim one (1xx)."""
        if self._answer is not None and self._answer.status:
            self.is_open = self.is_open and self._parser.should_keep_alive()
            self._end(whole=True)

    def _end(self, *, whole: bool) -> None:
        answer, self._answer = self._answer, None
        if answer is None:
            return
        answer.ended_s, answer.whole = self._log.now(), whole
        if not self._ended.done():
            self._ended.set_result(None)


class Server:
    """Where connections are made to; its name is looked up once."""

    def __init__(self, url: SplitResult, trust: Trust = SYSTEMS) -> None:
        """Prepare to connect to the server at a base URL; raises OSError if no file of certificates is to be had."""
        self._host = url.hostname or ""
        self._port = url.port or PORTS[url.scheme]
        self._tls = trust.context() if url.scheme == "https" else None
        self._addresses: list[str] = []
        self._looking_up = asyncio.Lock()

    async def connect(self) -> Connection:
        """Open a connection; raises OSError if none can be had."""
        loop = asyncio.get_running_loop()
        async with self._looking_up:
            if not self._addresses:
                found = await loop.getaddrinfo(self._host, self._port, type=socket.SOCK_STREAM)
                self._addresses = list(dict.fromkeys(str(address[0]) for *_, address in found))
        failure = OSError("it has no address")
        for address in self._addresses:
            try:
                _, connection = await loop.create_connection(
                    Connection,
                    address,
                    self._port,
                    ssl=self._tls,
                    server_hostname=self._host if self._tls else None,
                )
            except OSError as error:
                failure = error
            else:
                self._addresses = [address]
                return connection
        raise failure
