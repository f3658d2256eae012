"""The null server, which answers at once: ``python -m loadtests.servers.null_server --port 9001``.

It sends the same few bytes for every request, as cheaply as HTTP/1.1 allows. What a driver reaches against it is what
the driver can do.
"""

import asyncio
import re
from typing import cast

import click
import uvloop

from loadtests.system.processes import begin_child

BACKLOG = 4096
MAX_HEAD_BYTES = 65_536
END_OF_HEAD = b"\r\n\r\n"
BODY = b'{"ok":true}'
HEAD_ANSWER = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(BODY)
ANSWER = HEAD_ANSWER + BODY
REFUSAL = b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
BODY_LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*(\d{1,18})[ \t]*(?:\r\n|$)", re.IGNORECASE)
UNUSUAL = re.compile(rb" HTTP/1\.0(?:\r\n|$)|\r\n(?:transfer-encoding:|connection:[ \t]*close)", re.IGNORECASE)


class Answering:
    """The requests of one connection, whole or in pieces, turned into answers; no I/O."""

    def __init__(self) -> None:
        self._pending = bytearray()
        self._body_left = 0
        self.closing = False
        """Whether the connection ends once the answers so far are sent."""

    def receive(self, data: bytes) -> bytes:
        """Take what has arrived; return the answers to every request that is whole now, in their order."""
        self._pending += data
        answers = []
        while not self.closing:
            skipped = min(self._body_left, len(self._pending))
            del self._pending[:skipped]
            self._body_left -= skipped
            end = -1 if self._body_left else self._pending.find(END_OF_HEAD)
            if end < 0:
                break
            head = bytes(self._pending[:end])
            del self._pending[: end + len(END_OF_HEAD)]
            answers.append(self._answer(head))
        if len(self._pending) > MAX_HEAD_BYTES and not self.closing:
            self.closing = True
            answers.append(REFUSAL)
        return b"".join(answers)

    def _answer(self, head: bytes) -> bytes:
        """Answer the request with this head, and note the length of its body."""
        if unusual := UNUSUAL.search(head):
            self.closing = True
            if b"transfer" in unusual[0].lower():  # where such a body ends would have to be parsed
                return REFUSAL
        length = BODY_LENGTH.search(head)
        self._body_left = int(length[1]) if length else 0
        return HEAD_ANSWER if head.startswith(b"HEAD ") else ANSWER


class NullProtocol(asyncio.Protocol):
    """One connection; it reads no further while its peer does not take the answers."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        self._transport = cast("asyncio.Transport", transport)
        self._answering = Answering()

    def data_received(self, data: bytes) -> None:
        """Answer what is whole."""
        if answers := self._answering.receive(data):
            self._transport.write(answers)
        if self._answering.closing:
            self._transport.close()

    def pause_writing(self) -> None:
        """Stop reading."""
        self._transport.pause_reading()

    def resume_writing(self) -> None:
        """Read on."""
        self._transport.resume_reading()


async def serve(port: int) -> None:
    """Listen on loopback for ever."""
    server = await asyncio.get_running_loop().create_server(NullProtocol, "127.0.0.1", port, backlog=BACKLOG)
    await server.serve_forever()


@click.command()
@click.option("--port", type=int, required=True)
@click.option("--cores", default="")
def main(port: int, cores: str) -> None:
    """Serve until the owner ends."""
    begin_child(cores)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve(port))


if __name__ == "__main__":
    main()
